import { ApplicationFailureCategory } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

/** The type of the ApplicationFailure that an activity ended in; undefined for a time-out, a cancel or anything else. */
export function failureTypeOf(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}

/** What the failure of an activity says; an activity's own wrapping says nothing. */
export function failureMessageOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** Is this failure part of the day's work: a line at the provider, a request that still runs? Nobody has to read of it. */
export function isExpected(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.category === ApplicationFailureCategory.BENIGN;
}
