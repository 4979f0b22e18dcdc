import { z } from 'zod';
import { disputeAnswer, refundAnswer } from './after-sale-answers';

// The gateway's answers, for its documentation. The types come from the workflows; a test compares the two.

const amount = z.int().min(0).describe('Minor units');
const time = z.iso.datetime();
const orderState = z.enum(['placed', 'paid', 'allocated', 'fulfilled', 'shipped', 'delivered', 'cancelled']);
const paymentState = z.enum(['authorized', 'partially_captured', 'captured', 'expired', 'payment_needed', 'voided']);
const lineQuantity = z.object({ sku: z.string(), quantity: z.int() });

export const checkoutPlaced = z.object({
  orderId: z.string(),
  state: z.literal('placed'),
  authorizedAmount: amount,
  captureBefore: time.nullable(),
});
export const checkoutRequiresAction = z.object({
  orderId: z.string(),
  state: z.literal('requires_action'),
  paymentIntentId: z.string(),
  clientSecret: z.string(),
  until: time,
});
export const shipmentAnswer = z.object({
  orderId: z.string(),
  shipmentId: z.string(),
  capturedAmount: amount,
  state: orderState,
  paymentState,
});
export const cancelAnswer = z.object({
  orderId: z.string(),
  state: orderState,
  releasedAmount: amount,
  cancelledLines: z.array(lineQuantity),
});
export const deliveryAnswer = z.object({ orderId: z.string(), state: orderState });
export const holdDecisionAnswer = deliveryAnswer;
export const paymentRenewed = z.object({
  orderId: z.string(),
  state: z.literal('authorized'),
  captureBefore: time,
});
export const paymentRequiresAction = z.object({
  orderId: z.string(),
  state: z.literal('requires_action'),
  clientSecret: z.string(),
});

export const orderAnswer = z.object({
  orderId: z.string(),
  cartId: z.string(),
  channel: z.string(),
  state: orderState,
  paymentState,
  currency: z.string(),
  amounts: z.object({
    heldNow: amount.describe('Held on cards now, in minor units'),
    authorized: amount.describe('Sum of all holds ever made, renewals included, in minor units'),
    captured: amount,
    released: amount,
    refundPending: amount,
    refunded: amount,
    refundedOutside: amount.optional(),
    disputed: amount.optional(),
  }),
  captureBefore: time.nullable(),
  lines: z.array(lineQuantity.extend({ unitAmount: amount, shipped: z.int(), cancelled: z.int() })),
  allocation: z
    .array(lineQuantity.extend({ warehouseId: z.string() }))
    .optional()
    .describe('Warehouses where the pieces that have not shipped are reserved; absent in lists'),
  shipments: z.array(
    z.object({
      shipmentId: z.string(),
      lines: z.array(lineQuantity),
      carrier: z.string(),
      trackingNumber: z.string(),
      warehouseId: z.string().optional(),
      amount,
      shippedAt: time,
      deliveredAt: time.optional(),
    }),
  ),
  refunds: z.array(refundAnswer),
  disputes: z.array(disputeAnswer),
  returns: z.array(z.never()),
  exception: z.object({ kind: z.string(), message: z.string(), owner: z.string(), raisedAt: time }).optional(),
  waitingOn: z.enum(['customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier']).optional(),
  waitingUntil: time.optional(),
  waitingFor: z.string().optional(),
  placedAt: time,
});
export const ordersAnswer = z.object({ orders: z.array(orderAnswer) });

/** RFC 9457. */
export const problemAnswer = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});
export const webhookAnswer = z.object({ received: z.literal(true), duplicate: z.boolean() });
export const healthAnswer = z.object({ status: z.literal('ok') });
export const readinessAnswer = z.object({
  status: z.literal('ready'),
  checks: z.record(z.string(), z.enum(['ok', 'degraded'])),
});
