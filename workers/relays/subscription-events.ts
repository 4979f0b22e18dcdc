import { ApplicationFailure } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import type { SubscriptionRefresher } from '../../activities/stripe';
import { failureTypes } from '../../workflows/domain/shared/errors';
import type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
import { subscriptionStart } from '../../workflows/subscription/start';
import { workflowTypes } from '../../workflows/kit/names';
import { subscriptionChanged } from '../../workflows/subscription/messages';
import { idIn, objectOf } from './event-handler';
import type { EventHandler, Handled, InboxEvent } from './event-handler';

export interface SubscriptionEventDependencies {
  readonly client: Client;
  readonly taskQueue: string;
  readonly policy: DunningPolicy;
  readonly refresher: SubscriptionRefresher;
  /** Is the subscription recorded? */
  readonly isKnown: (subscriptionId: string) => Promise<boolean>;
}

/**
 * Kinds of events after which a subscription is fetched; it contains what other events of the same moment announce.
 * `invoice.updated` is needed because the next payment attempt may be missing in `invoice.payment_failed`: measured with Smart
 * Retries, `next_payment_attempt` may be null there.
 */
export const SUBSCRIPTION_EVENTS: readonly string[] = [
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
  'customer.subscription.trial_will_end',
  'invoice.paid',
  'invoice.payment_failed',
  'invoice.payment_action_required',
  'invoice.updated',
  'invoice.voided',
  'invoice.marked_uncollectible',
];

export function isSubscriptionEvent(type: string): boolean {
  return SUBSCRIPTION_EVENTS.includes(type);
}

/**
 * Fetches and records the subscription of an event, once for all due events of one subscription. Wakes its workflow only where the
 * change affects what the workflow does next; it sees other changes when it wakes by itself.
 */
export function subscriptionEvents(deps: SubscriptionEventDependencies): EventHandler {
  return {
    actsOn: isSubscriptionEvent,
    keyOf: (event) => subscriptionIdOf(event) ?? event.eventId,
    handle: (events) => handle(deps, events),
  };
}

async function handle(deps: SubscriptionEventDependencies, events: readonly InboxEvent[]): Promise<Handled> {
  const [first] = events;
  const subscriptionId = first && subscriptionIdOf(first);
  // An invoice without a subscription.
  if (subscriptionId === undefined) return 'ignored';
  const { policy, refresher } = deps;
  try {
    // The time by the provider's clock, as in its plans: with a test clock it may differ by years from this computer's.
    const refreshed = await refresher.refreshSubscription({ subscriptionId, now: newest(events), policy });
    if (!refreshed.isNews) return 'done';
    await wake(deps, subscriptionId);
    await refresher.markHinted(subscriptionId, refreshed.version);
    return 'done';
  } catch (error) {
    if (!isMissing(error)) return postponed(error);
    if (!(await deps.isKnown(subscriptionId))) return { foreign: 'the provider does not know its subscription' };
    // The workflow finds the same and opens an exception.
    await wake(deps, subscriptionId);
    return 'done';
  }
}

/** Signals the workflow, or starts it. The workflow fetches the subscription itself, so one signal is enough for many events. */
async function wake(
  { client, taskQueue, policy }: SubscriptionEventDependencies,
  subscriptionId: string,
): Promise<void> {
  const { workflowIdConflictPolicy: _policy, ...start } = subscriptionStart(subscriptionId, {
    taskQueue,
    dunning: policy,
  });
  await client.workflow.signalWithStart(workflowTypes.subscription, {
    ...start,
    signal: subscriptionChanged,
    signalArgs: [],
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === failureTypes.notFound;
}

/** @throws the error, where it does not say how long to wait */
function postponed(error: unknown): Handled {
  if (!(error instanceof ApplicationFailure)) throw error;
  const delayMs = error.nextRetryDelay;
  if (typeof delayMs !== 'number') throw error;
  return { later: error.message, delayMs };
}

function newest(events: readonly InboxEvent[]): string {
  return new Date(Math.max(...events.map((event) => Date.parse(event.createdAt)))).toISOString();
}

/** The subscription that an event is about: its own object, or that of an invoice. Only a hint at which one to fetch. */
export function subscriptionIdOf(event: InboxEvent): string | undefined {
  const object = objectOf(event);
  if (event.type.startsWith('customer.subscription.')) return idOf(object);
  const parent = object['parent'] as { subscription_details?: { subscription?: unknown } | null } | null | undefined;
  return idOf(parent?.subscription_details?.subscription);
}

function idOf(value: unknown): string | undefined {
  return idIn(typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : value);
}
