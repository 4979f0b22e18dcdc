import type { StoredPaymentIntent } from '../state/model';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Card not present, customer present: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method */
const CUSTOMER_INITIATED_MS = 7 * DAY_MS;
/** Visa allows a merchant-initiated authorization 4 days and 18 hours; the other networks 7 days. */
const VISA_MERCHANT_INITIATED_MS = 4 * DAY_MS + 18 * HOUR_MS;
/** Metadata on a PaymentIntent that sets the length of its hold, in whole seconds. */
export const HOLD_SECONDS_METADATA = 'simulator_hold_seconds';

/** Which PaymentIntents an override is for; all given fields must fit. */
export interface HoldMatch {
  customer?: string;
  metadata?: Record<string, string>;
}

/** How long the next matching hold lasts. */
export interface HoldOverride {
  readonly durationMs: number;
  readonly match: HoldMatch;
}

/**
 * How long a new hold lasts. The first of these that applies: the metadata `simulator_hold_seconds`, the oldest
 * override that fits (used up by it), the account's `holdDurationMs`, the window of the card network.
 */
export class HoldDurations {
  /** Grows with every change. */
  revision = 0;
  private overrides: HoldOverride[] = [];

  constructor(private readonly settings: { holdDurationMs: number | undefined }) {}

  setNext(durationMs: number, match: HoldMatch = {}): void {
    if (!(durationMs >= 1_000))
      throw new RangeError(`A hold lasts at least 1000 ms (Stripe counts in seconds), got ${durationMs}`);
    this.overrides.push({ durationMs, match });
    this.revision += 1;
  }

  save(): readonly HoldOverride[] {
    return this.overrides;
  }

  restore(saved: readonly HoldOverride[]): void {
    this.overrides = [...saved];
  }

  /** Milliseconds; uses up an override. */
  take(intent: StoredPaymentIntent, brand: string): number {
    const seconds = Number(intent.object.metadata[HOLD_SECONDS_METADATA]);
    if (seconds >= 1) return Math.floor(seconds) * 1_000;
    const index = this.overrides.findIndex(({ match }) => fits(match, intent));
    if (index >= 0) {
      this.revision += 1;
      return this.overrides.splice(index, 1)[0]?.durationMs as number;
    }
    if (this.settings.holdDurationMs !== undefined) return this.settings.holdDurationMs;
    return intent.offSession && brand === 'visa' ? VISA_MERCHANT_INITIATED_MS : CUSTOMER_INITIATED_MS;
  }
}

function fits(match: HoldMatch, intent: StoredPaymentIntent): boolean {
  if (match.customer !== undefined && match.customer !== intent.object.customer) return false;
  return Object.entries(match.metadata ?? {}).every(([key, value]) => intent.object.metadata[key] === value);
}
