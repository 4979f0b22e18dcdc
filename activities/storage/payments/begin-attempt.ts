import type { Pool } from 'pg';
import { formatMoney } from '../../../workflows/domain/shared/money';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { AuthorizePaymentInput } from '../../../workflows/payment/ports';
import type { Shortage } from '../../../workflows/domain/order/lines';
import { recordedResult, type AttemptRow } from './attempts';
import { catalogueProblems, type CataloguePrice } from '../inventory/catalogue';
import { transact, type Transaction } from '../postgres/database';
import { defect, operationUndone } from '../postgres/failures';
import { orderLoad, orderRecord, utc, type OrderRow } from '../orders/record';
import type { BeginAttemptResult } from './store';
import type { PlacedCart } from '../orders/place-order';
import { statement } from '../postgres/statements';
import { shortageOf } from '../inventory/stock';

const sql = {
  ofCart: statement('order-of-cart'),
  prices: statement('catalogue-prices'),
  available: statement('stock-available'),
  begun: statement('attempt-begun'),
  begin: statement('attempt-begin'),
};

/** Checks a payment before the provider is called, and records that it is under way. */
export async function beginAttempt(pool: Pool, now: Date, input: AuthorizePaymentInput): Promise<BeginAttemptResult> {
  const outcome = await transact(pool, async (tx) => {
    const refusal = input.purpose === 'checkout' ? await refuseCheckout(tx, input) : undefined;
    if (refusal !== undefined) return refusal;
    // Not awaited here: the answer comes together with that of the commit.
    return { kind: 'written', rows: tx.query<AttemptRow>(sql.begin, beginValues(input, now)) } as const;
  });
  if (outcome.kind !== 'written') return outcome;
  const [row] = await outcome.rows;
  if (row === undefined) throw defect(`attempt ${input.attempt} of order ${input.orderId} was not recorded`);
  return answer(input, row);
}

type Refusal = Extract<BeginAttemptResult, { kind: 'existing_order' | 'cart_changed' | 'invalid' | 'out_of_stock' }>;

/**
 * Why a checkout is refused before the bank is asked; undefined if it may be paid. An attempt that was begun always continues, because
 * it may hold money.
 */
async function refuseCheckout(tx: Transaction, input: AuthorizePaymentInput): Promise<Refusal | undefined> {
  const { orderId, attempt, cartId, cartFingerprint = '', amount, lines = [] } = input;
  const skus = lines.map((line) => line.sku);
  const [[begun], [existing], prices, stock] = await Promise.all([
    tx.query(sql.begun, [orderId, attempt]),
    tx.query<PlacedCart>(sql.ofCart, [cartId]),
    tx.query<CataloguePrice>(sql.prices, [skus]),
    tx.query<Shortage>(sql.available, [skus]),
  ]);
  if (begun !== undefined) return undefined;
  if (existing !== undefined) {
    if (existing.cartFingerprint !== cartFingerprint) return { kind: 'cart_changed' };
    const [row] = await tx.query<OrderRow>(orderLoad, [existing.orderId]);
    if (row !== undefined) return { kind: 'existing_order', facts: orderRecord(row.record).facts };
  }
  const problems = catalogueProblems(amount.currency, lines, prices);
  if (problems.length > 0) return { kind: 'invalid', problems };
  const shortage = shortageOf(lines, stock);
  return shortage && { kind: 'out_of_stock', ...shortage };
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
      `${row.operationKey} was begun with ${row.amount === null || row.currency === null ? 'nothing' : formatMoney({ amount: row.amount, currency: row.currency })}, not ${formatMoney(input.amount)}`,
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
