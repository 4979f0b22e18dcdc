import type { FastifyBaseLogger } from 'fastify';
import { fingerprint } from '../fingerprint';
import type { IdempotencyStore } from './ports';
import { badRequest, Problem, PROBLEM_TYPE, toProblem } from './problem';

/** What a handler answers with. */
export interface Outcome {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface IdempotentRequest {
  /** Method and route pattern, e.g. `POST /v1/orders/:orderId/cancel`. */
  readonly route: string;
  readonly key: string | undefined;
  /** Parameters and body: the same key with anything else is another request. */
  readonly content: unknown;
  readonly log: FastifyBaseLogger;
}

/**
 * Runs a request once per key: the same key again gets the first answer.
 * Kept are answers after which something may have changed (2xx, 402, 409). Others (malformed, unknown order,
 * unavailable) changed nothing and are forgotten, so that the same key may be used once the cause is gone.
 */
export async function runOnce(
  store: IdempotencyStore,
  request: IdempotentRequest,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  const { route, key } = request;
  if (key === undefined) return run();
  const begun = await store.begin(route, key, fingerprint(request.content));
  switch (begun.kind) {
    case 'replay':
      return { status: begun.status, body: begun.body, headers: replayHeaders(begun.status) };
    case 'mismatch':
      throw new Problem(422, 'This Idempotency-Key was used for another request', { code: 'idempotency_key_reused' });
    case 'in_flight':
      throw new Problem(
        409,
        'A request with this Idempotency-Key is under way; send it again later',
        { code: 'idempotency_in_flight' },
        { 'retry-after': '1' },
      );
    case 'new':
      return runAndKeep(store, { ...request, key }, run);
  }
}

async function runAndKeep(
  store: IdempotencyStore,
  request: IdempotentRequest & { readonly key: string },
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  const { route, key, log } = request;
  // A store that fails now must not turn what was done into an error: the order's own keys make a second run harmless.
  const tolerate = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => log.warn({ err: error, route }, 'the answer to an idempotent request was not kept'));
  try {
    const outcome = await run();
    await tolerate(store.finish(route, key, outcome.status, outcome.body));
    return outcome;
  } catch (error) {
    const problem = toProblem(error);
    if (problem !== undefined && (problem.status === 402 || problem.status === 409)) {
      await tolerate(store.finish(route, key, problem.status, problem.toBody()));
    } else {
      await tolerate(store.abandon(route, key));
    }
    throw error;
  }
}

function replayHeaders(status: number): Readonly<Record<string, string>> {
  return { 'idempotency-replayed': 'true', ...(status >= 400 && { 'content-type': PROBLEM_TYPE }) };
}

/** Reads the header. @throws {Problem} 400 where it is no key. */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw badRequest([{ field: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters, no spaces' }]);
}
