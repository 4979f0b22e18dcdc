import { BillingBook } from '../billing/settings';
import type { SimulatorClock } from './clock';
import { Collection } from './collection';
import { DecisionQueue, type DecisionBook } from '../bank/decisions';
import { EventLog } from './events';
import { IssuerDecisions } from '../bank/issuer';
import { HoldDurations } from '../payments/holds';
import type { Charge, Customer, StoredPaymentIntent, StoredPaymentMethod } from './model';
import type { Refund } from '../after-sale/money-model';
import { SeededRandom } from './random';
import { fitsRefund, type RefundDecision } from '../after-sale/refund-outcomes';
import type { AccountSettings } from '../control/settings';

/** An object that the account keeps under an id. */
export interface Stored {
  readonly id: string;
}

/** The type of object that a field expands to, for fields that Stripe's reference marks as "Expandable". */
export type Expansion =
  /** The value of `object` of the object with this id; `never`: the API has the field, but the simulator never fills it. */
  | string
  /** An id of one of several kinds. */
  | { readonly anyOf: readonly string[] }
  /** An object or a list inside the object, whose own fields expand. */
  | { readonly fields: Expandable }
  /** A list or object that is present only if a request expands it. */
  | { readonly listOf: string; readonly make: (account: Account, ownerId: string) => object | null };
export type Expandable = Readonly<Record<string, Expansion>>;

/**
 * One kind of object, declared once. The declaration defines its collection (`account.of(resource)`), its entries in the journal,
 * the fields that `expand` accepts, and its part of the state. All kinds are listed in http/resources.ts.
 */
export interface Resource<T extends Stored> {
  /** Marks its entries in the journal. Never changes, since existing state files contain it. */
  readonly kind: string;
  /** Stripe's name of the kind, the value of the field `object`. */
  readonly object: string;
  /** The segment of its paths: `payment_intents`. The state is read under the same name. */
  readonly path: string;
  /** Its field in the snapshot of the account. */
  readonly snapshot: string;
  readonly expandable: Expandable;
  /** What the API shows of it; by default the stored value itself. */
  render(stored: T, account: Account): object;
  /** The object's value for each index; null and undefined are not indexed. */
  indexes(stored: T): Readonly<Record<string, string | null | undefined>>;
  /** Its form in the journal, without timers. */
  save(stored: T): object;
  /** Sets its timers after a restart, before those that are overdue fire. */
  rearm(account: Account, stored: T): void;
}

/** The kinds of objects that the account hands out by name; core-resources.ts declares them. */
export const CORE_KINDS = {
  customers: 'customer',
  paymentMethods: 'method',
  paymentIntents: 'intent',
  charges: 'charge',
} as const;

/** All data of one simulated Stripe account. */
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
  readonly customers = this.collection<Customer>(CORE_KINDS.customers);
  readonly paymentMethods = this.collection<StoredPaymentMethod>(CORE_KINDS.paymentMethods);
  readonly paymentIntents = this.collection<StoredPaymentIntent>(CORE_KINDS.paymentIntents);
  readonly charges = this.collection<Charge>(CORE_KINDS.charges);

  constructor(
    /** All kinds of objects, with their timers. Passed in, because their declarations need this class. */
    private readonly resources: readonly Resource<Stored>[],
    readonly clock: SimulatorClock,
    readonly settings: AccountSettings,
    seed: number,
    eventCap: number,
    /** The base address of the page on which a customer passes or fails 3-D Secure. */
    readonly baseUrl: () => string,
  ) {
    this.idRandom = new SeededRandom(seed);
    this.holds = new HoldDurations(settings);
    this.billing = new BillingBook(settings.billing);
    this.log = new EventLog(clock, (prefix) => this.newId(prefix), eventCap);
    this.decisions = { issuer: this.issuer, holds: this.holds, refunds: this.refundDecisions, billing: this.billing };
  }

  /** The objects of one kind. */
  of<T extends Stored>({ kind }: Resource<T>): Collection<T> {
    return this.collection<T>(kind);
  }

  /** Sets the timers of an object again, for its current state. */
  rearm<T extends Stored>({ kind }: Resource<T>, stored: T): void {
    this.resources.find((resource) => resource.kind === kind)?.rearm(this, stored);
  }

  newId(prefix: string, length = 24): string {
    return `${prefix}_${this.idRandom.token(length)}`;
  }

  private collection<T extends Stored>(kind: string): Collection<T> {
    let collection = this.collections.get(kind);
    if (collection === undefined) {
      collection = new Collection<Stored>();
      this.collections.set(kind, collection);
    }
    // Safe: a kind names one type of object.
    return collection as unknown as Collection<T>;
  }
}
