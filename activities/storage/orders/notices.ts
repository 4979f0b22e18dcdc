import { createHash } from 'node:crypto';
import type { OrderEventType } from '../../../workflows/domain/shared/events';
import type { NoticeKind, NoticeOf, NoticePayloads } from '../../../workflows/domain/notice/notices';
import type { LineQuantity } from '../../../workflows/domain/order/lines';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import { owedAmount } from '../../../workflows/domain/order/owed';
import { cartTotal } from '../../../workflows/domain/order/shipment-amount';
import type { StepCause } from '../audit/audit';
import type { Transaction } from '../postgres/database';
import { cancelNotices, queueNotice } from '../notices/notices';

/** An event that a step emits. */
export interface StepEvent {
  readonly type: OrderEventType;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Queues the notices that a step on an order makes true and cancels those that it makes untrue, in the step's transaction.
 * @param before undefined if the step places the order
 */
export function writeOrderNotices(
  tx: Transaction,
  before: OrderFacts | undefined,
  after: OrderFacts,
  events: readonly StepEvent[],
  cause: StepCause,
): void {
  const clock = cause.clock ?? new Date(cause.nowIso);
  const untrue = before === undefined ? [] : untrueKinds(before, after);
  if (untrue.length > 0) cancelNotices(tx, { type: 'order', id: after.orderId }, clock, untrue);
  const told = new Set(before?.shipments.map((one) => one.shipmentId));
  const parcels = after.shipments.filter((one) => !told.has(one.shipmentId));
  for (const parcel of parcels) queueNotice(tx, shipped(after, parcel, cause), clock);
  for (const event of events) {
    const notice = noticeOf(event, after, cause);
    if (notice !== undefined) queueNotice(tx, notice, clock);
  }
}

/** Kinds of waiting notices that are no longer true, or that a new notice replaces. */
function untrueKinds(before: OrderFacts, after: OrderFacts): NoticeKind[] {
  const kinds: NoticeKind[] = [];
  if (before.state !== 'cancelled' && after.state === 'cancelled') kinds.push('order_confirmed');
  if (before.paymentDeadline !== after.paymentDeadline) kinds.push('payment_needed');
  if (before.holdWarnedAt !== undefined && (after.holdWarnedAt === undefined || after.hold === undefined)) {
    kinds.push('hold_expiring');
  }
  return kinds;
}

type OrderNotice = {
  readonly [Kind in NoticeKind]: NoticeOf<Kind>;
}['order_confirmed' | 'order_shipped' | 'order_delivered' | 'order_cancelled' | 'payment_needed' | 'hold_expiring'];

function noticeOf({ type, data }: StepEvent, facts: OrderFacts, cause: StepCause): OrderNotice | undefined {
  const { orderId, currency, captureOn, hold, paymentDeadline } = facts;
  switch (type) {
    case 'OrderPlaced': {
      const total = { amount: cartTotal(facts), currency };
      const paidAtOnce = captureOn === 'order';
      return notice(facts, cause, 'order_confirmed', '', { orderId, total, items: itemsOf(facts.lines), paidAtOnce });
    }
    case 'OrderDelivered':
      return notice(facts, cause, 'order_delivered', '', { orderId });
    case 'OrderCancelled': {
      const items = itemsOf(data['lines'] as readonly LineQuantity[]);
      const unpaid = data['reason'] === PAYMENT_NOT_RENEWED;
      const more = { orderId, items, isPartial: data['partial'] === true, unpaid };
      // An order may be refunded in several steps, each of which cancels other lines.
      return notice(facts, cause, 'order_cancelled', cause.operationKey, more);
    }
    case 'PaymentActionRequired': {
      if (paymentDeadline === undefined) return undefined;
      const amount = { amount: owedAmount(facts), currency };
      const link = typeof data['link'] === 'string' ? { link: data['link'] } : {};
      const asked = { orderId, amount, deadline: paymentDeadline, ...link };
      return notice(facts, cause, 'payment_needed', paymentDeadline, asked, paymentDeadline);
    }
    case 'HoldExpiring': {
      if (hold === undefined) return undefined;
      const { paymentIntentId, authorizedAmount, capturedAmount, captureBefore } = hold;
      const amount = { amount: authorizedAmount - capturedAmount, currency };
      const warned = { orderId, amount, captureBefore, plan: facts.policy.onHoldExpiring };
      return notice(facts, cause, 'hold_expiring', paymentIntentId, warned, captureBefore);
    }
    default:
      return undefined;
  }
}

/** The reason with which an order's workflow cancels it at the payment's deadline. */
const PAYMENT_NOT_RENEWED = 'payment_not_renewed';

function shipped(facts: OrderFacts, parcel: OrderFacts['shipments'][number], cause: StepCause): OrderNotice {
  const { shipmentId, carrier, trackingNumber, lines } = parcel;
  const data = { orderId: facts.orderId, carrier, trackingNumber, items: itemsOf(lines) };
  return notice(facts, cause, 'order_shipped', shipmentId, data);
}

function notice<Kind extends OrderNotice['kind']>(
  { orderId }: OrderFacts,
  cause: StepCause,
  kind: Kind,
  which: string,
  data: NoticePayloads[Kind],
  expiresAt?: string,
): OrderNotice {
  return {
    noticeKey: `order:${orderId}:${kind}${which === '' ? '' : `:${shortOf(which)}`}`,
    kind,
    subject: { type: 'order', id: orderId, orderId },
    recipient: kind === 'hold_expiring' ? { to: 'shop' } : { to: 'order_customer', orderId },
    data,
    dueAt: cause.nowIso,
    ...(expiresAt !== undefined && { expiresAt }),
    // One kind with the data of that kind: the compiler does not follow a union through a type parameter.
  } as OrderNotice;
}

/** Notice keys appear in paths and headers, but carriers' numbers may be any text, so they are hashed. */
function shortOf(which: string): string {
  return createHash('sha256').update(which).digest('hex').slice(0, 16);
}

/** One line each: `2 × SKU`. */
function itemsOf(lines: readonly LineQuantity[]): string {
  return lines.map(({ sku, quantity }) => `${quantity} × ${sku}`).join('\n');
}
