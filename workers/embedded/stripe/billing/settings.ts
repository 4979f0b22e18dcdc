import type { DecisionBook } from '../bank/decisions';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How the account collects what subscribers owe. Stripe sets this in its dashboard, so the API cannot. */
export interface BillingSettings {
  /** Automatic retries after the first try of an invoice. */
  retries: number;
  /** All retries lie within this time after the first failure, in milliseconds. */
  retryWindowMs: number;
  /** The exact times of the retries, in milliseconds after the first failure, ascending; undefined: they are spread over the window. */
  scheduleMs: readonly number[] | undefined;
  /** The subscription's status after the last retry (`past_due`: it stays so). */
  onExhausted: 'cancel' | 'unpaid' | 'past_due';
  /** The invoice's status after the last retry: it stays open, or is written off. */
  invoiceOnExhausted: 'open' | 'uncollectible';
  /** How long an invoice of a renewal stays a draft, in milliseconds. */
  finalizationDelayMs: number;
  /**
   * Does `invoice.payment_failed` have `next_payment_attempt: null`, and the following `invoice.updated` its time, as measured at
   * Stripe? Otherwise the first event has it.
   */
  nullNextAttemptFirst: boolean;
  /** How long after a failure that `invoice.updated` is sent, in milliseconds; 0 is at once. */
  planningDelayMs: number;
  /** How long before the end of a period `invoice.upcoming` is sent, in milliseconds; 0 is never. */
  upcomingNoticeMs: number;
}

/** Stripe's defaults: 8 tries within 2 weeks. https://docs.stripe.com/billing/revenue-recovery/smart-retries */
const DEFAULTS: BillingSettings = {
  // Stripe counts 8 tries, of which the first is not a retry.
  retries: 7,
  retryWindowMs: 14 * DAY_MS,
  scheduleMs: undefined,
  onExhausted: 'cancel',
  invoiceOnExhausted: 'open',
  finalizationDelayMs: HOUR_MS,
  nullNextAttemptFirst: true,
  planningDelayMs: 0,
  upcomingNoticeMs: 0,
};
/** More tries than the card networks allow in a month must be a mistake. */
const MAX_RETRIES = 30;

/** The current settings: Stripe's defaults, overridden by the simulator's start options, overridden by later changes. */
export class BillingBook implements DecisionBook {
  revision = 0;
  private changes: Partial<BillingSettings> = {};

  constructor(private readonly given: Partial<BillingSettings> = {}) {
    assertSettings(this.now);
  }

  get now(): BillingSettings {
    return { ...DEFAULTS, ...this.given, ...this.changes };
  }

  /**
   * Changes some settings for later failures; planned retries keep their time.
   * @throws RangeError that names the invalid setting
   */
  set(changes: Partial<BillingSettings>): void {
    const unknown = Object.keys(changes).find((name) => !Object.hasOwn(DEFAULTS, name));
    if (unknown !== undefined) throw new RangeError(`No such billing setting: ${unknown}`);
    const merged = { ...this.changes, ...changes };
    // Over HTTP null unsets, as JSON has no undefined.
    merged.scheduleMs ??= undefined;
    assertSettings({ ...DEFAULTS, ...this.given, ...merged });
    this.changes = merged;
    this.revision += 1;
  }

  save(): Partial<BillingSettings> {
    return this.changes;
  }

  restore(saved: Partial<BillingSettings>): void {
    this.changes = saved;
  }
}

function assertSettings(settings: BillingSettings): void {
  const { retries, scheduleMs = [] } = settings;
  if (!Number.isSafeInteger(retries) || retries < 0 || retries > MAX_RETRIES)
    throw new RangeError(`retries must be 0 to ${MAX_RETRIES}, got ${retries}`);
  if (scheduleMs.length > MAX_RETRIES) throw new RangeError(`scheduleMs has more than ${MAX_RETRIES} retries`);
  scheduleMs.forEach((offsetMs, index) => {
    if (!(offsetMs > (scheduleMs[index - 1] ?? 0))) throw new RangeError('scheduleMs must be positive and ascending');
  });
  for (const name of ['retryWindowMs', 'finalizationDelayMs', 'planningDelayMs', 'upcomingNoticeMs'] as const)
    if (!(settings[name] >= 0)) throw new RangeError(`${name} must not be negative, got ${settings[name]}`);
}
