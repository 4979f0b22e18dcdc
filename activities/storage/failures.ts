import { types } from 'node:util';
import { ApplicationFailure } from '@temporalio/common';
import { DatabaseError } from 'pg';
import { failureTypes } from '../../workflows/domain/errors';

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

/** Classes and codes after which the same statement may succeed. Source: PostgreSQL manual, appendix A. */
const RETRYABLE_CLASSES: ReadonlySet<string> = new Set(['08', '40', '53', '57', '58']);
const RETRYABLE_CODES: ReadonlySet<string> = new Set(['55P03', '25P02', '25P03', '25006']);
/** Data exceptions and constraints: what was asked for breaks a rule. */
const RULE_CLASSES: ReadonlySet<string> = new Set(['22', '23']);

/** Errors of sockets, by their `code`. */
const SOCKET_CODES: ReadonlySet<string> = new Set(
  'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT ENOTFOUND EHOSTUNREACH ENETUNREACH EAI_AGAIN ENOENT'.split(' '),
);
/** pg's own errors have no code: its messages are all there is. */
const CONNECTION_MESSAGE =
  /connection terminated|timeout exceeded when trying to connect|connection error|not queryable|query read timeout|transaction ended in ROLLBACK/i;

/**
 * What failed, as workflows know it: `StorageUnavailable` (retryable) for connections, time-outs, deadlocks and
 * serialization, `Defect` for a constraint. Anything else is returned as it is.
 */
export function asFailure(error: unknown): unknown {
  // Not `instanceof Error`: errors of sockets come from outside of a test's own realm.
  if (error instanceof ApplicationFailure || !types.isNativeError(error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (error instanceof DatabaseError) {
    if (RETRYABLE_CLASSES.has(code.slice(0, 2)) || RETRYABLE_CODES.has(code)) return unavailable(error);
    if (RULE_CLASSES.has(code.slice(0, 2))) return ruleBroken(error);
    return error;
  }
  return SOCKET_CODES.has(code) || CONNECTION_MESSAGE.test(error.message) ? unavailable(error) : error;
}

function unavailable(error: Error): ApplicationFailure {
  return ApplicationFailure.create({
    message: `the database could not be asked: ${error.message}`,
    type: failureTypes.storageUnavailable,
    nonRetryable: false,
    cause: error,
  });
}

/** The driver's detail shows the row, which may name a person: only the constraint is told. */
function ruleBroken(error: Error): ApplicationFailure {
  const constraint = 'constraint' in error && typeof error.constraint === 'string' ? ` (${error.constraint})` : '';
  return defect(`the database refused it${constraint}: ${error.message}`);
}
