import { z } from 'zod';
import type { RequestLimits } from '../../activities/stripe';

/** What may be asked of Stripe, and what one process takes of it by itself while Redis is away. */
export interface StripeLimits extends RequestLimits {
  /** Above 0, at most 1; all processes together should come to 1. */
  readonly localShare: number;
}

/** Requests a second, as Stripe's documentation has them ("Rate limits"); a restricted test key is a test key, too. */
const LIVE_PER_SECOND = 100;
const SANDBOX_PER_SECOND = 25;
const PER_ENDPOINT = 25;
/** Four processes that cannot see each other keep the limit together; fewer are slower than they would have to be. */
const LOCAL_SHARE = 0.25;
/** Fewer than these leave no room between the limiter's buckets and the provider's. */
const LEAST_PER_SECOND = 5;
/** More than any account has been given; above it, it is a mistyped number. */
const MOST_PER_SECOND = 10_000;

const rate = z
  .string()
  .regex(/^\d{1,5}$/, { error: wholeNumber() })
  .transform(Number)
  .refine((value) => value >= LEAST_PER_SECOND && value <= MOST_PER_SECOND, { error: wholeNumber() });

function wholeNumber(): string {
  return `must be a number of requests a second from ${LEAST_PER_SECOND} to ${MOST_PER_SECOND}`;
}

/** Variables of the environment. */
export const stripeLimitVariables = {
  STRIPE_RATE_LIMIT: rate.optional(),
  STRIPE_ENDPOINT_RATE_LIMIT: rate.optional(),
  STRIPE_RATE_LIMIT_SHARE: z
    .string()
    .transform(Number)
    .refine((value) => value >= 0.01 && value <= 1, { error: 'must be a share from 0.01 to 1' })
    .optional(),
};

interface Given {
  readonly STRIPE_SECRET_KEY?: string | undefined;
  readonly STRIPE_RATE_LIMIT?: number | undefined;
  readonly STRIPE_ENDPOINT_RATE_LIMIT?: number | undefined;
  readonly STRIPE_RATE_LIMIT_SHARE?: number | undefined;
}

/**
 * The limits for the key. Undefined with the embedded simulator, which has none: a limit there would only slow tests and
 * benchmarks down; with one of the rates set, it is limited like a sandbox.
 */
export function stripeLimits(given: Given): StripeLimits | undefined {
  const { STRIPE_SECRET_KEY: key, STRIPE_RATE_LIMIT: perSecond, STRIPE_ENDPOINT_RATE_LIMIT: perEndpoint } = given;
  if (key === undefined && perSecond === undefined && perEndpoint === undefined) return undefined;
  const isLive = key !== undefined && /^(sk|rk)_live_/.test(key);
  return {
    perSecond: perSecond ?? (isLive ? LIVE_PER_SECOND : SANDBOX_PER_SECOND),
    perEndpoint: perEndpoint ?? PER_ENDPOINT,
    localShare: given.STRIPE_RATE_LIMIT_SHARE ?? LOCAL_SHARE,
  };
}
