import { createRefundStore, type ProviderRefund, type RefundStore } from '../../../../activities/storage';
import type { LineQuantity } from '../../../../workflows/domain/order/lines';
import type { OrderFacts } from '../../../../workflows/domain/order/order';
import { DEFAULT_REFUND_POLICY, type RefundFacts, type RefundPolicy } from '../../../../workflows/domain/refund/refund';
import type { BeginRefundResult, RefundChange } from '../../../../workflows/refund/ports';
import type { RefundRequest } from '../../../../workflows/domain/refund/request';
import { readOrder } from '../../../../activities/storage/orders/record';
import { authorized, authorizeInput, captureOf, cartOf, intentOf, openShop, sku, type Shop, factsOf } from '../shop';

/** What the cart of `cartOf` costs: two mugs, a teapot, shipping and tax. */
export const TOTAL = 7_303;

/** The clock of the workflow that asks. */
export const NOW = new Date().toISOString();
export const after = (ms: number): string => new Date(Date.parse(NOW) + ms).toISOString();

export const mugs = (quantity: number): LineQuantity[] => [{ sku: sku.mug, quantity }];
export const teapot: LineQuantity[] = [{ sku: sku.teapot, quantity: 1 }];

/** The shop of the storage tests with its refunds, and a provider with prepared answers. */
export interface RefundShop extends Shop {
  readonly refunds: RefundStore;
  /** An order whose money was all captured before anything ships. */
  paid(orderId: string): Promise<OrderFacts>;
  /** An order of which everything has shipped, in one parcel. */
  shipped(orderId: string): Promise<OrderFacts>;
  /** An order with two payments: the mugs were captured from the first, the teapot from the second, a day later. */
  paidTwice(orderId: string): Promise<OrderFacts>;
  ask(
    request: Partial<RefundRequest> & { readonly orderId: string },
    policy?: Partial<RefundPolicy>,
  ): Promise<BeginRefundResult>;
  /** Asks for a refund that must be begun. */
  begin(request: Partial<RefundRequest> & { readonly orderId: string }): Promise<RefundFacts>;
  /** The provider accepts a part; returns it. */
  send(refund: RefundFacts, answer?: Partial<ProviderRefund>, part?: number): Promise<RefundChange>;
  /** The state of a part at the provider, fetched fresh. */
  tell(refund: RefundFacts, answer: Partial<ProviderRefund>, part?: number): Promise<RefundChange>;
  view(orderId: string): Promise<OrderFacts>;
  events(orderId: string): Promise<{ readonly type: string; readonly data: Record<string, unknown> }[]>;
  notices(refundId: string): Promise<{ readonly kind: string; readonly status: string }[]>;
  openDispute(orderId: string): Promise<void>;
}

let counter = 0;

export async function openRefundShop(): Promise<RefundShop> {
  const shop = await openShop();
  const refunds = createRefundStore({ pool: shop.pool });
  const answerOf = (refund: RefundFacts, number: number, answer: Partial<ProviderRefund>): ProviderRefund => {
    const part = refund.parts.find((one) => one.part === number);
    if (part === undefined) throw new Error(`refund ${refund.refundId} has no part ${number}`);
    const { paymentIntentId, amount } = part;
    return {
      providerRefundId: part.providerRefundId ?? `re_${refund.refundId}_${number}`,
      paymentIntentId,
      amount,
      currency: refund.currency,
      status: 'pending',
      createdAt: NOW,
      ...answer,
    };
  };
  const ask: RefundShop['ask'] = (request, policy) => {
    counter += 1;
    return refunds.beginRefund({
      request: { refundId: `rf_${counter}`, reason: 'requested_by_customer', actor: 'tester', ...request },
      policy: { ...DEFAULT_REFUND_POLICY, ...policy },
      now: NOW,
    });
  };
  const input = (refund: RefundFacts, part: number) => ({ refundId: refund.refundId, part, now: NOW, watchMs: 60_000 });
  return {
    ...shop,
    refunds,
    ask,
    async begin(request) {
      const begun = await ask(request);
      if (begun.outcome !== 'begun') throw new Error(JSON.stringify(begun));
      return begun.refund;
    },
    async paid(orderId) {
      await shop.place(orderId);
      await shop.capture({ orderId, paymentIntentId: intentOf(orderId, 1), amount: TOTAL, final: true });
      return shop.orders.allocateOrder({ orderId });
    },
    async shipped(orderId) {
      const placed = await shop.place(orderId);
      await shop.orders.allocateOrder({ orderId });
      return shop.capture(captureOf(placed, [...mugs(2), ...teapot], `P-${orderId}`, true));
    },
    async paidTwice(orderId) {
      const cart = cartOf(`cart-${orderId}`);
      await shop.authorize(orderId, cart, { multicapture: false });
      await shop.orders.reserveStock({ orderId, lines: cart.lines });
      const facts = factsOf(await shop.orders.placeOrder({ orderId, cart, paymentIntentId: intentOf(orderId, 1) }));
      await shop.orders.allocateOrder({ orderId });
      const first = await shop.capture(captureOf(facts, mugs(2), `A-${orderId}`, true));
      const rest = TOTAL - first.amounts.captured;
      const again = { attempt: 2, purpose: 'remainder', amount: rest } as const;
      await shop.payments.beginAttempt(authorizeInput(orderId, cart, again));
      await shop.payments.recordAttempt({ orderId, attempt: 2, status: authorized(orderId, 2, rest, false) });
      const held = await shop.orders.allocateOrder({ orderId });
      return shop.capture(captureOf(held, teapot, `B-${orderId}`, true));
    },
    send: async (refund, answer = {}, part = 1) => {
      const begun = await refunds.beginSend(input(refund, part));
      if (begun.kind === 'done') return begun.change;
      return refunds.recordAnswer({ ...input(refund, part), confirmed: false }, answerOf(refund, part, answer));
    },
    tell: (refund, answer, part = 1) =>
      refunds.recordAnswer({ ...input(refund, part), confirmed: true }, answerOf(refund, part, answer)),
    async view(orderId) {
      const record = await readOrder(shop.pool, orderId);
      if (record === undefined) throw new Error(`no order ${orderId}`);
      return record.facts;
    },
    events: (orderId) => shop.sql('SELECT type, data FROM outbox WHERE order_id = $1 ORDER BY sequence', [orderId]),
    notices: (refundId) =>
      shop.sql('SELECT kind, status FROM notices WHERE subject_id = $1 ORDER BY queued_at, kind DESC', [refundId]),
    async openDispute(orderId) {
      await shop.sql(
        `INSERT INTO disputes (dispute_id, order_id, attempt, payment_intent_id, charge_id, amount, currency, reason,
           is_inquiry, provider_status, stage, opened_at, round, round_began_at, submission_count, round_submissions,
           fee_currency, waiting_on, waiting_until, waiting_why, fetched_at, recorded_at, updated_at)
         VALUES ($1, $2, 1, $3, 'ch', 100, 'eur', 'fraudulent', false, 'needs_response', 'evidence_due', now(), 1, now(),
           0, 0, 'eur', 'approver', now(), 'evidence', now(), now(), now())`,
        [`dp_${orderId}`, orderId, intentOf(orderId, 1)],
      );
    },
  };
}
