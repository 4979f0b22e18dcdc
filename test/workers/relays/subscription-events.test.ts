import { isSubscriptionEvent, subscriptionEvents } from '../../../workers/relays/subscription-events';
import { collectMissedEvents } from '../../../workers/relays/missed-events';
import type { InboxEvent } from '../../../workers/relays/event-handler';
import type { WebhookFaults } from '../../../workers/embedded/stripe/server';
import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import { DAY_MS, HOUR_MS, LOUD, subscriptionsForEachTest } from '../../support/subscriptions';
import { eventually } from '../../support/time/eventually';
import { inboxOf } from './inbox-of';
import { check, fc } from '../../support/property';

const { world, subscriptions, open } = subscriptionsForEachTest();

/** What is left of a subscription's story once it is over, without the moments at which it was noticed. */
async function outcomeOf(faults: WebhookFaults): Promise<unknown> {
  const where = await open({});
  const renewals = ['insufficient_funds', 'processing_error', 'insufficient_funds'];
  const begun = await subscriptions.begin({ trialDays: 14, renewals }, where);
  const { subscriptionId } = begun;
  await subscriptions.followed(subscriptionId, where);
  where.simulator.setWebhookFaults(faults);
  for (let day = 0; day < 28; day += 2) {
    await subscriptions.live(subscriptionId, 2 * DAY_MS, 12 * HOUR_MS, where);
    where.simulator.releaseWebhooks('shuffled');
    await subscriptions.quiet(where);
  }
  const { stage, trial, entitled, invoice } = await subscriptions.view(subscriptionId, where);
  const told = await subscriptions.told(subscriptionId, where);
  await where.close();
  return { stage, trial, entitled, told, paid: invoice?.amountPaid, attempts: invoice?.attemptCount };
}

const fine: WebhookFaults = { copies: 1, reorderWindow: 1, concurrency: 8, hold: false, dropProbability: 0 };

const networks: fc.Arbitrary<WebhookFaults> = fc.record({
  copies: fc.constantFrom(1, 3),
  reorderWindow: fc.constantFrom(1, 4, 16),
  concurrency: fc.constantFrom(1, 8),
  hold: fc.boolean(),
  dropProbability: fc.constantFrom(0, 0.5, 1),
});

describe('events of subscriptions', () => {
  it('permuted, repeated, held back or lost lead to the same subscription and the same notices', async () => {
    const expected = {
      stage: 'active',
      trial: 'converted',
      entitled: true,
      told: ['trial_ending', 'trial_payment_failed', 'payment_recovered'],
      paid: 1_900,
      attempts: 4,
    };
    expect(await outcomeOf(fine)).toEqual(expected);
    const same = fc.asyncProperty(networks, async (faults) => {
      expect(await outcomeOf(faults)).toEqual(expected);
    });
    const lost: WebhookFaults = { ...fine, dropProbability: 1 };
    const tripled: WebhookFaults = { ...fine, copies: 3, reorderWindow: 16 };
    await check('webhooks of subscriptions', same, { numRuns: 4, endOnFailure: true, examples: [[lost], [tripled]] });
  }, 300_000);

  it('that never arrived are fetched by polling: a subscription without any webhook is followed', async () => {
    world().simulator.setWebhookFaults({ dropTypes: ['*'] });
    const { subscriptionId } = await subscriptions.begin();
    await subscriptions.quiet();
    expect(await world().dependencies.subscriptions.getSubscription(subscriptionId)).toBeUndefined();
    const { eventLister, inbox } = world().dependencies;
    await collectMissedEvents(eventLister, inbox);
    expect(await subscriptions.followed(subscriptionId)).toMatchObject({ stage: 'active' });
  });

  it('of a followed subscription that Stripe does not know raise an exception at once', async () => {
    const { subscriptionId } = await subscriptions.begin();
    await subscriptions.followed(subscriptionId);
    await subscriptions.quiet();
    const missing = { kind: 'refusal', code: 'resource_missing', param: 'id' } as const;
    const match = { method: 'GET', pathPattern: `/v1/subscriptions/${subscriptionId}$` };
    world().simulator.faults.add({ match, action: missing, times: Infinity });
    await inboxOf(world).receive('customer.subscription.updated', { object: 'subscription', id: subscriptionId });
    await eventually('a person to get the case', async () =>
      (await world().dependencies.queries.listExceptions()).some(
        (one) => one.kind === 'subscription_unreadable' && one.subjectId === subscriptionId,
      ),
    );
  });

  it('of the same moment cause one look and at most one signal', async () => {
    const { subscriptionId } = await subscriptions.begin();
    await subscriptions.followed(subscriptionId);
    await subscriptions.quiet();
    const count = () => world().simulator.state.requests().length;
    const before = count();
    const { stripe } = world().dependencies;
    world().simulator.setWebhookFaults({ hold: true });
    for (const label of ['a', 'b', 'c', 'd', 'e']) {
      await stripe.subscriptions.update(subscriptionId, { metadata: { label } });
    }
    world().simulator.setWebhookFaults({});
    world().simulator.releaseWebhooks('as_written');
    await subscriptions.quiet();
    // Five updates of ours, and at most a look of two requests for each round of the dispatcher.
    expect(count() - before).toBeLessThanOrEqual(5 + 2 * 3);
    const history = await subscriptions.history(subscriptionId);
    expect(history.filter((type) => type === 'WORKFLOW_EXECUTION_SIGNALED')).toHaveLength(1);
  });

  it('of other accounts, of invoices written by hand and of unknown shape are stored, and wake no workflow', async () => {
    const { inbox, pool } = world().dependencies;
    const keep = (eventId: string, type: string, object: object) =>
      inbox.receive({
        eventId,
        provider: 'stripe',
        type,
        payload: { data: { object } },
        createdAt: new Date().toISOString(),
      });
    await keep('evt_elsewhere', 'customer.subscription.updated', { id: 'sub_of_another_account' });
    await keep('evt_by_hand', 'invoice.paid', { id: 'in_1', parent: null });
    await keep('evt_shapeless', 'invoice.paid', { parent: { subscription_details: { subscription: 7 } } });
    await keep('evt_empty', 'customer.subscription.deleted', {});
    await subscriptions.quiet();
    const { rows } = await pool.query(`SELECT event_id, status FROM inbox WHERE status <> 'ignored'`);
    expect(rows).toEqual([]);
    expect((await pool.query('SELECT 1 FROM subscriptions')).rows).toEqual([]);
  });

  it('are signaled by the next dispatcher when one died before it had signaled the workflow', async () => {
    const where = await open({ withoutRelays: true });
    const { client, taskQueue, dependencies } = where;
    const { subscriptionId } = await subscriptions.begin({}, where);
    const event = { eventId: 'evt_1', type: 'customer.subscription.created', attempts: 1 };
    const payload = { data: { object: { id: subscriptionId } } };
    const events: InboxEvent[] = [{ ...event, payload, createdAt: new Date().toISOString() }];
    const policy = { ...DEFAULT_DUNNING_POLICY, ...LOUD };
    const refresher = dependencies.subscriptionRefresher;
    const dies = {
      ...refresher,
      async refreshSubscription(input: Parameters<typeof refresher.refreshSubscription>[0]) {
        await refresher.refreshSubscription(input);
        throw new Error('the process ended');
      },
    };
    const deps = { client, taskQueue, policy, isKnown: () => Promise.resolve(false) };
    await expect(subscriptionEvents({ ...deps, refresher: dies }).handle(events)).rejects.toThrow();
    expect(await subscriptions.isRunning(subscriptionId, where)).toBe(false);
    expect(await subscriptionEvents({ ...deps, refresher }).handle(events)).toBe('done');
    expect(await subscriptions.followed(subscriptionId, where)).toMatchObject({ stage: 'active' });
  });

  it('wait while the provider is too busy to be asked, and do not hold up those of orders', async () => {
    const { faults } = world().simulator;
    faults.add({
      match: { method: 'GET', pathPattern: '/v1/subscriptions' },
      action: { kind: 'rate_limit' },
      times: 3,
    });
    const { subscriptionId } = await subscriptions.begin();
    expect(await subscriptions.followed(subscriptionId)).toMatchObject({ stage: 'active' });
    expect(isSubscriptionEvent('payment_intent.succeeded')).toBe(false);
    const { rows } = await world().dependencies.pool.query<{ lane: string; own: boolean }>(
      `SELECT DISTINCT lane, type LIKE 'customer.subscription.%' OR type LIKE 'invoice.%' AS own FROM inbox
       WHERE status <> 'ignored'`,
    );
    for (const { lane, own } of rows) expect(lane).toBe(own ? 'subscriptions' : 'orders');
  });
});
