import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { formatMoney } from '../../../workflows/domain/shared/money';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import { cartTotal } from '../../../workflows/domain/order/shipment-amount';
import { waitingFor } from '../../../workflows/domain/shared/waiting';
import type { PlaceOrderInput, PlaceOrderResult, WithdrawOrderResult } from '../../../workflows/order/ports';
import type { Keyring } from '../../crypto';
import { writeAudit, writeEntry } from '../audit/audit';
import { holdOfAttempt, openAmount, type AttemptRow } from '../payments/attempts';
import { transact, type Transaction } from '../postgres/database';
import { defect, operationUndone } from '../postgres/failures';
import { lockKnownOrder, writeEvents } from './step';
import { writeOrderNotices } from './notices';
import { statement } from '../postgres/statements';
import { mergeLines, type StockQuantity } from '../inventory/stock';

const sql = {
  claim: statement('operation-claim'),
  done: statement('operation-done'),
  undo: statement('operation-undo'),
  cartLock: statement('cart-lock'),
  ofCart: statement('order-of-cart'),
  attempts: statement('attempts-lock'),
  reservations: statement('reservations-of'),
  insert: statement('order-insert'),
  lines: statement('lines-insert'),
};

/** A row of order-of-cart.sql. */
export interface PlacedCart {
  readonly orderId: string;
  readonly cartFingerprint: string;
}

interface Claimed {
  readonly done: boolean;
  readonly undone: boolean;
}

/** The personal data of an order; encrypted at rest. */
export interface PersonalData {
  readonly email: string;
  readonly name?: string;
  readonly shippingAddress?: PlaceOrderInput['cart']['shippingAddress'];
}

/**
 * Records an order with its lines, its hold and its first events, in one transaction. Its pieces are reserved by warehouse, so it is
 * allocated at once.
 */
export async function placeOrder(
  pool: Pool,
  keyring: Keyring,
  now: Date,
  input: PlaceOrderInput,
): Promise<PlaceOrderResult> {
  const { orderId, cart, cartFingerprint = '', paymentIntentId } = input;
  const key = operationKeys.place(orderId);
  return transact(pool, async (tx) => {
    const [[operation], , [existing], attempts, reserved] = await Promise.all([
      tx.query<Claimed>(sql.claim, [key, 'place', orderId, now]),
      tx.query(sql.cartLock, [cart.cartId]),
      tx.query<PlacedCart>(sql.ofCart, [cart.cartId]),
      tx.query<AttemptRow>(sql.attempts, [orderId]),
      tx.query<StockQuantity>(sql.reservations, [orderId]),
    ]);
    if (operation?.undone === true) throw operationUndone(key);
    if (existing !== undefined) {
      const isThis = existing.orderId === orderId;
      if (!isThis && existing.cartFingerprint !== cartFingerprint) return { outcome: 'cart_changed' };
      const { facts } = await lockKnownOrder(tx, existing.orderId);
      return { outcome: isThis ? 'placed' : 'existing_order', facts };
    }
    assertReserved(input, reserved);
    const attempt = heldAttempt(input, attempts);
    const facts = newOrder(input, attempt, attempts.length, now);
    writeOrder(tx, keyring, input, { facts, reserved, holdAttempt: attempt.attempt }, now);
    tx.write(sql.done, [key, 'place', orderId, paymentIntentId, now]);
    return { outcome: 'placed', facts };
  });
}

/** Makes sure that an order is never recorded; if it is recorded already, returns it. */
export async function withdrawOrder(pool: Pool, now: Date, orderId: string): Promise<WithdrawOrderResult> {
  const key = operationKeys.place(orderId);
  return transact(pool, async (tx) => {
    const [operation] = await tx.query<Claimed>(sql.claim, [key, 'place', orderId, now]);
    if (operation?.done === true) return { outcome: 'placed', facts: (await lockKnownOrder(tx, orderId)).facts };
    if (operation?.undone === true) return { outcome: 'withdrawn' };
    tx.write(sql.undo, [key, 'place', orderId, now]);
    const cause = { operationKey: key, action: 'withdraw', actor: 'checkout', nowIso: now.toISOString() };
    writeEntry(tx, orderId, cause, { recorded: false, tombstoned: false }, { recorded: false, tombstoned: true });
    return { outcome: 'withdrawn' };
  });
}

function assertReserved({ orderId, cart }: PlaceOrderInput, reserved: readonly StockQuantity[]): void {
  for (const { sku, quantity } of mergeLines(cart.lines)) {
    const held = reserved.reduce((sum, one) => sum + (one.sku === sku ? one.quantity : 0), 0);
    if (held !== quantity) throw defect(`order ${orderId} has ${held} of ${quantity} pieces of ${sku} reserved`);
  }
}

function heldAttempt({ orderId, cart, paymentIntentId }: PlaceOrderInput, attempts: readonly AttemptRow[]): AttemptRow {
  const total = cartTotal(cart);
  const attempt = attempts.findLast((one) => one.paymentIntentId === paymentIntentId && one.status === 'authorized');
  if (attempt === undefined || attempt.tombstoned)
    throw defect(`order ${orderId} has no open hold on ${paymentIntentId}`);
  if (attempt.currency !== cart.currency || openAmount(attempt) < total) {
    throw defect(
      `order ${orderId} costs ${formatMoney({ amount: total, currency: cart.currency })}, but only ${formatMoney({ amount: openAmount(attempt), currency: attempt.currency ?? cart.currency })} are held for it`,
    );
  }
  return attempt;
}

function newOrder({ orderId, cart }: PlaceOrderInput, attempt: AttemptRow, attempts: number, now: Date): OrderFacts {
  const hold = holdOfAttempt(attempt);
  if (hold === undefined || attempt.paymentMethodId === null)
    throw defect(`the recorded hold of order ${orderId} lacks its dates or its payment method`);
  return {
    orderId,
    cartId: cart.cartId,
    channel: cart.channel,
    currency: cart.currency,
    state: 'allocated',
    paymentState: 'authorized',
    captureOn: cart.captureOn,
    lines: cart.lines.map(({ sku, quantity, unitAmount }) => ({ sku, quantity, unitAmount, shipped: 0, cancelled: 0 })),
    shippingAmount: cart.shippingAmount,
    taxAmount: cart.taxAmount,
    amounts: {
      authorized: attempt.authorizedAmount,
      captured: attempt.capturedAmount,
      released: attempt.releasedAmount,
      refundPending: 0,
      refunded: 0,
    },
    hold,
    supersededHolds: [],
    paymentAttempts: attempts,
    paymentMethodId: attempt.paymentMethodId,
    customerId: cart.customer.id,
    shipments: [],
    placedAt: now.toISOString(),
    policy: cart.policy,
  };
}

interface NewOrder {
  readonly facts: OrderFacts;
  readonly reserved: readonly StockQuantity[];
  readonly holdAttempt: number;
}

function writeOrder(
  tx: Transaction,
  keyring: Keyring,
  { cart, cartFingerprint = '', orderId }: PlaceOrderInput,
  { facts, reserved, holdAttempt }: NewOrder,
  now: Date,
): void {
  const { email, name } = cart.customer;
  const personal: PersonalData = {
    email,
    ...(name !== undefined && { name }),
    ...(cart.shippingAddress !== undefined && { shippingAddress: cart.shippingAddress }),
  };
  const waiting = waitingFor(facts);
  const traceId = randomBytes(16).toString('hex');
  const total = cartTotal(cart);
  const cause = {
    operationKey: operationKeys.place(orderId),
    action: 'place',
    actor: 'customer',
    nowIso: facts.placedAt,
  };
  const data = {
    cartId: facts.cartId,
    channel: facts.channel,
    customerId: facts.customerId,
    currency: facts.currency,
    total,
    shippingAmount: facts.shippingAmount,
    taxAmount: facts.taxAmount,
    lines: cart.lines.map(({ sku, quantity, unitAmount }) => ({ sku, quantity, unitAmount })),
    captureBefore: facts.hold?.captureBefore ?? null,
  };
  const events = [
    { type: 'OrderPlaced', data },
    { type: 'OrderAllocated', data: { lines: reserved } },
  ] as const;
  tx.write(sql.insert, [
    orderId,
    facts.cartId,
    facts.channel,
    facts.currency,
    facts.captureOn,
    facts.shippingAmount,
    facts.taxAmount,
    total,
    JSON.stringify(facts.policy),
    facts.customerId,
    keyring.encrypt(Buffer.from(JSON.stringify(personal))),
    facts.paymentMethodId,
    holdAttempt,
    waiting?.on ?? null,
    waiting?.until ?? null,
    waiting?.why ?? null,
    events.length,
    traceId,
    now,
    cartFingerprint,
  ]);
  tx.write(sql.lines, [orderId, JSON.stringify(facts.lines)]);
  writeEvents(tx, orderId, { eventSequence: 0, traceId }, events, cause);
  writeOrderNotices(tx, undefined, facts, events, cause);
  writeAudit(tx, undefined, facts, cause);
}
