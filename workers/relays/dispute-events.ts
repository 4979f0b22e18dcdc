import type { Client } from '@temporalio/client';
import type { PaymentOwners } from '../../activities/stripe';
import { disputeStart } from '../../workflows/dispute/start';
import { fraudWarningStart } from '../../workflows/fraud-warning/start';
import type { StartOptions } from '../../workflows/kit/start';
import { disputeChanged } from '../../workflows/dispute/messages';
import { fraudWarningChanged } from '../../workflows/fraud-warning/messages';
import { isDisputeOver } from '../../workflows/domain/dispute/dispute';
import type { DisputeRecord } from '../../workflows/domain/dispute/dispute';
import type { DisputePolicy } from '../../workflows/domain/dispute/plan';
import type { FraudWarningPolicy } from '../../workflows/domain/dispute/fraud-warning';
import type { RefundPolicy } from '../../workflows/domain/refund/refund';
import { workflowTypes } from '../../workflows/kit/names';
import { idIn, objectOf, waitForOrder } from './event-handler';
import type { EventHandler, Handled, InboxEvent } from './event-handler';
import type { KnownPayment } from './payment-events';

export interface DisputeEventDependencies {
  readonly client: Client;
  readonly taskQueue: string;
  readonly policy: DisputePolicy;
  readonly fraudWarningPolicy: FraudWarningPolicy;
  readonly refundPolicy: RefundPolicy;
  readonly findPayment: (paymentIntentId: string) => Promise<KnownPayment | undefined>;
  readonly findDispute: (disputeId: string) => Promise<DisputeRecord | undefined>;
  /** Was an order of this id begun in this database? */
  readonly isOurs: (orderId: string) => Promise<boolean>;
  readonly owners: PaymentOwners;
}

const OF_DISPUTE: readonly string[] = ['created', 'updated', 'closed', 'funds_withdrawn', 'funds_reinstated'].map(
  (what) => `charge.dispute.${what}`,
);
const WARNING_EVENTS: ReadonlySet<string> = new Set(
  ['created', 'updated'].map((what) => `radar.early_fraud_warning.${what}`),
);

/** Kinds of events that `disputeEvents` acts on. */
export const DISPUTE_EVENTS: readonly string[] = [...OF_DISPUTE, ...WARNING_EVENTS];

/**
 * Starts and wakes the workflows of disputes and early fraud warnings. Any event of a dispute may arrive first, and each only hints
 * at a change.
 */
export function disputeEvents(deps: DisputeEventDependencies): EventHandler {
  return {
    actsOn: (type) => DISPUTE_EVENTS.includes(type),
    keyOf: (event) => event.objectId ?? event.eventId,
    handle: (events) => handle(deps, events),
  };
}

async function handle(deps: DisputeEventDependencies, events: readonly InboxEvent[]): Promise<Handled> {
  const [event] = events;
  const id = event?.objectId;
  // The inbox stores a missing object id as an empty one, which no workflow could look up.
  if (event === undefined || id === undefined || id === '') return 'ignored';
  const paymentIntentId = event.paymentIntentId ?? (await paymentOfCharge(deps, event));
  if (paymentIntentId === undefined) return { foreign: 'its charge has no PaymentIntent' };
  const payment = await deps.findPayment(paymentIntentId);
  if (payment?.orderExists !== true) {
    return waitForOrder(event, payment?.orderId ?? (await deps.owners.orderOf(paymentIntentId)), deps.isOurs);
  }
  const { orderId } = payment;
  const { taskQueue, policy, refundPolicy, fraudWarningPolicy } = deps;
  if (WARNING_EVENTS.has(event.type)) {
    const start = fraudWarningStart(id, { taskQueue, policy: fraudWarningPolicy, refundPolicy, orderId });
    await wake(deps, workflowTypes.fraudWarning, start, fraudWarningChanged.name);
    return 'done';
  }
  const known = await deps.findDispute(id);
  if (known !== undefined && events.every((one) => repeats(known, one))) return 'done';
  await wake(deps, workflowTypes.dispute, disputeStart(id, { taskQueue, policy, orderId }), disputeChanged.name);
  return 'done';
}

/** An early fraud warning may lack its payment, but never its charge. */
function paymentOfCharge({ owners }: DisputeEventDependencies, event: InboxEvent): Promise<string | undefined> {
  const charge = idIn(objectOf(event)['charge']);
  return charge === undefined ? Promise.resolve(undefined) : owners.paymentOf(charge);
}

/** Does the event only repeat what is recorded of a closed dispute? Then it must not start the workflow again. */
function repeats(known: DisputeRecord, event: InboxEvent): boolean {
  const { status, balance_transactions: movements } = objectOf(event);
  if (!isDisputeOver(known) || status !== known.providerStatus || !Array.isArray(movements)) return false;
  const withdrawn = (movements as ({ readonly amount?: number } | null)[]).reduce(
    (sum, one) => sum - (one?.amount ?? 0),
    0,
  );
  return withdrawn === known.withdrawn;
}

async function wake(deps: DisputeEventDependencies, type: string, start: StartOptions, signal: string): Promise<void> {
  const { workflowIdConflictPolicy: _policy, ...options } = start;
  await deps.client.workflow.signalWithStart(type, { ...options, signal });
}
