import type { Pool } from 'pg';
import { operationKeys } from '../../workflows/domain/operation-keys';
import type { AuthorizePaymentInput } from '../../workflows/ports';
import { recordedResult, type AttemptRow } from './attempts';
import { catalogueProblems, type CataloguePrice } from './catalogue';
import { transact } from './database';
import { defect, operationUndone } from './failures';
import { orderLoad, orderRecord, utc, type OrderRow } from './order-record';
import type { BeginAttemptResult } from './payment-store';
import { statement } from './statements';

const sql = {
  ofCart: statement('order-of-cart'),
  prices: statement('catalogue-prices'),
  begin: statement('attempt-begin'),
};

/** Checks a payment before the provider is asked, and writes down that it is under way. */
export async function beginAttempt(pool: Pool, now: Date, input: AuthorizePaymentInput): Promise<BeginAttemptResult> {
  const outcome = await transact(pool, async (tx) => {
    if (input.purpose === 'checkout') {
      const lines = input.lines ?? [];
      const [[existing], prices] = await Promise.all([
        tx.query<{ orderId: string }>(sql.ofCart, [input.cartId]),
        tx.query<CataloguePrice>(sql.prices, [lines.map((line) => line.sku)]),
      ]);
      if (existing !== undefined) {
        const [row] = await tx.query<OrderRow>(orderLoad, [existing.orderId]);
        if (row !== undefined) return { kind: 'existing_order', facts: orderRecord(row.record).facts } as const;
      }
      const problems = catalogueProblems(input.amount.currency, lines, prices);
      if (problems.length > 0) return { kind: 'invalid', problems } as const;
    }
    // Not awaited here: its answer comes together with that of the commit.
    return { kind: 'written', rows: tx.query<AttemptRow>(sql.begin, beginValues(input, now)) } as const;
  });
  if (outcome.kind !== 'written') return outcome;
  const [row] = await outcome.rows;
  if (row === undefined) throw defect(`attempt ${input.attempt} of order ${input.orderId} was not written`);
  return answer(input, row);
}

function beginValues(input: AuthorizePaymentInput, now: Date): unknown[] {
  const { orderId, attempt, cartId, purpose, amount, customer, paymentMethod, offSession, paymentIntentId } = input;
  return [
    orderId,
    attempt,
    operationKeys.authorize(orderId, attempt),
    cartId,
    purpose,
    amount.amount,
    amount.currency,
    customer.id,
    paymentMethod,
    offSession,
    paymentIntentId ?? null,
    now,
    purpose === 'checkout' ? 'customer' : 'order',
  ];
}

function answer(input: AuthorizePaymentInput, row: AttemptRow): BeginAttemptResult {
  if (row.tombstoned) throw operationUndone(row.operationKey);
  if (row.amount !== input.amount.amount || row.currency !== input.amount.currency) {
    throw defect(
      `${row.operationKey} was begun with ${row.amount} ${row.currency}, not ${input.amount.amount} ${input.amount.currency}`,
    );
  }
  const result = recordedResult(row);
  if (result !== undefined) return { kind: 'recorded', result };
  return {
    kind: 'begun',
    ...(row.paymentIntentId !== null && { paymentIntentId: row.paymentIntentId }),
    startedAt: utc(row.startedAt),
  };
}
