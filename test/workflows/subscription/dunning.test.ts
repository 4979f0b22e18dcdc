import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import { nextAllowed } from '../../../workflows/domain/notice/quiet-hours';
import { DAY_MS, HOUR_MS, subscriptionsForEachTest } from '../../support/subscriptions';
import type { Begun, NoticeRow } from '../../support/subscriptions';

const { world, subscriptions, open } = subscriptionsForEachTest();

/** The limit that the design sets for a cycle of eight tries in two weeks, from the failure to its end. */
const BUDGET = 40;

const kindsOf = (notices: readonly NoticeRow[]): string[] => notices.map((one) => one.kind);

/** How many events a story added to the history. */
async function costOf({ subscriptionId }: Begun, story: () => Promise<unknown>, where = world()): Promise<number> {
  const before = (await subscriptions.history(subscriptionId, where)).length;
  await story();
  const history = await subscriptions.history(subscriptionId, where);
  process.stdout.write(`${expect.getState().currentTestName}: ${history.length - before} history events\n`);
  return history.length - before;
}

/** A zone without changes of its clock in which it is this time now, give or take half an hour. */
function zoneWhere(time: string, nowMs: number): string {
  const hour = Number(time.slice(0, 2));
  const offset = ((hour - new Date(nowMs).getUTCHours() + 36) % 24) - 12;
  // The sign of these names is turned round: Etc/GMT-2 is two hours ahead of UTC.
  return offset === 0 ? 'Etc/UTC' : `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
}

describe('a renewal that fails', () => {
  it('softly and recovers within the grace period sends no notice, and costs no more than another', async () => {
    world().simulator.setBilling({ scheduleMs: [HOUR_MS], finalizationDelayMs: HOUR_MS });
    const begun = await subscriptions.begin({ renewals: ['insufficient_funds'] });
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun);
    const cost = await costOf(begun, () => subscriptions.live(subscriptionId, DAY_MS, 30 * 60_000));
    expect(await subscriptions.view(subscriptionId)).toMatchObject({ stage: 'active', entitled: true, notices: [] });
    expect((await subscriptions.events(subscriptionId)).slice(3)).toEqual([
      'SubscriptionPaymentFailed',
      'SubscriptionStageChanged',
      'SubscriptionPaid',
      'SubscriptionStageChanged',
      'SubscriptionRecovered',
    ]);
    expect(cost).toBe(7);
  });

  it('and recovers between retries sends one notice of the failure and one of the recovery', async () => {
    const renewals = ['insufficient_funds', 'processing_error', 'insufficient_funds'];
    const begun = await subscriptions.begin({ renewals });
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun);
    const cost = await costOf(begun, () => subscriptions.live(subscriptionId, 10 * DAY_MS, 6 * HOUR_MS));
    const notices = await subscriptions.notices(subscriptionId);
    expect(kindsOf(notices)).toEqual(['payment_failed', 'payment_recovered']);
    const [failed, recovered] = notices;
    const { invoice } = await subscriptions.view(subscriptionId);
    expect(failed?.data).toMatchObject({ amount: { amount: 1_900, currency: 'eur' }, triesLeft: 7 });
    expect(recovered?.data).toEqual({ amount: { amount: 1_900, currency: 'eur' }, productName: 'Tea club' });
    expect(invoice).toMatchObject({ status: 'paid', attemptCount: 4 });
    expect(cost).toBeLessThanOrEqual(BUDGET);
  });

  it.each([
    ['cancel', 'canceled', 'canceled'],
    ['unpaid', 'unpaid', 'unpaid'],
    ['past_due', 'past_due', 'past_due'],
  ] as const)('eight times ends as the provider’s settings say: %s', async (onExhausted, providerOutcome, stage) => {
    const where = await open({ simulator: { billing: { onExhausted } }, dunning: { providerOutcome } });
    const begun = await subscriptions.begin({ renewals: 'insufficient_funds' }, where);
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun, where);
    const cost = await costOf(begun, () => subscriptions.live(subscriptionId, 16 * DAY_MS, 4 * HOUR_MS, where));
    const view = await subscriptions.view(subscriptionId, where);
    expect(view).toMatchObject({ stage, entitled: false, invoice: { status: 'open', attemptCount: 8 } });
    const notices = await subscriptions.notices(subscriptionId, where);
    expect(kindsOf(notices)).toEqual(['payment_failed', 'payment_failed', 'payment_last_try', 'subscription_ended']);
    expect(notices.map((one) => one.status)).toEqual(['sent', 'sent', 'sent', 'sent']);
    expect(notices[2]?.data).toMatchObject({ outcome: providerOutcome });
    expect(notices[3]?.data).toMatchObject({ outcome: providerOutcome });
    const failures = (await subscriptions.events(subscriptionId, where)).filter((type) =>
      type.endsWith('PaymentFailed'),
    );
    expect(failures).toHaveLength(8);
    expect(await subscriptions.isRunning(subscriptionId, where)).toBe(stage !== 'canceled');
    expect(cost).toBeLessThanOrEqual(BUDGET);
  });

  it('and is left past due is cancelled by Holdfast under that policy', async () => {
    const dunning = { providerOutcome: 'past_due', onExhausted: 'cancel' } as const;
    const where = await open({ simulator: { billing: { onExhausted: 'past_due' } }, dunning });
    const begun = await subscriptions.begin({ renewals: 'insufficient_funds' }, where);
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun, where);
    const cost = await costOf(begun, () => subscriptions.live(subscriptionId, 16 * DAY_MS, 6 * HOUR_MS, where));
    expect(await subscriptions.endOf(subscriptionId, where)).toMatchObject({ state: 'canceled' });
    const { status } = await where.dependencies.stripe.subscriptions.retrieve(subscriptionId);
    expect(status).toBe('canceled');
    expect(await subscriptions.view(subscriptionId, where)).toMatchObject({ stage: 'canceled', entitled: false });
    const notices = await subscriptions.notices(subscriptionId, where);
    expect(kindsOf(notices)).toEqual(['payment_failed', 'payment_failed', 'payment_last_try', 'subscription_ended']);
    expect(notices[3]?.data).toMatchObject({ outcome: 'canceled' });
    expect(cost).toBeLessThanOrEqual(BUDGET);
  });

  it('permanently asks for another card at once, and sends only one last notice after that', async () => {
    const begun = await subscriptions.begin({ renewals: 'lost_card' });
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun);
    const cost = await costOf(begun, () => subscriptions.live(subscriptionId, 16 * DAY_MS, 6 * HOUR_MS));
    const notices = await subscriptions.notices(subscriptionId);
    expect(kindsOf(notices)).toEqual(['card_needed', 'card_needed', 'subscription_ended']);
    // Whoever holds a stolen card would learn that it is known.
    expect(JSON.stringify(notices)).not.toContain('lost_card');
    expect(cost).toBeLessThanOrEqual(BUDGET);
  });

  it.each(['09:00', '19:00', '23:00'])('sends no notice at night, and costs no more: renewed at %s', async (time) => {
    const quietHours = DEFAULT_DUNNING_POLICY.quietHours;
    const where = await open({ dunning: { quietHours } });
    const timeZone = zoneWhere(time, where.simulator.clock.now());
    const customer = { metadata: { holdfast_time_zone: timeZone } };
    const begun = await subscriptions.begin({ renewals: 'insufficient_funds', customer }, where);
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun, where);
    const live = () => subscriptions.live(subscriptionId, 16 * DAY_MS, 6 * HOUR_MS, where);
    const cost = await costOf(begun, live, where);
    const notices = await subscriptions.notices(subscriptionId, where);
    expect(kindsOf(notices)).toEqual(['payment_failed', 'payment_failed', 'payment_last_try', 'subscription_ended']);
    for (const { at } of notices) {
      expect(nextAllowed(Date.parse(at), { ...quietHours, timeZone })).toBe(Date.parse(at));
    }
    expect(cost).toBeLessThanOrEqual(BUDGET);
  });

  it('without any webhook has the same outcome, only later', async () => {
    const begun = await subscriptions.begin({ renewals: 'insufficient_funds' });
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun);
    world().simulator.setWebhookFaults({ dropTypes: ['*'] });
    const cost = await costOf(begun, () => subscriptions.forward(subscriptionId, 20 * DAY_MS));
    expect(await subscriptions.endOf(subscriptionId)).toMatchObject({ state: 'canceled' });
    expect(kindsOf(await subscriptions.notices(subscriptionId))).toEqual([
      'payment_failed',
      'payment_failed',
      'payment_last_try',
      'subscription_ended',
    ]);
    expect(cost).toBeLessThanOrEqual(BUDGET);
  });
});

describe('a trial', () => {
  it('sends a warning before its end, converts and is paid', async () => {
    const begun = await subscriptions.begin({ trialDays: 14 });
    const { subscriptionId } = begun;
    expect(await subscriptions.followed(subscriptionId)).toMatchObject({
      stage: 'trialing',
      trial: 'running',
      upcomingAmount: 1_900,
    });
    await subscriptions.live(subscriptionId, 16 * DAY_MS, 12 * HOUR_MS);
    expect(await subscriptions.view(subscriptionId)).toMatchObject({ stage: 'active', trial: 'converted' });
    const notices = await subscriptions.notices(subscriptionId);
    expect(kindsOf(notices)).toEqual(['trial_ending']);
    expect(notices[0]?.data).toMatchObject({ amount: { amount: 1_900, currency: 'eur' }, hasPaymentMethod: true });
  });

  it('converts, fails and recovers: entitled only once it is paid', async () => {
    const begun = await subscriptions.begin({ trialDays: 14, renewals: ['insufficient_funds', 'insufficient_funds'] });
    const { subscriptionId } = begun;
    await subscriptions.followed(subscriptionId);
    await subscriptions.live(subscriptionId, 15 * DAY_MS, 6 * HOUR_MS);
    expect(await subscriptions.view(subscriptionId)).toMatchObject({
      stage: 'trial_payment_failed',
      trial: 'conversion_failed',
      entitled: false,
    });
    await subscriptions.live(subscriptionId, 6 * DAY_MS, 6 * HOUR_MS);
    expect(await subscriptions.view(subscriptionId)).toMatchObject({
      stage: 'active',
      trial: 'converted',
      entitled: true,
    });
    expect(kindsOf(await subscriptions.notices(subscriptionId))).toEqual([
      'trial_ending',
      'trial_payment_failed',
      'payment_recovered',
    ]);
    expect((await subscriptions.events(subscriptionId)).filter((type) => type.startsWith('Entitlement'))).toEqual([
      'EntitlementGranted',
      'EntitlementRevoked',
      'EntitlementGranted',
    ]);
  });

  it('that ends without a payment method is paused, announced once, and resumed by a payment method', async () => {
    const missing = { trial_settings: { end_behavior: { missing_payment_method: 'pause' } } } as const;
    const begun = await subscriptions.begin({ trialDays: 7, paymentMethod: 'none', params: missing });
    const { subscriptionId } = begun;
    await subscriptions.followed(subscriptionId);
    await subscriptions.live(subscriptionId, 9 * DAY_MS, 12 * HOUR_MS);
    expect(await subscriptions.view(subscriptionId)).toMatchObject({
      stage: 'paused',
      trial: 'ended_unconverted',
      entitled: false,
      waitingOn: 'customer',
    });
    expect(kindsOf(await subscriptions.notices(subscriptionId))).toEqual(['trial_ending', 'subscription_paused']);
    expect(await subscriptions.pay(subscriptionId, 'pm_card_visa')).toMatchObject({
      accepted: true,
      outcome: 'resumed',
      stage: 'active',
      entitled: true,
    });
  });
});
