import type Stripe from 'stripe';
import { chargeOf, HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const eventTypes = (simulator: { state: { events(): readonly { type: string }[] } }): string[] =>
  simulator.state.events().map((event) => event.type);

describe('a manual-capture PaymentIntent', () => {
  it('is held, and captured in full', async () => {
    const { simulator, stripe } = await start();
    const held = await stripe.paymentIntents.create({ ...HOLD, expand: ['latest_charge'] });
    expect(held).toMatchObject({
      object: 'payment_intent',
      status: 'requires_capture',
      amount_capturable: 5000,
      amount_received: 0,
    });
    expect(chargeOf(held)).toMatchObject({
      captured: false,
      paid: true,
      outcome: { network_status: 'approved_by_network', type: 'authorized' },
      payment_method_details: {
        card: { brand: 'visa', country: 'US', funding: 'credit', multicapture: { status: 'unavailable' } },
      },
    });
    const captured = await stripe.paymentIntents.capture(held.id, { expand: ['latest_charge'] });
    expect(captured).toMatchObject({ status: 'succeeded', amount_capturable: 0, amount_received: 5000 });
    expect(chargeOf(captured)).toMatchObject({ captured: true, amount_captured: 5000, amount_refunded: 0 });
    expect(eventTypes(simulator)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.amount_capturable_updated',
      'charge.captured',
      'payment_intent.succeeded',
    ]);
  });

  it('releases the rest on a partial capture, without a refund', async () => {
    const { simulator, stripe } = await start();
    const held = await stripe.paymentIntents.create(HOLD);
    const captured = await stripe.paymentIntents.capture(held.id, {
      amount_to_capture: 1200,
      expand: ['latest_charge'],
    });
    expect(captured).toMatchObject({ status: 'succeeded', amount: 5000, amount_capturable: 0, amount_received: 1200 });
    expect(chargeOf(captured)).toMatchObject({
      amount: 5000,
      amount_captured: 1200,
      amount_refunded: 0,
      refunded: false,
    });
    expect(eventTypes(simulator)).not.toContain('charge.refunded');
    const again = await stripeError(stripe.paymentIntents.capture(held.id, { amount_to_capture: 100 }));
    expect(again).toMatchObject({ statusCode: 400, code: 'payment_intent_unexpected_state' });
  });

  it('asks for another amount after a decline, and is cancelled by one confirmation too many', async () => {
    const { simulator, stripe } = await start({ maxConfirmations: 3 });
    const declined = await stripeError(
      stripe.paymentIntents.create({ ...HOLD, payment_method: 'pm_card_visa_chargeDeclined' }),
    );
    const id = declined.payment_intent?.id ?? '';
    expect(await stripe.paymentIntents.update(id, { amount: 4000 })).toMatchObject({ amount: 4000 });
    const confirm = (method: string) => stripe.paymentIntents.confirm(id, { payment_method: method });
    for (let count = 2; count <= 3; count += 1) {
      expect(await stripeError(confirm('pm_card_visa_chargeDeclined'))).toMatchObject({ code: 'card_declined' });
    }
    expect(await stripeError(confirm('pm_card_visa'))).toMatchObject({ code: 'payment_intent_unexpected_state' });
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'automatic',
      amount_capturable: 0,
    });
    expect(eventTypes(simulator)).toContain('payment_intent.canceled');
  });

  it('is cancelled, and then neither captured nor cancelled again', async () => {
    const { stripe } = await start();
    const held = await stripe.paymentIntents.create(HOLD);
    const cancelled = await stripe.paymentIntents.cancel(held.id, {
      cancellation_reason: 'requested_by_customer',
      expand: ['latest_charge'],
    });
    expect(cancelled).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'requested_by_customer',
      amount_capturable: 0,
    });
    expect(chargeOf(cancelled)).toMatchObject({
      captured: false,
      amount_captured: 0,
      refunded: false,
      amount_refunded: 0,
    });
    for (const attempt of [() => stripe.paymentIntents.capture(held.id), () => stripe.paymentIntents.cancel(held.id)]) {
      expect(await stripeError(attempt())).toMatchObject({
        code: 'payment_intent_unexpected_state',
        rawType: 'invalid_request_error',
      });
    }
  });

  it('goes through creation, confirmation and capture one by one', async () => {
    const { stripe } = await start();
    const { confirm: _confirm, payment_method: _method, ...unconfirmed } = HOLD;
    const created = await stripe.paymentIntents.create(unconfirmed);
    expect(created.status).toBe('requires_payment_method');
    const updated = await stripe.paymentIntents.update(created.id, {
      payment_method: 'pm_card_mastercard',
      metadata: { order: '1' },
    });
    expect(updated).toMatchObject({ status: 'requires_confirmation', metadata: { order: '1' } });
    const confirmed: Stripe.PaymentIntent = await stripe.paymentIntents.confirm(created.id);
    expect(confirmed.status).toBe('requires_capture');
    expect(await stripeError(stripe.paymentIntents.update(created.id, { amount: 10 }))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
    expect(await stripeError(stripe.paymentIntents.capture(created.id, { amount_to_capture: 5001 }))).toMatchObject({
      code: 'amount_too_large',
    });
    expect((await stripe.paymentIntents.capture(created.id)).status).toBe('succeeded');
  });
});
