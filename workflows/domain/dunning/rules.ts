import type { NoticeKind, QuietHours } from '../notice/notices';
import type { DeclineClass } from '../payment/declines';
import type { DunningPolicy, InvoiceFacts, SubscriptionFacts } from '../subscription/subscription';
import { isKnownStatus } from '../subscription/stage';

/* Which notices are true for a subscription in dunning. */

/** Notices about a failed payment: at most one for each failed try, and none after it was paid. */
export const failureKinds: readonly NoticeKind[] = [
  'payment_failed',
  'trial_payment_failed',
  'card_needed',
  'payment_last_try',
];

/** All notices of dunning. */
export const dunningKinds: readonly NoticeKind[] = [...failureKinds, 'payment_recovered', 'subscription_ended'];

const SUBSCRIPTION_KINDS: readonly NoticeKind[] = [...dunningKinds, 'trial_ending', 'subscription_paused'];

/** Kinds of notices that these facts make untrue; those that still wait are cancelled. */
export function untrueNotices(facts: SubscriptionFacts): NoticeKind[] {
  const fine = trueKinds(facts);
  return SUBSCRIPTION_KINDS.filter((kind) => !fine.includes(kind));
}

/** Must Holdfast end this subscription? Only if the policy demands it and the provider has given up and left it past due. */
export function mustEnd(facts: SubscriptionFacts, policy: DunningPolicy): boolean {
  return policy.onExhausted === 'cancel' && isBeingCollected(facts) && facts.exhausted;
}

/** The class of the newest refusal; `hard` if there is no payment method, because then no try is made. */
export function seriousness(facts: SubscriptionFacts): DeclineClass {
  const declineClass = facts.invoice?.declineClass ?? 'soft';
  return declineClass === 'soft' && !facts.hasPaymentMethod ? 'hard' : declineClass;
}

/**
 * Is the next try the final one? Either by the configured number of tries, or because no other try fits into the rest of the span.
 * After a hard decline the provider counts without trying, and the last count is the deadline.
 */
export function isFinalTry(invoice: InvoiceFacts, policy: DunningPolicy): boolean {
  if (invoice.nextAttemptAt === undefined) return false;
  if (invoice.attemptCount >= policy.maxAttempts - 1) return true;
  const spanEndMs = Date.parse(invoice.createdAt) + policy.retrySpanMs;
  const halfGapMs = policy.retrySpanMs / policy.maxAttempts / 2;
  return Date.parse(invoice.nextAttemptAt) > spanEndMs - halfGapMs;
}

/** Is the provider still collecting an invoice that a bank has refused? */
export function isBeingCollected(facts: SubscriptionFacts): boolean {
  return facts.stage === 'past_due' || facts.stage === 'trial_payment_failed';
}

/** Quiet hours of this customer under this policy. */
export function quietHoursOf(facts: SubscriptionFacts, policy: DunningPolicy): QuietHours {
  return { ...policy.quietHours, timeZone: facts.timeZone };
}

/** Will its next invoice be collected? */
export function willCharge(facts: SubscriptionFacts): boolean {
  return !facts.cancelAtPeriodEnd && facts.collectionPaused !== true;
}

function trueKinds(facts: SubscriptionFacts): readonly NoticeKind[] {
  if (!isKnownStatus(facts.providerStatus)) return [];
  switch (facts.stage) {
    case 'trialing':
      return willCharge(facts) ? ['payment_recovered', 'trial_ending'] : ['payment_recovered'];
    case 'active':
      return ['payment_recovered'];
    case 'past_due':
    case 'trial_payment_failed':
      return facts.exhausted ? ['subscription_ended'] : trueFailures(facts);
    case 'unpaid':
    case 'canceled':
      return ['payment_recovered', 'subscription_ended'];
    case 'paused':
      return ['payment_recovered', 'subscription_paused'];
    case 'incomplete':
    case 'incomplete_expired':
      return [];
  }
}

function trueFailures(facts: SubscriptionFacts): readonly NoticeKind[] {
  const first = facts.stage === 'trial_payment_failed' ? 'trial_payment_failed' : 'payment_failed';
  if (seriousness(facts) === 'soft') return ['payment_recovered', first, 'payment_last_try'];
  return first === 'trial_payment_failed'
    ? ['payment_recovered', first, 'card_needed']
    : ['payment_recovered', 'card_needed'];
}
