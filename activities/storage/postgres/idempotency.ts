import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Keyring } from '../../crypto';
import { run } from './database';
import { statement } from './statements';

const sql = {
  begin: statement('idempotency-begin'),
  get: statement('idempotency-get'),
  renew: statement('idempotency-renew'),
  finish: statement('idempotency-finish'),
  release: statement('idempotency-release'),
  forget: statement('idempotency-forget'),
};

/**
 * Three renewals of the gateway, which renews every 2 s: one late or failed renewal does not lose the lease, and after a crash the
 * same request is answered within seconds. A lease that ends too early does no harm: a second process joins the same work by its
 * business ids.
 */
const LEASE_MS = 6_000;

/** The right to answer a request, valid while it is renewed. */
export interface IdempotencyLease {
  readonly scope: string;
  readonly key: string;
  readonly token: string;
}

export type IdempotencyBegin =
  | { readonly kind: 'new'; readonly lease: IdempotencyLease }
  | { readonly kind: 'replay'; readonly status: number; readonly body: unknown }
  /** The key was used for another request. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in_flight' };

/** Answers of the gateway by idempotency key, so that a request sent twice is answered once. */
export interface IdempotencyStore {
  begin(scope: string, key: string, fingerprint: string): Promise<IdempotencyBegin>;
  renew(lease: IdempotencyLease): Promise<void>;
  /** Keeps a final answer. */
  finish(lease: IdempotencyLease, status: number, body: unknown): Promise<void>;
  /** The answer may still change: the same request may be sent again, but no other one under this key. */
  release(lease: IdempotencyLease): Promise<void>;
  /** The request had no effect: the key is free for any request. */
  forget(lease: IdempotencyLease): Promise<void>;
}

export interface IdempotencyDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

interface KeyRow {
  readonly fingerprint: string;
  readonly state: 'in_flight' | 'done';
  readonly status: number | null;
  readonly body: Buffer | null;
}

/** Idempotency keys in Postgres; the bodies are encrypted. A lease that another process has taken over can no longer write. */
export function createIdempotencyStore(deps: IdempotencyDeps): IdempotencyStore {
  const { pool, keyring } = deps;
  const now = deps.now ?? (() => new Date());
  const valuesOf = ({ scope, key, token }: IdempotencyLease): unknown[] => [scope, key, token];
  return {
    async begin(scope, key, fingerprint) {
      const lease = { scope, key, token: randomUUID() };
      const taken = await run(pool, sql.begin, [scope, key, fingerprint, now(), lease.token, LEASE_MS]);
      if (taken.length > 0) return { kind: 'new', lease };
      const [row] = await run<KeyRow>(pool, sql.get, [scope, key]);
      // The key was deleted between the two statements; the caller tries again a moment later.
      if (row === undefined) return { kind: 'in_flight' };
      if (row.fingerprint !== fingerprint) return { kind: 'mismatch' };
      if (row.status === null || row.body === null) return { kind: 'in_flight' };
      const body = JSON.parse(Buffer.from(keyring.decrypt(row.body)).toString()) as unknown;
      return { kind: 'replay', status: row.status, body };
    },
    async renew(lease) {
      await run(pool, sql.renew, [...valuesOf(lease), LEASE_MS]);
    },
    async finish(lease, status, body) {
      const sealed = keyring.encrypt(Buffer.from(JSON.stringify(body ?? null)));
      await run(pool, sql.finish, [...valuesOf(lease), status, sealed]);
    },
    async release(lease) {
      await run(pool, sql.release, valuesOf(lease));
    },
    async forget(lease) {
      await run(pool, sql.forget, valuesOf(lease));
    },
  };
}
