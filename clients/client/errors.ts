import type { FieldProblem } from '../../workflows/domain/shared/errors';

/** A request that can not be understood; nothing was sent. `problems` names every wrong field at once. */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
  constructor(readonly problems: readonly FieldProblem[]) {
    super(`The request has ${problems.length} wrong field(s): ${problems.map((one) => one.field).join(', ')}`);
  }
}

/** What was asked and did not answer. */
export interface FailedCallOptions {
  readonly cause?: unknown;
  /** Default: Temporal. */
  readonly service?: string;
}

/**
 * The bounded wait ended before the answer was there. The operation may still complete, or may never have begun:
 * sending the same again is safe, and with the same idempotency key it joins what is under way.
 */
export class OutcomePending extends Error {
  override readonly name = 'OutcomePending';
  constructor(
    /** What was asked: a workflow by its id, or the gateway by method and path. */
    readonly target: string,
    readonly waitedMs: number,
    options?: { readonly cause: unknown },
  ) {
    super(`No answer from ${target} within ${waitedMs} ms; sending the same request again is safe`, options);
  }
}

/** Temporal, or the gateway, could not be reached. Nothing is known to have happened; sending the same again is safe. */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable';
  constructor(
    readonly target: string,
    { service = 'Temporal', ...options }: FailedCallOptions = {},
  ) {
    super(`${service} did not take the request for ${target}; sending the same request again is safe`, options);
  }
}

/**
 * Temporal, or the gateway, refused, and refuses the same again until its operator has changed something: a namespace or a
 * search attribute is missing, or the credentials are not good for it. Nothing was sent on.
 */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
  constructor(
    readonly target: string,
    reason: string,
    { service, ...options }: FailedCallOptions = {},
  ) {
    const hint = service === undefined ? '. "npx holdfast doctor" says what to do' : '';
    super(`${service ?? 'Temporal'} refused the request for ${target}: ${reason}${hint}`, options);
  }
}

/** Something other than Holdfast's gateway answered, or the gateway has a defect. Sending the same again does not help. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
  constructor(
    /** The method and the path that were asked. */
    readonly target: string,
    readonly status: number,
    /** The problem's code, where there is one. */
    readonly code: string | undefined,
  ) {
    super(`${target} was answered with status ${status} (${code ?? 'no problem that explains it'})`);
  }
}
