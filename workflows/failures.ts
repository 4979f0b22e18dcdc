import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

/** The type of the ApplicationFailure that an activity ended in; undefined for a time-out, a cancel or anything else. */
export function failureTypeOf(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}
