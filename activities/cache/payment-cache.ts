import type { Redis } from 'ioredis';

/** The cached facts of a payment method: facts that never change, and the customer that owns it. No card numbers. */
export interface CachedPaymentMethod {
  /** The provider's customer that it is attached to; absent if none. */
  readonly stripeCustomerId?: string;
  readonly brand?: string;
  readonly funding?: string;
  readonly country?: string;
}

/** Cached references to the provider's objects. Losing one costs one more request to the provider. */
export interface PaymentCache {
  /** The provider's customer for our customer; undefined if it is not known or the cache cannot be reached. */
  customer(customerId: string): Promise<string | undefined>;
  keepCustomer(customerId: string, stripeCustomerId: string): Promise<void>;
  /** For a customer that the provider has deleted. */
  forgetCustomer(customerId: string): Promise<void>;
  paymentMethod(paymentMethodId: string): Promise<CachedPaymentMethod | undefined>;
  keepPaymentMethod(paymentMethodId: string, details: CachedPaymentMethod): Promise<void>;
  /** For a method that was detached, deleted or moved. */
  forgetPaymentMethod(paymentMethodId: string): Promise<void>;
}

export interface PaymentCacheOptions {
  /** The provider's account and mode. References of one account mean nothing in another. */
  readonly scope: string;
  /** Called for each failure of the cache, to count or log it. A failing cache never fails the activity. */
  readonly onFailure?: (command: string, error: unknown) => void;
  /** Longer than a slow Redis takes, shorter than the request that it saves; milliseconds. */
  readonly timeoutMs?: number;
}

/** Most customers who return do so within a month; a longer time would only fill the memory. */
const CUSTOMER_TTL_S = 30 * 24 * 3600;
/** A method can be detached or moved in the provider's dashboard; a day limits how long the cache can be wrong about it. */
const PAYMENT_METHOD_TTL_S = 24 * 3600;
/** A request to the provider takes some 300 ms; a cache slower than this saves nothing. */
const DEFAULT_TIMEOUT_MS = 250;

/**
 * The cache on Redis, or on anything with the interface of `ioredis`. Every failure counts as a miss: while Redis is
 * down, the provider is asked instead.
 */
export function createPaymentCache(redis: Redis, options: PaymentCacheOptions): PaymentCache {
  const prefix = `holdfast:payments:${options.scope}`;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const attempt = async <T>(command: string, run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await within(run(), timeoutMs);
    } catch (error) {
      options.onFailure?.(command, error);
      return undefined;
    }
  };
  const read = async (key: string): Promise<string | undefined> => {
    const value: unknown = await attempt('get', () => redis.get(key));
    // Redis refuses to read a value of another type as text; the in-process substitute returns it.
    return typeof value === 'string' ? value : undefined;
  };
  const write = async (key: string, value: string, ttlS: number): Promise<void> => {
    await attempt('set', () => redis.set(key, value, 'EX', ttlS));
  };
  const forget = async (key: string): Promise<void> => {
    await attempt('del', () => redis.del(key));
  };
  return {
    customer: (id) => read(`${prefix}:customer:${id}`),
    keepCustomer: (id, stripeId) => write(`${prefix}:customer:${id}`, stripeId, CUSTOMER_TTL_S),
    forgetCustomer: (id) => forget(`${prefix}:customer:${id}`),
    paymentMethod: async (id) => parseMethod(await read(`${prefix}:method:${id}`)),
    keepPaymentMethod: (id, details) => write(`${prefix}:method:${id}`, JSON.stringify(details), PAYMENT_METHOD_TTL_S),
    forgetPaymentMethod: (id) => forget(`${prefix}:method:${id}`),
  };
}

/** ioredis queues commands while it is disconnected; a waiting activity must not wait with them. */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const METHOD_FIELDS = ['stripeCustomerId', 'brand', 'funding', 'country'] as const;

/** Any other content counts as a miss: the cache is not trusted to hold what was written. */
function parseMethod(text: string | undefined): CachedPaymentMethod | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value);
    const known = entries.every(
      ([name, field]) => METHOD_FIELDS.some((one) => one === name) && typeof field === 'string',
    );
    return known ? (Object.fromEntries(entries) as CachedPaymentMethod) : undefined;
  } catch {
    return undefined;
  }
}
