import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Logger } from 'pino';
import { paymentChanged, workflowIds, workflowTypes } from '../../workflows/messages';
import type { OrderInput } from '../../workflows/messages';
import { searchAttributes } from '../../workflows/search-attributes';
import type { VoidPaymentInput } from '../../workflows/ports';

/** A provider event as the inbox keeps it. */
export interface InboxEvent {
  readonly eventId: string;
  readonly type: string;
  readonly paymentIntentId?: string | undefined;
  readonly payload: unknown;
  readonly attempts: number;
}

export interface InboxReader {
  claimDue(limit: number, leaseMs: number): Promise<readonly InboxEvent[]>;
  complete(eventId: string): Promise<void>;
  ignore(eventId: string): Promise<void>;
  retryLater(eventId: string, error: string, delayMs: number): Promise<void>;
}

/** What is recorded of the payment that an event speaks of. */
export interface KnownPayment {
  readonly orderId: string;
  readonly cartId?: string;
  readonly attempt: number;
  readonly status: string;
  readonly tombstoned: boolean;
  /** When this attempt was first asked for. UTC ISO string. */
  readonly startedAt: string;
  readonly orderExists: boolean;
}

export interface InboxDispatcherDependencies {
  readonly inbox: InboxReader;
  readonly client: Client;
  readonly taskQueue: string;
  readonly findPayment: (paymentIntentId: string) => Promise<KnownPayment | undefined>;
  readonly voidPayments: (input: VoidPaymentInput) => Promise<unknown>;
  readonly log: Logger;
}

const BATCH = 50;
const LEASE_MS = 30_000;

/** First and longest pause before an event is looked at again: its order may be a moment or an outage away. */
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5 * 60_000;

/** Some three days at the longest pause: as long as Stripe itself goes on delivering. Then it is kept, not acted on. */
const MAX_ATTEMPTS = 900;

/** One round: hands the inbox's due events to the workflows they concern. */
export async function dispatchInbox(deps: InboxDispatcherDependencies): Promise<number> {
  const events = await deps.inbox.claimDue(BATCH, LEASE_MS);
  await Promise.all(events.map((event) => dispatch(deps, event)));
  return events.length;
}

async function dispatch(deps: InboxDispatcherDependencies, event: InboxEvent): Promise<void> {
  try {
    const concern = concernOf(event);
    if (concern === undefined || event.paymentIntentId === undefined) return await deps.inbox.ignore(event.eventId);
    const payment = await deps.findPayment(event.paymentIntentId);
    if (payment === undefined) return await waitForOrder(deps, event);
    if (!(concern.news(payment.status) || payment.tombstoned)) return await deps.inbox.complete(event.eventId);
    if (mayBeOurOwn(payment, event)) {
      return await deps.inbox.retryLater(event.eventId, 'may be our own doing, about to be recorded', SETTLE_MS);
    }
    await tell(deps, payment, event.paymentIntentId, concern.hold);
    await deps.inbox.complete(event.eventId);
  } catch (error) {
    deps.log.warn({ err: error, eventId: event.eventId, type: event.type }, 'a provider event waits');
    await deps.inbox.retryLater(event.eventId, error instanceof Error ? error.message : String(error), pauseMs(event));
  }
}

/**
 * Stripe's webhook is often faster than the answer to the call that caused it. What we did ourselves is recorded within
 * moments and is no news then; only what a customer or somebody else did is told at once.
 */
const SETTLE_MS = 2_000;

/** An authorization is asked for at most this long (the time-out of one try). */
const AUTHORIZING_MS = 30_000;

function mayBeOurOwn(payment: KnownPayment, event: InboxEvent): boolean {
  if (payment.status === 'requires_action' || payment.status === 'processing') return false;
  if (payment.status === 'begun') return Date.now() - Date.parse(payment.startedAt) < AUTHORIZING_MS;
  return event.attempts <= 1;
}

interface Concern {
  /** Does the event say more than is recorded? What it says is still fetched fresh before anything is done. */
  news(recorded: string): boolean;
  /** Does it tell of money set aside? */
  readonly hold: boolean;
}

const unlessOneOf = (...known: string[]): Concern => ({ hold: false, news: (recorded) => !known.includes(recorded) });

/**
 * The events that workflows act on, with what must be recorded for them to be no news. All others are kept and counted.
 * An event that repeats what is recorded wakes nobody: on the way of a plain order that saves four history events each.
 */
const CONCERNS: Readonly<Record<string, Concern>> = {
  'payment_intent.amount_capturable_updated': {
    ...unlessOneOf('authorized', 'captured', 'voided', 'expired', 'canceled'),
    hold: true,
  },
  'payment_intent.succeeded': unlessOneOf('captured'),
  'payment_intent.payment_failed': unlessOneOf('declined', 'authorized', 'captured', 'voided', 'expired', 'canceled'),
  'payment_intent.canceled': unlessOneOf('voided', 'expired', 'canceled', 'captured'),
  'charge.expired': unlessOneOf('voided', 'expired', 'canceled'),
};

/** Does the dispatcher act on events of this kind? */
export function isActedOn(type: string): boolean {
  return CONCERNS[type] !== undefined;
}

function concernOf(event: InboxEvent): Concern | undefined {
  return CONCERNS[event.type];
}

/** An event may come before what it belongs to. One that carries no order of ours never will. */
async function waitForOrder(deps: InboxDispatcherDependencies, event: InboxEvent): Promise<void> {
  if (!isOurs(event.payload) || event.attempts >= MAX_ATTEMPTS) return deps.inbox.ignore(event.eventId);
  return deps.inbox.retryLater(event.eventId, 'its order is not known yet', pauseMs(event));
}

function isOurs(payload: unknown): boolean {
  const object = (payload as { data?: { object?: { metadata?: Record<string, string> } } }).data?.object;
  return object?.metadata?.['holdfast_order_id'] !== undefined;
}

async function tell(
  deps: InboxDispatcherDependencies,
  payment: KnownPayment,
  paymentIntentId: string,
  hold: boolean,
): Promise<void> {
  const { orderId, attempt } = payment;
  if (payment.tombstoned) {
    // A late authorization of something that was undone: nobody waits for it, and its hold must not stand.
    if (hold)
      await deps.voidPayments({ orderId, attempts: attempt, onlyPaymentIntentId: paymentIntentId, reason: 'undone' });
    return;
  }
  if (payment.orderExists) return tellOrder(deps, orderId, paymentIntentId);
  if (payment.cartId === undefined) return;
  try {
    await deps.client.workflow
      .getHandle(workflowIds.checkout(payment.cartId))
      .signal(paymentChanged, { paymentIntentId });
  } catch (error) {
    // The checkout has ended without an order; what it held was let go by itself.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

async function tellOrder(deps: InboxDispatcherDependencies, orderId: string, paymentIntentId: string): Promise<void> {
  const input: OrderInput = { orderId };
  await deps.client.workflow.signalWithStart(workflowTypes.order, {
    workflowId: workflowIds.order(orderId),
    taskQueue: deps.taskQueue,
    args: [input],
    signal: paymentChanged,
    signalArgs: [{ paymentIntentId }],
    staticSummary: `Order ${orderId}`,
    typedSearchAttributes: [{ key: searchAttributes.orderId, value: orderId }],
  });
}

function pauseMs(event: InboxEvent): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(event.attempts, 20), LONGEST_RETRY_MS);
}
