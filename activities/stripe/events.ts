import type Stripe from 'stripe';
import type { RequestLimiter } from './limiter';

/** A provider event whose origin is certain: by its signature, or because we fetched it. */
export interface VerifiedEvent {
  readonly eventId: string;
  /** E.g. `payment_intent.canceled`; an open set, kinds that nothing handles are kept and counted. */
  readonly type: string;
  /** Id of the object that the event is about. */
  readonly objectId: string;
  /** The payment that it concerns, where it concerns one. */
  readonly paymentIntentId?: string;
  /** UTC ISO string. */
  readonly createdAt: string;
  /** The event as it was sent. A hint only: whoever acts on it fetches the object fresh. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Why a body that is no snapshot event cannot be read. */
export class EventMalformed extends Error {}

/** Objects that name their payment in the field `payment_intent`: charges, refunds and disputes alike. */
const PAYMENT_FIELD = 'payment_intent';

/**
 * Reads a snapshot event as the API sends it.
 * Throws EventMalformed, with what is wrong, for anything else; a thin notification (`v2.core.event`) is told by name,
 * because it means an endpoint that is set up for the wrong payload style.
 */
export function readEvent(parsed: unknown): VerifiedEvent {
  if (!isRecord(parsed)) throw new EventMalformed('the body is no JSON object');
  if (parsed['object'] === 'v2.core.event') {
    throw new EventMalformed('this is a thin event: set the endpoint to the snapshot payload style');
  }
  if (parsed['object'] !== 'event') throw new EventMalformed('the body is no event (its `object` is not "event")');
  const { id, type, created, data } = parsed;
  if (typeof id !== 'string' || id === '') throw new EventMalformed('the event has no id');
  if (typeof type !== 'string' || type === '') throw new EventMalformed('the event has no type');
  if (typeof created !== 'number' || !Number.isSafeInteger(created) || created < 0 || created > LAST_SECOND) {
    throw new EventMalformed('the event has no creation time in seconds');
  }
  const object = isRecord(data) ? data['object'] : undefined;
  if (!isRecord(object)) throw new EventMalformed('the event carries no object');
  const paymentIntentId = paymentOf(object);
  return {
    eventId: id,
    type,
    objectId: typeof object['id'] === 'string' ? object['id'] : '',
    ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
    createdAt: new Date(created * 1000).toISOString(),
    payload: parsed,
  };
}

/** The last second that a JavaScript date can hold; beyond it `toISOString` throws. */
const LAST_SECOND = 8_640_000_000_000;

function paymentOf(object: Readonly<Record<string, unknown>>): string | undefined {
  if (object['object'] === 'payment_intent') return textOf(object['id']);
  const payment = object[PAYMENT_FIELD];
  return isRecord(payment) ? textOf(payment['id']) : textOf(payment);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The provider lists 30 days of events. Source: Stripe API, "List all events". */
const EVENTS_REACH_MS = 30 * 24 * 3600 * 1000;
/** The most that one page may hold: fewer requests for the same events. */
const PAGE_SIZE = 100;

/** The second way to learn of events, beside webhooks. */
export interface EventLister {
  /**
   * Events created since then whose webhook was not delivered (failed, or still under way), newest first among each 20 kinds. Earlier than 30
   * days ago nothing is to be had; that time is cut silently, since reconciliation covers what is older.
   */
  listUndelivered(since: Date): AsyncIterable<VerifiedEvent>;
}

/** The most kinds of events that one request may name. Source: Stripe API, "List all events", `types`. */
const MAX_TYPES = 20;

function chunksOf(types: readonly string[] | undefined): (string[] | undefined)[] {
  if (types === undefined) return [undefined];
  const chunks: string[][] = [];
  for (let at = 0; at < types.length; at += MAX_TYPES) chunks.push(types.slice(at, at + MAX_TYPES));
  return chunks;
}

/** Nobody waits for it: a page whose turn does not come in this time is asked for when the next look is due. */
const MAX_WAIT_MS = 60_000;

export interface EventListerOptions {
  readonly limiter?: RequestLimiter;
  /** Kinds of events to ask for; all of them where absent. */
  readonly types?: readonly string[];
  /** Milliseconds since the epoch; the system's clock where absent. */
  readonly now?: () => number;
}

/** Lists missed events from the API. Iterating throws the SDK's errors and LimiterBusy; what was yielded before stays valid. */
export function createEventLister(stripe: Stripe, options: EventListerOptions = {}): EventLister {
  const { limiter, types, now = Date.now } = options;
  const turn = { endpoint: 'events.list', priority: 'background', ticket: 'missed', maxWaitMs: MAX_WAIT_MS } as const;
  return {
    async *listUndelivered(since) {
      const fromMs = Math.max(since.getTime(), now() - EVENTS_REACH_MS);
      const params = { delivery_success: false, created: { gte: Math.floor(fromMs / 1000) }, limit: PAGE_SIZE };
      for (const some of chunksOf(types)) {
        let after: string | undefined;
        for (let more = true; more;) {
          await limiter?.acquire(turn);
          const next = after === undefined ? {} : { starting_after: after };
          const page = await stripe.events.list({ ...params, ...(some && { types: some }), ...next });
          for (const event of page.data) yield readEvent(event);
          after = page.data.at(-1)?.id;
          more = page.has_more && after !== undefined;
        }
      }
    },
  };
}
