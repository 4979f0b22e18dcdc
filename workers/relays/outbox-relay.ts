import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { subjectOf } from '../../workflows/domain/shared/events';
import type { DomainEvent, OrderEvent } from '../../workflows/domain/shared/events';
import type { OrderFacts } from '../../workflows/domain/order/order';
import { sleepingOrderStart } from '../../workflows/order/sleeping-start';
import { orderStart } from '../../workflows/order/start';
import { workflowTypes } from '../../workflows/kit/names';

export interface OutboxReader {
  claimUnpublished(limit: number, leaseMs: number): Promise<readonly DomainEvent[]>;
  markPublished(eventIds: readonly string[]): Promise<void>;
}

/** A destination of our own events. An event may be published twice; consumers skip event ids that they have seen. */
export type EventSink = (event: DomainEvent) => Promise<void>;

export interface OutboxRelayDependencies {
  readonly outbox: OutboxReader;
  /** Orders as they stand; those that are not recorded are left out. */
  readonly factsOf: (orderIds: readonly string[]) => Promise<readonly OrderFacts[]>;
  readonly client: Client;
  readonly taskQueue: string;
  readonly sinks: readonly EventSink[];
}

/** Small enough to publish well within the lease, large enough for a burst of orders. */
const BATCH = 50;
const LEASE_MS = 30_000;

/**
 * One round: publishes the events of the outbox. `OrderPlaced` starts the order's workflow, which sleeps until it has something to
 * do. Order and event were written in one transaction, so no order stays without its workflow; a second start joins the first.
 */
export async function relayOutbox(deps: OutboxRelayDependencies): Promise<number> {
  const events = await deps.outbox.claimUnpublished(BATCH, LEASE_MS);
  const placed = events.flatMap((event) => (event.type === 'OrderPlaced' ? [event.orderId] : []));
  const orders = placed.length === 0 ? [] : await deps.factsOf(placed);
  const published: string[] = [];
  const outcomes = await Promise.allSettled(
    [...bySubject(events).values()].map(async (ofOneSubject) => {
      for (const event of ofOneSubject) {
        if (event.type === 'OrderPlaced') {
          await startOrder(
            deps,
            event,
            orders.find((order) => order.orderId === event.orderId),
          );
        }
        for (const sink of deps.sinks) await sink(event);
        published.push(event.eventId);
      }
    }),
  );
  if (published.length > 0) await deps.outbox.markPublished(published);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return events.length;
}

/** Events of one order or subscription are published in sequence; different orders do not wait for each other. */
function bySubject(events: readonly DomainEvent[]): Map<string, DomainEvent[]> {
  const groups = new Map<string, DomainEvent[]>();
  for (const event of events) {
    const subject = subjectOf(event);
    groups.set(subject, [...(groups.get(subject) ?? []), event]);
  }
  return groups;
}

async function startOrder(
  deps: OutboxRelayDependencies,
  event: OrderEvent,
  facts: OrderFacts | undefined,
): Promise<void> {
  const { client, taskQueue } = deps;
  const start =
    facts === undefined ? orderStart(event.orderId, taskQueue) : sleepingOrderStart(facts, taskQueue, Date.now());
  try {
    // A second publication after the order has ended must not start it again.
    await client.workflow.start(workflowTypes.order, { ...start, workflowIdReusePolicy: 'REJECT_DUPLICATE' });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
