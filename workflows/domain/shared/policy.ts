/** What a shop decides for its orders. Every value is a duration in milliseconds or a choice. Stored with the order. */
export interface OrderPolicy {
  /** The shop is notified this long before a hold ends. */
  readonly holdWarnMs: number;
  /** Act on a hold (see `onHoldExpiring`) this long before its end. */
  readonly holdMarginMs: number;
  /**
   * What to do with a hold that is about to end. `reauthorize` gets the new hold first, which needs the money twice for a moment;
   * `releaseThenRetry` voids the old one first, as late as is safe, and risks having no hold at all.
   */
  readonly onHoldExpiring: 'reauthorize' | 'releaseThenRetry' | 'capture' | 'ask';
  /** What to do if the bank refuses a new hold while the old one is open: only ask the customer, or also capture before it ends. */
  readonly onRenewalDeclined?: 'ask' | 'capture';
  /** Holds are renewed automatically for this long; then a person decides. */
  readonly holdLimitMs?: number;
  /** How long a customer has to renew a payment that the bank refused to renew; then the order is cancelled. */
  readonly paymentDeadlineMs: number;
  /** How long a declined cart may try another payment method on the same PaymentIntent. */
  readonly declinedGraceMs: number;
  /** How long a customer has for 3-D Secure. */
  readonly customerActionMs: number;
  /** An order that is held or paid and has not shipped for this long becomes an exception. */
  readonly handlingLimitMs: number;
  /** A shipment that has not arrived after this time becomes an exception. */
  readonly deliveryLimitMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const DEFAULT_POLICY: OrderPolicy = {
  holdWarnMs: 48 * HOUR_MS,
  // Long enough to survive a bank's outage of a night, short enough that most parcels have shipped and need no second hold.
  holdMarginMs: 12 * HOUR_MS,
  onHoldExpiring: 'reauthorize',
  onRenewalDeclined: 'ask',
  // As long as the longest hold that card networks grant: an older order has probably been forgotten.
  holdLimitMs: 30 * DAY_MS,
  paymentDeadlineMs: 2 * DAY_MS,
  // A customer looking for another card takes minutes; a grace of hours would keep stock decisions waiting.
  declinedGraceMs: 30 * MINUTE_MS,
  customerActionMs: 30 * MINUTE_MS,
  handlingLimitMs: 14 * DAY_MS,
  deliveryLimitMs: 30 * DAY_MS,
};

/** The default for orders that were placed before this value existed. */
export function holdLimitMs(policy: OrderPolicy): number {
  return policy.holdLimitMs ?? (DEFAULT_POLICY.holdLimitMs as number);
}
