import type { SubscriptionView } from '../../../workflows/domain/subscription/view';
import { workflowIds } from '../../../workflows/kit/names';
import type { PlayedCart, Scene, Stage } from '../stage';
import { expect, until } from '../stage';
import { DEMO_BILLING, subscribe, type Subscriber } from '../subscriber';

/** Longer than a dunning cycle with its tries and mails, even on a busy machine. */
const CYCLE_LIMIT_MS = 120_000;
const SOON_MS = 20_000;

const recovered: Scene = {
  title: 'A trial that converts, fails and recovers',
  slow: true,
  async play(stage) {
    await stage.bank.billing(DEMO_BILLING);
    const subscriber = await subscribe(stage.stripe, `${stage.run}-recovers@example.com`);
    // Only the first payment is refused.
    await stage.bank.refuseTimes(subscriber.customerId, ['insufficient_funds']);
    await subscriptionIs(stage, subscriber, ({ stage: at }) => at === 'trialing', SOON_MS);
    await subscriptionIs(stage, subscriber, ({ stage: at }) => at === 'trial_payment_failed');
    const { trial, entitled } = await subscriptionIs(stage, subscriber, ({ stage: at }) => at === 'active');
    expect(trial === 'converted' && entitled, `after the payment the trial is ${trial}`);
    const kinds = await mailsBecome(stage, subscriber, 'payment_recovered');
    expect(kinds.join() === 'trial_payment_failed,payment_recovered', `the customer got these mails: ${kinds.join()}`);
    return {
      story: 'one mail about the failure, and one when the next try had succeeded',
      carts: [row(subscriber, 'Trial converted, failed, recovered', 'active, 2 mails')],
    };
  },
};

const ended: Scene = {
  title: 'Dunning to the end',
  slow: true,
  async play(stage) {
    await stage.bank.billing(DEMO_BILLING);
    const subscriber = await subscribe(stage.stripe, `${stage.run}-ends@example.com`);
    await stage.bank.refuse(subscriber.customerId, 'insufficient_funds');
    await subscriptionIs(stage, subscriber, ({ stage: at }) => at === 'trial_payment_failed');
    const { entitled, notices } = await subscriptionIs(stage, subscriber, ({ stage: at }) => at === 'canceled');
    expect(!entitled, 'a canceled subscriber is still entitled');
    const kinds = await mailsBecome(stage, subscriber, 'subscription_ended');
    const failed = kinds.filter((kind) => kind === 'trial_payment_failed' || kind === 'payment_failed').length;
    const last = kinds.indexOf('payment_last_try');
    expect(failed >= 1 && last === kinds.length - 2, `the customer got these mails: ${kinds.join()}`);
    expect(new Set(notices.map((one) => one.noticeKey)).size === notices.length, 'a notice was sent twice');
    return {
      story: `four tries and ${kinds.length} mails: at most one for each failed try, a last one before the final try, then the end`,
      carts: [row(subscriber, 'Every try failed', `canceled, ${kinds.length} mails`)],
    };
  },
};

function row({ subscriptionId }: Subscriber, path: string, outcome: string): PlayedCart {
  return { path, cartId: subscriptionId, outcome, workflowId: workflowIds.subscription(subscriptionId) };
}

function subscriptionIs(
  stage: Stage,
  { subscriptionId }: Subscriber,
  isSo: (subscription: SubscriptionView) => boolean,
  limitMs = CYCLE_LIMIT_MS,
): Promise<SubscriptionView> {
  return until(stage, `subscription ${subscriptionId} to change`, limitMs, async () => {
    const subscription = await stage.shop.subscription(subscriptionId);
    return subscription !== undefined && isSo(subscription) && subscription;
  });
}

/** The kinds of mails that the customer got, once this one is among them; each mail names its kind in a header. */
async function mailsBecome(stage: Stage, { email }: Subscriber, lastKind: string): Promise<string[]> {
  return until(stage, `the mail ${lastKind}`, SOON_MS, async () => {
    const kinds = (await stage.mails(email)).map((mail) => mail.kind);
    return kinds.includes(lastKind) && kinds;
  });
}

export const subscriptionScenes = { recovered, ended };
