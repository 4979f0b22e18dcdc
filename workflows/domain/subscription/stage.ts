import type { InvoiceSnapshot, SubscriptionSnapshot } from './snapshot';
import type { ProviderSubscriptionStatus, SubscriptionStage, TrialState } from './subscription';

/** The stage of a subscription and the state of its trial. */
export interface Standing {
  readonly stage: SubscriptionStage;
  readonly trial: TrialState;
}

/** What a `Standing` is derived from. */
export type StandingInput = Pick<
  SubscriptionSnapshot,
  'providerStatus' | 'trialEndsAt' | 'endedAt' | 'everPaid' | 'invoices'
>;

const KNOWN: Readonly<Record<ProviderSubscriptionStatus, true>> = {
  incomplete: true,
  incomplete_expired: true,
  trialing: true,
  active: true,
  past_due: true,
  canceled: true,
  unpaid: true,
  paused: true,
};

/** The invoice for a trial's end is created at that second, or some seconds earlier if the trial was shortened. */
const TRIAL_INVOICE_TOLERANCE_MS = 60_000;

/**
 * Derives the stage only from what is fetched now, without any history, so the order and the loss of events do not matter.
 */
export function standingOf(input: StandingInput, nowMs: number): Standing {
  const status = isKnownStatus(input.providerStatus) ? input.providerStatus : guessedStatus(input, nowMs);
  const trial = trialOf(input, status, nowMs);
  if (status === 'past_due' && trial === 'conversion_failed') return { stage: 'trial_payment_failed', trial };
  return { stage: status, trial };
}

/** Do we know this status of the provider? For unknown ones no notices are sent. */
export function isKnownStatus(status: string): status is ProviderSubscriptionStatus {
  return Object.hasOwn(KNOWN, status);
}

/** Is this a final stage? */
export function isOver(stage: SubscriptionStage): boolean {
  return stage === 'canceled' || stage === 'incomplete_expired';
}

/**
 * May the customer use what they subscribed to? Yes while a renewal is being collected: most of them succeed, and a customer who has
 * paid for months is not locked out for one failed payment. No after a trial whose first payment failed: the customer has never paid,
 * and weeks of retries would be a second trial. A paused collection does not change it: the shop grants that time.
 * Source: Stripe, "Pause payment collection".
 */
export function isEntitled(stage: SubscriptionStage, exhausted: boolean): boolean {
  if (stage === 'past_due') return !exhausted;
  return stage === 'trialing' || stage === 'active';
}

/** For an unknown status, which is shown unchanged: the stage is guessed from dates and invoices. */
function guessedStatus(input: StandingInput, nowMs: number): ProviderSubscriptionStatus {
  if (input.endedAt !== undefined) return 'canceled';
  if (input.trialEndsAt !== undefined && Date.parse(input.trialEndsAt) > nowMs) return 'trialing';
  return input.invoices.some(isFailing) ? 'past_due' : 'active';
}

function trialOf(input: StandingInput, status: ProviderSubscriptionStatus, nowMs: number): TrialState {
  // The provider ends a trial some time after its end; until then it runs, even if our clock is past the end.
  if (status === 'trialing') return 'running';
  if (input.trialEndsAt === undefined) return 'never';
  if (wasPaidSince(input, input.trialEndsAt)) return 'converted';
  const since = invoicesSince(input.invoices, input.trialEndsAt);
  switch (status) {
    case 'active':
      // A first period that costs nothing counts as paid; one that was not tried yet is neither paid nor refused.
      return since.some((one) => one.status === 'paid') ? 'converted' : 'converting';
    case 'incomplete':
      return Date.parse(input.trialEndsAt) > nowMs ? 'running' : 'converting';
    case 'paused':
    case 'incomplete_expired':
      return 'ended_unconverted';
    case 'canceled':
      return since.some(wasRefused) ? 'conversion_failed' : 'ended_unconverted';
    case 'past_due':
    case 'unpaid':
      // A payment that fails while the trial still runs is for something bought beside it.
      return Date.parse(input.trialEndsAt) > nowMs ? 'running' : 'conversion_failed';
  }
}

/** Was anything paid since the trial's end? Setup fees at its start do not count. */
function wasPaidSince(input: StandingInput, trialEndsAt: string): boolean {
  const since = invoicesSince(input.invoices, trialEndsAt);
  if (since.some((one) => one.status === 'paid' && one.amountPaid > 0)) return true;
  // If the newest invoices do not reach back to the trial, every payment came after it.
  const reachesBack = input.invoices.length > since.length || since.length === 0;
  return input.everPaid && !reachesBack;
}

function invoicesSince(invoices: readonly InvoiceSnapshot[], trialEndsAt: string): readonly InvoiceSnapshot[] {
  const fromMs = Date.parse(trialEndsAt) - TRIAL_INVOICE_TOLERANCE_MS;
  return invoices.filter((one) => Date.parse(one.createdAt) >= fromMs);
}

function isFailing(invoice: InvoiceSnapshot): boolean {
  return invoice.status === 'open' && invoice.attemptCount > 0;
}

function wasRefused(invoice: InvoiceSnapshot): boolean {
  return invoice.attemptCount > 0 && invoice.amountPaid === 0 && invoice.amountDue > 0;
}
