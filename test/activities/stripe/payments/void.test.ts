import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { failureTypes } from '../../../../workflows/domain/shared/errors';
import { attempt, authorized, failureOf, heldFor, retried, startHarness, type Harness } from '../harness';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness();
});
afterEach(() => harness.stop());

const CREATE = '^/v1/payment_intents$';
const voided = (orderId: string, attempts = 1) => ({ orderId, attempts, reason: 'checkout_not_completed' });

describe('voidPayments', () => {
  it('does nothing where nothing was begun, and keeps a late attempt from beginning', async () => {
    const input = attempt();
    const result = await harness.payments.voidPayments(voided(input.orderId));
    expect(result).toEqual({ outcome: 'voided', releasedAmount: 0 });
    expect(harness.simulator.state.requests()).toHaveLength(0);
    const failure = await failureOf(harness.payments.authorizePayment(input));
    expect(failure).toMatchObject({ type: failureTypes.undone, nonRetryable: true });
    expect(harness.simulator.state.paymentIntents()).toHaveLength(0);
  });

  it('voids a hold once, however often it is called', async () => {
    const input = attempt();
    authorized(await harness.payments.authorizePayment(input));
    const expected = { outcome: 'voided', releasedAmount: 5_000 };
    expect(await harness.payments.voidPayments(voided(input.orderId))).toEqual(expected);
    expect(await harness.payments.voidPayments(voided(input.orderId))).toEqual(expected);
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
    expect(harness.simulator.state.events().filter((one) => one.type === 'payment_intent.canceled')).toHaveLength(1);
  });

  it.each([
    ['payment_intent_unexpected_state', 2],
    ['charge_disputed', 1],
    ['parameter_unknown', 1],
  ])(
    'that the provider refuses with %s fails as refused after %i requests, and goes through later',
    async (code, sent) => {
      const input = attempt();
      authorized(await harness.payments.authorizePayment(input));
      const match = { method: 'POST', pathPattern: '/cancel$' };
      const id = harness.simulator.faults.add({ match, action: { kind: 'refusal', code }, times: Infinity });
      const failure = await failureOf(harness.payments.voidPayments(voided(input.orderId)));
      expect(failure).toMatchObject({ nonRetryable: true });
      expect(harness.simulator.faults.list()).toMatchObject([{ fired: sent }]);
      harness.simulator.faults.clear(id);
      const done = { outcome: 'voided', releasedAmount: 5_000 };
      expect(await harness.payments.voidPayments(voided(input.orderId))).toEqual(done);
    },
  );

  it('finds and voids a hold whose worker died before recording it', async () => {
    const input = attempt();
    harness.store.beforeRecord = () => {
      throw new Error('the worker dies here');
    };
    await expect(harness.payments.authorizePayment(input)).rejects.toThrow('dies');
    harness.store.beforeRecord = undefined;
    expect(heldFor(harness.simulator, input.orderId)).toBe(5_000);
    await harness.flushCache();
    await harness.payments.voidPayments(voided(input.orderId));
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
  });

  it('seals the key, so that a request still under way holds nothing', async () => {
    const input = attempt();
    // The attempt is written down; before its request goes out, the undo runs to its end.
    harness.store.afterBegin = async () => {
      harness.store.afterBegin = undefined;
      await harness.payments.voidPayments(voided(input.orderId));
    };
    const failure = await failureOf(harness.payments.authorizePayment(input));
    expect(failure).toMatchObject({ type: failureTypes.undone, nonRetryable: true });
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
    expect(harness.simulator.state.paymentIntents().map((one) => one.status)).toEqual(['canceled']);
    expect(harness.simulator.state.charges()).toHaveLength(0);
  });

  it('waits for a request that is running at the provider, then voids what it made', async () => {
    const input = attempt();
    const fault = harness.simulator.faults.add({
      match: { method: 'POST', pathPattern: CREATE },
      action: { kind: 'hold', when: 'before' },
    });
    const late = failureOf(harness.payments.authorizePayment(input));
    await harness.simulator.faults.untilHeld(fault);
    const failure = await failureOf(harness.payments.voidPayments(voided(input.orderId)));
    expect(failure).toMatchObject({ type: failureTypes.providerUnavailable, nonRetryable: false });
    harness.simulator.faults.release(fault);
    expect(await late).toMatchObject({ type: failureTypes.undone });
    await harness.payments.voidPayments(voided(input.orderId));
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
  });

  it('believes that a request which used the key made nothing only once it must have ended', async () => {
    const input = attempt();
    harness.store.afterBegin = () => {
      throw new Error('the worker dies here');
    };
    await expect(harness.payments.authorizePayment(input)).rejects.toThrow('dies');
    const action = { kind: 'server_error', when: 'during' } as const;
    harness.simulator.faults.add({ match: { method: 'POST', pathPattern: CREATE }, action });
    const late = harness.stripe.paymentIntents.create(
      { amount: 5_000, currency: 'eur' },
      { idempotencyKey: `authorize:${input.orderId}:1` },
    );
    await expect(late).rejects.toThrow();
    let noted: unknown;
    const run = () => {
      const environment = new MockActivityEnvironment(
        { heartbeatDetails: noted },
        { logger: new DefaultLogger('ERROR') },
      );
      environment.on('heartbeat', (details: unknown) => {
        noted = details;
      });
      return environment.run(harness.payments.voidPayments, voided(input.orderId));
    };
    const failure = await failureOf(run());
    expect(failure).toMatchObject({ type: failureTypes.providerUnavailable, nonRetryable: false });
    harness.simulator.clock.advanceBy(80_000);
    await failureOf(run());
    harness.simulator.clock.advanceBy(11_000);
    expect(await run()).toEqual({ outcome: 'voided', releasedAmount: 0 });
  });

  it('voids what a late request made between the look and the seal', async () => {
    const input = attempt();
    harness.store.afterBegin = () => {
      throw new Error('the request is still on its way');
    };
    await expect(harness.payments.authorizePayment(input)).rejects.toThrow('on its way');
    harness.store.afterBegin = undefined;
    const lists = { match: { pathPattern: CREATE, method: 'GET' }, action: { kind: 'hold', when: 'after' } } as const;
    const fault = harness.simulator.faults.add({ ...lists, times: 1 });
    const undo = harness.payments.voidPayments(voided(input.orderId));
    await harness.simulator.faults.untilHeld(fault);
    const key = `authorize:${input.orderId}:1`;
    await harness.stripe.paymentIntents.create(
      {
        ...{ amount: 5_000, currency: 'eur', confirm: true, capture_method: 'manual', payment_method: 'pm_card_visa' },
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
        metadata: { holdfast_order_id: input.orderId, holdfast_operation_key: key },
      },
      { idempotencyKey: key },
    );
    harness.simulator.faults.release(fault);
    await undo;
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
    expect(harness.simulator.state.paymentIntents().map((one) => one.status)).toEqual(['canceled']);
  });

  it.each([
    ['reset after the effect', { kind: 'reset', when: 'after' }],
    ['500 stored after the effect', { kind: 'server_error', when: 'after', shouldRetry: false }],
    ['500 stored before the effect', { kind: 'server_error', when: 'during', shouldRetry: false }],
    ['rate limit', { kind: 'rate_limit' }],
  ] as const)('lets go in spite of a %s', async (_name, action) => {
    const input = attempt();
    authorized(await harness.payments.authorizePayment(input));
    harness.simulator.faults.add({ match: { pathPattern: '/cancel$' }, action, times: 2 });
    expect(await retried(() => harness.payments.voidPayments(voided(input.orderId)))).toMatchObject({
      releasedAmount: 5_000,
    });
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
  });

  it('voids a PaymentIntent of two attempts once, and a declined one, too', async () => {
    const first = attempt({ paymentMethod: 'pm_card_chargeDeclined' });
    const declined = await harness.payments.authorizePayment(first);
    const paymentIntentId = declined.status === 'declined' ? (declined.paymentIntentId ?? '') : '';
    await harness.payments.authorizePayment({ ...first, attempt: 2, paymentMethod: 'pm_card_visa', paymentIntentId });
    expect(await harness.payments.voidPayments(voided(first.orderId, 2))).toEqual({
      outcome: 'voided',
      releasedAmount: 5_000,
    });
    const cancels = harness.simulator.state.requests().filter((one) => one.path.endsWith('/cancel'));
    expect(cancels).toHaveLength(1);
    expect(harness.simulator.state.paymentIntent(paymentIntentId)?.status).toBe('canceled');
  });

  it('ends 3-D Secure that was not passed', async () => {
    const input = attempt({ paymentMethod: 'pm_card_authenticationRequired' });
    await harness.payments.authorizePayment(input);
    await harness.payments.voidPayments(voided(input.orderId));
    expect(harness.simulator.state.paymentIntents().map((one) => one.status)).toEqual(['canceled']);
  });

  it('reports money that was captured before it could be voided', async () => {
    const input = attempt();
    const { paymentIntentId } = authorized(await harness.payments.authorizePayment(input));
    await harness.stripe.paymentIntents.capture(paymentIntentId, { amount_to_capture: 1_500 });
    expect(await harness.payments.voidPayments(voided(input.orderId))).toEqual({
      outcome: 'captured',
      capturedAmount: 1_500,
    });
    expect(harness.store.recorded.at(-1)?.status).toMatchObject({ status: 'captured', capturedAmount: 1_500 });
  });

  it('is content with a hold that has expired', async () => {
    const input = attempt();
    authorized(await harness.payments.authorizePayment(input));
    harness.simulator.clock.advanceBy(8 * 24 * 3_600_000);
    expect(await harness.payments.voidPayments(voided(input.orderId))).toMatchObject({ outcome: 'voided' });
  });

  it('lets only one hold go where one is named, and leaves the others open', async () => {
    const first = attempt();
    const old = authorized(await harness.payments.authorizePayment(first));
    const renewed = authorized(
      await harness.payments.authorizePayment({
        ...first,
        attempt: 2,
        paymentMethod: old.paymentMethodId,
        offSession: true,
      }),
    );
    const only = { ...voided(first.orderId, 2), onlyPaymentIntentId: old.paymentIntentId };
    expect(await harness.payments.voidPayments(only)).toEqual({ outcome: 'voided', releasedAmount: 5_000 });
    expect(harness.simulator.state.paymentIntent(old.paymentIntentId)?.status).toBe('canceled');
    expect(harness.simulator.state.paymentIntent(renewed.paymentIntentId)?.status).toBe('requires_capture');
    expect((await harness.store.getAttempt(first.orderId, 2))?.tombstoned).toBe(false);
  });

  it('refuses a PaymentIntent of another order', async () => {
    const other = authorized(await harness.payments.authorizePayment(attempt()));
    const failure = await failureOf(
      harness.payments.voidPayments({ ...voided(attempt().orderId), onlyPaymentIntentId: other.paymentIntentId }),
    );
    expect(failure.type).toBe(failureTypes.defect);
    expect(harness.simulator.state.paymentIntent(other.paymentIntentId)?.status).toBe('requires_capture');
  });
});

describe('syncPayment', () => {
  it('finds an attempt by its operation key where no PaymentIntent was recorded', async () => {
    const input = attempt();
    harness.store.beforeRecord = () => {
      throw new Error('the worker dies here');
    };
    await expect(harness.payments.authorizePayment(input)).rejects.toThrow('dies');
    harness.store.beforeRecord = undefined;
    const { payment } = await harness.payments.syncPayment({ orderId: input.orderId, attempt: 1 });
    authorized(payment);
  });

  it('says none of an attempt that was never begun, and of one that never arrived', async () => {
    const input = attempt();
    expect(await harness.payments.syncPayment({ orderId: input.orderId, attempt: 1 })).toEqual({
      payment: { status: 'none' },
    });
    harness.simulator.faults.add({
      match: { method: 'POST', pathPattern: CREATE },
      action: { kind: 'reset', when: 'before' },
      times: 2,
    });
    await failureOf(harness.payments.authorizePayment(input));
    expect(await harness.payments.syncPayment({ orderId: input.orderId, attempt: 1 })).toEqual({
      payment: { status: 'none' },
    });
  });

  it('notices a hold that expired unseen', async () => {
    const input = attempt();
    const { paymentIntentId } = authorized(await harness.payments.authorizePayment(input));
    harness.simulator.clock.advanceBy(8 * 24 * 3_600_000);
    const { payment } = await harness.payments.syncPayment({ orderId: input.orderId, paymentIntentId });
    expect(payment).toEqual({ status: 'canceled', paymentIntentId, reason: 'expired' });
    expect(harness.store.recorded.at(-1)?.status).toEqual(payment);
  });

  it('lets a hold go that it finds standing after its undo', async () => {
    const input = attempt();
    const { paymentIntentId } = authorized(await harness.payments.authorizePayment(input));
    await harness.store.sealAttempts(input.orderId, 1);
    const { payment } = await harness.payments.syncPayment({ orderId: input.orderId, paymentIntentId });
    expect(payment).toEqual({ status: 'canceled', paymentIntentId, reason: 'voided' });
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
  });

  it('refuses a PaymentIntent of another order', async () => {
    const { paymentIntentId } = authorized(await harness.payments.authorizePayment(attempt()));
    const failure = await failureOf(harness.payments.syncPayment({ orderId: 'ord_other', paymentIntentId }));
    expect(failure.type).toBe(failureTypes.defect);
  });
});
