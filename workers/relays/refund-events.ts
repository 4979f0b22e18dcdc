import type { Client } from '@temporalio/client';
import type { PaymentOwners } from '../../activities/stripe';
import type { RefundStore } from '../../activities/storage';
import {
  canPartTransition,
  isUnsettled,
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
  /** Was an attempt of this order ever begun here? */
  readonly isOurs: (orderId: string) => Promise<boolean>;
  readonly policy: RefundPolicy;
}

/** Events that carry a refund. `charge.refund.updated` does too, whatever its name says. */
const OF_REFUND: ReadonlySet<string> = new Set([
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.refund.updated',
]);

/** Carries the charge: which of its refunds it is about is not said. */
const OF_CHARGE = 'charge.refunded';

/**
 * Stripe's webhook is often faster than the answer to the call that caused it, and it sends four events for one refund. What
 * is recorded within moments is no news then.
 */
const SETTLE_MS = 2_000;

/** Kinds of events that `refundEvents` acts on. */
export const REFUND_EVENTS: readonly string[] = [...OF_REFUND, OF_CHARGE];

/** Tells the workflow of a refund that something changed, where it says more than is recorded; takes in what was made elsewhere. */
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
  if (refundId === undefined) return madeElsewhere(deps, event, providerRefundId);
  const refund = await deps.refunds.getRefund(refundId);
  // Recorded before it is asked for: one that is not known is of another database.
  if (refund === undefined) return { foreign: 'its refund is not known here' };
  const part = refund.parts.find((one) => one.providerRefundId === providerRefundId);
  if (part === undefined && event.attempts <= 1 && refund.parts.some((one) => one.status === 'begun')) {
    return { later: 'may be our own doing, about to be recorded', delayMs: SETTLE_MS };
  }
  if (part !== undefined && !events.some((one) => isNews(part, one))) return 'done';
  // Every part has a refund, and this is none of them: the provider carried out a request that it had answered with a failure.
  const isTwin = part === undefined && refund.parts.every((one) => one.providerRefundId !== undefined);
  if (isTwin) return madeElsewhere(deps, event, providerRefundId);
  await wake(deps, refund, { resume: refundId, policy: deps.policy });
  return 'done';
}

/** Does the event say more than is recorded? What it says is still fetched fresh before anything is done. */
function isNews(part: RefundPart, event: InboxEvent): boolean {
  const { status, failure_balance_transaction: returned } = objectOf(event);
  const said = status as RefundPartStatus;
  if (said === part.status) return typeof returned === 'string' && part.failureBalanceTransaction === undefined;
  return canPartTransition(part.status, said);
}

async function madeElsewhere(
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

/** Its refunds have events of their own, which mostly came first; only where they were lost is anything left to be asked. */
async function aboutCharge(deps: RefundEventDependencies, event: InboxEvent): Promise<Handled> {
  const { paymentIntentId } = event;
  if (paymentIntentId === undefined) return 'ignored';
  const ids = await deps.refunds.openRefundsOf(paymentIntentId);
  const refunds = await Promise.all(ids.map((id) => deps.refunds.getRefund(id)));
  const open = refunds.filter((one): one is RefundFacts => one !== undefined && isUnsettled(one));
  if (open.length === 0) return 'done';
  if (event.attempts <= 1) return { later: 'its refunds have events of their own', delayMs: SETTLE_MS };
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
