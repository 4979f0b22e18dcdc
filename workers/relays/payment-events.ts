import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { UnrecordedPayment } from '../../activities/stripe';
import { orderStart } from '../../workflows/order/start';
import { paymentChanged } from '../../workflows/payment/messages';
import { workflowIds, workflowTypes } from '../../workflows/kit/names';
import type { VoidPaymentInput } from '../../workflows/payment/ports';
import { FOREIGN_ATTEMPTS, metadataOf, waitForOrder } from './event-handler';
import type { EventHandler, Handled, InboxEvent } from './event-handler';

/** Our record of the payment that an event is about. */
export interface KnownPayment {
  readonly orderId: string;
  readonly cartId?: string;
  readonly attempt: number;
  readonly status: string;
  readonly tombstoned: boolean;
  /** When this attempt was first requested, as a UTC ISO string. */
  readonly startedAt: string;
  readonly orderExists: boolean;
  /** The channel of the order, where the order is recorded. */
  readonly channel?: string;
}

export interface PaymentEventDependencies {
  readonly client: Client;
  readonly taskQueue: string;
  readonly findPayment: (paymentIntentId: string) => Promise<KnownPayment | undefined>;
  /** Was an order of this id begun in this database? */
  readonly isOurs: (orderId: string) => Promise<boolean>;
  readonly voidPayments: (input: VoidPaymentInput) => Promise<unknown>;
  /** Cancels a PaymentIntent of an order that we have not recorded, made by a late duplicate of an attempt's request. */
  readonly cancelDuplicate: (paymentIntentId: string) => Promise<UnrecordedPayment>;
}

/** Signals checkouts and orders that their payment may have changed. */
export function paymentEvents(deps: PaymentEventDependencies): EventHandler {
  return {
    actsOn: (type) => CONCERNS[type] !== undefined,
    // Each event has its own key: one that waits for its order must not delay the others.
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
  if (mayBeOwnChange(payment, event))
    return { later: 'may be a change of our own that is about to be recorded', delayMs: OWN_CHANGE_MS };
  await signalChange(deps, payment, event.paymentIntentId, concern.hold);
  return 'done';
}

/** At the first try, an attempt of ours usually records the payment within moments; later the provider is asked about it. */
async function handleUnrecorded(
  deps: PaymentEventDependencies,
  event: InboxEvent,
  paymentIntentId: string,
): Promise<Handled> {
  const orderId = metadataOf(event, 'holdfast_order_id');
  if (orderId !== undefined && event.attempts > 1 && (await deps.isOurs(orderId))) {
    const result = await deps.cancelDuplicate(paymentIntentId);
    if (result === 'canceled') return 'done';
    if (result === 'not_ours' && event.attempts >= FOREIGN_ATTEMPTS) {
      return { foreign: 'its payment does not belong to an attempt of this order' };
    }
  }
  return waitForOrder(event, orderId, deps.isOurs);
}

/**
 * Stripe's webhook is often faster than the answer to the request that caused it. A change that we made is recorded within moments
 * and then needs no signal; a change by a customer or by somebody else is signalled at once.
 */
const OWN_CHANGE_MS = 2_000;

/** The timeout of one try of an authorization. */
const AUTHORIZING_MS = 30_000;

function mayBeOwnChange(payment: KnownPayment, event: InboxEvent): boolean {
  if (payment.status === 'requires_action' || payment.status === 'processing') return false;
  if (payment.status === 'begun') return Date.now() - Date.parse(payment.startedAt) < AUTHORIZING_MS;
  return event.attempts <= 1;
}

interface Concern {
  /** Does the event hint at more than is recorded? The workflow still fetches the payment fresh. */
  news(recorded: string): boolean;
  /** Is it about a new hold? */
  readonly hold: boolean;
}

const unlessOneOf = (...known: string[]): Concern => ({ hold: false, news: (recorded) => !known.includes(recorded) });

/**
 * The events that workflows act on, each with the recorded statuses for which it is no news. All others are kept and counted. An
 * event without news wakes no workflow, which saves four history events each.
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

async function signalChange(
  deps: PaymentEventDependencies,
  payment: KnownPayment,
  paymentIntentId: string,
  hold: boolean,
): Promise<void> {
  const { orderId, attempt } = payment;
  if (payment.tombstoned) {
    // A late authorization of an attempt that was undone: no workflow waits for it, and its hold must be voided.
    if (hold)
      await deps.voidPayments({ orderId, attempts: attempt, onlyPaymentIntentId: paymentIntentId, reason: 'undone' });
    return;
  }
  if (payment.orderExists) return signalOrder(deps, payment, paymentIntentId);
  if (payment.cartId === undefined) return;
  try {
    await deps.client.workflow
      .getHandle(workflowIds.checkout(payment.cartId))
      .signal(paymentChanged, { paymentIntentId });
  } catch (error) {
    // The checkout has ended without an order, and has voided its hold itself.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

async function signalOrder(
  deps: PaymentEventDependencies,
  { orderId, channel }: KnownPayment,
  paymentIntentId: string,
): Promise<void> {
  const { workflowIdConflictPolicy: _policy, ...start } = orderStart(orderId, deps.taskQueue, channel);
  const signalArgs: [{ readonly paymentIntentId: string }] = [{ paymentIntentId }];
  await deps.client.workflow.signalWithStart(workflowTypes.order, { ...start, signal: paymentChanged, signalArgs });
}
