import { failureTypes } from '../../workflows/domain/shared/errors';
import { workflowIds } from '../../workflows/kit/names';
import type { BeginOptions, Begun } from '../support/subscriptions';
import { DAY_MS, expectAccepted, HOUR_MS, MINUTE_MS } from './stage';
import type { Path, Stage, Target } from './stage';

/** A subscription that is followed. */
async function begin({ subscriptions }: Stage, options: BeginOptions = {}): Promise<Begun> {
  const begun = await subscriptions.begin(options);
  await subscriptions.followed(begun.subscriptionId);
  return begun;
}

/** A subscription whose renewal fails. */
async function fail(stage: Stage, renewals: string): Promise<Begun> {
  const begun = await begin(stage, { renewals });
  await stage.subscriptions.toRenewal(begun);
  await stage.subscriptions.live(begun.subscriptionId, DAY_MS, 6 * HOUR_MS);
  await stage.subscriptions.reaches(begun.subscriptionId, 'past_due');
  return begun;
}

/** Days of the provider's tries. */
async function liveThrough(stage: Stage, { subscriptionId }: Begun, days: number): Promise<void> {
  await stage.subscriptions.live(subscriptionId, days * DAY_MS, 6 * HOUR_MS);
}

/** The customer ends it at the provider. */
async function cancelled(stage: Stage, { subscriptionId }: Begun): Promise<Target> {
  await stage.world.dependencies.stripe.subscriptions.cancel(subscriptionId);
  await stage.subscriptions.reaches(subscriptionId, 'canceled');
  await stage.subscriptions.live(subscriptionId, 2 * DAY_MS, DAY_MS);
  return stage.end(workflowIds.subscription(subscriptionId));
}

/** Every way a subscription goes on, and how it ends. */
export const subscriptionPaths: readonly Path[] = [
  {
    name: 'subscription-renewed',
    async play(stage) {
      const begun = await begin(stage);
      await stage.subscriptions.live(begun.subscriptionId, 32 * DAY_MS, 4 * DAY_MS);
      return cancelled(stage, begun);
    },
  },
  {
    name: 'subscription-trial-converts',
    async play(stage) {
      const begun = await begin(stage, { trialDays: 14 });
      await stage.subscriptions.live(begun.subscriptionId, 16 * DAY_MS, 12 * HOUR_MS);
      await stage.subscriptions.reaches(begun.subscriptionId, 'active');
      return cancelled(stage, begun);
    },
  },
  {
    name: 'subscription-trial-fails-and-recovers',
    async play(stage) {
      const begun = await begin(stage, { trialDays: 14, renewals: ['insufficient_funds', 'insufficient_funds'] });
      await liveThrough(stage, begun, 15);
      await stage.subscriptions.reaches(begun.subscriptionId, 'trial_payment_failed');
      await liveThrough(stage, begun, 6);
      await stage.subscriptions.reaches(begun.subscriptionId, 'active');
      return cancelled(stage, begun);
    },
  },
  {
    name: 'subscription-dunning-to-cancel',
    async play(stage) {
      const begun = await fail(stage, 'insufficient_funds');
      await liveThrough(stage, begun, 16);
      return stage.end(workflowIds.subscription(begun.subscriptionId));
    },
  },
  {
    name: 'subscription-dunning-without-webhooks',
    async play(stage) {
      const begun = await begin(stage, { renewals: 'insufficient_funds' });
      await stage.subscriptions.toRenewal(begun);
      stage.world.simulator.setWebhookFaults({ dropTypes: ['*'] });
      await stage.subscriptions.forward(begun.subscriptionId, 20 * DAY_MS);
      return stage.end(workflowIds.subscription(begun.subscriptionId));
    },
  },
  {
    name: 'subscription-ended-by-our-policy',
    simulator: { billing: { onExhausted: 'past_due' } },
    dunning: { providerOutcome: 'past_due', onExhausted: 'cancel' },
    async play(stage) {
      const begun = await fail(stage, 'insufficient_funds');
      await liveThrough(stage, begun, 16);
      return stage.end(workflowIds.subscription(begun.subscriptionId));
    },
  },
  {
    name: 'subscription-won-back',
    async play(stage) {
      const begun = await fail(stage, 'stolen_card');
      const { subscriptionId } = begun;
      await stage.subscriptions.pay(subscriptionId, 'pm_card_visa_chargeDeclinedInsufficientFunds');
      const asked = await stage.subscriptions.pay(subscriptionId, 'pm_card_authenticationRequired');
      if (!asked.accepted || asked.outcome !== 'requires_action')
        throw new Error(`not asked: ${JSON.stringify(asked)}`);
      expectAccepted(await stage.subscriptions.pay(subscriptionId, 'pm_card_mastercard'));
      await stage.subscriptions.reaches(subscriptionId, 'active');
      await stage.subscriptions.live(subscriptionId, 31 * DAY_MS, 10 * DAY_MS);
      return cancelled(stage, begun);
    },
  },
  {
    name: 'subscription-paused-and-resumed',
    async play(stage) {
      const params = { trial_settings: { end_behavior: { missing_payment_method: 'pause' } } } as const;
      const begun = await begin(stage, { trialDays: 7, paymentMethod: 'none', params });
      await stage.subscriptions.live(begun.subscriptionId, 9 * DAY_MS, 12 * HOUR_MS);
      await stage.subscriptions.reaches(begun.subscriptionId, 'paused');
      expectAccepted(await stage.subscriptions.pay(begun.subscriptionId, 'pm_card_visa'));
      await stage.subscriptions.reaches(begun.subscriptionId, 'active');
      return cancelled(stage, begun);
    },
  },
  {
    name: 'subscription-unreadable-then-read',
    // In the workflow task, and as an activity of its own.
    faults: [
      { activity: 'followSubscription', when: 'before', type: failureTypes.defect },
      { activity: 'followSubscription', when: 'before', type: failureTypes.defect },
    ],
    async play(stage) {
      stage.world.simulator.setWebhookFaults({ dropTypes: ['*'] });
      const { subscriptionId } = await stage.subscriptions.begin();
      await stage.subscriptions.start(subscriptionId);
      await stage.forward(workflowIds.subscription(subscriptionId), 11 * MINUTE_MS);
      const { stripe } = stage.world.dependencies;
      await stripe.subscriptions.cancel(subscriptionId);
      await stage.subscriptions.forward(subscriptionId, 40 * DAY_MS);
      return stage.end(workflowIds.subscription(subscriptionId));
    },
  },
  {
    name: 'subscription-no-longer-followed',
    async play(stage) {
      const { subscriptionId } = await begin(stage);
      const workflowId = workflowIds.subscription(subscriptionId);
      await stage.world.client.workflow.getHandle(workflowId).cancel();
      return stage.end(workflowId);
    },
  },
  {
    name: 'subscription-no-longer-followed-while-paying',
    // Not in the workflow task, so that the cancel comes while the payment is under way.
    faults: [{ activity: 'paySubscription', when: 'before', type: failureTypes.providerUnavailable }],
    cancelDuring: 'paySubscription',
    async play(stage) {
      const { subscriptionId } = await fail(stage, 'stolen_card');
      // The server may refuse the workflow task and with it the question; what was paid is paid.
      await stage.subscriptions.pay(subscriptionId, 'pm_card_mastercard').catch(() => undefined);
      return stage.end(workflowIds.subscription(subscriptionId));
    },
  },
  {
    name: 'subscription-unknown',
    async play(stage) {
      await stage.subscriptions.start('sub_unknown');
      return stage.end(workflowIds.subscription('sub_unknown'));
    },
  },
];
