import { SimulatorClock } from '../../../../../workers/embedded/stripe/server';
import { chargeOf, HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const DAY_SECONDS = 86_400;
const captureBeforeOf = (intent: Parameters<typeof chargeOf>[0]): number =>
  chargeOf(intent).payment_method_details?.card?.capture_before ?? 0;
const EXPANDED = { ...HOLD, expand: ['latest_charge'] };

describe('the window of a hold', () => {
  it.each([
    ['pm_card_visa', false, 7 * DAY_SECONDS],
    ['pm_card_visa', true, 4.75 * DAY_SECONDS],
    ['pm_card_mastercard', true, 7 * DAY_SECONDS],
    ['pm_card_amex', false, 7 * DAY_SECONDS],
  ])('%s, off-session %s: %d s', async (card, offSession, seconds) => {
    const { stripe } = await start();
    const customer = await stripe.customers.create();
    const method = await stripe.paymentMethods.attach(card, { customer: customer.id });
    const held = await stripe.paymentIntents.create({
      ...EXPANDED,
      customer: customer.id,
      payment_method: method.id,
      off_session: offSession,
    });
    expect(captureBeforeOf(held) - chargeOf(held).created).toBe(seconds);
  });

  it('can be set by option, for the next hold that fits, and by metadata', async () => {
    const { simulator, stripe } = await start({ holdDurationMs: 600_000 });
    simulator.setNextHoldDuration(60_000, { metadata: { order: 'b' } });
    const seconds = async (metadata: Record<string, string>): Promise<number> => {
      const held = await stripe.paymentIntents.create({ ...EXPANDED, metadata });
      return captureBeforeOf(held) - chargeOf(held).created;
    };
    expect(await seconds({ order: 'a' })).toBe(600);
    expect(await seconds({ order: 'b' })).toBe(60);
    expect(await seconds({ order: 'b' })).toBe(600);
    expect(await seconds({ simulator_hold_seconds: '90' })).toBe(90);
  });
});

describe('expiry', () => {
  it('leaves the hold alone one second before capture_before', async () => {
    const { simulator, stripe } = await start();
    const held = await stripe.paymentIntents.create(EXPANDED);
    simulator.clock.advanceTo(captureBeforeOf(held) * 1000 - 1000);
    expect((await stripe.paymentIntents.capture(held.id)).status).toBe('succeeded');
  });

  it.each([0, 1000])('cancels the hold %d ms after capture_before, without a refund', async (afterMs) => {
    const { simulator, stripe } = await start();
    const held = await stripe.paymentIntents.create(EXPANDED);
    const captureBefore = captureBeforeOf(held);
    simulator.clock.advanceTo(captureBefore * 1000 + afterMs);
    const expired = await stripe.paymentIntents.retrieve(held.id, { expand: ['latest_charge'] });
    expect(expired).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'expired',
      amount_capturable: 0,
      canceled_at: captureBefore,
    });
    expect(chargeOf(expired)).toMatchObject({
      captured: false,
      amount_captured: 0,
      amount_refunded: 0,
      refunded: false,
    });
    const events = simulator.state.events().slice(-2);
    expect(events.map(({ type, created }) => [type, created])).toEqual([
      ['charge.expired', captureBefore],
      ['payment_intent.canceled', captureBefore],
    ]);
    expect(simulator.state.events().map(({ type }) => type)).not.toContain('charge.refunded');
    expect(await stripeError(stripe.paymentIntents.capture(held.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
  });

  it.each(['capture_charge_authorization_expired', 'charge_expired_for_capture'] as const)(
    'refuses with %s before the sweep',
    async (code) => {
      const { simulator, stripe } = await start({ expiryLagMs: 60_000, lateCaptureCode: code });
      const held = await stripe.paymentIntents.create(EXPANDED);
      simulator.clock.advanceTo(captureBeforeOf(held) * 1000);
      expect(await stripeError(stripe.paymentIntents.capture(held.id))).toMatchObject({ statusCode: 400, code });
      simulator.clock.advanceBy(60_000);
      expect((await stripe.paymentIntents.retrieve(held.id)).status).toBe('canceled');
    },
  );

  it('does not happen to a hold that was captured or cancelled', async () => {
    const { simulator, stripe } = await start();
    const captured = await stripe.paymentIntents.create(HOLD);
    const cancelled = await stripe.paymentIntents.create(HOLD);
    await stripe.paymentIntents.capture(captured.id);
    await stripe.paymentIntents.cancel(cancelled.id);
    expect(simulator.clock.pendingTimers).toBe(0);
    const before = simulator.state.events().length;
    simulator.clock.advanceBy(30 * DAY_SECONDS * 1000);
    expect(simulator.state.events()).toHaveLength(before);
  });
});

describe('multicapture', () => {
  const options = { payment_method_options: { card: { request_multicapture: 'if_available' } } } as const;

  it('captures in parts when the account has the feature', async () => {
    const { stripe } = await start({ multicapture: true });
    const held = await stripe.paymentIntents.create({ ...EXPANDED, ...options });
    expect(chargeOf(held).payment_method_details?.card?.multicapture).toEqual({ status: 'available' });
    const first = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1000, final_capture: false });
    expect(first).toMatchObject({ status: 'requires_capture', amount_capturable: 4000, amount_received: 1000 });
    const last = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 3000, expand: ['latest_charge'] });
    expect(last).toMatchObject({ status: 'succeeded', amount_capturable: 0, amount_received: 4000 });
    expect(chargeOf(last)).toMatchObject({ amount_captured: 4000, captured: true, amount_refunded: 0 });
  });

  it('is refused when it is not available', async () => {
    const { stripe } = await start();
    const held = await stripe.paymentIntents.create({ ...EXPANDED, ...options });
    expect(chargeOf(held).payment_method_details?.card?.multicapture).toEqual({ status: 'unavailable' });
    const refused = stripe.paymentIntents.capture(held.id, { amount_to_capture: 1000, final_capture: false });
    expect(await stripeError(refused)).toMatchObject({ statusCode: 400, param: 'final_capture' });
    expect((await stripe.paymentIntents.retrieve(held.id)).amount_capturable).toBe(5000);
  });
});

describe('the clock', () => {
  it('fires due timers in order, each at its own time, and never goes back', () => {
    const clock = new SimulatorClock();
    const startMs = clock.now();
    const fired: [string, number][] = [];
    clock.at(startMs + 20_000, () => fired.push(['second', clock.now() - startMs]));
    clock.at(startMs + 10_000, () => {
      fired.push(['first', clock.now() - startMs]);
      clock.at(startMs + 15_000, () => fired.push(['added', clock.now() - startMs]));
    });
    clock.at(startMs + 12_000, () => fired.push(['cancelled', 0])).cancel();
    clock.advanceBy(3_600_000);
    expect(fired).toEqual([
      ['first', 10_000],
      ['added', 15_000],
      ['second', 20_000],
    ]);
    const after = clock.now();
    clock.advanceTo(startMs);
    expect(clock.now()).toBeGreaterThanOrEqual(after);
    expect(() => clock.advanceBy(-1)).toThrow(RangeError);
    clock.stop();
  });

  it('fires timers by real time too', async () => {
    const clock = new SimulatorClock();
    await new Promise<void>((resolve) => clock.at(clock.now() + 5, resolve));
    clock.stop();
  });
});
