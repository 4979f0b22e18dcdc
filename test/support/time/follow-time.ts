import type { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/**
 * Lets another clock follow the virtual time of workflows: every regular activity brings it to the time at which the
 * workflow asked for it. So a hold expires at the simulator when the workflow's clock has come that far, not before.
 * A local activity is told no virtual time by the server; where the workflow gives it its own (`now`), that is followed.
 */
export function followVirtualTime(advanceTo: (nowMs: number) => void): ActivityInterceptorsFactory {
  return (context: Context) => ({
    inbound: {
      async execute(input, next) {
        const nowMs = context.info.isLocal ? givenMs(input.args[0]) : context.info.currentAttemptScheduledTimestampMs;
        if (nowMs !== undefined) advanceTo(nowMs);
        return next(input);
      },
    },
  });
}

function givenMs(argument: unknown): number | undefined {
  const now = typeof argument === 'object' && argument !== null && 'now' in argument ? argument.now : undefined;
  return typeof now === 'string' ? Date.parse(now) : undefined;
}
