import { DAY_MS, subscriptionsForThisFile } from '../support/subscriptions';

const { subscriptions } = subscriptionsForThisFile();

describe('a subscription', () => {
  it('is followed from its first event, renews in silence, and costs little history', async () => {
    const { subscriptionId } = await subscriptions.begin();
    expect(await subscriptions.followed(subscriptionId)).toMatchObject({
      stage: 'active',
      entitled: true,
      trial: 'never',
    });
    await subscriptions.live(subscriptionId, 32 * DAY_MS, DAY_MS);
    const view = await subscriptions.view(subscriptionId);
    expect(view).toMatchObject({ stage: 'active', invoice: { status: 'paid', billingReason: 'subscription_cycle' } });
    expect(await subscriptions.told(subscriptionId)).toEqual([]);
    const history = await subscriptions.history(subscriptionId);
    console.log(history.map((one) => one.eventType));
    expect(history.length).toBeLessThan(40);
  });
});
