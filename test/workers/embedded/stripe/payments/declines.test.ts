import type Stripe from 'stripe';
import { HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const lastEvents = (simulator: { state: { events(): readonly { type: string }[] } }, count: number): string[] =>
  simulator.state
    .events()
    .slice(-count)
    .map((event) => event.type);

describe('declines', () => {
  it.each([
    ['pm_card_visa_chargeDeclined', 'card_declined', 'generic_decline', '05'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds', '51'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'expired_card', '54'],
  ])('%s ends in 402 %s/%s', async (paymentMethod, code, declineCode, networkCode) => {
    const { simulator, stripe } = await start();
    const error = await stripeError(stripe.paymentIntents.create({ ...HOLD, payment_method: paymentMethod }));
    expect(error).toMatchObject({ type: 'StripeCardError', statusCode: 402, code, decline_code: declineCode });
    const intent = await stripe.paymentIntents.retrieve(error.payment_intent?.id ?? '', { expand: ['latest_charge'] });
    expect(intent).toMatchObject({
      status: 'requires_payment_method',
      payment_method: null,
      last_payment_error: { code, decline_code: declineCode, type: 'card_error' },
      latest_charge: {
        id: error.charge,
        status: 'failed',
        paid: false,
        failure_code: code,
        outcome: {
          network_status: 'declined_by_network',
          type: 'issuer_declined',
          network_decline_code: networkCode,
          reason: declineCode,
        },
      },
    });
    expect(lastEvents(simulator, 3)).toEqual([
      'payment_intent.created',
      'charge.failed',
      'payment_intent.payment_failed',
    ]);
  });

  it('lets the same PaymentIntent be paid with another card, with a charge for each attempt', async () => {
    const { stripe } = await start();
    const { payment_intent: declined } = await stripeError(
      stripe.paymentIntents.create({ ...HOLD, payment_method: 'pm_card_visa_chargeDeclined' }),
    );
    const id = declined?.id ?? '';
    const paid = await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_mastercard' });
    expect(paid).toMatchObject({ id, status: 'requires_capture', last_payment_error: null });
    const charges = await stripe.charges.list({ payment_intent: id });
    expect(charges.data.map((charge) => charge.status)).toEqual(['succeeded', 'failed']);
    expect(paid.latest_charge).toBe(charges.data[0]?.id);
  });

  it('saves chargeCustomerFail on a customer and declines it later; a plain decline card cannot be saved', async () => {
    const { stripe } = await start();
    const customer = await stripe.customers.create({ email: 'a@example.com' });
    const saved = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: customer.id });
    expect(saved).toMatchObject({ customer: customer.id, type: 'card' });
    const charge = stripe.paymentIntents.create({
      ...HOLD,
      customer: customer.id,
      payment_method: saved.id,
      off_session: true,
    });
    expect(await stripeError(charge)).toMatchObject({ code: 'card_declined' });
    const refused = stripe.paymentMethods.attach('pm_card_visa_chargeDeclined', { customer: customer.id });
    expect(await stripeError(refused)).toMatchObject({ type: 'StripeCardError', code: 'card_declined' });
  });

  it('refuses an unattached payment method the second time', async () => {
    const { stripe } = await start();
    const first = await stripe.paymentIntents.create(HOLD);
    const again = stripe.paymentIntents.create({ ...HOLD, payment_method: first.payment_method as string });
    expect((await stripeError(again)).message).toContain('It may not be used again');
  });

  it('uses the issuer decision that was set, off-session only and as often as set', async () => {
    const { simulator, stripe } = await start();
    const { customer, method } = await savedCard(stripe, 'pm_card_visa');
    simulator.issueDecision(customer, 'insufficient_funds', { times: 1 });
    const params = { ...HOLD, customer, payment_method: method };
    expect((await stripe.paymentIntents.create(params)).status).toBe('requires_capture');
    expect(await stripeError(stripe.paymentIntents.create({ ...params, off_session: true }))).toMatchObject({
      decline_code: 'insufficient_funds',
    });
    expect((await stripe.paymentIntents.create({ ...params, off_session: true })).status).toBe('requires_capture');
    simulator.issueDecision(customer, 'authentication_required');
    expect(await stripeError(stripe.paymentIntents.create({ ...params, off_session: true }))).toMatchObject({
      code: 'authentication_required',
    });
    simulator.issueDecision(customer, undefined);
    expect((await stripe.paymentIntents.create({ ...params, off_session: true })).status).toBe('requires_capture');
  });
});

describe('3-D Secure', () => {
  const AUTHENTICATE = { ...HOLD, payment_method: 'pm_card_authenticationRequired' };

  it('asks the customer, and continues once they pass', async () => {
    const { simulator, stripe } = await start();
    const asked = await stripe.paymentIntents.create({ ...AUTHENTICATE, return_url: 'https://shop.example/back' });
    expect(asked).toMatchObject({
      status: 'requires_action',
      latest_charge: null,
      next_action: { type: 'redirect_to_url' },
    });
    expect(asked.client_secret).toMatch(new RegExp(`^${asked.id}_secret_`));
    simulator.completeAuthentication(asked.id, 'succeed');
    const held = await stripe.paymentIntents.retrieve(asked.id, { expand: ['latest_charge'] });
    expect(held).toMatchObject({
      status: 'requires_capture',
      next_action: null,
      latest_charge: { payment_method_details: { card: { three_d_secure: { result: 'authenticated' } } } },
    });
    expect(lastEvents(simulator, 3)).toEqual([
      'payment_intent.requires_action',
      'charge.succeeded',
      'payment_intent.amount_capturable_updated',
    ]);
  });

  it('serves the page of the bank and accepts its form', async () => {
    const { stripe } = await start();
    const asked = await stripe.paymentIntents.create({ ...AUTHENTICATE, return_url: 'https://shop.example/back' });
    const url = asked.next_action?.redirect_to_url?.url ?? '';
    expect(await (await fetch(url)).text()).toContain('<form method="post"');
    const posted = await fetch(url.split('?')[0] ?? '', {
      method: 'POST',
      body: new URLSearchParams({ result: 'succeed' }),
    });
    expect(posted.status).toBe(200);
    expect((await stripe.paymentIntents.retrieve(asked.id)).status).toBe('requires_capture');
  });

  it('asks for another payment method once the customer fails, and accepts it', async () => {
    const { simulator, stripe } = await start();
    const asked = await stripe.paymentIntents.create(AUTHENTICATE);
    expect(asked.next_action?.type).toBe('use_stripe_sdk');
    simulator.completeAuthentication(asked.id, 'fail');
    const failed = await stripe.paymentIntents.retrieve(asked.id);
    expect(failed).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'payment_intent_authentication_failure' },
    });
    expect(() => simulator.completeAuthentication(asked.id, 'succeed')).toThrow('does not wait for authentication');
    expect((await stripe.paymentIntents.confirm(asked.id, { payment_method: 'pm_card_visa' })).status).toBe(
      'requires_capture',
    );
  });

  it('is a decline off-session, and with error_on_requires_action', async () => {
    const { stripe } = await start();
    const { customer, method } = await savedCard(stripe, 'pm_card_authenticationRequired');
    for (const flag of [{ off_session: true }, { error_on_requires_action: true }]) {
      const error = await stripeError(
        stripe.paymentIntents.create({ ...HOLD, customer, payment_method: method, ...flag }),
      );
      expect(error).toMatchObject({
        statusCode: 402,
        code: 'authentication_required',
        decline_code: 'authentication_required',
      });
      expect(error.payment_intent?.status).toBe('requires_payment_method');
    }
  });

  it('lets a card that was authenticated while being saved be charged off-session', async () => {
    const { simulator, stripe } = await start();
    const customer = await stripe.customers.create();
    const asked = await stripe.paymentIntents.create({
      ...HOLD,
      customer: customer.id,
      payment_method: 'pm_card_authenticationRequiredOnSetup',
      setup_future_usage: 'off_session',
    });
    expect(asked.status).toBe('requires_action');
    simulator.completeAuthentication(asked.id, 'succeed');
    const { data: methods } = await stripe.customers.listPaymentMethods(customer.id);
    expect(methods).toHaveLength(1);
    const later = { ...HOLD, customer: customer.id, payment_method: methods[0]?.id ?? '', off_session: true };
    expect((await stripe.paymentIntents.create(later)).status).toBe('requires_capture');
  });
});

async function savedCard(stripe: Stripe, name: string): Promise<{ customer: string; method: string }> {
  const customer = await stripe.customers.create();
  const method = await stripe.paymentMethods.attach(name, { customer: customer.id });
  return { customer: customer.id, method: method.id };
}
