import { types } from 'node:util';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { failureKind, failureTypes, PROGRAM_ERRORS, SOCKET_CODES } from '../../workflows/domain/shared/errors';

/**
 * Turns an error of our own code in any activity into a `Defect`, which is not retried: the workflow opens an exception with an
 * owner.
 */
export function defectsOfActivities(context: Context): ReturnType<ActivityInterceptorsFactory> {
  return {
    inbound: {
      async execute(input, next) {
        try {
          return await next(input);
        } catch (error) {
          throw isOurMistake(error) ? defectIn(context.info.activityType, error) : error;
        }
      },
    },
  };
}

/** Is this a defect, so that a retry would fail again? */
export function isDefect(error: unknown): boolean {
  if (error instanceof ApplicationFailure) return failureKind(error.type ?? undefined) === 'defect';
  return isOurMistake(error);
}

/** Did the provider or our own tables refuse? */
export function isRefusal(error: unknown): boolean {
  return error instanceof ApplicationFailure && failureKind(error.type ?? undefined) === 'refusal';
}

// Not `instanceof`: an error may come from another realm, e.g. that of a test.
function isOurMistake(error: unknown): error is Error {
  return types.isNativeError(error) && PROGRAM_ERRORS.includes(error.name) && !isBrokenSocket(error.cause);
}

/** `fetch` throws a TypeError where the network fails. */
function isBrokenSocket(cause: unknown): boolean {
  return types.isNativeError(cause) && 'code' in cause && SOCKET_CODES.has(String(cause.code));
}

function defectIn(activityType: string, cause: Error): ApplicationFailure {
  const message = `${activityType} failed on a mistake of Holdfast itself: ${cause.name}: ${cause.message}`;
  return ApplicationFailure.create({ message, type: failureTypes.defect, nonRetryable: true, cause });
}
