import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { failureTypes } from '../../../workflows/domain/shared/errors';
import { workflowIds } from '../../../workflows/kit/names';
import { DAY_MS, HOUR_MS, subscriptionsForEachTest } from '../../support/subscriptions';
import type { Begun } from '../../support/subscriptions';
import { eventually } from '../../support/time/eventually';
import type { FaultRule } from '../../../workers/embedded/stripe/server';
import type { World } from '../../support/world';

const { world, subscriptions, open } = subscriptionsForEachTest();

/** A subscription whose renewal failed and is not paid yet. */
async function failing(renewals: string, where: World = world()): Promise<Begun> {
  const begun = await subscriptions.begin({ renewals }, where);
  await subscriptions.toRenewal(begun, where);
  await subscriptions.live(begun.subscriptionId, DAY_MS, 6 * HOUR_MS, where);
  expect((await subscriptions.view(begun.subscriptionId, where)).stage).toBe('past_due');
  return begun;
}

const charges = (where: World = world()) => where.simulator.state.charges().filter((charge) => charge.paid);

/** The brand of the card that its next invoice is asked of. */
async function cardOf(subscriptionId: string): Promise<string | undefined> {
  const { stripe } = world().dependencies;
  const { default_payment_method: method } = await stripe.subscriptions.retrieve(subscriptionId);
  return (await stripe.paymentMethods.retrieve(String(method))).card?.brand;
}

describe('a new card', () => {
  it('recovers a subscription after a hard decline; the customer gets a notice of the recovery', async () => {
    const { subscriptionId } = await failing('stolen_card');
    expect(await subscriptions.told(subscriptionId)).toEqual(['card_needed']);
    const answer = await subscriptions.pay(subscriptionId, 'pm_card_mastercard');
    expect(answer).toEqual({ accepted: true, outcome: 'paid', stage: 'active', entitled: true });
    await subscriptions.quiet();
    expect(await subscriptions.told(subscriptionId)).toEqual(['card_needed', 'payment_recovered']);
    // What is owed next is asked of the new card.
    expect(await cardOf(subscriptionId)).toBe('mastercard');
  });

  it('recovers a subscription that is unpaid, after the last notice', async () => {
    world().simulator.setBilling({ onExhausted: 'unpaid', scheduleMs: [DAY_MS] });
    const { subscriptionId } = await failing('insufficient_funds');
    await subscriptions.live(subscriptionId, 2 * DAY_MS, 6 * HOUR_MS);
    expect(await subscriptions.view(subscriptionId)).toMatchObject({ stage: 'unpaid', entitled: false });
    const answer = await subscriptions.pay(subscriptionId, 'pm_card_mastercard');
    expect(answer).toEqual({ accepted: true, outcome: 'paid', stage: 'active', entitled: true });
  });

  it('that is declined too is answered with the bank’s reason, and another may be tried', async () => {
    const { subscriptionId, customerId } = await failing('insufficient_funds');
    const declined = await subscriptions.pay(subscriptionId, 'pm_card_chargeCustomerFail');
    expect(declined).toMatchObject({ accepted: true, outcome: 'declined', declineCode: expect.any(String) });
    const refused = await subscriptions.pay(subscriptionId, 'pm_card_visa_chargeDeclinedInsufficientFunds');
    expect(refused).toMatchObject({ accepted: true, outcome: 'declined', declineCode: 'insufficient_funds' });
    expect(await subscriptions.view(subscriptionId)).toMatchObject({ stage: 'past_due' });
    expect(await subscriptions.pay(subscriptionId, 'pm_card_visa')).toMatchObject({ outcome: 'paid' });
    expect(customerId).toMatch(/^cus_/);
  });

  it('for which the bank asks the customer to authenticate is charged once they have', async () => {
    const { subscriptionId } = await failing('insufficient_funds');
    const answer = await subscriptions.pay(subscriptionId, 'pm_card_authenticationRequired');
    expect(answer).toMatchObject({ accepted: true, outcome: 'requires_action', clientSecret: expect.any(String) });
    const intent = world()
      .simulator.state.paymentIntents()
      .find((one) => one.status === 'requires_action');
    world().simulator.completeAuthentication(intent?.id ?? '', 'succeed');
    await subscriptions.reaches(subscriptionId, 'active');
  });

  it('is charged nothing while our own record refuses the state at the provider', async () => {
    const begun = await subscriptions.begin({ renewals: 'insufficient_funds' });
    const { subscriptionId } = begun;
    await subscriptions.followed(subscriptionId);
    const { pool } = world().dependencies;
    await pool.query(`CREATE FUNCTION refuse_record() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'no records' USING ERRCODE = 'check_violation', CONSTRAINT = 'of_the_test'; END $$`);
    await pool.query(
      'CREATE TRIGGER of_the_test BEFORE INSERT OR UPDATE ON subscription_invoices EXECUTE FUNCTION refuse_record()',
    );
    // Events that cannot be recorded wait for an hour.
    world().simulator.setWebhookFaults({ dropTypes: ['*'] });
    await subscriptions.toRenewal(begun);
    await subscriptions.live(subscriptionId, DAY_MS, 6 * HOUR_MS);
    const before = charges().length;
    expect(await subscriptions.pay(subscriptionId, 'pm_card_mastercard')).toMatchObject({ reason: 'outcome_unknown' });
    expect(charges()).toHaveLength(before);
    expect((await subscriptions.view(subscriptionId)).exception).toMatchObject({ kind: 'subscription_unreadable' });
    await pool.query('DROP FUNCTION refuse_record CASCADE');
    expect(await subscriptions.pay(subscriptionId, 'pm_card_mastercard')).toMatchObject({ outcome: 'paid' });
  });

  it('becomes the next one to be charged when nothing is due', async () => {
    const { subscriptionId } = await subscriptions.begin();
    await subscriptions.followed(subscriptionId);
    expect(await subscriptions.pay(subscriptionId, 'pm_card_mastercard')).toMatchObject({ outcome: 'nothing_owed' });
    const { default_payment_method: method } = await world().dependencies.stripe.subscriptions.retrieve(subscriptionId);
    const { card } = await world().dependencies.stripe.paymentMethods.retrieve(String(method));
    expect(card?.brand).toBe('mastercard');
  });

  it('is refused for an ended or unknown subscription, and when it is no payment method', async () => {
    const { subscriptionId } = await subscriptions.begin();
    await subscriptions.followed(subscriptionId);
    expect(await subscriptions.pay(subscriptionId, 'pm_nonsense')).toMatchObject({
      accepted: false,
      reason: 'unknown_payment_method',
    });
    await expect(subscriptions.pay(subscriptionId, '')).rejects.toThrow();
    await world().dependencies.stripe.subscriptions.cancel(subscriptionId);
    await subscriptions.endOf(subscriptionId);
    // The request of a customer starts it again, as the client library does.
    const refused = await subscriptions.payWithStart(subscriptionId, 'pm_card_visa');
    expect(refused).toMatchObject({ accepted: false, reason: 'subscription_canceled' });
    const unknown = await subscriptions.payWithStart('sub_nobody', 'pm_card_visa');
    expect(unknown).toMatchObject({ accepted: false, reason: 'unknown_subscription' });
    expect(charges()).toHaveLength(1);
  });

  it('is refused with the provider’s reason when the provider does not accept it', async () => {
    const { subscriptionId } = await failing('insufficient_funds');
    const refusal = { kind: 'refusal', code: 'amount_too_small', param: 'amount' } as const;
    world().simulator.faults.add({ match: { method: 'POST', pathPattern: '/pay$' }, action: refusal, times: 1 });
    const refused = { accepted: false, reason: 'payment_refused' };
    expect(await subscriptions.pay(subscriptionId, 'pm_card_visa')).toMatchObject(refused);
    expect(await subscriptions.pay(subscriptionId, 'pm_card_visa')).toMatchObject({ outcome: 'paid' });
  });

  it('asked for five times at once under one id is charged once, with one answer', async () => {
    const { subscriptionId } = await failing('insufficient_funds');
    const before = charges().length;
    const ask = () => subscriptions.pay(subscriptionId, 'pm_card_visa', { updateId: 'pay-once' });
    const answers = await Promise.all([ask(), ask(), ask(), ask(), ask()]);
    for (const answer of answers) expect(answer).toMatchObject({ outcome: 'paid', stage: 'active' });
    expect(charges()).toHaveLength(before + 1);
  });

  it('whose answer is lost, once or in the middle, is charged once and answered as paid', async () => {
    let failures = 2;
    const loseAnswers: ActivityInterceptorsFactory = ({ info }) => ({
      inbound: {
        async execute(input, next) {
          const result: unknown = await next(input);
          if (info.activityType !== 'paySubscription' || failures === 0) return result;
          failures -= 1;
          throw ApplicationFailure.retryable('the answer was lost', failureTypes.providerUnavailable);
        },
      },
    });
    const where = await open({ interceptors: { activity: [loseAnswers] } });
    const { subscriptionId } = await failing('insufficient_funds', where);
    const before = charges(where).length;
    expect(await subscriptions.pay(subscriptionId, 'pm_card_visa', { where })).toMatchObject({ outcome: 'paid' });
    expect(failures).toBe(0);
    expect(charges(where)).toHaveLength(before + 1);
  });

  it.each<[string, FaultRule]>([
    ['breaks off', { action: { kind: 'reset', when: 'after' }, times: 2 }],
    ['fails for good', { action: { kind: 'server_error', when: 'after', shouldRetry: false } }],
    ['keeps a failure', { action: { kind: 'server_error', when: 'after' } }],
    ['is too busy first', { action: { kind: 'rate_limit' } }],
  ])('whose bank took the money while the provider %s is answered as paid', async (_name, fault) => {
    const { subscriptionId } = await failing('insufficient_funds');
    const before = charges().length;
    world().simulator.faults.add({ ...fault, match: { pathPattern: '/v1/invoices/.*/pay' } });
    expect(await subscriptions.pay(subscriptionId, 'pm_card_visa')).toMatchObject({ outcome: 'paid' });
    expect(charges()).toHaveLength(before + 1);
  });

  it.each(['/v1/payment_methods/.*/attach', '/v1/subscriptions/[^/]+$', '/v1/invoices/.*/pay'])(
    'is charged once where the provider keeps a failure of %s before it did anything',
    async (pathPattern) => {
      const { subscriptionId } = await failing('insufficient_funds');
      const before = charges().length;
      const match = { method: 'POST', pathPattern };
      world().simulator.faults.add({ match, action: { kind: 'server_error', when: 'during' } });
      expect(await subscriptions.pay(subscriptionId, 'pm_card_visa')).toMatchObject({ outcome: 'paid' });
      expect(charges()).toHaveLength(before + 1);
    },
  );
});

describe('looks that fail', () => {
  it('become an exception with an owner, are retried at growing intervals, and close it once one succeeds', async () => {
    let broken = false;
    const breakLooks: ActivityInterceptorsFactory = ({ info }) => ({
      inbound: {
        async execute(input, next) {
          if (info.activityType === 'followSubscription' && broken) {
            throw ApplicationFailure.nonRetryable('the provider answers nonsense', failureTypes.defect);
          }
          return next(input);
        },
      },
    });
    const where = await open({ interceptors: { activity: [breakLooks] } });
    const begun = await subscriptions.begin({}, where);
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun, where);
    broken = true;
    await subscriptions.live(subscriptionId, 12 * HOUR_MS, 6 * HOUR_MS, where);
    expect((await subscriptions.view(subscriptionId, where)).exception).toMatchObject({
      kind: 'subscription_unreadable',
      owner: 'payments',
    });
    const handle = where.client.workflow.getHandle(workflowIds.subscription(subscriptionId));
    expect((await handle.describe()).searchAttributes).toMatchObject({ ExceptionKind: ['subscription_unreadable'] });
    const tries = (await subscriptions.history(subscriptionId, where)).filter((type) => type === 'TIMER_FIRED').length;
    expect(tries).toBeLessThan(9);
    // A customer can pay meanwhile: it is another request, and it looks for itself.
    expect(await subscriptions.pay(subscriptionId, 'pm_card_mastercard', { where })).toMatchObject({ accepted: true });
    await eventually('the exception to be closed', async () => {
      return (await subscriptions.view(subscriptionId, where)).exception === undefined;
    });
    broken = false;
    await subscriptions.live(subscriptionId, 32 * DAY_MS, 32 * DAY_MS, where);
    expect(await subscriptions.view(subscriptionId, where)).toMatchObject({ stage: 'active' });
  });
});
