import { failureTypes } from '../../../../workflows/domain/shared/errors';
import { attempt, authorized, failureOf, heldFor, retried, startHarness, type Harness } from '../harness';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness();
});
afterEach(() => harness.stop());

const CREATE = '^/v1/payment_intents$';

describe('authorizePayment', () => {
  it('holds the amount, saves the card and records what the bank said', async () => {
    const input = attempt();
    const result = authorized(await harness.payments.authorizePayment(input));
    const intent = harness.simulator.state.paymentIntent(result.paymentIntentId);
    expect(intent).toMatchObject({
      status: 'requires_capture',
      capture_method: 'manual',
      amount_capturable: 5_000,
      setup_future_usage: 'off_session',
      metadata: {
        holdfast_order_id: input.orderId,
        holdfast_cart_id: input.cartId,
        holdfast_operation_key: `authorize:${input.orderId}:1`,
        holdfast_attempt: '1',
      },
    });
    expect(result.hold).toMatchObject({ authorizedAmount: 5_000, capturedAmount: 0, multicapture: false });
    const lifeMs = Date.parse(result.hold.captureBefore) - Date.parse(result.hold.authorizedAt);
    expect(lifeMs).toBe(7 * 24 * 3_600_000);
    const card = { brand: 'visa', funding: 'credit', country: 'US', networkStatus: 'approved_by_network' };
    expect(harness.store.recorded[0]?.card).toEqual(card);
    const owner = harness.simulator.state.paymentMethods().find((one) => one.id === result.paymentMethodId)?.customer;
    expect(owner).toBe(intent?.customer);
  });

  it('makes one hold of an attempt that runs twice at once', async () => {
    const input = attempt();
    const runs = [1, 2].map(() => retried(() => harness.payments.authorizePayment(input)));
    const [first, second] = (await Promise.all(runs)).map(authorized);
    expect(second?.paymentIntentId).toBe(first?.paymentIntentId);
    expect(harness.simulator.state.paymentIntents()).toHaveLength(1);
    expect(harness.simulator.state.customers()).toHaveLength(1);
  });

  it('answers a repeated attempt from the record, without asking the provider', async () => {
    const input = attempt();
    const first = await harness.payments.authorizePayment(input);
    const before = harness.simulator.state.requests().length;
    expect(await harness.payments.authorizePayment(input)).toEqual(first);
    expect(harness.simulator.state.requests()).toHaveLength(before);
  });

  it.each([
    ['reset before the effect', { kind: 'reset', when: 'before' }],
    ['reset after the effect', { kind: 'reset', when: 'after' }],
    ['500 before the effect', { kind: 'server_error', when: 'before' }],
    ['lock time-out', { kind: 'lock_timeout' }],
    ['rate limit', { kind: 'rate_limit', retryAfterSeconds: 1 }],
  ] as const)('ends in one hold after a %s', async (_name, action) => {
    const input = attempt();
    // Twice: the SDK itself repeats a request whose connection was closed.
    harness.simulator.faults.add({ match: { method: 'POST', pathPattern: CREATE }, action, times: 2 });
    const result = authorized(await retried(() => harness.payments.authorizePayment(input)));
    expect(harness.simulator.state.paymentIntents().map((one) => one.id)).toEqual([result.paymentIntentId]);
    expect(heldFor(harness.simulator, input.orderId)).toBe(5_000);
  });

  it('finds the hold behind a 500 that was stored after the effect', async () => {
    const input = attempt();
    const action = { kind: 'server_error', when: 'after', shouldRetry: false } as const;
    harness.simulator.faults.add({ match: { method: 'POST', pathPattern: CREATE }, action });
    const result = authorized(await harness.payments.authorizePayment(input));
    expect(harness.simulator.state.paymentIntents().map((one) => one.id)).toEqual([result.paymentIntentId]);
  });

  it('looks an attempt up that is older than the life of its key', async () => {
    const input = attempt();
    harness.store.beforeRecord = () => {
      throw new Error('the worker dies here');
    };
    await expect(harness.payments.authorizePayment(input)).rejects.toThrow('dies');
    harness.store.beforeRecord = undefined;
    harness.simulator.clock.advanceBy(25 * 3_600_000);
    authorized(await harness.payments.authorizePayment(input));
    expect(harness.simulator.state.paymentIntents()).toHaveLength(1);
  });

  it('does not believe a replayed answer: the hold may be gone since', async () => {
    const input = attempt();
    harness.store.beforeRecord = () => {
      throw new Error('the worker dies here');
    };
    await expect(harness.payments.authorizePayment(input)).rejects.toThrow('dies');
    harness.store.beforeRecord = undefined;
    const [intent] = harness.simulator.state.paymentIntents();
    await harness.stripe.paymentIntents.cancel(intent?.id ?? '', { cancellation_reason: 'fraudulent' });
    const result = await harness.payments.authorizePayment(input);
    expect(result).toMatchObject({ status: 'canceled', paymentIntentId: intent?.id, reason: 'other' });
  });

  it('reports a decline, then accepts another card on the same PaymentIntent', async () => {
    const first = attempt({ paymentMethod: 'pm_card_visa_chargeDeclinedInsufficientFunds' });
    const declined = await harness.payments.authorizePayment(first);
    expect(declined).toMatchObject({ status: 'declined', code: 'card_declined', declineCode: 'insufficient_funds' });
    expect(harness.store.recorded[0]?.card).toMatchObject({
      brand: 'visa',
      networkStatus: 'declined_by_network',
      declineCode: 'insufficient_funds',
    });
    const paymentIntentId = declined.status === 'declined' ? declined.paymentIntentId : undefined;
    if (paymentIntentId === undefined) throw new Error('a decline must name its PaymentIntent');
    const second = { ...first, attempt: 2, paymentMethod: 'pm_card_mastercard', paymentIntentId };
    const held = authorized(await harness.payments.authorizePayment(second));
    expect(held.paymentIntentId).toBe(paymentIntentId);
    expect(harness.simulator.state.paymentIntents()).toHaveLength(1);
    expect(harness.store.recorded[1]?.card).toMatchObject({ brand: 'mastercard' });
  });

  it.each([
    ['reset after the effect', { kind: 'reset', when: 'after' }],
    ['500 stored after the effect', { kind: 'server_error', when: 'after', shouldRetry: false }],
    ['500 stored before the effect', { kind: 'server_error', when: 'during', shouldRetry: false }],
  ] as const)('confirms the same PaymentIntent once after a %s', async (_name, action) => {
    const first = attempt({ paymentMethod: 'pm_card_chargeDeclined' });
    const declined = await harness.payments.authorizePayment(first);
    const paymentIntentId = declined.status === 'declined' ? (declined.paymentIntentId ?? '') : '';
    harness.simulator.faults.add({ match: { pathPattern: '/confirm$' }, action });
    const second = { ...first, attempt: 2, paymentMethod: 'pm_card_visa', paymentIntentId };
    const held = authorized(await retried(() => harness.payments.authorizePayment(second)));
    expect(held.paymentIntentId).toBe(paymentIntentId);
    expect(harness.simulator.state.chargesOf(paymentIntentId).filter((one) => one.paid)).toHaveLength(1);
  });

  it('accepts a PaymentIntent that an earlier attempt has already authorized', async () => {
    const first = attempt();
    const { paymentIntentId } = authorized(await harness.payments.authorizePayment(first));
    const again = { ...first, attempt: 2, paymentMethod: 'pm_card_mastercard', paymentIntentId };
    expect(authorized(await harness.payments.authorizePayment(again)).paymentIntentId).toBe(paymentIntentId);
    expect(harness.simulator.state.chargesOf(paymentIntentId)).toHaveLength(1);
  });

  it('never pays one order with the PaymentIntent of another', async () => {
    const { paymentIntentId } = authorized(await harness.payments.authorizePayment(attempt()));
    const failure = await failureOf(harness.payments.authorizePayment(attempt({ paymentIntentId })));
    expect(failure.type).toBe(failureTypes.defect);
  });

  it('asks for 3-D Secure, and holds once the customer has passed it', async () => {
    const input = attempt({ paymentMethod: 'pm_card_authenticationRequired' });
    const asked = await harness.payments.authorizePayment(input);
    if (asked.status !== 'requires_action') throw new Error(`got ${asked.status}`);
    expect(asked.clientSecret).toMatch(/^pi_.*_secret_/);
    harness.simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
    const { payment } = await harness.payments.syncPayment({ orderId: input.orderId, attempt: 1 });
    expect(authorized(payment).hold.authorizedAmount).toBe(5_000);
  });

  it('reports a failed 3-D Secure as a decline', async () => {
    const input = attempt({ paymentMethod: 'pm_card_authenticationRequired' });
    const asked = await harness.payments.authorizePayment(input);
    if (asked.status !== 'requires_action') throw new Error(`got ${asked.status}`);
    harness.simulator.completeAuthentication(asked.paymentIntentId, 'fail');
    const { payment } = await harness.payments.syncPayment({
      orderId: input.orderId,
      paymentIntentId: asked.paymentIntentId,
    });
    expect(payment).toMatchObject({ status: 'declined', code: 'payment_intent_authentication_failure' });
  });

  it('fetches 3-D Secure fresh when its attempt runs again', async () => {
    const input = attempt({ paymentMethod: 'pm_card_authenticationRequired' });
    const asked = await harness.payments.authorizePayment(input);
    if (asked.status !== 'requires_action') throw new Error(`got ${asked.status}`);
    harness.simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
    authorized(await harness.payments.authorizePayment(input));
  });

  it('renews off session with the saved card, also after the cache is lost', async () => {
    const first = attempt();
    const held = authorized(await harness.payments.authorizePayment(first));
    await harness.flushCache();
    const { id } = first.customer;
    const renewal = {
      ...first,
      attempt: 2,
      purpose: 'reauthorization' as const,
      customer: { id },
      paymentMethod: held.paymentMethodId,
      offSession: true,
    };
    const renewed = authorized(await harness.payments.authorizePayment(renewal));
    expect(renewed.paymentIntentId).not.toBe(held.paymentIntentId);
    const lifeMs = Date.parse(renewed.hold.captureBefore) - Date.parse(renewed.hold.authorizedAt);
    expect(lifeMs).toBe((4 * 24 + 18) * 3_600_000);
    expect(harness.simulator.state.customers()).toHaveLength(1);
  });

  it('reports off-session authentication as a decline of that name', async () => {
    const first = attempt();
    const held = authorized(await harness.payments.authorizePayment(first));
    harness.simulator.issueDecision(held.paymentMethodId, 'authentication_required');
    const renewal = { ...first, attempt: 2, paymentMethod: held.paymentMethodId, offSession: true };
    expect(await harness.payments.authorizePayment(renewal)).toMatchObject({
      status: 'declined',
      code: 'authentication_required',
    });
  });

  it('finds the same customer again after the cache was flushed and the key forgotten', async () => {
    const first = attempt();
    await harness.payments.authorizePayment(first);
    await harness.flushCache();
    harness.simulator.clock.advanceBy(25 * 3_600_000);
    await harness.payments.authorizePayment(attempt({ customer: first.customer }));
    expect(harness.simulator.state.customers()).toHaveLength(1);
  });

  it('works while Redis is down', async () => {
    harness.redis.disconnect();
    authorized(await harness.payments.authorizePayment(attempt()));
  });

  it.each(['pm_nobody_knows', 'pm_card_nothing'])(
    'answers %s with what is wrong, and holds nothing',
    async (paymentMethod) => {
      const input = attempt({ paymentMethod });
      expect(await harness.payments.authorizePayment(input)).toMatchObject({
        status: 'invalid',
        problems: [{ field: 'paymentMethod' }],
      });
      expect(heldFor(harness.simulator, input.orderId)).toBe(0);
    },
  );

  it('lets a hold go at once that was undone while the bank was asked', async () => {
    const input = attempt();
    harness.store.beforeRecord = () => {
      void harness.store.sealAttempts(input.orderId, 1);
    };
    const failure = await failureOf(harness.payments.authorizePayment(input));
    expect(failure).toMatchObject({ type: failureTypes.undone, nonRetryable: true });
    expect(harness.simulator.state.paymentIntents().map((one) => one.status)).toEqual(['canceled']);
  });
});
