import type { Pool } from 'pg';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { Keyring } from '../../crypto';
import { attemptRecord, type AttemptRow } from './attempts';
import { beginAttempt } from './begin-attempt';
import { abandonCapture, beginCapture, recordCapture } from './capture';
import { run } from '../postgres/database';
import { defect } from '../postgres/failures';
import { recordHoldExpired, recordVoid } from './end-hold';
import type { AttemptRecord, PaymentStore, SealedAttempt } from './store';
import { recordAttempt } from './record-attempt';
import { statement } from '../postgres/statements';

const sql = {
  get: statement('attempt-get'),
  byIntent: statement('attempt-by-intent'),
  seal: statement('attempts-seal'),
  key: statement('provider-key'),
  nextKey: statement('provider-key-next'),
};

export interface PaymentStoreDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

/** See `PaymentStore`. */
export function createPaymentStore(deps: PaymentStoreDeps): PaymentStore {
  const { pool } = deps;
  const now = deps.now ?? (() => new Date());
  return {
    beginAttempt: (input) => beginAttempt(pool, now(), input),
    recordAttempt: (input) => recordAttempt(pool, now(), input),
    sealAttempts: (orderId, attempts) =>
      seal(
        pool,
        now(),
        orderId,
        Array.from({ length: attempts }, (_, index) => index + 1),
      ),
    async sealAttempt(orderId, attempt) {
      const [sealed] = await seal(pool, now(), orderId, [attempt]);
      if (sealed === undefined) throw defect(`attempt ${attempt} of order ${orderId} was not sealed`);
      return sealed;
    },
    recordVoid: (input) => recordVoid(pool, now(), input),
    beginCapture: (input) => beginCapture(pool, now(), input),
    recordCapture: (input, outcome) => recordCapture(pool, now(), input, outcome),
    abandonCapture: (input) => abandonCapture(pool, now(), input),
    recordHoldExpired: (input) => recordHoldExpired(pool, now(), input),
    getAttempt: (orderId, attempt) => first(pool, 'get', [orderId, attempt]),
    findAttemptByPaymentIntent: (paymentIntentId) => first(pool, 'byIntent', [paymentIntentId]),
    async keyNumber(operationKey) {
      const [row] = await run<{ number: number }>(pool, sql.key, [operationKey]);
      return row?.number ?? 1;
    },
    async nextKey(operationKey, usedUp) {
      const [row] = await run<{ number: number }>(pool, sql.nextKey, [operationKey, usedUp, now()]);
      if (row === undefined) throw defect(`the next key of ${operationKey} was not written`);
      return row.number;
    },
  };
}

async function first(pool: Pool, name: 'get' | 'byIntent', values: unknown[]): Promise<AttemptRecord | undefined> {
  const [row] = await run<AttemptRow>(pool, sql[name], values);
  return row && attemptRecord(row);
}

async function seal(pool: Pool, now: Date, orderId: string, attempts: readonly number[]): Promise<SealedAttempt[]> {
  const keys = attempts.map((attempt) => operationKeys.authorize(orderId, attempt));
  const rows = await run<AttemptRow>(pool, sql.seal, [orderId, attempts, keys, now]);
  return rows.map(attemptRecord).sort((one, other) => one.attempt - other.attempt);
}
