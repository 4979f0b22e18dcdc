/**
 * Operation keys: one for each effect, made of business ids and an attempt number, the same for every retry. Provider
 * idempotency keys, unique constraints and tombstones are made of them.
 */
export const operationKeys = {
  customer: (customerId: string): string => `customer:${customerId}`,
  /** Attempt numbers count the payment attempts of one order, re-authorizations included. */
  authorize: (orderId: string, attempt: number): string => `authorize:${orderId}:${attempt}`,
  reserve: (orderId: string): string => `reserve:${orderId}`,
  place: (orderId: string): string => `place:${orderId}`,
  allocate: (orderId: string): string => `allocate:${orderId}`,
  capture: (orderId: string, paymentIntentId: string, shipmentId: string): string =>
    `capture:${orderId}:${paymentIntentId}:${shipmentId}`,
  ship: (orderId: string, shipmentId: string): string => `ship:${orderId}:${shipmentId}`,
  void: (paymentIntentId: string): string => `void:${paymentIntentId}`,
  cancel: (orderId: string): string => `cancel:${orderId}`,
  /** One part of a refund: what one payment gives back. */
  refund: (refundId: string, part: number): string => `refund:${refundId}:${part}`,
  /** One movement of a dispute's money, by the provider's balance transaction. */
  disputeMoney: (disputeId: string, balanceTransactionId: string): string =>
    `dispute:${disputeId}:${balanceTransactionId}`,
  disputeEvidence: (disputeId: string, step: string): string => `dispute-evidence:${disputeId}:${step}`,
  /** One try of a customer to pay for a subscription, by the id of their request; the writes of it add what they do. */
  paySubscription: (subscriptionId: string, requestId: string): string => `pay:${subscriptionId}:${requestId}`,
  deliver: (orderId: string, shipmentId: string): string => `deliver:${orderId}:${shipmentId}`,
} as const;

/**
 * The key of a capture. Where money was taken that no parcel has used, the same parcel may be captured for anew: what had been
 * captured by then tells the two apart.
 */
export function captureKey(input: {
  readonly orderId: string;
  readonly paymentIntentId: string;
  readonly shipment?: { readonly shipmentId: string };
  readonly after?: number;
}): string {
  const key = operationKeys.capture(input.orderId, input.paymentIntentId, input.shipment?.shipmentId ?? WHOLE_ORDER);
  return input.after === undefined ? key : `${key}:after-${input.after}`;
}

/** The id of the capture that takes a whole order's money at once, in place of a shipment's. */
export const WHOLE_ORDER = 'order';

/**
 * A shipment is known by its carrier and tracking number, so the same parcel reported twice is the same shipment. Both are
 * opaque text: a slash in the carrier's name is encoded, so that no two pairs have the same id.
 */
export function shipmentId(carrier: string, trackingNumber: string): string {
  return `${carrier.toLowerCase().replace(/[%/]/g, encodeURIComponent)}/${trackingNumber}`;
}
