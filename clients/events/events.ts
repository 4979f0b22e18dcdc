import { z } from 'zod';
import type { OrderEventType } from '../../workflows/domain/shared/events';
import { moneyBackEventData } from './money-back-events';

/**
 * Our own events, as consumers get them. What is written here holds for version 1 of each type: fields may be added to
 * it, and consumers must let those pass that they do not know; a field that goes or changes its meaning is a new version.
 * Events may come more than once (`eventId`), and those of one order are counted without gaps (`sequence`).
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
    partial: z.boolean().describe('Something of the order shipped before: only the rest is cancelled'),
    lines: z.array(lineQuantity).min(1),
  }),
  PaymentCaptured: z.object({
    paymentIntentId,
    amount,
    currency,
    released: amount.optional().describe('What the capture let go of; absent where it was not ours'),
    shipmentId: z.string().optional().describe('Absent where the whole order was captured at once'),
    lines: z.array(lineQuantity).optional(),
    external: z.literal(true).optional().describe('Captured by somebody else'),
  }),
  PaymentReauthorized: z.object({ paymentIntentId, amount, captureBefore: time }),
  HoldExpiring: z.object({ paymentIntentId, captureBefore: time, openAmount: amount }),
  HoldExpired: z.object({ paymentIntentId, reason: z.enum(['expired', 'voided', 'other']) }),
  PaymentActionRequired: z.object({
    reason: z.string().describe('A decline code, or `authentication_required`'),
    deadline: time,
    link: z.url().optional(),
  }),
  // Kinds of exceptions come with every feature: a consumer must not break on one that is new.
  ExceptionRaised: z.object({
    kind: z.string(),
    message: z.string(),
    owner: z.string(),
    amountAtRisk: z.object({ amount, currency }).optional(),
  }),
  ExceptionResolved: z.object({ kind: z.string() }),
  ...moneyBackEventData,
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

/** Any event of an order, told apart by `type`. */
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
/** The event of one type. */
export type OrderEventOf<Type extends OrderEventType> = Extract<OrderEvent, { type: Type }>;
