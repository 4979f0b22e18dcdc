import { isOver } from '../../../workflows/domain/subscription/stage';
import type {
  FollowSubscriptionInput,
  FollowSubscriptionResult,
  SubscriptionActivities,
} from '../../../workflows/subscription/ports';
import type { SubscriptionStore } from '../../storage/subscriptions/store';
import { activity, type PaymentContext } from '../context';
import { isMissing, isUnknownOutcome, retryLater } from '../errors';
import type { ProviderSession } from '../provider';
import { fetchSubscription } from './fetch';
import { ENDED_UNPAID } from './mapping';
import { payWith } from './pay';

/** What the activities of subscriptions need. */
export interface SubscriptionContext {
  readonly payments: PaymentContext;
  readonly store: SubscriptionStore;
}

/** The result of a look by somebody other than the workflow. */
export interface RefreshedSubscription {
  readonly follow: FollowSubscriptionResult;
  readonly version: number;
  /** The workflow would act differently if it knew: send it a hint, then call `markHinted`. */
  readonly isNews: boolean;
}

/** The same look as the workflow's, for a relay that learns of a change first. */
export interface SubscriptionRefresher {
  refreshSubscription(input: FollowSubscriptionInput): Promise<RefreshedSubscription>;
  markHinted(subscriptionId: string, version: number): Promise<void>;
}

/** If others recorded newer looks three times in a row, a later try has better chances. */
const MAX_LOOKS = 3;

const STALE = 'our record of the subscription may be out of date; nothing was changed at the provider';

const LOOKING = { operation: 'followSubscription', atRisk: STALE, priority: 'background' } as const;

/** The activities of subscriptions on Stripe: see `SubscriptionActivities` for the contract of each. */
export function createSubscriptionActivities(context: SubscriptionContext): SubscriptionActivities {
  const { payments } = context;
  return {
    followSubscription: (input) =>
      activity(payments, { ...LOOKING, subscriptionId: input.subscriptionId }, (session) =>
        lookForWorkflow(context, session, input, 'subscription'),
      ),
    paySubscription: (input) =>
      payWith(payments, input, (session) => lookForWorkflow(context, session, input, 'customer')),
    endSubscription: (input) => endSubscription(context, input),
  };
}

export function createSubscriptionRefresher(context: SubscriptionContext): SubscriptionRefresher {
  const { payments, store } = context;
  return {
    refreshSubscription: (input) =>
      activity(payments, { ...LOOKING, subscriptionId: input.subscriptionId }, (session) =>
        look(context, session, input, { watching: false, actor: 'payment provider' }),
      ),
    markHinted: (subscriptionId, version) => store.markHinted(subscriptionId, version),
  };
}

/**
 * Fetches and records until the record is the newest fetch. Two simultaneous looks may record in another order than they fetched,
 * so a look that finds a newer record fetches again.
 */
async function look(
  { payments, store }: SubscriptionContext,
  session: ProviderSession,
  input: FollowSubscriptionInput,
  by: { readonly watching: boolean; readonly actor: string },
): Promise<RefreshedSubscription> {
  const { subscriptionId, now, policy } = input;
  for (let looks = 1; looks <= MAX_LOOKS; looks += 1) {
    const seenVersion = await store.recordedVersion(subscriptionId);
    const snapshot = await fetchSubscription(payments.stripe, session, subscriptionId);
    const recorded = await store.recordSubscription({ snapshot, seenVersion, now, policy, ...by });
    if (recorded.kind === 'recorded') return recorded;
  }
  throw retryLater(
    session.call,
    'another process recorded a newer look each time; the subscription is looked at again',
  );
}

/** A look by the workflow itself. */
async function lookForWorkflow(
  context: SubscriptionContext,
  session: ProviderSession,
  input: FollowSubscriptionInput,
  actor: string,
): Promise<FollowSubscriptionResult> {
  return (await look(context, session, input, { watching: true, actor })).follow;
}

/** Ends a subscription, unless it was paid or ended by somebody else meanwhile. */
function endSubscription(
  context: SubscriptionContext,
  input: FollowSubscriptionInput,
): Promise<FollowSubscriptionResult> {
  const { payments } = context;
  const { subscriptionId } = input;
  const atRisk = 'the customer may use the service without paying, and be charged later';
  const call = { operation: 'endSubscription', subscriptionId, atRisk, priority: 'background' } as const;
  return activity(payments, call, async (session) => {
    const found = await lookForWorkflow(context, session, input, 'subscription');
    if (isOver(found.facts.stage) || !found.facts.exhausted) return found;
    try {
      // Without an idempotency key, because a second cancel does nothing.
      const params = { cancellation_details: { comment: ENDED_UNPAID } };
      await session.write('subscriptions.cancel', () => payments.stripe.subscriptions.cancel(subscriptionId, params));
    } catch (error) {
      // Somebody else was first, or the provider failed and the look shows the outcome.
      if (!isMissing(error) && !isUnknownOutcome(error)) throw error;
      const after = await lookForWorkflow(context, session, input, 'subscription');
      if (isMissing(error) || isOver(after.facts.stage)) return after;
      throw retryLater(session.call, 'the provider failed while the subscription was ended');
    }
    return lookForWorkflow(context, session, input, 'subscription');
  });
}
