import { createHash } from 'node:crypto';
import type { PaymentContext } from './context';
import { isUnknownOutcome, retryLater } from './errors';
import type { ProviderSession } from './provider';

/** Idempotency keys tried in one run: the second is sent at once, because a caller waits; after that a pause helps more than another key. */
const KEYS_PER_RUN = 2;

/**
 * Idempotency keys tried in all. With Temporal's pauses they span an outage of hours, and each new one follows a look at the
 * provider. After that the provider evidently never accepts this request, and a person is asked.
 */
const MAX_KEYS = 50;

/** A header allows printable ASCII and a key at most 255 characters, number included. `#` is reserved for the number. */
const PLAIN_KEY = /^[\x21\x22\x24-\x7e]{1,240}$/;

/** The idempotency key of an operation: the operation key, or a hash of it if foreign ids in it are too long or not ASCII. */
export function idempotencyKey(operationKey: string, number: number): string {
  const [kind = ''] = operationKey.split(':', 1);
  const isPlain = PLAIN_KEY.test(operationKey);
  const key = isPlain ? operationKey : `${kind}:sha256:${createHash('sha256').update(operationKey).digest('hex')}`;
  return number === 1 ? key : `${key}#${number}`;
}

/** A write that the provider executes once for each idempotency key. */
export interface KeyedWrite<T> {
  readonly operationKey: string;
  send(idempotencyKey: string): Promise<T>;
  /** Looks the outcome up at the provider; undefined if the write had no effect. */
  lookUp(error: unknown): Promise<T | undefined>;
  /** Is the outcome unknown after this error? Default: if the provider itself failed. */
  isInDoubt?(error: unknown): boolean;
}

/**
 * Sends a write and looks its outcome up if the answer leaves it unknown. The provider stores a failure under the key and only
 * replays it, so a write that had no effect is sent again under the next key: always after a look, and with a number that is
 * recorded first, so that a retry after a crash sends the same key.
 *
 * @throws the error of `send` if the outcome is known; a retryable failure if the write had no effect under two keys
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
        'the outcome of a request is unknown; looking it up at the provider',
      );
      const found = await write.lookUp(error);
      if (found !== undefined) return found;
      if (number >= MAX_KEYS) throw error;
      number = await context.store.nextKey(operationKey, number);
      if (tries >= KEYS_PER_RUN)
        throw retryLater(session.call, `the request had no effect at the provider; the next try uses key ${number}`);
    }
  }
}
