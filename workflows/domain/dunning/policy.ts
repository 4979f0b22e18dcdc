import { assertQuietHours } from '../notice/quiet-hours';
import type { DunningPolicy } from '../subscription/subscription';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

export const DEFAULT_DUNNING_POLICY: DunningPolicy = {
  // Card outages pass within the hour; a mail that the next try makes wrong costs more trust than two hours cost money.
  graceMs: 2 * HOUR_MS,
  // Two notices and the last one in the provider's two weeks: each costs a wake, and a cycle has 40 history events.
  spacingMs: 6 * DAY_MS,
  // Stripe's recommended setting: 8 tries within 2 weeks. Source: Stripe, "Smart Retries".
  maxAttempts: 8,
  retrySpanMs: 14 * DAY_MS,
  // A working day and a night: long enough to get at another card, short enough to be about now.
  lastNoticeMs: 2 * DAY_MS,
  // The next try is planned within seconds. Too short ends a subscription that was still being collected; too long only
  // says so some hours later.
  planningMs: 6 * HOUR_MS,
  settlingMs: HOUR_MS,
  // Stripe finalizes a renewal's invoice about an hour after it was made, and a margin: a look that comes some minutes before
  // the first notice may go out is a wake for nothing. Source: Stripe, "Subscription invoices".
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
 * Refuses a policy under which nobody would ever be told anything, or at night.
 * @throws RangeError that names what is wrong
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
    throw new RangeError('graceMs must be less than lastNoticeMs: nothing is said within the grace before a try');
  }
  assertQuietHours({ ...policy.quietHours, timeZone: policy.defaultTimeZone });
}
