import { z } from 'zod';
import { MAX_AMOUNT, MAX_LINES, MAX_QUANTITY } from '../workflows/domain/money';
import { COUNTRIES, CURRENCIES } from './codes';

/**
 * What callers may send. Every object is strict: a field that nobody knows is a mistyped one, and is named. Messages
 * never repeat a value: a value may be personal.
 */

// Short enough for a workflow id, a search attribute and a provider's metadata; nothing that needs escaping in a URL.
const ID = /^[A-Za-z0-9_.:-]{1,100}$/;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}$/;
// eslint-disable-next-line no-control-regex -- Postgres refuses NUL in text, and no name or address has a control character
const NO_CONTROL = /^[^\u0000-\u001f\u007f]*$/;

export const text = (max: number): z.ZodString =>
  z.string().min(1).max(max).regex(NO_CONTROL, 'must have no control characters');
const id = z.string().regex(ID, 'must be 1 to 100 letters, digits or _ . : -');
const label = z.string().regex(LABEL, 'must be 1 to 64 letters, digits, spaces or . _ / -');
const quantity = z.int().min(1).max(MAX_QUANTITY);
const amount = z.int().min(0).max(MAX_AMOUNT);
const paymentMethod = z
  .string()
  .regex(/^[A-Za-z0-9_]{1,100}$/, "must be a payment method's id, e.g. pm_card_visa")
  .describe("The provider's payment method, e.g. pm_card_visa");

export const idSchema = id;

export const currency = z
  .string()
  .toLowerCase()
  .refine((code) => CURRENCIES.has(code), 'must be an ISO 4217 code of a supported currency')
  .describe('ISO 4217; upper case is taken too');

const address = z.strictObject({
  line1: text(200),
  line2: text(200).optional(),
  city: text(100),
  postalCode: text(20),
  region: text(100).optional(),
  country: z
    .string()
    .toUpperCase()
    .refine((code) => COUNTRIES.has(code), 'must be an ISO 3166-1 alpha-2 code')
    .describe('ISO 3166-1 alpha-2'),
});

/** `POST /v1/checkouts`. All amounts in minor units of `currency`. */
export const checkoutRequest = z.strictObject({
  cartId: id.describe('The same cart again is the same order'),
  currency,
  customer: z.strictObject({ id, email: z.email().max(254), name: text(200).optional() }),
  lines: z
    .array(z.strictObject({ sku: id, quantity, unitAmount: amount.describe('Minor units; 0 is a free line') }))
    .min(1)
    .max(MAX_LINES),
  shippingAmount: amount.default(0),
  taxAmount: amount.default(0),
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
  .array(z.strictObject({ sku: id, quantity }))
  .min(1)
  .max(MAX_LINES);

/** `POST /v1/orders/{id}/shipments`: captures what ships. */
export const shipmentRequest = z.strictObject({
  lines: lineQuantities,
  carrier: label,
  trackingNumber: label,
  warehouseId: id.optional(),
});

export const actor = id
  .optional()
  .describe("Who asks, for the audit log: an id, no name. Absent: the API key's fingerprint");

/** `POST /v1/orders/{id}/cancel`. */
export const cancelRequest = z.strictObject({ reason: text(500), actor });

/** `POST /v1/orders/{id}/deliveries`. Without a shipment, every parcel under way has arrived; without a time, now. */
export const deliveryRequest = z.strictObject({
  shipmentId: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,129}$/, "must be a shipment's id")
    .optional(),
  deliveredAt: z.iso.datetime({ offset: true }).optional(),
});

/** `POST /v1/orders/{id}/payment-method`: renews a payment that the bank refused to renew. */
export const paymentMethodRequest = z.strictObject({ paymentMethod });

/** `POST /v1/orders/{id}/hold-decision`: a person's decision on an expiring hold. */
export const holdDecisionRequest = z.strictObject({ action: z.enum(['reauthorize', 'capture', 'cancel']), actor });

const ORDER_STATES = ['placed', 'paid', 'allocated', 'fulfilled', 'shipped', 'delivered', 'cancelled'] as const;
const PARTIES = ['customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier'] as const;

/** A page of more orders than this is no longer read by a person, and a script can page. */
export const MAX_LIST = 200;

/** Query of `GET /v1/orders`. */
export const listOrdersQuery = z.strictObject({
  state: z.enum(ORDER_STATES).optional(),
  waitingOn: z.enum(PARTIES).optional(),
  stuck: z.enum(['true', 'false']).optional().describe('Only what is overdue or has an open exception'),
  limit: z.coerce.number<string>().int().min(1).max(MAX_LIST).default(50),
  before: z.iso.datetime().optional().describe('placedAt of the last order of the page before'),
});

export type CheckoutRequest = z.input<typeof checkoutRequest>;
export type ParsedCheckout = z.output<typeof checkoutRequest>;
export type ShipmentRequest = z.input<typeof shipmentRequest>;
export type CancelRequest = z.input<typeof cancelRequest>;
export type DeliveryRequest = z.input<typeof deliveryRequest>;
export type PaymentMethodRequest = z.input<typeof paymentMethodRequest>;
export type HoldDecisionRequest = z.input<typeof holdDecisionRequest>;
export type ListOrdersQuery = z.output<typeof listOrdersQuery>;
