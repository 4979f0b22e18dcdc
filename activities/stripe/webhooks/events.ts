import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { wellFormedJson } from '../provider-text';
import type { RequestLimiter } from '../limiter';

/** A provider event whose origin is certain: it was signed, or we fetched it. */
export interface VerifiedEvent {
  readonly eventId: string;
  /** E.g. `payment_intent.canceled`; an open set: events that nothing handles are stored and counted. */
  readonly type: string;
  /** Id of the object that the event is about. */
  readonly objectId: string;
  /** The payment that the event concerns, if any. */
  readonly paymentIntentId?: string;
  /** UTC ISO string. */
  readonly createdAt: string;
  /** The event as it was sent. Only a hint: a handler fetches the object fresh before it acts. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Charges, refunds and disputes name their payment in this field. */
const PAYMENT_FIELD = 'payment_intent';

/** The type under which an unreadable event is stored: nothing handles it, and people can find it. */
export const UNREADABLE = 'unreadable';

/** The provider's ids and types are far shorter; a longer one would not fit into an index. */
const MAX_NAME = 255;
/** The years 2000 and 2100: a time outside of them is not an event's time. */
const FIRST_SECOND = 946_684_800;
const LAST_SECOND = 4_102_444_800;

/**
 * Reads a snapshot event as the API sends it. Anything else is returned as an event of the type `unreadable`, under its id and
 * with the reason. A thin notification (`v2.core.event`) shows that the endpoint is set to the wrong payload style.
 */
export function readEvent(parsed: unknown, now: Date): VerifiedEvent {
  const unreadable = (reason: string): VerifiedEvent =>
    unreadableEvent(JSON.stringify(parsed), isRecord(parsed) ? parsed['id'] : undefined, reason, now);
  if (!isRecord(parsed)) return unreadable('the body is no JSON object');
  if (parsed['object'] === 'v2.core.event') {
    return unreadable('this is a thin event: set the endpoint to the snapshot payload style');
  }
  if (parsed['object'] !== 'event') return unreadable('the body is no event (its `object` is not "event")');
  const { id, type, created, data } = parsed;
  if (!isName(id)) return unreadable('the event has no id');
  if (!isName(type)) return unreadable('the event has no type');
  const object = isRecord(data) ? data['object'] : undefined;
  if (!isRecord(object)) return unreadable('the event carries no object');
  const isDated = typeof created === 'number' && created >= FIRST_SECOND && created <= LAST_SECOND;
  const paymentIntentId = paymentOf(object);
  return {
    eventId: id,
    type,
    objectId: isName(object['id']) ? object['id'] : '',
    ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
    createdAt: isDated ? new Date(created * 1000).toISOString() : now.toISOString(),
    payload: wellFormedJson(parsed),
  };
}

/** The stored form of an unreadable event: its id (or its hash, so that a repeated one counts as a duplicate) and the reason. */
export function unreadableEvent(body: string, id: unknown, reason: string, now: Date): VerifiedEvent {
  const hash = createHash('sha256').update(body).digest('hex');
  return {
    eventId: isName(id) ? id : `${UNREADABLE}:${hash}`,
    type: UNREADABLE,
    objectId: '',
    createdAt: now.toISOString(),
    payload: { reason, bytes: body.length, sha256: hash },
  };
}

/** Is it an id or a type in the provider's form: printable text that fits an index and a URL path (dots alone would be a path step)? */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME && !/[\p{Cc}\p{Cs}]|^\.+$/u.test(value);
}

function paymentOf(object: Readonly<Record<string, unknown>>): string | undefined {
  if (object['object'] === 'payment_intent') return textOf(object['id']);
  const payment = object[PAYMENT_FIELD];
  return isRecord(payment) ? textOf(payment['id']) : textOf(payment);
}

function textOf(value: unknown): string | undefined {
  return isName(value) ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The provider lists events of 30 days. Source: Stripe API, "List all events". */
const EVENTS_REACH_MS = 30 * 24 * 3600 * 1000;
/** The most that one page may hold: fewer requests for the same events. */
const PAGE_SIZE = 100;

/** The second way to receive events, beside webhooks. */
export interface EventLister {
  /**
   * Events created since `since` whose webhook was not delivered (failed, or still under way), newest first within each group of
   * 20 types. The provider has no events older than 30 days; an earlier `since` is silently cut, because reconciliation covers
   * older events.
   */
  listUndelivered(since: Date): AsyncIterable<VerifiedEvent>;
}

/** The most event types that one request may name. Source: Stripe API, "List all events", `types`. */
const MAX_TYPES = 20;

function chunksOf(types: readonly string[] | undefined): (string[] | undefined)[] {
  if (types === undefined) return [undefined];
  const chunks: string[][] = [];
  for (let at = 0; at < types.length; at += MAX_TYPES) chunks.push(types.slice(at, at + MAX_TYPES));
  return chunks;
}

/** A page whose turn does not come in this time is requested again when the next look is due. */
const MAX_WAIT_MS = 60_000;

export interface EventListerOptions {
  readonly limiter?: RequestLimiter;
  /** Event types to list. Default: all. */
  readonly types?: readonly string[];
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** Lists missed events from the API. Iterating throws the SDK's errors and LimiterBusy; events yielded before stay valid. */
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
          for (const event of page.data) yield readEvent(event, new Date(now()));
          after = page.data.at(-1)?.id;
          more = page.has_more && after !== undefined;
        }
      }
    },
  };
}
