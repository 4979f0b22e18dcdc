/**
 * Operation keys: one for each effect, made of business ids and an attempt number, and the same for every retry. The provider's
 * idempotency keys, unique constraints and tombstones are made from them.
 */
export const operationKeys = {
  customer: (customerId: string): string => `customer:${customerId}`,
  /** `attempt` counts the payment attempts of one order, re-authorizations included. */
  authorize: (orderId: string, attempt: number): string => `authorize:${orderId}:${attempt}`,
  reserve: (orderId: string): string => `reserve:${orderId}`,
  place: (orderId: string): string => `place:${orderId}`,
  allocate: (orderId: string): string => `allocate:${orderId}`,
  capture: (orderId: string, paymentIntentId: string, shipmentId: string): string =>
    `capture:${orderId}:${paymentIntentId}:${shipmentId}`,
  ship: (orderId: string, shipmentId: string): string => `ship:${orderId}:${shipmentId}`,
  void: (paymentIntentId: string): string => `void:${paymentIntentId}`,
  cancel: (orderId: string): string => `cancel:${orderId}`,
  /** One part of a refund: the amount from one payment. */
  refund: (refundId: string, part: number): string => `refund:${refundId}:${part}`,
  /** One movement of a dispute's money, by the provider's balance transaction. */
  disputeMoney: (disputeId: string, balanceTransactionId: string): string =>
    `dispute:${disputeId}:${balanceTransactionId}`,
  disputeEvidence: (disputeId: string, step: string): string => `dispute-evidence:${disputeId}:${step}`,
  /** One try of a customer to pay for a subscription, by the id of the request. Each write of the try adds a suffix. */
  paySubscription: (subscriptionId: string, requestId: string): string => `pay:${subscriptionId}:${requestId}`,
  deliver: (orderId: string, shipmentId: string): string => `deliver:${orderId}:${shipmentId}`,
} as const;

/**
 * The key of a capture. If captured money could not be used for its parcel, the same parcel may need a second capture; `after`, the
 * amount that had been captured by then, distinguishes the two.
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

/** Used instead of a shipment id by the capture that takes a whole order's money at once. */
export const WHOLE_ORDER = 'order';

/**
 * Carrier and tracking number identify a shipment, so the same parcel reported twice is the same shipment. Both are opaque text: a
 * slash in the carrier's name is encoded, so that different pairs have different ids.
 */
export function shipmentId(carrier: string, trackingNumber: string): string {
  return `${carrier.toLowerCase().replace(/[%/]/g, encodeURIComponent)}/${trackingNumber}`;
}
