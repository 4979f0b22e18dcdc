import { z } from 'zod';
import type { RequestLimits } from '../../activities/stripe';

/** Rate limits of requests to Stripe, and the share of one process while Redis is away. */
export interface StripeLimits extends RequestLimits {
  /** Above 0, at most 1; the shares of all processes should add up to 1. */
  readonly localShare: number;
}

/** Requests a second. Source: Stripe, "Rate limits". Restricted test keys have the limits of test keys. */
const LIVE_PER_SECOND = 100;
const SANDBOX_PER_SECOND = 25;
const PER_ENDPOINT = 25;
/** Four processes without Redis keep the limit together; fewer are slower than necessary. */
const LOCAL_SHARE = 0.25;
/** A lower limit leaves no room between the limiter's buckets and the provider's. */
const LEAST_PER_SECOND = 5;
/** More than Stripe gives any account; a larger number is a mistyped one. */
const MOST_PER_SECOND = 10_000;

const rate = z
  .string()
  .regex(/^\d{1,5}$/, { error: wholeNumber() })
  .transform(Number)
  .refine((value) => value >= LEAST_PER_SECOND && value <= MOST_PER_SECOND, { error: wholeNumber() });

function wholeNumber(): string {
  return `must be a number of requests a second from ${LEAST_PER_SECOND} to ${MOST_PER_SECOND}`;
}

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
 * The limits of the configured key. Undefined for the embedded simulator, where a limit would only slow down tests and benchmarks;
 * with one of the rates set, the simulator is limited like a sandbox.
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
