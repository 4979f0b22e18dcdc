import { STATUS_CODES } from 'node:http';
import { failureTypes, SOCKET_CODES, type FieldProblem } from '../../../workflows/domain/shared/errors';
import { Misconfigured, OutcomePending, ServiceUnavailable, ValidationError } from '../../client/errors';

/** Members of a problem beside those of RFC 9457. */
export interface ProblemExtras {
  /** What happened, in one word for programs. */
  readonly code: string;
  readonly errors?: readonly FieldProblem[];
  readonly [member: string]: unknown;
}

/** An error as the caller sees it (RFC 9457). Handlers may throw it anywhere. */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly status: number,
    /** What happened and what to do next, for people. */
    readonly detail: string,
    readonly extras: ProblemExtras,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }

  /** The body, to be sent as `application/problem+json`. */
  toBody(): Readonly<Record<string, unknown>> {
    return {
      type: 'about:blank',
      title: STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail: this.detail,
      ...this.extras,
    };
  }
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Long enough for a database to come back from a failover, short enough that a shop's retry still reaches its customer. */
const RETRY_AFTER_S = '5';

/** @param extras `reason`: why a workflow refused the request as wrong, for the client library */
export function badRequest(errors: readonly FieldProblem[], extras: Readonly<Record<string, unknown>> = {}): Problem {
  const detail = `The request has ${errors.length} wrong field(s), named in errors`;
  return new Problem(400, detail, { code: 'invalid_request', errors, ...extras });
}

export function notFound(what: string): Problem {
  return new Problem(404, `${what} is not known`, { code: 'not_found' });
}

/** A dependency does not answer. Any request may be sent again. */
export function unavailable(detail: string, extras: ProblemExtras = { code: 'unavailable' }): Problem {
  return new Problem(503, detail, extras, { 'retry-after': RETRY_AFTER_S });
}

/** The problem that a caller sees for an error; undefined for a defect of our own. */
export function toProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof ValidationError) return badRequest(error.problems);
  if (error instanceof OutcomePending) {
    return unavailable('The outcome is not known yet; send the same request again', { code: 'outcome_pending' });
  }
  if (error instanceof Misconfigured) {
    // Not 503: clients retry a 503 by themselves, which cannot help here.
    const detail =
      'Holdfast is not set up correctly. Its operator must run "holdfast doctor"; sending this request again does not help';
    return new Problem(500, detail, { code: 'misconfigured' });
  }
  if (error instanceof ServiceUnavailable || isUnavailable(error)) {
    return unavailable('Holdfast cannot process requests at the moment; send the same request again later');
  }
  return httpProblem(error);
}

const HTTP_PROBLEMS: Readonly<Record<string, readonly [status: number, code: string, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'The body is larger than this route accepts'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'unsupported_media_type', 'The body must be application/json'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'malformed_json', 'The body is empty; it must be JSON'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'malformed_json', 'The body is not well-formed JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'malformed_request', 'Content-Length does not match the body'],
  FST_ERR_BAD_URL: [400, 'malformed_request', 'The URL is not well-formed'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'uri_too_long', 'A part of the URL is too long'],
};

/** Errors of the HTTP server itself. Their messages are not passed on, since some quote the body. */
function httpProblem(error: unknown): Problem | undefined {
  const code = errorCode(error);
  const known = code === undefined ? undefined : HTTP_PROBLEMS[code];
  if (known !== undefined) return new Problem(known[0], known[2], { code: known[1] });
  if (error instanceof SyntaxError) {
    return new Problem(400, 'The body is not well-formed JSON', { code: 'malformed_json' });
  }
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(status, STATUS_CODES[status] ?? 'Bad request', { code: 'malformed_request' });
  }
  return undefined;
}

/**
 * Does this error mean that a dependency could not be reached? Judged by a typed failure of storage or by a socket's error code,
 * never by the text of a message.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('type' in error && error.type === failureTypes.storageUnavailable) return true;
  if (SOCKET_CODES.has(errorCode(error) ?? '')) return true;
  if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true;
  return isUnavailable(error.cause);
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
