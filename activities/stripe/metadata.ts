import { createHash } from 'node:crypto';

/** Keys of the metadata by which our objects are found again at the provider. At most 40 characters each. */
export const metadataKeys = {
  order: 'holdfast_order_id',
  cart: 'holdfast_cart_id',
  /** Of a PaymentIntent: the key of the attempt that made it. */
  operation: 'holdfast_operation_key',
  attempt: 'holdfast_attempt',
  /** Of a refund. */
  refund: 'holdfast_refund_id',
  customer: 'holdfast_customer_id',
  /** Of a customer: an IANA zone, for the hours in which nothing is told. */
  timeZone: 'holdfast_time_zone',
  /** Of an unconfirmed PaymentIntent that only takes an idempotency key out of use: the key. */
  sealed: 'holdfast_sealed_key',
} as const;

/** Begins the name of the mark that a capture leaves on its PaymentIntent. */
const CAPTURE_MARK = 'holdfast_capture_';
/** 64 bits of the key's hash: no two of the 50 captures that a PaymentIntent may have will share it. */
const MARK_LENGTH = 16;

/**
 * A PaymentIntent has room for 50 keys, four of them ours and some of the shop's, and may be captured 50 times. Captures of an
 * order run one after another, each recorded before the next, so only the latest mark is needed: older ones make room.
 */
const MAX_MARKS = 20;

/**
 * Metadata that a capture writes with the money: the hash of its operation key, and its amount. By it a capture whose answer
 * was lost is told from one that never came, also where several captures of one PaymentIntent are allowed.
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

/** Has this capture been made, going by the metadata of its PaymentIntent fetched fresh? */
export function hasCaptureMark(metadata: Readonly<Record<string, string>>, operationKey: string): boolean {
  return metadata[markName(operationKey)] !== undefined;
}

function markName(operationKey: string): string {
  return CAPTURE_MARK + createHash('sha256').update(operationKey).digest('hex').slice(0, MARK_LENGTH);
}
