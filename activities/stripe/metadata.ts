import { createHash } from 'node:crypto';

/** Metadata keys by which our objects are found again at the provider. At most 40 characters each. */
export const metadataKeys = {
  order: 'holdfast_order_id',
  cart: 'holdfast_cart_id',
  /** Of a PaymentIntent: the key of the attempt that made it. */
  operation: 'holdfast_operation_key',
  attempt: 'holdfast_attempt',
  /** Of a refund. */
  refund: 'holdfast_refund_id',
  customer: 'holdfast_customer_id',
  /** Of a customer: an IANA time zone, for quiet hours. */
  timeZone: 'holdfast_time_zone',
  /** Of an unconfirmed PaymentIntent that only seals an idempotency key: the key. */
  sealed: 'holdfast_sealed_key',
} as const;

/** Prefix of the metadata key that marks a capture on its PaymentIntent. */
const CAPTURE_MARK = 'holdfast_capture_';
/** 64 bits of the key's hash, enough to tell the at most 50 captures of a PaymentIntent apart. */
const MARK_LENGTH = 16;

/**
 * A PaymentIntent has room for 50 metadata keys, four of them ours and some the shop's, and may be captured 50 times. Captures
 * of an order run one after another, each recorded before the next, so only the latest mark is needed and older ones are removed.
 */
const MAX_MARKS = 20;

/**
 * Metadata that a capture writes in the same request: the hash of its operation key, and its amount. If the answer is lost, the
 * mark shows whether the capture was made, even where a PaymentIntent allows several captures.
 */
export function captureMark(
  operationKey: string,
  amount: number,
  known: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const marks = Object.keys(known).filter((name) => name.startsWith(CAPTURE_MARK));
  const unset = marks.length < MAX_MARKS ? [] : marks.map((name) => [name, ''] as const);
  return { ...Object.fromEntries(unset), [markName(operationKey)]: String(amount) };
}

/** Was this capture made, according to freshly fetched metadata of its PaymentIntent? */
export function hasCaptureMark(metadata: Readonly<Record<string, string>>, operationKey: string): boolean {
  return metadata[markName(operationKey)] !== undefined;
}

function markName(operationKey: string): string {
  return CAPTURE_MARK + createHash('sha256').update(operationKey).digest('hex').slice(0, MARK_LENGTH);
}
