import type { FieldProblem } from '../../workflows/domain/shared/errors';

/** A request that can not be understood; nothing was sent. `problems` names every wrong field at once. */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
  constructor(readonly problems: readonly FieldProblem[]) {
    super(`The request has ${problems.length} wrong field(s): ${problems.map((one) => one.field).join(', ')}`);
  }
}

/**
 * The bounded wait ended before the answer was there. The operation may still complete, or may never have begun:
 * sending the same again is safe, and with the same idempotency key it joins what is under way.
 */
export class OutcomePending extends Error {
  override readonly name = 'OutcomePending';
  constructor(
    readonly workflowId: string,
    readonly waitedMs: number,
    options?: { readonly cause: unknown },
  ) {
    super(`No answer from ${workflowId} within ${waitedMs} ms; sending the same request again is safe`, options);
  }
}

/** Temporal could not be reached. Nothing is known to have happened; sending the same again is safe. */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable';
  constructor(
    readonly workflowId: string,
    options?: { readonly cause: unknown },
  ) {
    super(`Temporal did not take the request for ${workflowId}; sending the same request again is safe`, options);
  }
}

/**
 * Temporal refused, and refuses the same again until its operator has changed something: a namespace or a search
 * attribute is missing, or the credentials are not good for it. Nothing was sent on.
 */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
  constructor(
    readonly workflowId: string,
    reason: string,
    options?: { readonly cause: unknown },
  ) {
    super(`Temporal refused the request for ${workflowId}: ${reason}. "npx holdfast doctor" says what to do`, options);
  }
}
