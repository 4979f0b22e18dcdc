import type { Account } from './account';
import type { Collection } from './collection';
import type { EventDelivery, StoredEvent } from './events';
import type { HoldOverride } from './holds';
import type { IdempotencyEntry, IdempotencyStore } from './idempotency';
import { scheduleExpiry } from './intent-expiry';
import type { SavedDecisions } from './issuer';
import { Journal, type JournalEntry } from './journal';
import type { Charge, Customer, StoredPaymentIntent, StoredPaymentMethod } from './model';
import type { Webhooks } from './webhooks';

/** Draws passed over at each start: more than the ids which a killed process can have told without keeping them. */
const SKIPPED_DRAWS = 2 ** 17;
/** Stripe retries a webhook for three days, so one that failed shortly before a restart is tried again after it. */
const RETRY_DAYS_MS = 3 * 86_400_000;

/** What belongs to no single object. */
interface Position {
  /** Of the ids' random numbers. */
  readonly random: number;
  readonly aheadMs: number;
  readonly nowMs: number;
  readonly hasEndpoint: boolean;
}

interface Decisions {
  readonly issuer: SavedDecisions;
  readonly holds: readonly HoldOverride[];
}

/** The kinds of entries in the journal. */
interface Kinds {
  customer: Customer;
  method: StoredPaymentMethod;
  intent: Omit<StoredPaymentIntent, 'hold'>;
  charge: Charge;
  event: StoredEvent;
  delivery: { id: string; delivery: EventDelivery };
  answer: IdempotencyEntry;
  decisions: Decisions;
  position: Position;
}

type Readers = { [K in keyof Kinds]: (value: Kinds[K]) => void };

/**
 * Keeps an account in a file: each change is appended before its request is answered, and changes without a request
 * (an expired hold, a delivered webhook) in the same turn of the event loop. So even kill -9 makes the account forget
 * nothing that it answered. Not kept: the log of requests, faults, and requests that were still running.
 */
export class Persistence {
  private journal: Journal | undefined;
  private position: Position | undefined;
  private decisionsRevision = 0;
  /** Something was changed for certain; objects that were only looked up do not count. */
  private dirty = false;
  private scheduled = false;
  private readonly changed = {
    customer: new Set<Customer>(),
    method: new Set<StoredPaymentMethod>(),
    intent: new Set<StoredPaymentIntent>(),
    charge: new Set<Charge>(),
    event: new Set<StoredEvent>(),
    delivery: new Set<StoredEvent>(),
    answer: new Set<IdempotencyEntry>(),
  };

  constructor(
    private readonly path: string,
    private readonly account: Account,
    private readonly idempotency: IdempotencyStore,
    private readonly webhooks: Webhooks,
  ) {}

  /** Reads the file into the account, which is empty, and keeps it from then on. @throws what `Journal.open` throws */
  async open(): Promise<void> {
    const readers = this.readers();
    this.journal = await Journal.open(this.path, {
      apply: ([kind, value]) => {
        if (!Object.hasOwn(readers, kind)) throw new Error(`unknown kind of entry: ${kind}`);
        readers[kind as keyof Kinds](value as never);
      },
      live: () => this.live(),
      liveCount: () => this.liveCount(),
    });
    this.account.idRandom.skip(this.position === undefined ? 0 : SKIPPED_DRAWS);
    this.watch();
  }

  /** Sets going what the file says is under way: the clock, the holds, the webhooks. Needs the account's address. */
  resume(): void {
    const { account, position } = this;
    if (position === undefined) return;
    const sinceSeconds = (position.nowMs - RETRY_DAYS_MS) / 1000;
    const undelivered = account.log.events
      .values()
      .filter(({ delivery, created }) => delivery === 'pending' || (delivery === 'failed' && created >= sinceSeconds));
    if (position.hasEndpoint) this.webhooks.awaitEndpoint(undelivered);
    const intents = account.paymentIntents.values();
    for (const { object } of intents) moveAuthentication(object, account.baseUrl());
    account.clock.resume({ aheadMs: position.aheadMs, lastMs: position.nowMs }, () => {
      for (const intent of intents) rearm(account, intent);
      // They were looked up, and nothing has happened yet.
      this.changed.charge.clear();
    });
  }

  /** A request was handled: what it changed is in the file when this returns. @throws when the disk is full */
  handled(method: string): void {
    if (method !== 'GET' || this.dirty) this.commit();
  }

  /** Something changed outside a request: it is in the file soon. */
  readonly changedOutside = (): void => {
    this.dirty = true;
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      try {
        if (this.dirty) this.commit();
      } catch {
        // A full disk. The changes stay marked, and the next request tries again and is answered with the error.
      }
    });
  };

  async close(): Promise<void> {
    if (this.journal === undefined) return;
    this.commit();
    await this.journal.close();
    this.journal = undefined;
  }

  /** Resolves once the file is not being rewritten. */
  async settled(): Promise<void> {
    await this.journal?.settled();
  }

  private commit(): void {
    const { account, changed } = this;
    const entries: JournalEntry[] = [];
    const add = <K extends keyof Kinds>(kind: K, value: Kinds[K]): number => entries.push([kind, value]);
    for (const customer of changed.customer) add('customer', customer);
    for (const method of changed.method) add('method', method);
    for (const intent of changed.intent) add('intent', withoutTimer(intent));
    for (const charge of changed.charge) add('charge', charge);
    for (const event of changed.event) add('event', event);
    for (const event of changed.delivery)
      if (!changed.event.has(event)) add('delivery', { id: event.id, delivery: event.delivery });
    for (const answer of changed.answer) add('answer', answer);
    const revision = account.issuer.revision + account.holds.revision;
    if (revision !== this.decisionsRevision) add('decisions', this.decisions());
    if (entries.length === 0 && !this.dirty) return;
    add('position', this.positionNow());
    this.journal?.append(entries);
    this.decisionsRevision = revision;
    this.dirty = false;
    for (const set of Object.values(changed)) set.clear();
  }

  private watch(): void {
    const { account, changed } = this;
    const touch = <T extends { readonly id: string }>(collection: Collection<T>, touched: Set<T>): void => {
      collection.onTouch = (value, isNew) => {
        touched.add(value);
        if (isNew) this.changedOutside();
      };
    };
    touch(account.customers, changed.customer);
    touch(account.paymentMethods, changed.method);
    touch(account.paymentIntents, changed.intent);
    touch(account.charges, changed.charge);
    account.log.subscribe((event) => {
      changed.event.add(event);
      this.touchSubject(event.objectId);
      this.changedOutside();
    });
    this.webhooks.onDelivery = (event) => {
      changed.delivery.add(event);
      this.changedOutside();
    };
    this.idempotency.onSettled = (entry) => {
      changed.answer.add(entry);
      this.changedOutside();
    };
  }

  /** What an event is about has changed even where nobody looked it up: a timer holds on to its hold. */
  private touchSubject(id: string): void {
    const { customers, paymentMethods, paymentIntents, charges } = this.account;
    for (const collection of [customers, paymentMethods, paymentIntents, charges]) collection.get(id);
  }

  private readers(): Readers {
    const { account } = this;
    return {
      customer: (customer) => account.customers.put(withId(customer)),
      method: (method) => {
        account.paymentMethods.put(withId(method));
        fileUnder(account.paymentMethods, 'customer', method.object.customer, method.id);
      },
      intent: (intent) => {
        account.paymentIntents.put(withId({ ...intent, hold: undefined }));
        fileUnder(account.paymentIntents, 'customer', intent.object.customer, intent.id);
      },
      charge: (charge) => {
        account.charges.put(withId(charge));
        fileUnder(account.charges, 'payment_intent', charge.payment_intent, charge.id);
        fileUnder(account.charges, 'customer', charge.customer, charge.id);
      },
      event: (event) => account.log.events.put(withId(event)),
      delivery: ({ id, delivery }) => {
        const event = account.log.events.get(id);
        if (event !== undefined) event.delivery = delivery;
      },
      answer: (answer) => this.idempotency.restore(answer),
      decisions: ({ issuer, holds }) => {
        account.issuer.restore(issuer);
        account.holds.restore(holds);
      },
      position: (position) => {
        this.position = position;
        account.idRandom.state = position.random;
      },
    };
  }

  private *live(): Generator<JournalEntry> {
    const { account } = this;
    for (const customer of account.customers.values()) yield ['customer', customer];
    for (const method of account.paymentMethods.values()) yield ['method', method];
    for (const intent of account.paymentIntents.values()) yield ['intent', withoutTimer(intent)];
    for (const charge of account.charges.values()) yield ['charge', charge];
    for (const event of account.log.events.values()) yield ['event', event];
    for (const answer of this.idempotency.values()) if (answer.response !== undefined) yield ['answer', answer];
    yield ['decisions', this.decisions()];
    yield ['position', this.positionNow()];
  }

  private liveCount(): number {
    const { customers, paymentMethods, paymentIntents, charges, log } = this.account;
    const collections = [customers, paymentMethods, paymentIntents, charges, log.events, this.idempotency];
    return collections.reduce((count, { size }) => count + size, 0);
  }

  private decisions(): Decisions {
    return { issuer: this.account.issuer.save(), holds: this.account.holds.save() };
  }

  private positionNow(): Position {
    const { clock, idRandom } = this.account;
    const { hasEndpoint } = this.webhooks;
    return { random: idRandom.state, aheadMs: clock.aheadMs, nowMs: clock.now(), hasEndpoint };
  }
}

function withoutTimer({ hold: _timer, ...intent }: StoredPaymentIntent): Kinds['intent'] {
  return intent;
}

function withId<T extends { readonly id: string }>(value: T): T {
  if (typeof value.id !== 'string') throw new Error('an object without an id');
  return value;
}

function fileUnder<T extends { readonly id: string }>(
  collection: Collection<T>,
  index: string,
  indexValue: string | null,
  id: string,
): void {
  if (indexValue !== null) collection.file(index, indexValue, id);
}

function rearm(account: Account, intent: StoredPaymentIntent): void {
  const { status, latest_charge: chargeId } = intent.object;
  const charge = chargeId === null ? undefined : account.charges.get(chargeId);
  if (status === 'requires_capture' && charge !== undefined) scheduleExpiry(account, intent, charge);
}

/** The page for 3-D Secure is served by this process, whose port may be another than before. */
function moveAuthentication({ next_action: action }: StoredPaymentIntent['object'], baseUrl: string): void {
  const move = (url: string): string => url.replace(/^http:\/\/[^/]+(?=\/_simulator\/)/, baseUrl);
  if (action?.redirect_to_url?.url != null) action.redirect_to_url.url = move(action.redirect_to_url.url);
  const sdk = action?.use_stripe_sdk as { stripe_js?: string } | undefined;
  if (sdk?.stripe_js !== undefined) sdk.stripe_js = move(sdk.stripe_js);
}
