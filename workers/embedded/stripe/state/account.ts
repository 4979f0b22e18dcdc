import { BillingBook } from '../billing/settings';
import { Collection } from '../bank/collection';
import type { SimulatorClock } from './clock';
import { charges, customers, paymentIntents, paymentMethods } from './core-resources';
import { DecisionQueue, type DecisionBook } from '../bank/decisions';
import { EventLog } from './events';
import { IssuerDecisions } from '../bank/issuer';
import { HoldDurations } from '../payments/holds';
import type { Charge, Customer, StoredPaymentIntent, StoredPaymentMethod } from './model';
import type { Refund } from '../money-back/money-model';
import { SeededRandom } from './random';
import { fitsRefund, type RefundDecision } from '../money-back/refund-outcomes';
import type { Resource, Stored } from '../http/resource';
import type { AccountSettings } from '../control/settings';

/** Everything that one simulated Stripe account holds. */
export class Account {
  readonly issuer = new IssuerDecisions();
  readonly holds: HoldDurations;
  readonly refundDecisions = new DecisionQueue<RefundDecision, Refund>(fitsRefund);
  readonly billing: BillingBook;
  readonly log: EventLog;
  readonly idRandom: SeededRandom;
  /** By the name under which the journal keeps them; state files of earlier versions have these names. */
  readonly decisions: Readonly<Record<string, DecisionBook>>;
  private readonly collections = new Map<string, Collection<Stored>>();

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
    this.billing = new BillingBook(settings.billing);
    this.log = new EventLog(clock, (prefix) => this.newId(prefix), eventCap);
    this.decisions = { issuer: this.issuer, holds: this.holds, refunds: this.refundDecisions, billing: this.billing };
  }

  /** The objects of one kind. */
  of<T extends Stored>(resource: Resource<T>): Collection<T> {
    let collection = this.collections.get(resource.kind);
    if (collection === undefined) {
      collection = new Collection<Stored>();
      this.collections.set(resource.kind, collection);
    }
    // Safe: only this resource knows the kind.
    return collection as unknown as Collection<T>;
  }

  get customers(): Collection<Customer> {
    return this.of(customers);
  }

  get paymentMethods(): Collection<StoredPaymentMethod> {
    return this.of(paymentMethods);
  }

  get paymentIntents(): Collection<StoredPaymentIntent> {
    return this.of(paymentIntents);
  }

  get charges(): Collection<Charge> {
    return this.of(charges);
  }

  newId(prefix: string, length = 24): string {
    return `${prefix}_${this.idRandom.token(length)}`;
  }
}
