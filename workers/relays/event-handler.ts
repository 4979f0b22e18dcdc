import { isName } from '../../activities/stripe';

/** A provider event as the inbox keeps it. */
export interface InboxEvent {
  readonly eventId: string;
  readonly type: string;
  /** Id of the object that it is about. */
  readonly objectId?: string | undefined;
  readonly paymentIntentId?: string | undefined;
  /** As it was sent: a hint only. */
  readonly payload: unknown;
  readonly attempts: number;
  /** By the provider's clock. UTC ISO string. */
  readonly createdAt: string;
}

/**
 * How often an event is looked at, some eight minutes in all, whose object names an order that was never begun here. An order is
 * recorded before its payment is asked for, so only another shop's, or a database that was set back, has such events.
 */
export const FOREIGN_ATTEMPTS = 10;

/** What became of events: acted on, of no concern, of something of others, or to be looked at again. */
export type Handled =
  | 'done'
  | 'ignored'
  | { readonly foreign: string }
  /** `delayMs` where waiting that long is what helps; a widening pause otherwise. */
  | { readonly later: string; readonly delayMs?: number };

/** Some three days at the longest pause: as long as Stripe itself goes on delivering. */
export const MAX_ATTEMPTS = 900;

/**
 * An event may come before what it belongs to is recorded: it waits, and after its time is kept, not acted on. One whose payment
 * names no order, or an order that was never begun here, is of others.
 */
export async function waitForOrder(
  event: InboxEvent,
  orderId: string | undefined,
  isOurs: (orderId: string) => Promise<boolean>,
): Promise<Handled> {
  if (orderId === undefined) return { foreign: 'its payment names no order' };
  if (event.attempts >= FOREIGN_ATTEMPTS && !(await isOurs(orderId))) return { foreign: 'its order is not known here' };
  return event.attempts >= MAX_ATTEMPTS ? 'ignored' : { later: 'its order is not known yet' };
}

/** About an object that the provider does not know nothing can be done: it is of another account, or of the other mode. */
export function waitForObject(event: InboxEvent, what: string): Handled {
  const said = `the provider does not know its ${what}`;
  return event.attempts >= FOREIGN_ATTEMPTS ? { foreign: said } : { later: said };
}

/** Hands the events of some kinds to the workflows they concern. */
export interface EventHandler {
  /** Kinds that nobody acts on are kept and counted, and wake nobody. */
  actsOn(type: string): boolean;
  /** Events with the same key that are due together are handled together: what they hint at is looked at once. */
  keyOf(event: InboxEvent): string;
  /** All have one key. What it throws is told in the inbox, and they are tried again. */
  handle(events: readonly InboxEvent[]): Promise<Handled>;
}

/**
 * The object that an event carries. Not to be believed, only to find out whom it concerns.
 * @throws TypeError where nothing of the event can be read
 */
export function objectOf(event: InboxEvent): Readonly<Record<string, unknown>> {
  const payload = event.payload as { readonly data?: { readonly object?: Record<string, unknown> } } | null | undefined;
  if (payload === null || payload === undefined) throw new TypeError(`the content of ${event.eventId} cannot be read`);
  return payload.data?.object ?? {};
}

/** An id of ours in the metadata of the object that an event carries. */
export function metadataOf(event: InboxEvent, key: string): string | undefined {
  const metadata = objectOf(event)['metadata'] as Record<string, unknown> | null | undefined;
  return idIn(metadata?.[key]);
}

/**
 * An id as an event carries it, where it is one. About anything else (no text, empty, longer than any id) the
 * provider would be asked in vain.
 */
export function idIn(value: unknown): string | undefined {
  return isName(value) ? value : undefined;
}
