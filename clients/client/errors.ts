import type { FieldProblem } from '../../workflows/domain/shared/errors';

/** An invalid request; nothing was sent. `problems` names all wrong fields at once. */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
  constructor(readonly problems: readonly FieldProblem[]) {
    super(`The request has ${problems.length} wrong field(s): ${problems.map((one) => one.field).join(', ')}`);
  }
}

/** The service that did not answer. */
export interface FailedCallOptions {
  readonly cause?: unknown;
  /** Default: Temporal. */
  readonly service?: string;
}

/**
 * There was no answer within the wait. The operation may still complete, or may never have begun: sending the same request
 * again is safe, and with the same idempotency key it joins the running one.
 */
export class OutcomePending extends Error {
  override readonly name = 'OutcomePending';
  constructor(
    /** The target of the request: a workflow id, or the gateway's method and path. */
    readonly target: string,
    readonly waitedMs: number,
    options?: { readonly cause: unknown },
  ) {
    super(`No answer from ${target} within ${waitedMs} ms; sending the same request again is safe`, options);
  }
}

/** Temporal, or the gateway, could not be reached. The outcome is unknown; sending the same request again is safe. */
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
 * Temporal, or the gateway, refused the request, and will do so until its operator has changed something: a namespace or a
 * search attribute is missing, or the credentials do not allow it. Nothing was done.
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

/** Something other than Holdfast's gateway answered, or the gateway has a defect. Sending the request again does not help. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
  constructor(
    /** The method and path of the request. */
    readonly target: string,
    readonly status: number,
    /** The problem's code, if there is one. */
    readonly code: string | undefined,
  ) {
    super(`${target} was answered with status ${status} (${code ?? 'no problem that explains it'})`);
  }
}
