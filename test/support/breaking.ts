import type { Context } from '@temporalio/activity';
import type { WorkerInterceptors } from '@temporalio/worker';

/** Makes activities fail before they do anything, or after they did it, for as long as a test wants. */
export class Breaking {
  private readonly broken = new Map<string, { readonly error: () => Error; readonly after: boolean }>();

  readonly interceptors: WorkerInterceptors = {
    activity: [
      (context: Context) => ({
        inbound: {
          execute: async (input, next) => {
            const fault = this.broken.get(context.info.activityType);
            if (fault !== undefined && !fault.after) throw fault.error();
            const result: unknown = await next(input);
            if (fault !== undefined) throw fault.error();
            return result;
          },
        },
      }),
    ],
  };

  /** A mistake of our own code in an activity. */
  break(activity: string, after = false): void {
    this.broken.set(activity, { error: () => new TypeError('a mistake of the test'), after });
  }

  mend(activity: string): void {
    this.broken.delete(activity);
  }
}
