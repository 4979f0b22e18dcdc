import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { UnrecordedPayment } from '../../activities/stripe';
import { orderStart } from '../../workflows/order/start';
import { paymentChanged } from '../../workflows/payment/messages';
import { workflowIds, workflowTypes } from '../../workflows/kit/names';
import type { VoidPaymentInput } from '../../workflows/payment/ports';
import { FOREIGN_ATTEMPTS, metadataOf, waitForOrder } from './event-handler';
import type { EventHandler, Handled, InboxEvent } from './event-handler';

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
  /** Of the order, where it is recorded. */
  readonly channel?: string;
}

export interface PaymentEventDependencies {
  readonly client: Client;
  readonly taskQueue: string;
  readonly findPayment: (paymentIntentId: string) => Promise<KnownPayment | undefined>;
  /** Was an order of this id begun here? */
  readonly isOurs: (orderId: string) => Promise<boolean>;
  readonly voidPayments: (input: VoidPaymentInput) => Promise<unknown>;
  /** Cancels a PaymentIntent of an order that is not recorded because its attempt went on without it. */
  readonly cancelDuplicate: (paymentIntentId: string) => Promise<UnrecordedPayment>;
}

/** Tells checkouts and orders that something about their payment changed. */
export function paymentEvents(deps: PaymentEventDependencies): EventHandler {
  return {
    actsOn: (type) => CONCERNS[type] !== undefined,
    // Each for itself: one that waits for its order must not keep the others.
    keyOf: (event) => event.eventId,
    async handle([event]) {
      return event === undefined ? 'done' : handle(deps, event);
    },
  };
}

async function handle(deps: PaymentEventDependencies, event: InboxEvent): Promise<Handled> {
  const concern = CONCERNS[event.type];
  if (concern === undefined || event.paymentIntentId === undefined) return 'ignored';
  const payment = await deps.findPayment(event.paymentIntentId);
  if (payment === undefined) return handleUnrecorded(deps, event, event.paymentIntentId);
  if (!(concern.news(payment.status) || payment.tombstoned)) return 'done';
  if (mayBeOurOwn(payment, event)) return { later: 'may be our own doing, about to be recorded', delayMs: SETTLE_MS };
  await tell(deps, payment, event.paymentIntentId, concern.hold);
  return 'done';
}

/** At its first try it is mostly an attempt that records it within moments; after that the provider is asked what it is. */
async function handleUnrecorded(
  deps: PaymentEventDependencies,
  event: InboxEvent,
  paymentIntentId: string,
): Promise<Handled> {
  const orderId = metadataOf(event, 'holdfast_order_id');
  if (orderId !== undefined && event.attempts > 1 && (await deps.isOurs(orderId))) {
    const stranger = await deps.cancelDuplicate(paymentIntentId);
    if (stranger === 'canceled') return 'done';
    if (stranger === 'not_ours' && event.attempts >= FOREIGN_ATTEMPTS) {
      return { foreign: 'its payment is none that this order was begun with' };
    }
  }
  return waitForOrder(event, orderId, deps.isOurs);
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

/** Kinds of events that `paymentEvents` acts on. */
export const PAYMENT_EVENTS: readonly string[] = Object.keys(CONCERNS);

async function tell(
  deps: PaymentEventDependencies,
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
  if (payment.orderExists) return tellOrder(deps, payment, paymentIntentId);
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

async function tellOrder(
  deps: PaymentEventDependencies,
  { orderId, channel }: KnownPayment,
  paymentIntentId: string,
): Promise<void> {
  const { workflowIdConflictPolicy: _policy, ...start } = orderStart(orderId, deps.taskQueue, channel);
  const signalArgs: [{ readonly paymentIntentId: string }] = [{ paymentIntentId }];
  await deps.client.workflow.signalWithStart(workflowTypes.order, { ...start, signal: paymentChanged, signalArgs });
}
