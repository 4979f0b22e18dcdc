import { isAnswerWord } from '../finality';
import { Misconfigured, OutcomePending, ServiceUnavailable, UnexpectedAnswer, ValidationError } from '../errors';
import type { FieldProblem } from '../../../workflows/domain/shared/errors';

export interface HoldfastHttpClientOptions {
  /** The gateway's base URL, e.g. `https://holdfast.internal`. */
  readonly url: string;
  /** One of the gateway's API keys. */
  readonly apiKey: string;
  /** Default: the runtime's own. */
  readonly fetch?: typeof globalThis.fetch;
  /** How long one call waits for its answer, retries included, in milliseconds. Default 30 s. */
  readonly waitMs?: number;
}

/** An answer's body, or a problem that is a business outcome. */
export type Reply =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly status: number; readonly code: string; readonly problem: Problem };

/** The members of a problem (RFC 9457) that are used for answers. */
export interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly FieldProblem[];
  /** For a refused request: the reason in the workflow's answer. */
  readonly reason?: string;
  readonly [member: string]: unknown;
}

export interface Transport {
  get(path: string): Promise<Reply>;
  /** Creates a key if the caller gives none, because a retry after a lost answer must not be carried out twice. */
  post(path: string, body: unknown, idempotencyKey?: string): Promise<Reply>;
}

/** A little longer than the gateway waits for a workflow (25 s), so that its answer arrives before this client gives up. */
const DEFAULT_WAIT_MS = 30_000;
/** The first pause before a request is sent again; it doubles each time, and the gateway's Retry-After may make it longer. */
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;

const GATEWAY = 'The gateway';
const KEY = /^[\x21-\x7e]{1,255}$/;
const KEY_FIELD = 'Idempotency-Key';

/**
 * Sends requests to the gateway, and retries failed ones under the same key until `waitMs` are over.
 * @throws RangeError if the URL or the API key is invalid
 */
export function createTransport(options: HoldfastHttpClientOptions): Transport {
  const { url, apiKey, waitMs = DEFAULT_WAIT_MS, fetch = globalThis.fetch } = options;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new RangeError('url must be an http(s) URL');
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new RangeError('apiKey must be printable ASCII without spaces');
  const base = url.endsWith('/') ? url : `${url}/`;
  const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/json' };
  const call = (method: string, path: string, init: RequestInit): Promise<Reply> => {
    const target = `${method} ${path}`;
    const sendWithin = (limitMs: number): Promise<Response> =>
      fetch(new URL(path.slice(1), base), {
        ...init,
        method,
        // A redirect would send the API key elsewhere, or turn a POST into a GET.
        redirect: 'manual',
        signal: AbortSignal.timeout(limitMs),
      });
    return repeat(target, waitMs, sendWithin);
  };
  return {
    get: (path) => call('GET', path, { headers }),
    async post(path, body, idempotencyKey = crypto.randomUUID()) {
      if (!KEY.test(idempotencyKey)) {
        const message = 'must be 1 to 255 printable ASCII characters, no spaces';
        throw new ValidationError([{ field: KEY_FIELD, message }]);
      }
      const more = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
      return call('POST', path, { headers: { ...headers, ...more }, body: JSON.stringify(body) });
    },
  };
}

/** A failure that may pass: the error to throw once the time is over, and the pause that the gateway requests. */
interface Passing {
  readonly error: OutcomePending | ServiceUnavailable;
  readonly retryAfterMs: number;
}

async function repeat(
  target: string,
  waitMs: number,
  sendWithin: (limitMs: number) => Promise<Response>,
): Promise<Reply> {
  const deadlineMs = Date.now() + waitMs;
  for (let tries = 0; ; tries++) {
    const result = await attempt(target, waitMs, () => sendWithin(Math.max(1, deadlineMs - Date.now())));
    if (!('error' in result)) return result;
    const backoffMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random() / 2);
    const pauseMs = Math.max(result.retryAfterMs, backoffMs);
    if (Date.now() + pauseMs >= deadlineMs) throw result.error;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function attempt(target: string, waitMs: number, send: () => Promise<Response>): Promise<Reply | Passing> {
  let response: Response;
  let text: string;
  try {
    response = await send();
    text = await response.text();
  } catch (cause) {
    // The request may have arrived: only the same key makes it safe to send it again.
    const isLate = (cause as { readonly name?: unknown } | null)?.name === 'TimeoutError';
    const error = isLate
      ? new OutcomePending(target, waitMs, { cause })
      : new ServiceUnavailable(target, { cause, service: GATEWAY });
    return { error, retryAfterMs: 0 };
  }
  return understand(target, waitMs, response, text);
}

function understand(target: string, waitMs: number, response: Response, text: string): Reply | Passing {
  const { ok, status } = response;
  const body = parsed(text);
  if (ok && body !== undefined) return { ok, body };
  const problem: Problem = ok || body === undefined ? {} : body;
  const { code, detail = '' } = problem;
  const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1_000 || 0;
  const unavailable = { error: new ServiceUnavailable(target, { service: GATEWAY }), retryAfterMs };
  const pending = { error: new OutcomePending(target, waitMs), retryAfterMs };
  if (code === 'outcome_pending' || code === 'idempotency_in_flight') return pending;
  if (code === 'not_found' || code === 'already_resolved' || isAnswerWord(code)) {
    return { ok: false, status, code: code ?? '', problem };
  }
  if (code === 'idempotency_key_reused') {
    throw new ValidationError([{ field: KEY_FIELD, message: 'was used for another request' }]);
  }
  if (code === 'invalid_request') {
    if (problem.reason === undefined) throw new ValidationError(problem.errors ?? []);
    return { ok: false, status, code: problem.reason, problem };
  }
  if (status === 401 || code === 'misconfigured') throw new Misconfigured(target, detail, { service: GATEWAY });
  // A proxy's answers while the gateway is busy, down or slow.
  if (status === 504) return pending;
  if (status === 408 || status === 429 || status === 502 || status === 503) return unavailable;
  throw new UnexpectedAnswer(target, status, code);
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return body !== null && typeof body === 'object' ? (body as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
