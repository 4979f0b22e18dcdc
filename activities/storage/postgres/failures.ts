import { ApplicationFailure } from '@temporalio/common';
import { DatabaseError } from 'pg';
import { failureTypes } from '../../../workflows/domain/shared/errors';
import { sqlStateKind } from './sql-states';

/** A rule of the domain was broken: retrying cannot help, nothing was changed. */
export function defect(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, failureTypes.defect);
}

/** Nothing is known of this id. */
export function notFound(what: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`${what} is not known`, failureTypes.notFound);
}

/** The undo of this operation came first. */
export function operationUndone(operationKey: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `${operationKey} was undone before: this late attempt changed nothing`,
    failureTypes.undone,
  );
}

/**
 * What failed, as workflows know it. An error of Postgres goes by its SQLSTATE: `StorageUnavailable` (retryable) where it passes,
 * `Defect` where it does not. Anything else is `StorageUnavailable` only where the connection is known to be gone; the driver's
 * own errors have no code, and their words are not looked at. What is left is our own mistake, and returned as it is.
 */
export function asFailure(error: unknown, connectionLost: boolean): unknown {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof DatabaseError) {
    return sqlStateKind(error.code ?? '') === 'passing' ? unavailable(error) : refusedByDatabase(error);
  }
  return connectionLost ? unavailable(error) : error;
}

/** The database could not be asked; it may be asked again. */
export function unavailable(error: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    message: `the database could not be asked: ${error instanceof Error ? error.message : String(error)}`,
    type: failureTypes.storageUnavailable,
    nonRetryable: false,
    ...(error instanceof Error && { cause: error }),
  });
}

/** Data exceptions quote the value, and the driver's detail shows the row: either may name a person. */
function refusedByDatabase({ code = '', constraint, message }: DatabaseError): ApplicationFailure {
  const what = code.startsWith('22') ? 'a value has no place in it' : message;
  return defect(`the database refused it (${[code, constraint].filter(Boolean).join(' ')}): ${what}`);
}
