import type Stripe from 'stripe';
import type { StripeSimulator } from '../../../../../workers/embedded/stripe/server';
import { pay } from './support';
import { HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;
const sumOf = (simulator: StripeSimulator): number =>
  simulator.state.balanceTransactions().reduce((sum, { net }) => sum + net, 0);

describe('a balance transaction', () => {
  it('of a payment has its fee, and is available at midnight two days later', async () => {
    const { simulator, stripe } = await start();
    const { intent, charge } = await pay(stripe, { amount: 10_050, description: 'Order o-1' });
    const expanded = await stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge.balance_transaction'] });
    const transaction = (expanded.latest_charge as Stripe.Charge).balance_transaction as Stripe.BalanceTransaction;
    expect(transaction).toMatchObject({
      object: 'balance_transaction',
      amount: 10_050,
      currency: 'usd',
      description: 'Order o-1',
      fee: 176,
      fee_details: [{ amount: 176, currency: 'usd', type: 'stripe_fee' }],
      net: 9_874,
      reporting_category: 'charge',
      source: charge,
      status: 'pending',
      type: 'charge',
    });
    expect(transaction.available_on % DAY_SECONDS).toBe(0);
    const days = (transaction.available_on - transaction.created) / DAY_SECONDS;
    expect(days).toBeGreaterThanOrEqual(2);
    expect(days).toBeLessThan(3);
    const usd = (amount: number): object[] => [{ amount, currency: 'usd', source_types: { card: amount } }];
    expect(await stripe.balance.retrieve()).toMatchObject({
      object: 'balance',
      available: usd(0),
      pending: usd(9_874),
    });
    simulator.clock.advanceTo(transaction.available_on * 1000);
    const available = await stripe.balanceTransactions.retrieve(transaction.id, { expand: ['source.payment_intent'] });
    expect(available).toMatchObject({ status: 'available', source: { id: charge, payment_intent: { id: intent.id } } });
    expect(await stripe.balance.retrieve()).toMatchObject({ available: usd(9_874), pending: usd(0) });
  });

  it('is written for each capture, and for no hold', async () => {
    const { simulator, stripe } = await start({ multicapture: true, feePercent: 0, feeFixed: 10 });
    const held = await stripe.paymentIntents.create({
      ...HOLD,
      payment_method_options: { card: { request_multicapture: 'if_available' } },
    });
    expect(simulator.state.balanceTransactions()).toEqual([]);
    expect(await stripe.balance.retrieve()).toMatchObject({ available: [{ amount: 0, currency: 'usd' }] });
    await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1000, final_capture: false });
    await stripe.paymentIntents.capture(held.id, { amount_to_capture: 500 });
    const [second, first] = (await stripe.balanceTransactions.list({ source: String(held.latest_charge) })).data;
    expect([first?.net, second?.net]).toEqual([990, 490]);
    expect(await stripe.charges.retrieve(String(held.latest_charge))).toMatchObject({
      balance_transaction: second?.id,
    });
  });

  it('is written for every movement of money, and the balance is their sum', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    simulator.setNextRefund({ kind: 'fail_after' });
    const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 1000 });
    simulator.clock.advanceBy(5_000);
    const dispute = simulator.openDispute({ paymentIntent: intent.id });
    simulator.decideDispute(dispute.id, 'won');
    await pay(stripe, { amount: 700, currency: 'eur' });
    const all = (await stripe.balanceTransactions.list({ limit: 100 })).data.reverse();
    expect(
      all.map(({ type, reporting_category, source, amount, net }) => [type, reporting_category, source, amount, net]),
    ).toEqual([
      ['charge', 'charge', intent.latest_charge, 5000, 4900],
      ['refund', 'refund', refund.id, -1000, -1000],
      ['refund_failure', 'refund_failure', refund.id, 1000, 1000],
      ['adjustment', 'dispute', dispute.id, -5000, -7000],
      ['adjustment', 'dispute_reversal', dispute.id, 5000, 5000],
      ['charge', 'charge', all[5]?.source, 700, 664],
    ]);
    const types = async (params: Stripe.BalanceTransactionListParams): Promise<string[]> =>
      (await stripe.balanceTransactions.list(params)).data.map(({ type }) => type);
    expect(await types({ source: refund.id })).toEqual(['refund_failure', 'refund']);
    expect(await types({ type: 'adjustment', limit: 1 })).toEqual(['adjustment']);
    expect(await types({ currency: 'eur' })).toEqual(['charge']);
    expect(await types({ created: { gt: all[0]?.created ?? 0 }, type: 'charge' })).toEqual(['charge']);
    expect(await types({ starting_after: all[1]?.id ?? '' })).toEqual(['charge']);
    const [source] = (await stripe.balanceTransactions.list({ source: dispute.id, expand: ['data.source'] })).data;
    expect(source?.source).toMatchObject({ object: 'dispute', id: dispute.id });
    simulator.clock.advanceBy(4 * DAY_MS);
    const balance = await stripe.balance.retrieve();
    expect(balance.available.map(({ amount }) => amount).reduce((sum, amount) => sum + amount, 0)).toBe(
      sumOf(simulator),
    );
  });

  it('is in the currency of the balance, at the rate of its time', async () => {
    const { simulator, stripe } = await start();
    simulator.setExchange({ currency: 'eur', rate: 0.9 });
    const { intent, charge } = await pay(stripe, { amount: 10_050, currency: 'usd' });
    simulator.setExchange({ currency: 'eur', rate: 0.8 });
    await stripe.refunds.create({ payment_intent: intent.id, amount: 1_001 });
    const { data } = await stripe.balanceTransactions.list({ limit: 2 });
    expect(data).toMatchObject([
      { type: 'refund', amount: -801, currency: 'eur', exchange_rate: 0.8 },
      { amount: 9_045, currency: 'eur', exchange_rate: 0.9, fee: 161, net: 8_884, source: charge },
    ]);
    expect((await stripe.balance.retrieve()).pending).toMatchObject([{ currency: 'eur', amount: 8_884 }]);
  });

  it('can be a stray one, for tests of the reconciliation', async () => {
    const { simulator, stripe } = await start();
    const stray = simulator.addBalanceTransaction({ amount: -300, currency: 'eur', description: 'Correction' });
    expect(await stripe.balanceTransactions.retrieve(stray.id)).toMatchObject({
      type: 'adjustment',
      amount: -300,
      net: -300,
      source: null,
      description: 'Correction',
    });
    const old = simulator.addBalanceTransaction({
      amount: 100,
      currency: 'eur',
      type: 'stripe_fee',
      fee: 7,
      source: 'ch_unknown',
      createdMs: Date.UTC(2020, 0, 1),
    });
    expect((await stripe.balanceTransactions.list({ created: { lt: 1_600_000_000 } })).data).toMatchObject([
      { id: old.id, net: 93, source: 'ch_unknown', type: 'stripe_fee' },
    ]);
    expect(() => simulator.addBalanceTransaction({ amount: 0.5, currency: 'eur' })).toThrow(RangeError);
  });

  it('is written for payments made in the dashboard too', async () => {
    const { simulator, stripe } = await start();
    const customer = await stripe.customers.create();
    const intent = simulator.addDashboardPayment({ amount: 900, currency: 'eur', customer: customer.id });
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'succeeded',
      amount_received: 900,
      metadata: {},
      customer: customer.id,
    });
    expect(simulator.state.balanceTransactions()).toMatchObject([{ amount: 900, source: intent.latest_charge }]);
    expect(simulator.state.events().at(-1)?.type).toBe('payment_intent.succeeded');
    expect(() => simulator.addDashboardPayment({ amount: 0, currency: 'eur' })).toThrow(RangeError);
  });

  it('answers 404 when it does not exist, and 400 to an unknown parameter', async () => {
    const { stripe } = await start();
    expect(await stripeError(stripe.balanceTransactions.retrieve('txn_x'))).toMatchObject({ statusCode: 404 });
    const colour = { colour: 'red' } as Stripe.BalanceTransactionListParams;
    expect(await stripeError(stripe.balanceTransactions.list(colour))).toMatchObject({ code: 'parameter_unknown' });
    expect(await stripeError(stripe.balance.retrieve({ expand: ['nonsense'] }))).toMatchObject({ param: 'expand' });
  });
});
