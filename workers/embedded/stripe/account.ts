import { Collection } from './collection';
import type { SimulatorClock } from './clock';
import { EventLog } from './events';
import { IssuerDecisions } from './issuer';
import { HoldDurations } from './holds';
import type { Charge, Customer, StoredPaymentIntent, StoredPaymentMethod } from './model';
import { SeededRandom } from './random';

/** How the simulated account is set up. */
export interface AccountSettings {
  /** How long a hold lives, in milliseconds; without it the windows of the card networks apply. */
  holdDurationMs: number | undefined;
  /** Whether the account's pricing includes multicapture (Stripe: IC+ only). */
  multicapture: boolean;
  /** How long after `capture_before` Stripe's sweep cancels the hold, in milliseconds; captures in between are refused. */
  expiryLagMs: number;
  /** The error code of a capture in that gap. */
  lateCaptureCode: 'capture_charge_authorization_expired' | 'charge_expired_for_capture';
  /** How old a PaymentIntent must be before search finds it, in milliseconds (Stripe: usually under a minute). */
  searchLagMs: number;
  /** Whether amounts under Stripe's minimum for the currency are refused. */
  enforceMinimumAmounts: boolean;
}

/** Everything that one simulated Stripe account holds. */
export class Account {
  readonly customers: Collection<Customer> = new Collection();
  readonly paymentMethods = new Collection<StoredPaymentMethod>();
  readonly paymentIntents = new Collection<StoredPaymentIntent>();
  readonly charges = new Collection<Charge>();
  readonly issuer = new IssuerDecisions();
  readonly holds: HoldDurations;
  readonly log: EventLog;
  readonly idRandom: SeededRandom;

  constructor(
    readonly clock: SimulatorClock,
    readonly settings: AccountSettings,
    seed: number,
    eventCap: number,
    /** Where the page on which a customer passes or fails 3-D Secure is served. */
    readonly baseUrl: () => string,
  ) {
    this.idRandom = new SeededRandom(seed);
    this.holds = new HoldDurations(settings);
    this.log = new EventLog(clock, (prefix) => this.newId(prefix), eventCap);
  }

  newId(prefix: string, length = 24): string {
    return `${prefix}_${this.idRandom.token(length)}`;
  }
}
