/** What a shop decides for its orders. Every value is a duration in milliseconds or a choice. Kept with the order. */
export interface OrderPolicy {
  /** Tell the shop that a hold nears its end this long before. */
  readonly holdWarnMs: number;
  /** Act on a hold (see `onHoldExpiring`) this long before its end. */
  readonly holdMarginMs: number;
  /** What to do with a hold that nears its end. */
  readonly onHoldExpiring: 'reauthorize' | 'capture' | 'ask';
  /** How long a customer has to renew a payment that the bank refused to renew, before the order is cancelled. */
  readonly paymentDeadlineMs: number;
  /** How long a declined cart may try another payment method on the same PaymentIntent. */
  readonly declinedGraceMs: number;
  /** How long a customer has for 3-D Secure. */
  readonly customerActionMs: number;
  /** An order that is paid and has not shipped for this long becomes an exception. */
  readonly handlingLimitMs: number;
  /** A shipment that has not arrived for this long becomes an exception. */
  readonly deliveryLimitMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const DEFAULT_POLICY: OrderPolicy = {
  holdWarnMs: 48 * HOUR_MS,
  // Long enough for a bank's outage of a night, short enough that most parcels have left and need no second hold.
  holdMarginMs: 12 * HOUR_MS,
  onHoldExpiring: 'reauthorize',
  paymentDeadlineMs: 2 * DAY_MS,
  // A customer looking for another card takes minutes; a grace of hours would keep stock decisions waiting.
  declinedGraceMs: 30 * MINUTE_MS,
  customerActionMs: 30 * MINUTE_MS,
  handlingLimitMs: 14 * DAY_MS,
  deliveryLimitMs: 30 * DAY_MS,
};
