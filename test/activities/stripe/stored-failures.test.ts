import { attempt, authorized, failureOf, heldFor, retried, startHarness, type Harness } from './harness';

/*
 * Stripe keeps a 500 under its idempotency key and replays it for 24 h, so one such answer uses the key up. The faults here
 * have no `Stripe-Should-Retry` header: only the replay itself says what happened.
 */
let harness: Harness;
beforeEach(async () => {
  harness = await startHarness();
});
afterEach(() => harness.stop());

const CREATE = { method: 'POST', pathPattern: '^/v1/payment_intents$' };
const CUSTOMERS = { method: 'POST', pathPattern: '^/v1/customers$' };
const STORED = { kind: 'server_error', when: 'during', status: 500 } as const;
const STORED_AFTER = { kind: 'server_error', when: 'after', status: 500 } as const;

/** Keys of the POSTs to a path, in the order in which they were sent. */
const keysSent = (path: RegExp): (string | null)[] =>
  harness.simulator.state
    .requests()
    .filter((one) => one.method === 'POST' && path.test(one.path))
    .map((one) => one.idempotencyKey);

describe('a stored failure of a new PaymentIntent', () => {
  it('is followed by a look and a next key', async () => {
    const input = attempt();
    harness.simulator.faults.add({ match: CREATE, action: STORED });
    authorized(await retried(() => harness.payments.authorizePayment(input)));
    const key = `authorize:${input.orderId}:1`;
    expect(keysSent(/payment_intents$/)).toEqual([key, `${key}#2`]);
    expect(heldFor(harness.simulator, input.orderId)).toBe(5_000);
  });

  it('hides a hold that is found', async () => {
    const input = attempt();
    harness.simulator.faults.add({ match: CREATE, action: STORED_AFTER });
    authorized(await harness.payments.authorizePayment(input));
    expect(harness.simulator.state.paymentIntents()).toHaveLength(1);
    expect(keysSent(/payment_intents$/)).toHaveLength(1);
  });

  it('is sent again under the same next key after a crash', async () => {
    const input = attempt();
    harness.simulator.faults.add({ match: CREATE, action: STORED });
    // The answer to the second key is lost; the SDK asks once more by itself.
    harness.simulator.faults.add({ match: CREATE, action: { kind: 'reset', when: 'before' }, times: 2 });
    await failureOf(harness.payments.authorizePayment(input));
    authorized(await retried(() => harness.payments.authorizePayment(input)));
    const key = `authorize:${input.orderId}:1`;
    expect(new Set(keysSent(/payment_intents$/).slice(1))).toEqual(new Set([`${key}#2`]));
    expect(harness.simulator.state.paymentIntents()).toHaveLength(1);
  });

  it('ends in tries that may pass where every key fails, and goes on with the next key later', async () => {
    const input = attempt();
    const fault = harness.simulator.faults.add({ match: CREATE, action: STORED, times: Infinity });
    const failure = await failureOf(harness.payments.authorizePayment(input));
    expect(failure).toMatchObject({ type: 'ProviderUnavailable', nonRetryable: false });
    await failureOf(harness.payments.authorizePayment(input));
    harness.simulator.faults.clear(fault);
    authorized(await harness.payments.authorizePayment(input));
    const keys = keysSent(/payment_intents$/);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is undone under every key that was used', async () => {
    const input = attempt();
    harness.simulator.faults.add({ match: CREATE, action: STORED, times: 2 });
    await failureOf(harness.payments.authorizePayment(input));
    await retried(async () => {
      harness.simulator.clock.advanceBy(91_000);
      return harness.payments.voidPayments({ orderId: input.orderId, attempts: 1, reason: 'checkout_not_completed' });
    });
    const late = { amount: 5_000, currency: 'eur', metadata: { holdfast_order_id: input.orderId } };
    for (const suffix of ['', '#2', '#3']) {
      const key = `authorize:${input.orderId}:1${suffix}`;
      await expect(harness.stripe.paymentIntents.create(late, { idempotencyKey: key })).rejects.toThrow();
    }
  });
});

describe('a PaymentIntent that comes to light late', () => {
  /** What the provider made of the first key after all. */
  async function twinOf(input: ReturnType<typeof attempt>): Promise<string> {
    const { orderId } = input;
    const made = await harness.stripe.paymentIntents.create({
      ...{ amount: 5_000, currency: 'eur', confirm: true, capture_method: 'manual', payment_method: 'pm_card_visa' },
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      metadata: {
        ...{ holdfast_order_id: orderId, holdfast_attempt: '1' },
        holdfast_operation_key: `authorize:${orderId}:1`,
      },
    });
    return made.id;
  }

  it('is canceled once its attempt has another one', async () => {
    const input = attempt();
    harness.simulator.faults.add({ match: CREATE, action: STORED });
    const { paymentIntentId } = authorized(await retried(() => harness.payments.authorizePayment(input)));
    const twin = await twinOf(input);
    expect(await harness.cancelDuplicate(twin)).toBe('canceled');
    expect(harness.simulator.state.paymentIntent(twin)?.status).toBe('canceled');
    expect(await harness.cancelDuplicate(paymentIntentId)).toBe('not_ours');
    expect(heldFor(harness.simulator, input.orderId)).toBe(5_000);
  });

  it('is canceled where its attempt was undone, and left alone while that is under way', async () => {
    const input = attempt();
    harness.store.afterBegin = () => {
      throw new Error('the worker dies here');
    };
    await expect(harness.payments.authorizePayment(input)).rejects.toThrow('dies');
    const twin = await twinOf(input);
    expect(await harness.cancelDuplicate(twin)).toBe('pending');
    await harness.store.sealAttempts(input.orderId, 1);
    expect(await harness.cancelDuplicate(twin)).toBe('canceled');
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
  });
});

describe('a stored failure of a new customer', () => {
  it.each([
    ['before', STORED],
    ['after', STORED_AFTER],
  ] as const)('%s the effect keeps none of the carts of that buyer from being paid', async (_when, action) => {
    const { customer } = attempt();
    harness.simulator.faults.add({ match: CUSTOMERS, action });
    authorized(await retried(() => harness.payments.authorizePayment(attempt({ customer }))));
    authorized(await retried(() => harness.payments.authorizePayment(attempt({ customer }))));
    expect(harness.simulator.state.customers()).toHaveLength(1);
  });
});

describe('a stored failure of another card', () => {
  it.each([
    ['before', STORED],
    ['after', STORED_AFTER],
  ] as const)('%s the effect ends in one hold on the same PaymentIntent', async (_when, action) => {
    const first = attempt({ paymentMethod: 'pm_card_chargeDeclined' });
    const declined = await harness.payments.authorizePayment(first);
    const paymentIntentId = declined.status === 'declined' ? (declined.paymentIntentId ?? '') : '';
    harness.simulator.faults.add({ match: { pathPattern: '/confirm$' }, action });
    const second = { ...first, attempt: 2, paymentMethod: 'pm_card_visa', paymentIntentId };
    const held = authorized(await retried(() => harness.payments.authorizePayment(second)));
    expect(held.paymentIntentId).toBe(paymentIntentId);
    expect(harness.simulator.state.chargesOf(paymentIntentId).filter((one) => one.paid)).toHaveLength(1);
    expect(keysSent(/confirm$/).length).toBeLessThanOrEqual(2);
  });
});

describe('a stored failure of a capture', () => {
  it.each([
    ['before', STORED],
    ['after', STORED_AFTER],
  ] as const)('%s the effect takes the money once, within two requests', async (_when, action) => {
    const input = attempt();
    const { paymentIntentId } = authorized(await harness.payments.authorizePayment(input));
    harness.simulator.faults.add({ match: { pathPattern: '/capture$' }, action });
    const capture = { orderId: input.orderId, paymentIntentId, amount: 2_000, final: true };
    expect(await retried(() => harness.payments.capturePayment(capture))).toMatchObject({ outcome: 'captured' });
    expect(harness.simulator.state.paymentIntent(paymentIntentId)?.amount_received).toBe(2_000);
    expect(keysSent(/capture$/).length).toBeLessThanOrEqual(2);
  });
});

describe('a stored failure of a cancel', () => {
  it('is no reason to ask under a key: the next one is another request', async () => {
    const input = attempt();
    authorized(await harness.payments.authorizePayment(input));
    harness.simulator.faults.add({ match: { pathPattern: '/cancel$' }, action: STORED });
    const undo = { orderId: input.orderId, attempts: 1, reason: 'checkout_not_completed' };
    expect(await retried(() => harness.payments.voidPayments(undo))).toMatchObject({ releasedAmount: 5_000 });
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
  });
});

describe('keys of ids that others made', () => {
  it('are sent for ids of any characters and of 255 of them', async () => {
    const customer = { id: 'Käufer 😀 '.repeat(20), email: 'buyer@example.com' };
    const input = attempt({ customer });
    const { paymentIntentId } = authorized(await harness.payments.authorizePayment(input));
    const trackingNumber = 'ö'.repeat(255);
    const shipment = { shipmentId: `dhl/${trackingNumber}`, lines: [], carrier: 'dhl', trackingNumber };
    const capture = { orderId: input.orderId, paymentIntentId, amount: 2_000, final: true, shipment };
    expect(await harness.payments.capturePayment(capture)).toMatchObject({ outcome: 'captured' });
  });
});
