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
  /** The caller, the method and the path: the same key in another scope is another key. */
  readonly scope: string;
  readonly key: string | undefined;
  /** Parameters and body. The same key with other content is a conflict. */
  readonly content: unknown;
  readonly log: FastifyBaseLogger;
}

/** A third of the time after which the store gives an unrenewed lease to the next request. */
const RENEW_EVERY_MS = 2_000;

/**
 * Runs a request once per key. A repeated request gets the first answer where that is final (see finality.ts). An answer that may
 * change is not kept: the same request may be sent again at once, and joins the one under way. A request that was malformed, or
 * whose object is unknown, changed nothing, so its key may be used for a corrected request.
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
      throw new Problem(422, 'This Idempotency-Key was used for a request with other contents; use a new key', {
        code: 'idempotency_key_reused',
      });
    case 'in_flight':
      throw new Problem(
        409,
        'A request with this Idempotency-Key is still running; send the same request again later',
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
  // A failure of the store must not turn a completed command into an error: the order's own keys make a second run harmless.
  const tolerate = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) =>
      log.warn({ err: error }, 'the state of an idempotent request could not be recorded'),
    );
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

/** Malformed, or for an unknown object. */
const CHANGED_NOTHING: ReadonlySet<number> = new Set([400, 404]);

function replayHeaders(status: number): Readonly<Record<string, string>> {
  return { 'idempotency-replayed': 'true', ...(status >= 400 && { 'content-type': PROBLEM_TYPE }) };
}

/** Reads the header. @throws {Problem} 400 where it is malformed. */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw badRequest([{ field: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters, no spaces' }]);
}
