import { z } from 'zod';
import { MAX_LINES } from '../../workflows/domain/shared/money';
import { COUNTRIES } from './codes';
import {
  actorId,
  boundedTime,
  currency,
  emailAddress,
  listLimit,
  MAX_ID,
  moneyAmount,
  opaqueId,
  ownId,
  pieces,
  wellFormedText,
} from './edge';

/**
 * What callers may send, made of the building blocks in ./edge. Every object is strict: an unknown field is a mistyped one, and
 * the error names it.
 */

const paymentMethod = z
  .string()
  .regex(/^[A-Za-z0-9_]{1,100}$/, "must be a payment method's id, e.g. pm_card_visa")
  .describe("The provider's payment method, e.g. pm_card_visa");

/** The rules of the country span several fields: see ./address. */
const address = z.strictObject({
  line1: wellFormedText(200),
  line2: wellFormedText(200).optional(),
  city: wellFormedText(100).optional().describe('Required where the country has cities'),
  postalCode: wellFormedText(20).optional().describe('Required where the country has postal codes'),
  region: wellFormedText(100).optional(),
  country: z
    .string()
    .toUpperCase()
    .refine((code) => COUNTRIES.has(code), 'must be an ISO 3166-1 alpha-2 code')
    .describe('ISO 3166-1 alpha-2'),
});

/** `POST /v1/checkouts`. All amounts in minor units of `currency`. */
export const checkoutRequest = z.strictObject({
  cartId: opaqueId().describe('A cart that is sent again gets the same order'),
  currency,
  customer: z.strictObject({ id: opaqueId(), email: emailAddress, name: wellFormedText(255).optional() }),
  lines: z
    .array(
      z.strictObject({
        sku: opaqueId(),
        quantity: pieces,
        unitAmount: moneyAmount.describe('Minor units; 0 is a free line'),
      }),
    )
    .min(1)
    .max(MAX_LINES),
  shippingAmount: moneyAmount.default(0),
  taxAmount: moneyAmount.default(0),
  shippingAddress: address.optional(),
  paymentMethod,
  captureOn: z.enum(['shipment', 'order']).default('shipment'),
  channel: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,40}$/, 'must be 1 to 40 letters, digits or _ . : -')
    .default('web')
    .describe('Where the order comes from'),
});

export const lineQuantities = z
  .array(z.strictObject({ sku: opaqueId(), quantity: pieces }))
  .min(1)
  .max(MAX_LINES);

/** `POST /v1/orders/{id}/shipments`: captures what ships. */
export const shipmentRequest = z.strictObject({
  lines: lineQuantities,
  carrier: opaqueId(),
  trackingNumber: opaqueId(),
  warehouseId: opaqueId().optional(),
});

/** Path of everything under `/v1/orders/{id}`. */
export const orderParams = z.strictObject({ orderId: ownId });

export const actor = actorId
  .optional()
  .describe(
    "The person or program behind the request, for the audit log: an id, not a name. Recorded together with the API key's fingerprint",
  );

/** `POST /v1/orders/{id}/cancel`. */
export const cancelRequest = z.strictObject({ reason: wellFormedText(500), actor });

/** `carrier/trackingNumber`, where each character of the carrier may be encoded as three. */
const MAX_SHIPMENT_ID = 4 * MAX_ID + 1;

/** `POST /v1/orders/{id}/deliveries`. Without a shipment: every parcel under way has arrived. Without a time: now. */
export const deliveryRequest = z.strictObject({
  shipmentId: wellFormedText(MAX_SHIPMENT_ID).optional(),
  deliveredAt: boundedTime.optional(),
});

/** `POST /v1/orders/{id}/payment-method`: renews a payment that the bank refused to renew. */
export const paymentMethodRequest = z.strictObject({ paymentMethod });

/** `POST /v1/orders/{id}/hold-decision`: a person's decision on an expiring hold. */
export const holdDecisionRequest = z.strictObject({ action: z.enum(['reauthorize', 'capture', 'cancel']), actor });

const ORDER_STATES = ['placed', 'paid', 'allocated', 'fulfilled', 'shipped', 'delivered', 'cancelled'] as const;
const PARTIES = ['customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier'] as const;

/** No person reads a longer page, and a script can page. */
export const MAX_LIST = 200;

/** Query of `GET /v1/orders`. */
export const listOrdersQuery = z.strictObject({
  state: z.enum(ORDER_STATES).optional(),
  waitingOn: z.enum(PARTIES).optional(),
  stuck: z.enum(['true', 'false']).optional().describe('Only orders that are overdue or have an open exception'),
  limit: listLimit(MAX_LIST),
  before: boundedTime.optional().describe('`placedAt` of the last order on the previous page'),
});

export type CheckoutRequest = z.input<typeof checkoutRequest>;
export type ParsedCheckout = z.output<typeof checkoutRequest>;
export type ShipmentRequest = z.input<typeof shipmentRequest>;
export type CancelRequest = z.input<typeof cancelRequest>;
export type DeliveryRequest = z.input<typeof deliveryRequest>;
export type PaymentMethodRequest = z.input<typeof paymentMethodRequest>;
export type HoldDecisionRequest = z.input<typeof holdDecisionRequest>;
export type ListOrdersQuery = z.output<typeof listOrdersQuery>;
