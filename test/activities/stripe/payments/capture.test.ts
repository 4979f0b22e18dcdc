import { captureKey } from '../../../../workflows/domain/shared/operation-keys';
import type { CapturePaymentInput } from '../../../../workflows/payment/ports';
import { readProviderTruth } from '../../../../activities/stripe';
import { attempt, authorized, retried, startHarness, type Harness } from '../harness';

let harness: Harness;
afterEach(() => harness.stop());

async function held(options: Parameters<typeof startHarness>[0] = {}): Promise<CapturePaymentInput> {
  harness = await startHarness(options);
  const input = attempt();
  const { paymentIntentId } = authorized(await harness.payments.authorizePayment(input));
  return { orderId: input.orderId, paymentIntentId, amount: 2_000, final: true };
}

function parcel(
  input: CapturePaymentInput,
  shipmentId: string,
  changes: Partial<CapturePaymentInput> = {},
): CapturePaymentInput {
  const shipment = { shipmentId, lines: [{ sku: 'A', quantity: 1 }], carrier: 'dhl', trackingNumber: shipmentId };
  return { ...input, shipment, ...changes };
}

const taken = (id: string) => harness.simulator.state.paymentIntent(id)?.amount_received;
const outcomes = () =>
  harness.store.captures.map(({ outcome: { capturedAmount, releasedAmount } }) => ({ capturedAmount, releasedAmount }));

describe('capturePayment', () => {
  it('captures the amount and reports what was released', async () => {
    const input = await held();
    expect(await harness.payments.capturePayment(input)).toMatchObject({ outcome: 'captured' });
    expect(taken(input.paymentIntentId)).toBe(2_000);
    expect(outcomes()).toEqual([{ capturedAmount: 2_000, releasedAmount: 3_000 }]);
  });

  it('captures once when it is called twice', async () => {
    const input = await held();
    await harness.payments.capturePayment(input);
    await harness.payments.capturePayment(input);
    expect(taken(input.paymentIntentId)).toBe(2_000);
    expect(harness.store.captures).toHaveLength(1);
  });

  it.each([
    ['reset before the effect', { kind: 'reset', when: 'before' }],
    ['reset after the effect', { kind: 'reset', when: 'after' }],
    ['500 stored after the effect', { kind: 'server_error', when: 'after', shouldRetry: false }],
    ['500 stored before the effect', { kind: 'server_error', when: 'during', shouldRetry: false }],
  ] as const)('takes it once in spite of a %s', async (_name, action) => {
    const input = await held();
    harness.simulator.faults.add({ match: { pathPattern: '/capture$' }, action, times: 2 });
    expect(await retried(() => harness.payments.capturePayment(input))).toMatchObject({ outcome: 'captured' });
    expect(taken(input.paymentIntentId)).toBe(2_000);
    expect(outcomes()).toEqual([{ capturedAmount: 2_000, releasedAmount: 3_000 }]);
  });

  it('knows its own capture again when the key is forgotten and the record was lost', async () => {
    const input = await held();
    await harness.payments.capturePayment(input);
    harness.store.captures.length = 0;
    harness.simulator.clock.advanceBy(25 * 3_600_000);
    expect(await harness.payments.capturePayment(input)).toMatchObject({ outcome: 'captured' });
    expect(taken(input.paymentIntentId)).toBe(2_000);
    expect(outcomes()).toEqual([{ capturedAmount: 2_000, releasedAmount: 3_000 }]);
  });

  it('captures several parcels from one hold if the charge allows it, each of them once', async () => {
    const input = await held({ multicapture: true });
    const first = parcel(input, 'one', { final: false });
    const second = parcel(input, 'two', { amount: 1_000 });
    await harness.payments.capturePayment(first);
    harness.store.captures.length = 0;
    harness.simulator.clock.advanceBy(25 * 3_600_000);
    await harness.payments.capturePayment(first);
    expect(taken(input.paymentIntentId)).toBe(2_000);
    await harness.payments.capturePayment(second);
    expect(taken(input.paymentIntentId)).toBe(3_000);
    expect(outcomes()).toEqual([
      { capturedAmount: 2_000, releasedAmount: 0 },
      { capturedAmount: 1_000, releasedAmount: 2_000 },
    ]);
  });

  it.each([
    ['canceled by the sweep', {}],
    ['expired, not swept yet', { expiryLagMs: 3_600_000 * 24 * 30 }],
    ['expired, by the older code', { expiryLagMs: 3_600_000 * 24 * 30, lateCaptureCode: 'charge_expired_for_capture' }],
  ] as const)('records a hold that is gone: %s', async (_name, options) => {
    const input = await held(options);
    harness.simulator.clock.advanceBy(8 * 24 * 3_600_000);
    expect(await harness.payments.capturePayment(input)).toMatchObject({ outcome: 'hold_expired' });
    expect(harness.store.expired).toEqual([input.paymentIntentId]);
    expect(harness.store.captures).toHaveLength(0);
    expect(taken(input.paymentIntentId)).toBe(0);
    // Nothing is left of it that the card could be held by beside the next hold.
    expect(harness.simulator.state.paymentIntent(input.paymentIntentId)?.status).toBe('canceled');
  });

  it('reports money that somebody else captured, and ships nothing for it', async () => {
    const input = await held();
    await harness.stripe.paymentIntents.capture(input.paymentIntentId);
    expect(await harness.payments.capturePayment(input)).toMatchObject({ outcome: 'changed' });
    expect(harness.store.captures).toHaveLength(0);
    expect(harness.store.recorded.at(-1)).toMatchObject({
      status: { status: 'captured', capturedAmount: 5_000 },
      capturedElsewhere: true,
    });
  });

  it('marks as many captures as a PaymentIntent may have, and leaves room in its metadata', async () => {
    const input = await held({ multicapture: true });
    for (let number = 1; number <= 50; number += 1) {
      const capture = parcel(input, `P${number}`, { amount: 100, final: number === 50 });
      expect(await harness.payments.capturePayment(capture)).toMatchObject({ outcome: 'captured' });
      const metadata = harness.simulator.state.paymentIntent(input.paymentIntentId)?.metadata ?? {};
      expect(Object.keys(metadata).length).toBeLessThanOrEqual(25);
    }
    expect(taken(input.paymentIntentId)).toBe(5_000);
  });

  it('does not take more than is held', async () => {
    const input = await held();
    const capture = { ...input, amount: 6_000 };
    expect(await harness.payments.capturePayment(capture)).toMatchObject({ outcome: 'payment_refused' });
    expect(taken(input.paymentIntentId)).toBe(0);
  });

  it.each(['amount_too_small', 'charge_disputed', 'resource_missing', 'parameter_unknown'])(
    'ends as refused where the provider says %s and the hold stands, and goes under another key later',
    async (code) => {
      const input = await held();
      const match = { method: 'POST', pathPattern: '/capture$', idempotencyKeyPattern: 'order$' };
      harness.simulator.faults.add({ match, action: { kind: 'refusal', code }, times: Infinity });
      const answer = await harness.payments.capturePayment(input);
      expect(answer).toMatchObject({ outcome: 'payment_refused', refusal: { code } });
      // The next capture is another request: the provider keeps its no under the first key.
      expect(await harness.payments.capturePayment({ ...input, amount: 1_000 })).toMatchObject({ outcome: 'captured' });
      expect(taken(input.paymentIntentId)).toBe(1_000);
    },
  );

  it('asks twice where the provider says that the hold is not open and shows that it is', async () => {
    const input = await held();
    const action = { kind: 'refusal', code: 'payment_intent_unexpected_state' } as const;
    const id = harness.simulator.faults.add({ match: { pathPattern: '/capture$' }, action, times: Infinity });
    expect(await harness.payments.capturePayment(input)).toMatchObject({ outcome: 'payment_refused' });
    expect(harness.simulator.faults.list()).toMatchObject([{ fired: 2 }]);
    harness.simulator.faults.clear(id);
    harness.simulator.faults.add({ match: { pathPattern: '/capture$' }, action });
    expect(await harness.payments.capturePayment(input)).toMatchObject({ outcome: 'captured' });
  });

  it('is refused where the provider knows no such payment', async () => {
    const input = await held();
    const capture = { ...input, paymentIntentId: 'pi_of_another_account' };
    expect(await harness.payments.capturePayment(capture)).toMatchObject({
      ...{ outcome: 'payment_refused', refusal: { code: 'resource_missing' } },
    });
  });

  it('captures on where a key was used up by a request with other contents', async () => {
    const input = await held();
    const key = captureKey(input);
    await harness.stripe.paymentIntents.update(input.paymentIntentId, { description: 'x' }, { idempotencyKey: key });
    expect(await harness.payments.capturePayment(input)).toMatchObject({ outcome: 'captured' });
    expect(taken(input.paymentIntentId)).toBe(2_000);
  });

  it('reports money that somebody else captured between the look and the refusal', async () => {
    const input = await held({ multicapture: true });
    harness.store.knownAmount = 0;
    const elsewhere = { amount_to_capture: 4_000, final_capture: false };
    const action = { kind: 'hold', when: 'before' } as const;
    const id = harness.simulator.faults.add({ match: { pathPattern: '/capture$' }, action });
    const ours = harness.payments.capturePayment(parcel(input, 'one', { final: false }));
    await harness.simulator.faults.untilHeld(id);
    await harness.stripe.paymentIntents.capture(input.paymentIntentId, elsewhere);
    harness.simulator.faults.release(id);
    expect(await ours).toMatchObject({ outcome: 'changed' });
    expect(taken(input.paymentIntentId)).toBe(4_000);
  });
});

describe('readProviderTruth', () => {
  it('reads every payment of ours, past the first page, and only of the orders asked for', async () => {
    const input = await held();
    await harness.payments.capturePayment(input);
    const other = { amount: 700, currency: 'eur', automatic_payment_methods: { enabled: true } };
    await harness.stripe.paymentIntents.create(other);
    for (let index = 0; index < 105; index += 1) {
      await harness.stripe.paymentIntents.create({ ...other, metadata: { holdfast_order_id: `filler_${index}` } });
    }
    const all = await readProviderTruth(harness.stripe);
    expect(all).toHaveLength(106);
    const { orderId, paymentIntentId } = input;
    expect(await readProviderTruth(harness.stripe, [orderId])).toEqual([
      {
        paymentIntentId,
        orderId,
        status: 'succeeded',
        currency: 'eur',
        amount: 5_000,
        amountCapturable: 0,
        amountReceived: 2_000,
      },
    ]);
  });
});
