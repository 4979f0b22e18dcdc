import type { FastifyBaseLogger } from 'fastify';
import { isFinal, isFinalProblem } from '../../client/finality';
import { fingerprint } from '../../client/fingerprint';
import type { IdempotencyLease, IdempotencyStore } from '../ports';
import { badRequest, Problem, PROBLEM_TYPE, toProblem } from './problem';

/** What a handler answers with. */
export interface Outcome {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface IdempotentRequest {
  /** Whose key it is and for what: the caller, the method and the path. */
  readonly scope: string;
  readonly key: string | undefined;
  /** Parameters and body: the same key with anything else is another request. */
  readonly content: unknown;
  readonly log: FastifyBaseLogger;
}

/** A third of what a lease lasts without: see the store. */
const RENEW_EVERY_MS = 2_000;

/**
 * Runs a request once per key: the same key again gets the first answer, where that is final (see finality.ts).
 * An answer that may change, or none, is not kept: the same request may be sent again at once, and joins what is under way. A
 * request that could not be understood, or names what is not known, changed nothing: its key is free for a corrected one.
 */
export async function runOnce(
  store: IdempotencyStore,
  request: IdempotentRequest,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  const { scope, key } = request;
  if (key === undefined) return run();
  const begun = await store.begin(scope, key, fingerprint(request.content));
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
      return runAndKeep(store, begun.lease, request.log, run);
  }
}

async function runAndKeep(
  store: IdempotencyStore,
  lease: IdempotencyLease,
  log: FastifyBaseLogger,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  // A store that fails now must not turn what was done into an error: the order's own keys make a second run harmless.
  const tolerate = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => log.warn({ err: error }, 'the state of an idempotent request was not kept'));
  const renewing = setInterval(() => void tolerate(store.renew(lease)), RENEW_EVERY_MS);
  try {
    const outcome = await run();
    clearInterval(renewing);
    const final = isFinal({ accepted: true, ...(outcome.body as object) });
    await tolerate(final ? store.finish(lease, outcome.status, outcome.body) : store.release(lease));
    return outcome;
  } catch (error) {
    clearInterval(renewing);
    const problem = toProblem(error);
    if (problem !== undefined && isFinalProblem(problem.extras)) {
      await tolerate(store.finish(lease, problem.status, problem.toBody()));
    } else {
      await tolerate(
        problem !== undefined && CHANGED_NOTHING.has(problem.status) ? store.forget(lease) : store.release(lease),
      );
    }
    throw error;
  }
}

/** Malformed, or of something that is not known. */
const CHANGED_NOTHING: ReadonlySet<number> = new Set([400, 404]);

function replayHeaders(status: number): Readonly<Record<string, string>> {
  return { 'idempotency-replayed': 'true', ...(status >= 400 && { 'content-type': PROBLEM_TYPE }) };
}

/** Reads the header. @throws {Problem} 400 where it is no key. */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw badRequest([{ field: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters, no spaces' }]);
}
