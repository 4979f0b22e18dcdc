import type { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/**
 * Lets another clock follow the virtual time of workflows: every regular activity brings it to the time at which the
 * workflow asked for it. So a hold expires at the simulator when the workflow's clock has come that far, not before.
 */
export function followVirtualTime(advanceTo: (nowMs: number) => void): ActivityInterceptorsFactory {
  return (context: Context) => ({
    inbound: {
      async execute(input, next) {
        if (!context.info.isLocal) advanceTo(context.info.currentAttemptScheduledTimestampMs);
        return next(input);
      },
    },
  });
}
