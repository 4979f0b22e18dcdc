import type { Pool } from 'pg';
import type { Keyring } from '../crypto';
import { run } from './database';
import { statement } from './statements';

const sql = {
  begin: statement('idempotency-begin'),
  get: statement('idempotency-get'),
  finish: statement('idempotency-finish'),
  abandon: statement('idempotency-abandon'),
};

/**
 * A request still in flight after this long belongs to a process that is gone: the same request may be tried again. The
 * longest request answers well before, and what a second one does is keyed by business ids all the same.
 */
const LEFT_BEHIND_MS = 2 * 60_000;

export type IdempotencyBegin =
  | { readonly kind: 'new' }
  | { readonly kind: 'replay'; readonly status: number; readonly body: unknown }
  /** The key was used for another request. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in_flight' };

/** Answers of the gateway by idempotency key, so that a request sent twice is answered once. */
export interface IdempotencyStore {
  begin(route: string, key: string, fingerprint: string): Promise<IdempotencyBegin>;
  finish(route: string, key: string, status: number, body: unknown): Promise<void>;
  /** Forgets a request that came to nothing, so that it may be sent again. */
  abandon(route: string, key: string): Promise<void>;
}

export interface IdempotencyDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  /** For tests; the computer's clock otherwise. */
  readonly now?: () => Date;
}

interface KeyRow {
  readonly fingerprint: string;
  readonly state: 'in_flight' | 'done';
  readonly status: number | null;
  readonly body: Buffer | null;
}

/** Idempotency keys in Postgres; the bodies are encrypted. */
export function createIdempotencyStore(deps: IdempotencyDeps): IdempotencyStore {
  const { pool, keyring } = deps;
  const now = deps.now ?? (() => new Date());
  return {
    async begin(route, key, fingerprint) {
      const at = now();
      const leftBehind = new Date(at.getTime() - LEFT_BEHIND_MS);
      const taken = await run(pool, sql.begin, [route, key, fingerprint, at, leftBehind]);
      if (taken.length > 0) return { kind: 'new' };
      const [row] = await run<KeyRow>(pool, sql.get, [route, key]);
      // Abandoned between the two statements: the caller tries again a moment later.
      if (row === undefined) return { kind: 'in_flight' };
      if (row.fingerprint !== fingerprint) return { kind: 'mismatch' };
      if (row.status === null || row.body === null) return { kind: 'in_flight' };
      const body = JSON.parse(Buffer.from(keyring.decrypt(row.body)).toString()) as unknown;
      return { kind: 'replay', status: row.status, body };
    },
    async finish(route, key, status, body) {
      const sealed = keyring.encrypt(Buffer.from(JSON.stringify(body ?? null)));
      await run(pool, sql.finish, [route, key, status, sealed]);
    },
    async abandon(route, key) {
      await run(pool, sql.abandon, [route, key]);
    },
  };
}
