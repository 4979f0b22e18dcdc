import { assertQuietHours } from '../notice/quiet-hours';
import type { DunningPolicy } from '../subscription/subscription';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

export const DEFAULT_DUNNING_POLICY: DunningPolicy = {
  // Card outages pass within the hour; a mail that the next try proves wrong costs more trust than two hours cost money.
  graceMs: 2 * HOUR_MS,
  // Gives two notices and the last one in the provider's two weeks; each costs a wake, and a cycle has 40 history events.
  spacingMs: 6 * DAY_MS,
  // Stripe's recommended setting: 8 tries within 2 weeks. Source: Stripe, "Smart Retries".
  maxAttempts: 8,
  retrySpanMs: 14 * DAY_MS,
  // Long enough to find another card, short enough to be urgent.
  lastNoticeMs: 2 * DAY_MS,
  // The next try is planned within seconds. Too short a time ends a subscription that is still being collected; too long a time only
  // delays the notice by hours.
  planningMs: 6 * HOUR_MS,
  settlingMs: HOUR_MS,
  // Stripe finalizes a renewal's invoice about an hour after creating it. The margin avoids a useless wake some minutes before the
  // first notice may be sent. Source: Stripe, "Subscription invoices".
  finalizationMs: 1.25 * HOUR_MS,
  // Stripe's preset.
  providerOutcome: 'canceled',
  // As `trial_will_end` has it.
  trialNoticeMs: 3 * DAY_MS,
  onExhausted: 'provider',
  quietHours: { from: '21:00', to: '08:00' },
  defaultTimeZone: 'UTC',
};

/**
 * Refuses a policy under which notices would never be sent, or be sent at night.
 * @throws RangeError that names the problem
 */
export function assertDunningPolicy(policy: DunningPolicy): void {
  const positive = ['spacingMs', 'maxAttempts', 'retrySpanMs', 'lastNoticeMs', 'settlingMs'] as const;
  for (const name of positive) {
    if (!(policy[name] > 0)) throw new RangeError(`${name} must be more than 0, not ${policy[name]}`);
  }
  for (const name of ['graceMs', 'planningMs', 'finalizationMs', 'trialNoticeMs'] as const) {
    if (!(policy[name] >= 0)) throw new RangeError(`${name} must not be less than 0, but is ${policy[name]}`);
  }
  if (policy.graceMs >= policy.lastNoticeMs) {
    throw new RangeError('graceMs must be less than lastNoticeMs: no notice is sent within the grace before a try');
  }
  assertQuietHours({ ...policy.quietHours, timeZone: policy.defaultTimeZone });
}
