import type { Client } from '@temporalio/client';
import type { PaymentOwners } from '../../activities/stripe';
import type { RefundStore } from '../../activities/storage';
import {
  canPartTransition,
  isInProgress,
  type RefundFacts,
  type RefundPart,
  type RefundPartStatus,
  type RefundPolicy,
} from '../../workflows/domain/refund/refund';
import { refundStart } from '../../workflows/refund/start';
import { workflowTypes } from '../../workflows/kit/names';
import { refundChanged, type RefundInput } from '../../workflows/refund/messages';
import { metadataOf, objectOf, waitForObject, waitForOrder } from './event-handler';
import type { EventHandler, Handled, InboxEvent } from './event-handler';
import type { KnownPayment } from './payment-events';

export interface RefundEventDependencies {
  readonly client: Client;
  readonly taskQueue: string;
  readonly refunds: Pick<RefundStore, 'getRefund' | 'openRefundsOf' | 'findByProviderId'>;
  readonly findPayment: (paymentIntentId: string) => Promise<KnownPayment | undefined>;
  readonly owners: Pick<PaymentOwners, 'orderOf' | 'knowsRefund'>;
  /** Was an attempt of this order ever begun in this database? */
  readonly isOurs: (orderId: string) => Promise<boolean>;
  readonly policy: RefundPolicy;
}

/** Events that contain a refund; in spite of its name, `charge.refund.updated` does, too. */
const OF_REFUND: ReadonlySet<string> = new Set([
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.refund.updated',
]);

/** Contains the charge, and does not name the refund. */
const OF_CHARGE = 'charge.refunded';

/**
 * Stripe's webhook is often faster than the answer to the request that caused it, and Stripe sends four events for one refund. A
 * change that we made is recorded within moments and then needs no signal.
 */
const OWN_CHANGE_MS = 2_000;

/** Kinds of events that `refundEvents` acts on. */
export const REFUND_EVENTS: readonly string[] = [...OF_REFUND, OF_CHARGE];

/** Signals the workflow of a refund where an event hints at more than is recorded; adopts refunds that were made elsewhere. */
export function refundEvents(deps: RefundEventDependencies): EventHandler {
  return {
    actsOn: (type) => REFUND_EVENTS.includes(type),
    keyOf: (event) =>
      event.type === OF_CHARGE ? `charge:${event.paymentIntentId ?? event.eventId}` : (event.objectId ?? event.eventId),
    async handle(events) {
      const [event] = events;
      if (event === undefined) return 'done';
      return event.type === OF_CHARGE ? aboutCharge(deps, event) : aboutRefund(deps, events, event);
    },
  };
}

async function aboutRefund(
  deps: RefundEventDependencies,
  events: readonly InboxEvent[],
  event: InboxEvent,
): Promise<Handled> {
  const providerRefundId = event.objectId;
  if (providerRefundId === undefined || providerRefundId === '') return 'ignored';
  const refundId = metadataOf(event, 'holdfast_refund_id') ?? (await deps.refunds.findByProviderId(providerRefundId));
  if (refundId === undefined) return adoptRefund(deps, event, providerRefundId);
  const refund = await deps.refunds.getRefund(refundId);
  // A refund is recorded before it is requested, so an unknown one belongs to another database.
  if (refund === undefined) return { foreign: 'its refund is not known here' };
  const part = refund.parts.find((one) => one.providerRefundId === providerRefundId);
  if (part === undefined && event.attempts <= 1 && refund.parts.some((one) => one.status === 'begun')) {
    return { later: 'may be a change of our own that is about to be recorded', delayMs: OWN_CHANGE_MS };
  }
  if (part !== undefined && !events.some((one) => isNews(part, one))) return 'done';
  // Every part already has another refund: the provider carried out a request that it had answered with a failure.
  const isDuplicate = part === undefined && refund.parts.every((one) => one.providerRefundId !== undefined);
  if (isDuplicate) return adoptRefund(deps, event, providerRefundId);
  await wake(deps, refund, { resume: refundId, policy: deps.policy });
  return 'done';
}

/** Does the event hint at more than is recorded? The workflow still fetches the refund fresh. */
function isNews(part: RefundPart, event: InboxEvent): boolean {
  const { status, failure_balance_transaction: returned } = objectOf(event);
  const said = status as RefundPartStatus;
  if (said === part.status) return typeof returned === 'string' && part.failureBalanceTransaction === undefined;
  return canPartTransition(part.status, said);
}

async function adoptRefund(
  deps: RefundEventDependencies,
  event: InboxEvent,
  providerRefundId: string,
): Promise<Handled> {
  const { paymentIntentId } = event;
  if (paymentIntentId === undefined) return 'ignored';
  const payment = await deps.findPayment(paymentIntentId);
  if (payment?.orderExists !== true) {
    return waitForOrder(event, payment?.orderId ?? (await deps.owners.orderOf(paymentIntentId)), deps.isOurs);
  }
  if (!(await deps.owners.knowsRefund(providerRefundId))) return waitForObject(event, 'refund');
  const { orderId } = payment;
  const input: RefundInput = { adopt: providerRefundId, orderId, policy: deps.policy };
  await wake(deps, { refundId: providerRefundId, orderId }, input);
  return 'done';
}

/** Each refund of a charge has its own events, which usually arrive first. This event matters only where they were lost. */
async function aboutCharge(deps: RefundEventDependencies, event: InboxEvent): Promise<Handled> {
  const { paymentIntentId } = event;
  if (paymentIntentId === undefined) return 'ignored';
  const ids = await deps.refunds.openRefundsOf(paymentIntentId);
  const refunds = await Promise.all(ids.map((id) => deps.refunds.getRefund(id)));
  const open = refunds.filter((one): one is RefundFacts => one !== undefined && isInProgress(one));
  if (open.length === 0) return 'done';
  if (event.attempts <= 1) return { later: 'its refunds have events of their own', delayMs: OWN_CHANGE_MS };
  for (const refund of open) await wake(deps, refund, { resume: refund.refundId, policy: deps.policy });
  return 'done';
}

/** A signal that starts the workflow where there is none: a bank may return money long after its refund was closed. */
async function wake(
  { client, taskQueue }: RefundEventDependencies,
  { refundId, orderId }: Pick<RefundFacts, 'refundId' | 'orderId'>,
  input: RefundInput,
): Promise<void> {
  const { workflowIdConflictPolicy: _policy, ...start } = refundStart(refundId, input, taskQueue, orderId);
  await client.workflow.signalWithStart(workflowTypes.refund, { ...start, signal: refundChanged, signalArgs: [] });
}
