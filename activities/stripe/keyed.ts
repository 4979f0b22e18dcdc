import { createHash } from 'node:crypto';
import type { PaymentContext } from './context';
import { isUnknownOutcome, unsettled } from './errors';
import type { ProviderSession } from './provider';

/** So many keys in one run: the second is sent at once while a caller waits, and after that a pause helps more than a key. */
const KEYS_PER_RUN = 2;

/**
 * So many keys in all: with Temporal's pauses that is an outage of hours, and every one was preceded by a look. More would be
 * a provider that takes this one request never; then a person is asked.
 */
const MAX_KEYS = 50;

/** A header takes printable ASCII, and a key at most 255 characters, its number included. `#` only stands before a number. */
const PLAIN_KEY = /^[\x21\x22\x24-\x7e]{1,240}$/;

/** The idempotency key of an operation: its own key, or a hash of it where ids of others in it are too long or not ASCII. */
export function idempotencyKey(operationKey: string, number: number): string {
  const [kind = ''] = operationKey.split(':', 1);
  const isPlain = PLAIN_KEY.test(operationKey);
  const key = isPlain ? operationKey : `${kind}:sha256:${createHash('sha256').update(operationKey).digest('hex')}`;
  return number === 1 ? key : `${key}#${number}`;
}

/** A write that the provider does once for each idempotency key. */
export interface KeyedWrite<T> {
  readonly operationKey: string;
  send(idempotencyKey: string): Promise<T>;
  /** What came of it, by a fresh look at the provider; undefined where nothing did. */
  lookUp(error: unknown): Promise<T | undefined>;
  /** Is it unclear after this error what came of the write? By default where the provider itself failed. */
  isInDoubt?(error: unknown): boolean;
}

/**
 * Sends a write, and finds out what came of it where the answer does not say. The provider keeps a failure under the key and
 * only repeats it, so a write that nothing came of goes on under the next key: never before a look, and under a number that is
 * written down first, so that a retry after a crash sends the same key again.
 *
 * @throws what `send` throws where the outcome is clear; a retryable failure where nothing came of it under two keys
 */
export async function sendKeyed<T>(
  context: PaymentContext,
  session: ProviderSession,
  write: KeyedWrite<T>,
): Promise<T> {
  const { operationKey, isInDoubt = isUnknownOutcome } = write;
  let number = await context.store.keyNumber(operationKey);
  for (let tries = 1; ; tries += 1) {
    try {
      return await write.send(idempotencyKey(operationKey, number));
    } catch (error) {
      if (!isInDoubt(error)) throw error;
      const { operation, orderId, subscriptionId } = session.call;
      context.log.warn(
        { operation, orderId, subscriptionId, number },
        'what came of a request is not known; looking it up',
      );
      const found = await write.lookUp(error);
      if (found !== undefined) return found;
      if (number >= MAX_KEYS) throw error;
      number = await context.store.nextKey(operationKey, number);
      if (tries >= KEYS_PER_RUN)
        throw unsettled(session.call, `nothing came of it at the provider; it goes on under key ${number}`);
    }
  }
}
