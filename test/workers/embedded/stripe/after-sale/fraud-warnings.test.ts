import { eventsSince, pay } from './support';
import { HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const DAY_MS = 86_400_000;

describe('an early fraud warning', () => {
  it('is issued after the capture with 4000000000005423, and withdraws no money', async () => {
    const { simulator, stripe } = await start();
    const held = await stripe.paymentIntents.create({ ...HOLD, payment_method: 'pm_card_createIssuerFraudRecord' });
    simulator.clock.advanceBy(DAY_MS);
    expect(simulator.state.earlyFraudWarnings()).toEqual([]);
    await stripe.paymentIntents.capture(held.id);
    const events = eventsSince(simulator);
    simulator.clock.advanceBy(1_000);
    expect(events()).toEqual(['radar.early_fraud_warning.created']);
    const [warning] = (await stripe.radar.earlyFraudWarnings.list({ payment_intent: held.id })).data;
    expect(warning).toMatchObject({
      object: 'radar.early_fraud_warning',
      actionable: true,
      charge: held.latest_charge,
      payment_intent: held.id,
      fraud_type: 'made_with_stolen_card',
      livemode: false,
    });
    const found = await stripe.radar.earlyFraudWarnings.retrieve(warning?.id ?? '', { expand: ['charge'] });
    expect(found.charge).toMatchObject({ object: 'charge', disputed: false });
    expect(simulator.state.balanceTransactions()).toHaveLength(1);
  });

  it('is no longer actionable once the payment was refunded in full', async () => {
    const { simulator, stripe } = await start();
    const { intent, charge } = await pay(stripe);
    const { id } = simulator.raiseFraudWarning({ paymentIntent: intent.id, fraudType: 'card_never_received' });
    const events = eventsSince(simulator);
    await stripe.refunds.create({ charge, amount: 4000 });
    expect(await stripe.radar.earlyFraudWarnings.retrieve(id)).toMatchObject({
      actionable: true,
      fraud_type: 'card_never_received',
    });
    await stripe.refunds.create({ charge });
    expect((await stripe.radar.earlyFraudWarnings.retrieve(id)).actionable).toBe(false);
    expect(events().filter((type) => type.startsWith('radar'))).toEqual(['radar.early_fraud_warning.updated']);
    expect(simulator.raiseFraudWarning({ charge }).actionable).toBe(false);
  });

  it('is no longer actionable once the payment is disputed', async () => {
    const { simulator, stripe } = await start();
    const { charge } = await pay(stripe);
    const { id } = simulator.raiseFraudWarning({ charge });
    simulator.openDispute({ charge });
    expect((await stripe.radar.earlyFraudWarnings.retrieve(id)).actionable).toBe(false);
    expect((await stripe.radar.earlyFraudWarnings.list({ charge })).data).toHaveLength(1);
    expect((await stripe.radar.earlyFraudWarnings.list({ charge: 'ch_other' })).data).toEqual([]);
  });

  it('is issued on captured money only, and answers 404 when it does not exist', async () => {
    const { simulator, stripe } = await start();
    const held = await stripe.paymentIntents.create(HOLD);
    expect(() => simulator.raiseFraudWarning({ paymentIntent: held.id })).toThrow('nothing captured');
    expect(() => simulator.raiseFraudWarning({})).toThrow('none was named');
    expect(await stripeError(stripe.radar.earlyFraudWarnings.retrieve('issfr_x'))).toMatchObject({ statusCode: 404 });
  });
});
