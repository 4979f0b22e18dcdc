import type { Account } from '../state/account';
import { StripeApiError, unknownRoute } from './errors';
import { assertExpandable, expandReferences } from './expand';
import type { ActiveFault, Faults } from './faults';
import { FormSyntaxError, parseForm } from './form';
import type { IdempotencyEntry, IdempotencyStore } from './idempotency';
import { API_VERSION } from '../state/model';
import { findRoute } from './router';
import { parseShape } from './schema';

/** One API request as the simulator logs it. `body` is the form-encoded body or query. */
export interface RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly idempotencyKey: string | null;
  readonly atMs: number;
  /** The HTTP status; 0 where the connection was reset instead; undefined while it runs. */
  status: number | undefined;
  replayed: boolean;
}

export interface ApiResponse {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** In place of an answer: the connection is reset. */
export const RESET = Symbol('reset');

interface Result {
  status: number;
  body: string;
  stored: boolean;
}

/** Answers API requests: authentication, faults, idempotency, validation, execution, in this order. */
export class Api {
  constructor(
    private readonly account: Account,
    private readonly secretKey: string,
    private readonly idempotency: IdempotencyStore,
    private readonly faults: Faults,
  ) {}

  async answer(
    record: RequestRecord,
    headers: Record<string, string | string[] | undefined>,
  ): Promise<ApiResponse | typeof RESET> {
    const common = {
      'content-type': 'application/json',
      'request-id': record.id,
      'stripe-version': String(headers['stripe-version'] ?? API_VERSION),
      ...(record.idempotencyKey === null ? {} : { 'idempotency-key': record.idempotencyKey }),
    };
    try {
      this.authenticate(headers.authorization);
      const fault = this.faults.take(record);
      const limit = this.faults.overRate(record);
      const refusal =
        limit === undefined ? refusalBefore(fault) : tooManyRequests({ 'stripe-rate-limited-reason': limit });
      if (refusal !== undefined) return { ...refusal, headers: { ...common, ...refusal.headers } };
      if (fault?.action.kind === 'reset' && fault.action.when === 'before') return RESET;
      const answer = await this.execute(record, fault);
      if (fault?.action.kind === 'reset') return RESET;
      return { ...answer, headers: { ...common, ...answer.headers } };
    } catch (error) {
      if (!(error instanceof StripeApiError)) throw error;
      return { status: error.status, body: JSON.stringify(error.toBody()), headers: common };
    }
  }

  private authenticate(header: string | string[] | undefined): void {
    const given = keyFrom(String(header ?? ''));
    if (given === this.secretKey) return;
    const message =
      given === ''
        ? "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        : `Invalid API Key provided: ${given.slice(0, 8)}${'*'.repeat(8)}`;
    throw new StripeApiError(401, { type: 'invalid_request_error', message }, false);
  }

  private async execute(record: RequestRecord, fault: ActiveFault | undefined): Promise<ApiResponse> {
    // Only POST takes a key; GET and DELETE are idempotent by themselves.
    const isKeyed = record.method === 'POST' && record.idempotencyKey !== null;
    const entry = isKeyed ? this.idempotency.begin(record.idempotencyKey, record) : undefined;
    if (entry?.response !== undefined) {
      record.replayed = true;
      const headers = { 'idempotent-replayed': 'true', 'original-request': entry.requestId };
      await this.faults.pause(fault, 'before');
      await this.faults.pause(fault, 'after');
      return { ...entry.response, headers };
    }
    let kept = false;
    try {
      await this.faults.pause(fault, 'before');
      const result = this.run(record, fault);
      await this.faults.pause(fault, 'after');
      kept = this.keep(entry, result);
      const retryHeader = shouldRetryHeader(fault);
      return {
        status: result.status,
        body: result.body,
        headers: kept ? { 'original-request': record.id, ...retryHeader } : retryHeader,
      };
    } finally {
      if (entry !== undefined && !kept) this.idempotency.release(entry);
    }
  }

  private keep(entry: IdempotencyEntry | undefined, result: Result): boolean {
    if (entry === undefined || !result.stored) return false;
    this.idempotency.settle(entry, { status: result.status, body: result.body });
    return true;
  }

  private run(record: RequestRecord, fault: ActiveFault | undefined): Result {
    const action = fault?.action;
    if (action?.kind === 'server_error' && action.when === 'during') return serverError(action.status);
    const result = this.call(record);
    if (action?.kind === 'server_error' && action.when === 'after') return serverError(action.status);
    return result;
  }

  private call(record: RequestRecord): Result {
    try {
      const found = findRoute(record.method, record.path);
      if (found === undefined) throw unknownRoute(record.method, record.path);
      const params = parseShape(found.route.shape, parseForm(record.body));
      const paths = Array.isArray(params['expand']) ? (params['expand'] as string[]) : [];
      assertExpandable(found.route, paths);
      const cause = { id: record.id, idempotencyKey: record.idempotencyKey };
      const value = found.route.handle({ account: this.account, ids: found.ids, params, cause });
      return { status: 200, body: JSON.stringify(expandReferences(this.account, value, paths)), stored: true };
    } catch (error) {
      const known = error instanceof FormSyntaxError ? badRequest(error.message) : error;
      if (!(known instanceof StripeApiError)) throw known;
      return { status: known.status, body: JSON.stringify(known.toBody()), stored: known.stored };
    }
  }
}

function badRequest(message: string): StripeApiError {
  return new StripeApiError(400, { type: 'invalid_request_error', message }, false);
}

function keyFrom(authorization: string): string {
  const [scheme = '', credentials = ''] = authorization.split(' ', 2);
  if (/^bearer$/i.test(scheme)) return credentials;
  // Basic: the key is the user name, the password is empty.
  if (/^basic$/i.test(scheme)) return Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] ?? '';
  return '';
}

function refusalBefore(fault: ActiveFault | undefined): ApiResponse | undefined {
  switch (fault?.action.kind) {
    case 'rate_limit':
      return tooManyRequests({ ...shouldRetryHeader(fault), ...retryAfter(fault.action.retryAfterSeconds) });
    case 'lock_timeout':
      return tooManyRequests(
        shouldRetryHeader(fault),
        'lock_timeout',
        'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request.',
      );
    case 'refusal':
      return refusal(fault.action);
    case 'server_error':
      if (fault.action.when !== 'before') return undefined;
      return { ...serverError(fault.action.status), headers: shouldRetryHeader(fault) };
    default:
      return undefined;
  }
}

function refusal({ code, param }: { code?: string; param?: string }): ApiResponse {
  const named = { ...(code === undefined ? {} : { code }), ...(param === undefined ? {} : { param }) };
  const error = new StripeApiError(400, { type: 'invalid_request_error', message: 'Refused by a fault.', ...named });
  return { status: 400, body: JSON.stringify(error.toBody()), headers: {} };
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}

function shouldRetryHeader(fault: ActiveFault | undefined): Record<string, string> {
  const action = fault?.action;
  if (action === undefined || !('shouldRetry' in action) || action.shouldRetry === undefined) return {};
  return { 'stripe-should-retry': String(action.shouldRetry) };
}

function tooManyRequests(
  headers: Record<string, string>,
  code = 'rate_limit',
  message = 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
): ApiResponse {
  const error = new StripeApiError(429, { type: 'invalid_request_error', code, message }, false);
  return { status: 429, body: JSON.stringify(error.toBody()), headers };
}

function serverError(status = 500): Result {
  const error = new StripeApiError(status, {
    type: 'api_error',
    message: 'Sorry! There was an error while talking to one of our backends. Support has been notified.',
  });
  return { status, body: JSON.stringify(error.toBody()), stored: true };
}
