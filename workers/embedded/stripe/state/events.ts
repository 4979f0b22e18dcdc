import { Collection } from './collection';
import type { SimulatorClock } from './clock';
import { API_VERSION, type RequestCause } from './model';

export type EventDelivery = 'no_endpoint' | 'pending' | 'delivered' | 'failed' | 'dropped';

/** One event. The object is stored as JSON, so that later changes do not affect it. */
export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  readonly objectId: string;
  readonly objectJson: string;
  /** The former values of changed fields; missing in older state files. */
  readonly previousJson?: string;
  readonly cause: RequestCause;
  delivery: EventDelivery;
}

/** Writes the events of the account and calls the listeners (webhooks, tests). */
export class EventLog {
  readonly events: Collection<StoredEvent>;
  private readonly listeners = new Set<(event: StoredEvent) => void>();

  constructor(
    private readonly clock: SimulatorClock,
    private readonly newId: (prefix: string) => string,
    cap: number,
  ) {
    this.events = new Collection(cap);
  }

  /** `previous`: the former values of changed fields, for the kinds of events that contain them. */
  emit(type: string, object: { id: string }, cause: RequestCause, previous?: object): void {
    const event: StoredEvent = {
      id: this.newId('evt'),
      type,
      created: this.clock.nowSeconds(),
      objectId: object.id,
      objectJson: JSON.stringify(object),
      ...(previous === undefined ? {} : { previousJson: JSON.stringify(previous) }),
      cause,
      delivery: 'no_endpoint',
    };
    this.events.add(event);
    for (const listener of this.listeners) listener(event);
  }

  /** Calls `listener` for every new event; returns a function that unsubscribes. */
  subscribe(listener: (event: StoredEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

/** Would Stripe count the event as delivered to every endpoint? */
export function isDelivered(event: StoredEvent): boolean {
  return event.delivery === 'delivered' || event.delivery === 'no_endpoint';
}

/** The event as JSON text, for the API and for webhooks. */
export function eventJson(event: StoredEvent): string {
  const { objectJson, previousJson, cause } = event;
  const previous = previousJson === undefined ? '' : `,"previous_attributes":${previousJson}`;
  const head = JSON.stringify({ id: event.id, object: 'event', api_version: API_VERSION, created: event.created });
  const tail = JSON.stringify({
    livemode: false,
    pending_webhooks: isDelivered(event) ? 0 : 1,
    request: { id: cause.id, idempotency_key: cause.idempotencyKey },
    type: event.type,
  });
  return `${head.slice(0, -1)},"data":{"object":${objectJson}${previous}},${tail.slice(1)}`;
}
