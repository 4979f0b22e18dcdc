import type { InvoiceSnapshot, SubscriptionSnapshot } from './snapshot';
import type { ProviderSubscriptionStatus, SubscriptionStage, TrialState } from './subscription';

/** Where a subscription stands and what became of its trial. */
export interface Standing {
  readonly stage: SubscriptionStage;
  readonly trial: TrialState;
}

/** What a standing is derived from. */
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

/** The invoice of a trial's end is made at that second, or some seconds before where the trial was cut short. */
const TRIAL_INVOICE_TOLERANCE_MS = 60_000;

/**
 * Where a subscription stands, by what is fetched now: no history is asked and none is needed, so it does not matter in
 * which order events came, or whether any did.
 */
export function standingOf(input: StandingInput, nowMs: number): Standing {
  const status = isKnownStatus(input.providerStatus) ? input.providerStatus : guessedStatus(input, nowMs);
  const trial = trialOf(input, status, nowMs);
  if (status === 'past_due' && trial === 'conversion_failed') return { stage: 'trial_payment_failed', trial };
  return { stage: status, trial };
}

/** Is this a word of the provider that we know? Of others nothing is said to anybody. */
export function isKnownStatus(status: string): status is ProviderSubscriptionStatus {
  return Object.hasOwn(KNOWN, status);
}

/** Can nothing more come of a subscription in this stage? */
export function isOver(stage: SubscriptionStage): boolean {
  return stage === 'canceled' || stage === 'incomplete_expired';
}

/**
 * May the customer use what they subscribed to? While a renewal is being collected they may: most are healed, and who has
 * paid for months is not locked out over a bank's bad night. After a trial whose first payment failed nobody has ever paid,
 * so a retry span of weeks would be a second trial. Pausing the collection changes nothing: it is the shop's gift.
 * Source: Stripe, "Pause payment collection".
 */
export function isEntitled(stage: SubscriptionStage, exhausted: boolean): boolean {
  if (stage === 'past_due') return !exhausted;
  return stage === 'trialing' || stage === 'active';
}

/** A word that is new to us: it is shown as it is, and the subscription stands where its dates and invoices put it. */
function guessedStatus(input: StandingInput, nowMs: number): ProviderSubscriptionStatus {
  if (input.endedAt !== undefined) return 'canceled';
  if (input.trialEndsAt !== undefined && Date.parse(input.trialEndsAt) > nowMs) return 'trialing';
  return input.invoices.some(isFailing) ? 'past_due' : 'active';
}

function trialOf(input: StandingInput, status: ProviderSubscriptionStatus, nowMs: number): TrialState {
  // The provider ends a trial some time after its end: until then it runs, whatever our clock says.
  if (status === 'trialing') return 'running';
  if (input.trialEndsAt === undefined) return 'never';
  if (wasPaidSince(input, input.trialEndsAt)) return 'converted';
  const since = invoicesSince(input.invoices, input.trialEndsAt);
  switch (status) {
    case 'active':
      // A first period that costs nothing is paid without a payment; one that is not tried yet is neither paid nor refused.
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
      // What fails while the trial still runs is something bought beside it.
      return Date.parse(input.trialEndsAt) > nowMs ? 'running' : 'conversion_failed';
  }
}

/** Was anything paid since a trial's end? Setup fees of its start do not count. */
function wasPaidSince(input: StandingInput, trialEndsAt: string): boolean {
  const since = invoicesSince(input.invoices, trialEndsAt);
  if (since.some((one) => one.status === 'paid' && one.amountPaid > 0)) return true;
  // Where the newest few do not reach back to the trial, what was ever paid was paid since.
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
