import { isName } from '../../activities/stripe';

export interface InboxEvent {
  readonly eventId: string;
  readonly type: string;
  /** Id of the object in the event. */
  readonly objectId?: string | undefined;
  readonly paymentIntentId?: string | undefined;
  /** As the provider sent it. Only a hint: handlers fetch the object fresh. */
  readonly payload: unknown;
  readonly attempts: number;
  /** By the provider's clock. UTC ISO string. */
  readonly createdAt: string;
}

/**
 * Tries of an event that names an order never begun in this database, some eight minutes in all. An order is recorded before its
 * payment is requested, so such an event belongs to another shop, or to a database that was restored from a backup.
 */
export const FOREIGN_ATTEMPTS = 10;

/** The result of handling events: acted on, ignored, belonging to others, or to be tried again later. */
export type Handled =
  | 'done'
  | 'ignored'
  | { readonly foreign: string }
  /** `delayMs` where the time to wait is known; otherwise the pause grows with each try. */
  | { readonly later: string; readonly delayMs?: number };

/** About three days at the longest pause, as long as Stripe redelivers. */
export const MAX_ATTEMPTS = 900;

/**
 * An event may arrive before its order is recorded, so it waits; after the limit it is kept but ignored. An event is foreign where its
 * payment names no order, or an order that was never begun here.
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

/** An object that the provider does not know belongs to another account or to the other mode, so its event ends as foreign. */
export function waitForObject(event: InboxEvent, what: string): Handled {
  const said = `the provider does not know its ${what}`;
  return event.attempts >= FOREIGN_ATTEMPTS ? { foreign: said } : { later: said };
}

/** Passes events of some kinds to the workflows that they concern. */
export interface EventHandler {
  /** Events that no handler acts on are kept and counted, but wake no workflow. */
  actsOn(type: string): boolean;
  /** Events with the same key that are due together are handled together, with one look at the provider. */
  keyOf(event: InboxEvent): string;
  /** All events have the same key. An error is recorded in the inbox, and the events are tried again. */
  handle(events: readonly InboxEvent[]): Promise<Handled>;
}

/**
 * The object in an event; used only to find the workflow that it concerns.
 * @throws TypeError where the event has no readable contents
 */
export function objectOf(event: InboxEvent): Readonly<Record<string, unknown>> {
  const payload = event.payload as { readonly data?: { readonly object?: Record<string, unknown> } } | null | undefined;
  if (payload === null || payload === undefined) throw new TypeError(`the content of ${event.eventId} cannot be read`);
  return payload.data?.object ?? {};
}

/** One of our ids, from the metadata of the object in an event. */
export function metadataOf(event: InboxEvent, key: string): string | undefined {
  const metadata = objectOf(event)['metadata'] as Record<string, unknown> | null | undefined;
  return idIn(metadata?.[key]);
}

/**
 * The value if it is an id. Anything else (not a text, empty, longer than any id) would be a useless request to the provider.
 */
export function idIn(value: unknown): string | undefined {
  return isName(value) ? value : undefined;
}
