import { holdPlan, iso } from '../../../../workflows/domain/shared/deadlines';
import { nextDue } from '../../../../workflows/domain/order/next-due';
import { DEFAULT_POLICY } from '../../../../workflows/domain/shared/policy';
import { waitingFor } from '../../../../workflows/domain/shared/waiting';
import { orderFacts, withoutHold } from '../../../support/facts/facts';
import { check, fc } from '../../../support/property';

const idle = { voidAtMs: 0, voidFailed: false, notBeforeMs: 0, pollAtMs: 0 };

describe('the plan of a hold', () => {
  it.each([
    ['a week', '2026-01-08T00:00:00.000Z', '2026-01-06T00:00:00.000Z', '2026-01-07T12:00:00.000Z'],
    ['a minute', '2026-01-01T00:01:00.000Z', '2026-01-01T00:00:30.000Z', '2026-01-01T00:00:45.000Z'],
    ['4 days and 18 hours', '2026-01-05T18:00:00.000Z', '2026-01-03T18:00:00.000Z', '2026-01-05T06:00:00.000Z'],
  ])('for a hold of %s', (_name, captureBefore, warnAt, actAt) => {
    const plan = holdPlan({ authorizedAt: '2026-01-01T00:00:00.000Z', captureBefore }, DEFAULT_POLICY);
    expect(plan).toMatchObject({ warnAt, actAt });
  });

  it('is all at its end for a hold that ended before it began', () => {
    const [authorizedAt, captureBefore] = ['2026-01-02T00:00:00.000Z', '2026-01-01T00:00:00.000Z'];
    expect(holdPlan({ authorizedAt, captureBefore }, DEFAULT_POLICY)).toEqual({
      ...{ warnAt: captureBefore, actAt: captureBefore, lastCallAt: captureBefore },
      checkAt: '2026-01-01T00:00:05.000Z',
    });
  });

  it('never warns after it acts, whatever the policy', () => {
    const hold = { authorizedAt: '2026-01-01T00:00:00.000Z', captureBefore: '2026-01-08T00:00:00.000Z' };
    const plan = holdPlan(hold, { holdWarnMs: 3_600_000, holdMarginMs: 7_200_000 });
    expect([plan.warnAt, plan.actAt]).toEqual(['2026-01-07T22:00:00.000Z', '2026-01-07T22:00:00.000Z']);
  });

  it('writes moments to the nearest millisecond', () => {
    expect([iso(0.4), iso(0.6)]).toEqual(['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.001Z']);
  });

  it('warns before it acts, acts before the end, and looks after it, whatever the hold and the policy', async () => {
    const ms = fc.integer({ min: 1_000, max: 40 * 86_400_000 });
    await check(
      'hold plan in order',
      fc.property(ms, ms, ms, (lifeMs, holdWarnMs, holdMarginMs) => {
        const start = Date.parse('2026-01-01T00:00:00.000Z');
        const captureBefore = new Date(start + lifeMs).toISOString();
        const plan = holdPlan(
          { authorizedAt: new Date(start).toISOString(), captureBefore },
          { holdWarnMs, holdMarginMs },
        );
        expect(plan.warnAt <= plan.actAt).toBe(true);
        expect(plan.actAt < captureBefore).toBe(true);
        expect(plan.checkAt > captureBefore).toBe(true);
        expect(Date.parse(plan.warnAt)).toBeGreaterThanOrEqual(start);
      }),
    );
  });
});

describe('what an order does next by itself', () => {
  const warned = { holdWarnedAt: '2026-01-06T00:00:00.000Z' };
  const exception = {
    kind: 'hold_decision',
    message: 'decide',
    owner: 'payments',
    raisedAt: '2026-01-07T12:00:00.000Z',
  } as const;
  it.each([
    ['warn of its hold', orderFacts(), 'warn_hold', '2026-01-06T00:00:00.000Z'],
    ['act on it once warned', orderFacts(warned), 'act_on_hold', '2026-01-07T12:00:00.000Z'],
    [
      'look whether it is gone once a person was asked',
      orderFacts({ ...warned, exception }),
      'check_hold',
      '2026-01-08T00:00:05.000Z',
    ],
    ['get a hold where it has none', withoutHold({ paymentState: 'expired' }), 'authorize', '1970-01-01T00:00:00.000Z'],
    [
      'get one, too, where its deadline is that of the next hold and not the customer’s',
      withoutHold({ paymentState: 'partially_captured', paymentDeadline: '2026-01-10T00:00:00.000Z' }),
      'authorize',
      '1970-01-01T00:00:00.000Z',
    ],
    [
      'take the money at once where the order says so',
      orderFacts({ captureOn: 'order' }),
      'capture_order',
      '1970-01-01T00:00:00.000Z',
    ],
    [
      'watch that what is paid ships',
      withoutHold({ paymentState: 'captured', state: 'paid' }),
      'shipment_overdue',
      '2026-01-15T00:00:00.000Z',
    ],
  ])('is to %s', (_name, facts, kind, at) => {
    expect(nextDue(facts, idle)).toMatchObject({ kind, atMs: Date.parse(at) });
  });

  it('is nothing where a person decides whether a card is held again', () => {
    for (const kind of ['hold_stopped', 'hold_cancelled'] as const) {
      const asked = { exception: { ...exception, kind } };
      expect(nextDue(withoutHold({ paymentState: 'expired', ...asked }), idle)).toBeUndefined();
      expect(nextDue(orderFacts({ ...warned, ...asked }), idle)?.kind).toBe(
        kind === 'hold_stopped' ? 'check_hold' : 'act_on_hold',
      );
    }
  });

  it('is not to capture what is held once everything captured was refunded', () => {
    const amounts = { authorized: 6990, captured: 1000, released: 0, refundPending: 0, refunded: 1000 };
    expect(nextDue(orderFacts({ ...warned, captureOn: 'order', amounts }), idle)).toMatchObject({
      kind: 'act_on_hold',
    });
  });

  it('is to let a replaced hold go, also of an order that is done', () => {
    const facts = withoutHold({ state: 'delivered', paymentState: 'captured', supersededHolds: ['pi_0'] });
    expect(nextDue(facts, idle)).toMatchObject({ kind: 'let_go', atMs: 0 });
  });

  it('is nothing for one that is done, and settling before anything else', () => {
    expect(nextDue(withoutHold({ state: 'cancelled', paymentState: 'voided' }), idle)).toBeUndefined();
    expect(nextDue(orderFacts(), { ...idle, retryAtMs: 5 })).toMatchObject({ kind: 'settle', atMs: 5 });
  });

  it('is to ask Stripe until the deadline, then to give up, while the customer must pay', () => {
    const facts = withoutHold({
      paymentState: 'payment_needed',
      pendingPaymentIntentId: 'pi_2',
      paymentDeadline: '2026-01-10T00:00:00.000Z',
    });
    const deadlineMs = Date.parse('2026-01-10T00:00:00.000Z');
    expect(nextDue(facts, { ...idle, pollAtMs: 7 })).toMatchObject({ kind: 'poll_payment', atMs: 7 });
    expect(nextDue(facts, { ...idle, pollAtMs: deadlineMs })).toMatchObject({
      kind: 'payment_deadline',
      atMs: deadlineMs,
    });
    const { hold } = orderFacts();
    const held = { ...facts, ...(hold && { hold }) };
    expect(nextDue(held, { ...idle, pollAtMs: deadlineMs })).toMatchObject({
      kind: 'check_hold',
      atMs: Date.parse('2026-01-08T00:00:05.000Z'),
    });
    expect(waitingFor(facts)).toMatchObject({ on: 'customer', until: '2026-01-10T00:00:00.000Z' });
  });

  it('is not tried again before a pause is over', () => {
    expect(nextDue(withoutHold({ paymentState: 'expired' }), { ...idle, notBeforeMs: 99 })).toMatchObject({ atMs: 99 });
  });
});

describe('whom an order waits for', () => {
  it.each([
    ['the warehouse while a hold stands', orderFacts(), 'warehouse', '2026-01-07T12:00:00.000Z'],
    [
      'the provider while a hold is being got',
      withoutHold({ paymentState: 'partially_captured' }),
      'provider',
      '2026-01-15T00:00:00.000Z',
    ],
    [
      'the warehouse when it is paid',
      withoutHold({ paymentState: 'captured', state: 'paid' }),
      'warehouse',
      '2026-01-15T00:00:00.000Z',
    ],
  ])('is %s', (_name, facts, on, until) => {
    expect(waitingFor(facts)).toMatchObject({ on, until });
  });

  it('is nobody once it is done', () => {
    expect(waitingFor(withoutHold({ state: 'delivered', paymentState: 'captured' }))).toBeUndefined();
  });
});
