import { ApplicationFailureCategory } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { failureKind, type RefusalDetails } from '../domain/shared/errors';

/** The type of the ApplicationFailure that an activity ended in; undefined for a time-out, a cancel or anything else. */
export function failureTypeOf(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}

/** The message of an activity's failure, without the wrapping that every activity's failure has. */
export function failureMessageOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** A mistake of our own: never retried blindly, a person gets a case. */
export function isDefect(error: unknown): boolean {
  return failureKind(failureTypeOf(error)) === 'defect';
}

/** A mistake of our own or a refusal: the same request fails again, so a person gets a case. */
export function isLasting(error: unknown): boolean {
  return isDefect(error) || failureKind(failureTypeOf(error)) === 'refusal';
}

/** A message of an error may be long; a mail and a table cell are not. */
const MAX_MESSAGE_LENGTH = 500;

/** What a person reads of a step that failed on a mistake of our own. */
export function defectMessage(step: string, error: unknown): string {
  return `${step} failed on a mistake of Holdfast itself: ${failureMessageOf(error)}`.slice(0, MAX_MESSAGE_LENGTH);
}

/** What a person reads of a step that the provider or our own tables refused. */
export function refusedMessage(step: string, error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const details =
    cause instanceof ApplicationFailure ? (cause.details?.[0] as Partial<RefusalDetails> | undefined) : undefined;
  return `${step} was refused: ${details?.message ?? failureMessageOf(error)}`.slice(0, MAX_MESSAGE_LENGTH);
}

/** Is this failure part of normal operation, e.g. a line at the provider, or a request that still runs? It needs no log line. */
export function isExpected(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.category === ApplicationFailureCategory.BENIGN;
}
