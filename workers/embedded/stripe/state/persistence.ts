import type { Account, Resource, Stored } from './account';
import type { EventDelivery, StoredEvent } from './events';
import type { IdempotencyEntry, IdempotencyStore } from '../http/idempotency';
import { Journal, type JournalEntry } from './journal';
import { store } from '../http/resource';
import { RESOURCES } from '../http/resources';
import type { Webhooks } from '../webhooks';

/** Random numbers skipped at each start: more than a killed process can have used for ids without storing its position. */
const SKIPPED_DRAWS = 2 ** 17;
/** Stripe retries a webhook for three days, so one that failed shortly before a restart is tried again after it. */
const RETRY_DAYS_MS = 3 * 86_400_000;

/** A jump of the clock may create very many events: at most this many are written at once, some 20 MB. */
const MAX_EVENTS_AT_ONCE = 5_000;

/** The state that belongs to no single object. */
interface Position {
  /** The position in the random numbers of ids. */
  readonly random: number;
  readonly aheadMs: number;
  readonly nowMs: number;
  readonly hasEndpoint: boolean;
}

/** The kinds of entries in the journal that are not objects of the account (see resources.ts for those). */
interface Kinds {
  event: StoredEvent;
  delivery: { id: string; delivery: EventDelivery };
  answer: IdempotencyEntry;
  decisions: Record<string, unknown>;
  position: Position;
}

type Readers = { [K in keyof Kinds]: (value: Kinds[K]) => void };

/**
 * Keeps an account in a file: each change is appended before its request is answered, and changes without a request
 * (an expired hold, a delivered webhook) in the same turn of the event loop. So after kill -9, too, the account
 * still has every change that it answered. Not kept: the log of requests, faults, and requests that were still running.
 */
export class Persistence {
  private journal: Journal | undefined;
  private position: Position | undefined;
  private decisionsRevision = 0;
  /** Was something certainly changed? Objects that were only looked up do not count. */
  private dirty = false;
  private scheduled = false;
  private readonly touched = new Map<Resource<Stored>, Set<Stored>>(RESOURCES.map((resource) => [resource, new Set()]));
  private readonly changed = {
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

  /** Reads the file into the empty account and keeps its changes from then on. @throws what `Journal.open` throws */
  async open(): Promise<void> {
    const readers: Record<string, (value: never) => void> = { ...this.objectReaders(), ...this.readers() };
    this.journal = await Journal.open(this.path, {
      apply: ([kind, value]) => {
        if (!Object.hasOwn(readers, kind)) throw new Error(`unknown kind of entry: ${kind}`);
        readers[kind]?.(value as never);
      },
      live: () => this.live(),
      liveCount: () => this.liveCount(),
    });
    this.account.idRandom.skip(this.position === undefined ? 0 : SKIPPED_DRAWS);
    this.watch();
  }

  /** Continues the work that the file shows as unfinished: the clock, the holds, the webhooks. Needs the account's address. */
  resume(): void {
    const { account, position } = this;
    if (position === undefined) return;
    const sinceSeconds = (position.nowMs - RETRY_DAYS_MS) / 1000;
    const undelivered = account.log.events
      .values()
      .filter(({ delivery, created }) => delivery === 'pending' || (delivery === 'failed' && created >= sinceSeconds));
    if (position.hasEndpoint) this.webhooks.awaitEndpoint(undelivered);
    account.clock.resume({ aheadMs: position.aheadMs, lastMs: position.nowMs }, () => {
      for (const resource of RESOURCES)
        for (const stored of account.of(resource).values()) resource.rearm(account, stored);
      // They were only looked up; nothing has changed yet.
      for (const touched of this.touched.values()) touched.clear();
    });
  }

  /** Writes the changes of a request; they are in the file when this returns. @throws when the disk is full */
  handled(method: string): void {
    if (method !== 'GET' || this.dirty) this.commit();
  }

  /** Schedules the writing of changes that no request made. */
  readonly changedOutside = (): void => {
    this.dirty = true;
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      if (this.dirty) this.tryCommit();
    });
  };

  private readonly afterTimer = (): void => {
    if (this.changed.event.size >= MAX_EVENTS_AT_ONCE) this.tryCommit();
  };

  async close(): Promise<void> {
    this.account.clock.afterEach.delete(this.afterTimer);
    if (this.journal === undefined) return;
    this.commit();
    await this.journal.close();
    this.journal = undefined;
  }

  /** Resolves once no rewrite is in progress. */
  async rewritten(): Promise<void> {
    await this.journal?.rewritten();
  }

  private tryCommit(): void {
    try {
      this.commit();
    } catch {
      // The disk is full. The changes stay marked; the next request tries again and gets the error.
    }
  }

  private commit(): void {
    const { touched, changed } = this;
    const entries: JournalEntry[] = [];
    const add = <K extends keyof Kinds>(kind: K, value: Kinds[K]): number => entries.push([kind, value]);
    for (const [resource, values] of touched)
      for (const value of values) entries.push([resource.kind, resource.save(value)]);
    for (const event of changed.event) add('event', event);
    for (const event of changed.delivery)
      if (!changed.event.has(event)) add('delivery', { id: event.id, delivery: event.delivery });
    for (const answer of changed.answer) add('answer', answer);
    const revision = this.revision();
    if (revision !== this.decisionsRevision) add('decisions', this.decisions());
    if (entries.length === 0 && !this.dirty) return;
    add('position', this.positionNow());
    this.journal?.append(entries);
    this.decisionsRevision = revision;
    this.dirty = false;
    for (const set of [...touched.values(), ...Object.values(changed)]) set.clear();
  }

  private watch(): void {
    const { account, changed } = this;
    for (const [resource, values] of this.touched) {
      account.of(resource).onTouch = (value, isNew) => {
        values.add(value);
        if (isNew) this.changedOutside();
      };
    }
    account.log.subscribe((event) => {
      changed.event.add(event);
      this.touchSubject(event.objectId);
      this.changedOutside();
    });
    account.clock.afterEach.add(this.afterTimer);
    this.webhooks.onDelivery = (event) => {
      changed.delivery.add(event);
      this.changedOutside();
    };
    this.idempotency.onSettled = (entry) => {
      changed.answer.add(entry);
      this.changedOutside();
    };
  }

  /** Marks the object of an event as changed even if it was not looked up: timers keep a reference to their object. */
  private touchSubject(id: string): void {
    for (const resource of RESOURCES) this.account.of(resource).get(id);
  }

  private objectReaders(): Record<string, (value: Stored) => void> {
    const { account } = this;
    return Object.fromEntries(
      RESOURCES.map((resource) => [resource.kind, (saved: Stored) => void store(account, resource, withId(saved))]),
    );
  }

  private readers(): Readers {
    const { account } = this;
    return {
      event: (event) => account.log.events.put(withId(event)),
      delivery: ({ id, delivery }) => {
        const event = account.log.events.get(id);
        if (event !== undefined) event.delivery = delivery;
      },
      answer: (answer) => this.idempotency.restore(answer),
      decisions: (saved) => {
        // State files of earlier versions may lack a book, which then stays empty.
        for (const [name, book] of Object.entries(account.decisions))
          if (saved[name] !== undefined) book.restore(saved[name] as never);
      },
      position: (position) => {
        this.position = position;
        account.idRandom.state = position.random;
      },
    };
  }

  private *live(): Generator<JournalEntry> {
    const { account } = this;
    for (const resource of RESOURCES)
      for (const stored of account.of(resource).values()) yield [resource.kind, resource.save(stored)];
    for (const event of account.log.events.values()) yield ['event', event];
    for (const answer of this.idempotency.values()) if (answer.response !== undefined) yield ['answer', answer];
    yield ['decisions', this.decisions()];
    yield ['position', this.positionNow()];
  }

  private liveCount(): number {
    const { account } = this;
    const collections = RESOURCES.map((resource) => account.of(resource));
    return [...collections, account.log.events, this.idempotency].reduce((count, { size }) => count + size, 0);
  }

  private decisions(): Kinds['decisions'] {
    return Object.fromEntries(Object.entries(this.account.decisions).map(([name, book]) => [name, book.save()]));
  }

  private revision(): number {
    return Object.values(this.account.decisions).reduce((sum, { revision }) => sum + revision, 0);
  }

  private positionNow(): Position {
    const { clock, idRandom } = this.account;
    const { hasEndpoint } = this.webhooks;
    return { random: idRandom.state, aheadMs: clock.aheadMs, nowMs: clock.now(), hasEndpoint };
  }
}

function withId<T extends { readonly id: string }>(value: T): T {
  if (typeof value.id !== 'string') throw new Error('an object without an id');
  return value;
}
