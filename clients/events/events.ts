import { z } from 'zod';
import type { OrderEventType } from '../../workflows/domain/shared/events';
import { afterSaleEventData } from './after-sale-events';

/**
 * Our own events, as consumers get them. This is version 1 of each type: fields may be added, so consumers must ignore unknown
 * fields; a field that is removed or changes its meaning makes a new version. An event may be delivered more than once (compare
 * `eventId`). The events of one order are numbered without gaps (`sequence`).
 */

const amount = z.int().min(0).describe('Minor units');
const currency = z.string().regex(/^[a-z]{3}$/);
const time = z.iso.datetime();
const paymentIntentId = z.string().min(1);
const lineQuantity = z.object({ sku: z.string(), quantity: z.int().min(1) });
const shipmentIds = z.array(z.string()).min(1);

/** `data` of every type of event. */
export const orderEventData = {
  OrderPlaced: z.object({
    cartId: z.string(),
    channel: z.string(),
    customerId: z.string(),
    currency,
    total: amount,
    shippingAmount: amount,
    taxAmount: amount,
    lines: z.array(lineQuantity.extend({ unitAmount: amount })).min(1),
    captureBefore: time.nullable(),
  }),
  OrderPaid: z.object({ captured: amount.describe('Everything captured for the order, in minor units'), currency }),
  OrderAllocated: z.object({ lines: z.array(lineQuantity.extend({ warehouseId: z.string() })) }),
  OrderFulfilled: z.object({ shipments: shipmentIds }),
  OrderShipped: z.object({
    shipments: z.array(z.object({ shipmentId: z.string(), carrier: z.string(), trackingNumber: z.string() })).min(1),
  }),
  OrderDelivered: z.object({ shipments: shipmentIds }),
  OrderCancelled: z.object({
    reason: z.string(),
    actor: z.string(),
    partial: z.boolean().describe('Part of the order has shipped: only the rest is cancelled'),
    lines: z.array(lineQuantity).min(1),
  }),
  PaymentCaptured: z.object({
    paymentIntentId,
    amount,
    currency,
    released: amount
      .optional()
      .describe('The part of the hold that the capture released; absent where Holdfast did not make the capture'),
    shipmentId: z.string().optional().describe('Absent where the whole order was captured at once'),
    lines: z.array(lineQuantity).optional(),
    external: z.literal(true).optional().describe('Captured without Holdfast'),
  }),
  PaymentReauthorized: z.object({ paymentIntentId, amount, captureBefore: time }),
  HoldExpiring: z.object({ paymentIntentId, captureBefore: time, openAmount: amount }),
  HoldExpired: z.object({ paymentIntentId, reason: z.enum(['expired', 'voided', 'other']) }),
  PaymentActionRequired: z.object({
    reason: z.string().describe('A decline code, or `authentication_required`'),
    deadline: time,
    link: z.url().optional(),
  }),
  // New versions add kinds of exceptions: a consumer must not break on an unknown kind.
  ExceptionRaised: z.object({
    kind: z.string(),
    message: z.string(),
    owner: z.string(),
    amountAtRisk: z.object({ amount, currency }).optional(),
  }),
  ExceptionResolved: z.object({ kind: z.string() }),
  ...afterSaleEventData,
} as const satisfies Readonly<Record<OrderEventType, z.ZodObject>>;

function event<Type extends OrderEventType>(type: Type) {
  return z.object({
    eventId: z.uuid(),
    type: z.literal(type),
    version: z.literal(1),
    orderId: z.string().min(1),
    sequence: z.int().min(1),
    occurredAt: time,
    causation: z.string().min(1).describe('The operation key that caused it'),
    traceId: z.string().regex(/^[0-9a-f]{32}$/),
    data: orderEventData[type],
  });
}

/** Any event of an order, discriminated by `type`. */
export const orderEventSchema = z.discriminatedUnion('type', [
  event('OrderPlaced'),
  event('OrderPaid'),
  event('OrderAllocated'),
  event('OrderFulfilled'),
  event('OrderShipped'),
  event('OrderDelivered'),
  event('OrderCancelled'),
  event('PaymentCaptured'),
  event('PaymentReauthorized'),
  event('HoldExpiring'),
  event('HoldExpired'),
  event('PaymentActionRequired'),
  event('ExceptionRaised'),
  event('ExceptionResolved'),
  event('RefundPending'),
  event('RefundSucceeded'),
  event('RefundFailed'),
  event('RefundCanceled'),
  event('RefundResolved'),
  event('DisputeOpened'),
  event('DisputeEvidenceSubmitted'),
  event('DisputeFundsMoved'),
  event('DisputeClosed'),
  event('FraudWarningReceived'),
]);

/** An event of an order with the `data` of its type. */
export type OrderEvent = z.output<typeof orderEventSchema>;
export type OrderEventOf<Type extends OrderEventType> = Extract<OrderEvent, { type: Type }>;
