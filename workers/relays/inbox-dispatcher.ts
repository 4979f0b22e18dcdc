import type { Logger } from 'pino';
import { DISPUTE_EVENTS } from './dispute-events';
import { isDefect, isRefusal } from '../dependencies/activity-defects';
import { MAX_ATTEMPTS, type EventHandler, type Handled, type InboxEvent } from './event-handler';
import { PAYMENT_EVENTS } from './payment-events';
import { REFUND_EVENTS } from './refund-events';
import { isSubscriptionEvent, SUBSCRIPTION_EVENTS } from './subscription-events';

/** An event with the time since which it waits, as a UTC ISO string. */
type ClaimedEvent = InboxEvent & { readonly receivedAt: string };

export interface InboxReader {
  claimDue(limit: number, leaseMs: number): Promise<readonly ClaimedEvent[]>;
  complete(eventId: string): Promise<void>;
  ignore(eventId: string, foreign?: string): Promise<void>;
  fail(eventId: string, type: string, error: string): Promise<void>;
  retryLater(eventId: string, error: string, delayMs: number): Promise<void>;
}

export interface InboxDispatcherDependencies {
  readonly inbox: InboxReader;
  readonly handlers: readonly EventHandler[];
  readonly log: Logger;
}

const BATCH = 50;
const LEASE_MS = 30_000;

/** First and longest pause between tries: an order may be recorded in a moment, or after an outage. */
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5 * 60_000;

/**
 * A defect or a refusal fails again with each try. Within this hour somebody may notice it and start a fixed version.
 */
const MAX_DEFECT_ATTEMPTS = 20;

/** An event that is postponed again and again ends after this time and at least as many tries as one that fails. */
const MAX_WAIT_MS = MAX_ATTEMPTS * LONGEST_RETRY_MS;

export const actedOn: readonly string[] = [
  ...PAYMENT_EVENTS,
  ...REFUND_EVENTS,
  ...DISPUTE_EVENTS,
  ...SUBSCRIPTION_EVENTS,
];

/** Does any handler act on events of this kind? A function of its own, since the inbox needs it before the handlers exist. */
export function isActedOn(type: string): boolean {
  return actedOn.includes(type);
}

/** Each lane has its own loop, so that events which wait for the provider's rate limit in one do not delay the other. */
export function laneOf(type: string): 'orders' | 'subscriptions' {
  return isSubscriptionEvent(type) ? 'subscriptions' : 'orders';
}

/** One round: passes the due events of the inbox to the workflows that they concern. */
export async function dispatchInbox(deps: InboxDispatcherDependencies): Promise<number> {
  const events = await deps.inbox.claimDue(BATCH, LEASE_MS);
  const groups = new Map<string, { handler: EventHandler | undefined; events: ClaimedEvent[] }>();
  for (const event of events) {
    const index = deps.handlers.findIndex((one) => one.actsOn(event.type));
    const handler = deps.handlers[index];
    const key = `${index}:${keyOf(handler, event)}`;
    const group = groups.get(key) ?? { handler, events: [] };
    groups.set(key, group);
    group.events.push(event);
  }
  await Promise.all([...groups.values()].map((group) => dispatch(deps, group.handler, group.events)));
  return events.length;
}

async function dispatch(
  deps: InboxDispatcherDependencies,
  handler: EventHandler | undefined,
  events: readonly ClaimedEvent[],
): Promise<void> {
  let handled: Handled;
  let maxAttempts: number | undefined;
  try {
    handled = handler === undefined ? 'ignored' : await handler.handle(events);
  } catch (error) {
    const [{ type } = { type: '' }] = events;
    deps.log.warn(
      { err: error, eventId: events[0]?.eventId, type, count: events.length },
      'a provider event failed and is tried again later',
    );
    handled = { later: error instanceof Error ? error.message : String(error) };
    maxAttempts = isDefect(error) || isRefusal(error) ? MAX_DEFECT_ATTEMPTS : MAX_ATTEMPTS;
  }
  for (const event of events) await recordResult(deps, event, handled, maxAttempts);
}

/** An unreadable event must not stop the others of its round: only its own handler fails. */
function keyOf(handler: EventHandler | undefined, event: InboxEvent): string {
  try {
    return handler?.keyOf(event) ?? event.eventId;
  } catch {
    return event.eventId;
  }
}

function recordResult(
  { inbox }: InboxDispatcherDependencies,
  event: ClaimedEvent,
  handled: Handled,
  maxAttempts: number | undefined,
): Promise<void> {
  if (handled === 'done') return inbox.complete(event.eventId);
  if (handled === 'ignored') return inbox.ignore(event.eventId);
  if ('foreign' in handled) return inbox.ignore(event.eventId, handled.foreign);
  if (isOver(event, maxAttempts)) return inbox.fail(event.eventId, event.type, handled.later);
  const delayMs = Math.min(handled.delayMs ?? pauseMs(event), LONGEST_RETRY_MS);
  return inbox.retryLater(event.eventId, handled.later, delayMs);
}

/** A failing event has a number of tries. A postponed one may be tried every second, so it has days as well. */
function isOver(event: ClaimedEvent, maxAttempts: number | undefined): boolean {
  if (maxAttempts !== undefined) return event.attempts >= maxAttempts;
  return event.attempts >= MAX_ATTEMPTS && Date.now() - Date.parse(event.receivedAt) >= MAX_WAIT_MS;
}

function pauseMs(event: InboxEvent): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(event.attempts, 20), LONGEST_RETRY_MS);
}

export type { InboxEvent } from './event-handler';
export type { KnownPayment } from './payment-events';
