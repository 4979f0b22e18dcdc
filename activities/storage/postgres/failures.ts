import { ApplicationFailure } from '@temporalio/common';
import { DatabaseError } from 'pg';
import { failureTypes } from '../../../workflows/domain/shared/errors';
import { sqlStateKind } from './sql-states';

/** A rule of the domain was broken: nothing was changed, and retrying cannot help. */
export function defect(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, failureTypes.defect);
}

/** The id is unknown. */
export function notFound(what: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`${what} is not known`, failureTypes.notFound);
}

/** The undo of this operation came first. */
export function operationUndone(operationKey: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `${operationKey} was undone before; this late attempt changed nothing`,
    failureTypes.undone,
  );
}

/**
 * Turns an error into the failure that workflows see. An error of Postgres is judged by its SQLSTATE: `StorageUnavailable`
 * (retryable) if it passes, otherwise `Defect`. Any other error is `StorageUnavailable` only if the connection is known to be
 * lost: the driver's own errors have no code, and their texts are not parsed. All others are our own mistakes and returned unchanged.
 */
export function asFailure(error: unknown, connectionLost: boolean): unknown {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof DatabaseError) {
    return sqlStateKind(error.code ?? '') === 'passing' ? unavailable(error) : refusedByDatabase(error);
  }
  return connectionLost ? unavailable(error) : error;
}

/** The database could not be reached; retryable. */
export function unavailable(error: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    message: `the database could not be reached: ${error instanceof Error ? error.message : String(error)}`,
    type: failureTypes.storageUnavailable,
    nonRetryable: false,
    ...(error instanceof Error && { cause: error }),
  });
}

/** Leaves out the text of data exceptions, which quotes the value, and the driver's detail, which shows the row: either may name a person. */
function refusedByDatabase({ code = '', constraint, message }: DatabaseError): ApplicationFailure {
  const what = code.startsWith('22') ? 'a value does not fit its column' : message;
  return defect(`the database refused the change (${[code, constraint].filter(Boolean).join(' ')}): ${what}`);
}
