import type { Hold } from '../order/order';
import type { OrderPolicy } from './policy';

/** When to warn about a hold and when to act on it. ISO strings. */
export interface HoldPlan {
  readonly warnAt: string;
  readonly actAt: string;
  /** The last moment at which the hold can safely be captured, or voided for another. */
  readonly lastCallAt: string;
  /** When to look whether the hold is gone, in case its webhook was lost. */
  readonly checkAt: string;
}

/**
 * For a hold that is shorter than the margins, the warning comes at half its life and the action at three quarters, so that the
 * same code handles holds of a month, a week and a minute. The deadline itself is always the provider's.
 */
const WARN_SHARE = 1 / 2;
const ACT_SHARE = 1 / 4;

/** Share of the margin to act: with the default of 12 h the last moment is 2 h before the end, so an outage of an hour costs no money. */
const LAST_CALL_SHARE = 1 / 6;

/** The provider expires a hold some seconds after its deadline; an earlier look would find it still open. */
export const EXPIRY_CHECK_DELAY_MS = 5_000;

/** The plan for one hold under a policy. Pure; times in UTC. */
export function holdPlan(
  hold: Pick<Hold, 'authorizedAt' | 'captureBefore'>,
  policy: Pick<OrderPolicy, 'holdWarnMs' | 'holdMarginMs'>,
): HoldPlan {
  const endMs = Date.parse(hold.captureBefore);
  const lifeMs = Math.max(0, endMs - Date.parse(hold.authorizedAt));
  const warnMs = Math.min(policy.holdWarnMs, lifeMs * WARN_SHARE);
  const actMs = Math.min(policy.holdMarginMs, lifeMs * ACT_SHARE);
  return {
    warnAt: iso(endMs - Math.max(warnMs, actMs)),
    actAt: iso(endMs - actMs),
    lastCallAt: iso(endMs - actMs * LAST_CALL_SHARE),
    checkAt: iso(endMs + EXPIRY_CHECK_DELAY_MS),
  };
}

/** Milliseconds since the epoch as a UTC ISO string. */
export function iso(ms: number): string {
  return new Date(Math.round(ms)).toISOString();
}
