import { workflowIds } from '../../../workflows/kit/names';
import { eventually } from '../../support/time/eventually';
import { everything, mugs, parcel, shopForThisFile } from '../../support/shop';
import { createWorld } from '../../support/world';

// Stripe says no to a capture while the hold stands: nothing was taken, and the order goes on.
const { world, shop } = shopForThisFile();
afterEach(() => world().simulator.faults.clear());

const CAPTURE = { method: 'POST', pathPattern: '/capture$' };

/** Stripe refuses captures from now on, until the rule is cleared. */
function refuseCaptures(code: string, param?: string): string {
  const action = { kind: 'refusal', code, ...(param === undefined ? {} : { param }) } as const;
  return world().simulator.faults.add({ match: CAPTURE, action, times: Infinity });
}

async function casesOf(orderId: string) {
  const all = await world().dependencies.queries.listExceptions();
  return all.filter((one) => one.workflowId === workflowIds.order(orderId));
}

async function caseOf(orderId: string) {
  await eventually('a case to be open', async () => (await casesOf(orderId)).length === 1);
  return (await casesOf(orderId))[0];
}

const noCase = (orderId: string) =>
  eventually('the case to be closed', async () => (await casesOf(orderId)).length === 0);

const taken = (orderId: string) => shop.intentsOf(orderId).reduce((sum, one) => sum + one.amount_received, 0);

const PRICE_OF_A_MUG = 1290 + 490 + 199;

describe('a capture that Stripe refuses', () => {
  it.each([
    ['amount_too_small', 'amount_to_capture'],
    ['amount_too_large', 'amount_to_capture'],
    ['charge_disputed', undefined],
    ['resource_missing', 'intent'],
    ['parameter_unknown', 'x'],
    ['payment_intent_unexpected_state', undefined],
  ])('with %s is answered at once, and a person gets an exception with the amount', async (code, param) => {
    const orderId = await shop.place();
    refuseCaptures(code, param);
    const answer = await world().holdfast.ship(orderId, mugs(1));
    expect(answer).toMatchObject({ accepted: false, reason: 'payment_refused' });
    expect('message' in answer && answer.message).toContain(code);
    expect(await caseOf(orderId)).toMatchObject({
      ...{ kind: 'capture_refused', owner: 'payments', amountAtRisk: PRICE_OF_A_MUG, currency: 'eur' },
    });
    expect(taken(orderId)).toBe(0);
  });

  it('holds up neither another parcel nor the cancel of the rest', async () => {
    const orderId = await shop.place();
    const fault = refuseCaptures('amount_too_large', 'amount_to_capture');
    await world().holdfast.ship(orderId, mugs(1));
    world().simulator.faults.clear(fault);
    const teapot = parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]);
    expect(await world().holdfast.ship(orderId, teapot)).toMatchObject({ accepted: true });
    // The refused parcel has not shipped: its case stays until it has, or nothing is left to ship.
    expect(await casesOf(orderId)).toMatchObject([{ kind: 'capture_refused' }]);
    expect(await world().holdfast.cancel(orderId, { reason: 'enough' })).toMatchObject({ accepted: true });
    await noCase(orderId);
  });

  it('does not keep the order from being cancelled', async () => {
    const orderId = await shop.place();
    refuseCaptures('charge_disputed');
    await world().holdfast.ship(orderId, everything());
    expect(await world().holdfast.cancel(orderId, { reason: 'no money' })).toMatchObject({
      ...{ accepted: true, state: 'cancelled', releasedAmount: 7970 },
    });
    await noCase(orderId);
  });

  it('is tried again by the same command, and by a corrected one with the same tracking number', async () => {
    const orderId = await shop.place();
    const fault = refuseCaptures('charge_disputed');
    const command = mugs(1);
    await world().holdfast.ship(orderId, command);
    expect(await world().holdfast.ship(orderId, command)).toMatchObject({ reason: 'payment_refused' });
    world().simulator.faults.clear(fault);
    const corrected = { ...command, lines: [{ sku: 'MUG-BLUE', quantity: 2 }] };
    expect(await world().holdfast.ship(orderId, corrected)).toMatchObject({ accepted: true });
    await noCase(orderId);
    expect(taken(orderId)).toBe(2580 + 490 + 398);
  });

  it('can be dismissed by a person', async () => {
    const orderId = await shop.place();
    refuseCaptures('amount_too_small', 'amount_to_capture');
    await world().holdfast.ship(orderId, mugs(1));
    const command = { kind: 'capture_refused', action: 'dismiss', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowIds.order(orderId), command)).toMatchObject({
      accepted: true,
    });
    await noCase(orderId);
  });

  it('has an unknown outcome when an earlier request was not answered and Stripe does not show the payment now', async () => {
    const orderId = await shop.place();
    const [intent] = shop.intentsOf(orderId);
    const { faults } = world().simulator;
    faults.add({ match: CAPTURE, action: { kind: 'reset', when: 'after' } });
    const action = { kind: 'refusal', code: 'resource_missing', param: 'intent' } as const;
    const hidden = faults.add({ match: { pathPattern: String(intent?.id) }, action, times: Infinity });
    const command = mugs(1);
    expect(await world().holdfast.ship(orderId, command)).toMatchObject({ reason: 'outcome_unknown' });
    expect(await caseOf(orderId)).toMatchObject({ kind: 'capture_unknown' });
    expect(taken(orderId)).toBe(PRICE_OF_A_MUG);
    // Given up while nothing can be seen, it stays what it is.
    const giveUp = { kind: 'capture_unknown', action: 'give_up', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowIds.order(orderId), giveUp)).toMatchObject({
      accepted: false,
    });
    expect(await caseOf(orderId)).toMatchObject({ kind: 'capture_unknown' });
    faults.clear(hidden);
    expect(await world().holdfast.ship(orderId, command)).toMatchObject({ accepted: true });
    await noCase(orderId);
    expect(taken(orderId)).toBe(PRICE_OF_A_MUG);
  });

  it('because Stripe does not know the payment tells people to check the key and the mode', async () => {
    const orderId = await shop.place();
    const [intent] = shop.intentsOf(orderId);
    refuseCaptures('resource_missing', 'intent');
    const answer = await world().holdfast.ship(orderId, mugs(1));
    const opened = await caseOf(orderId);
    for (const text of ['message' in answer ? answer.message : '', opened?.message]) {
      expect(text).toContain(`Stripe does not know ${String(intent?.id)}`);
      expect(text).toContain('secret key');
      expect(text).not.toContain('still held');
    }
  });

  it('shares one exception with every parcel that is still refused, with what these cost', async () => {
    const orderId = await shop.place();
    const fault = refuseCaptures('charge_disputed');
    const mug = mugs(1);
    const teapot = parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]);
    await world().holdfast.ship(orderId, mug);
    const first = await caseOf(orderId);
    await world().holdfast.ship(orderId, teapot);
    const both = await caseOf(orderId);
    expect(both).toMatchObject({ exceptionId: first?.exceptionId, owner: 'payments' });
    expect(both?.message).toContain(mug.trackingNumber);
    expect(both?.message).toContain(teapot.trackingNumber);
    expect(both?.amountAtRisk).toBeGreaterThan(PRICE_OF_A_MUG);
    world().simulator.faults.clear(fault);
    expect(await world().holdfast.ship(orderId, teapot)).toMatchObject({ accepted: true });
    const left = await caseOf(orderId);
    expect(left?.message).toContain(mug.trackingNumber);
    expect(left?.message).not.toContain(teapot.trackingNumber);
    // Its pieces leave in another parcel.
    const other = mugs(1);
    expect(await world().holdfast.ship(orderId, other)).toMatchObject({
      ...{ accepted: true, capturedAmount: left?.amountAtRisk },
    });
    await noCase(orderId);
  });

  it('keeps an unknown outcome when the look at the payment fails too', async () => {
    const orderId = await shop.place();
    refuseCaptures('amount_too_large', 'amount_to_capture');
    const look = world().simulator.faults.add({
      match: { method: 'GET', pathPattern: '^/v1/payment_intents/' },
      action: { kind: 'refusal', code: 'secret_key_required' },
      times: Infinity,
    });
    expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject({ reason: 'outcome_unknown' });
    expect(await caseOf(orderId)).toMatchObject({ kind: 'capture_unknown', amountAtRisk: PRICE_OF_A_MUG });
    world().simulator.faults.clear(look);
    // The next command settles it first.
    expect(await world().holdfast.cancel(orderId, { reason: 'enough' })).toMatchObject({ accepted: true });
    await noCase(orderId);
  });
});

describe('the money of a whole order that Stripe refuses', () => {
  const captures = () => world().simulator.faults.list()[0]?.fired ?? 0;

  it('is one exception, and the order sleeps until a person has decided', async () => {
    const fault = refuseCaptures('amount_too_large', 'amount_to_capture');
    const orderId = await shop.place({ captureOn: 'order' });
    expect(await caseOf(orderId)).toMatchObject({ kind: 'capture_refused', amountAtRisk: 7970, currency: 'eur' });
    const before = captures();
    await shop.forward(orderId, 3 * 3_600_000);
    // Steps go one after another: what the order does by itself comes before this.
    expect(await world().holdfast.deliver(orderId)).toMatchObject({ reason: 'nothing_shipped' });
    expect(captures()).toBe(before);
    expect(await casesOf(orderId)).toHaveLength(1);
    world().simulator.faults.clear(fault);
    // Dismissed, the order does by itself again what was refused.
    const command = { kind: 'capture_refused', action: 'dismiss', actor: 'person-1' } as const;
    await world().holdfast.resolveException(workflowIds.order(orderId), command);
    await shop.paid(orderId);
    await noCase(orderId);
  });

  it('is captured again when a person dismisses the exception, whose amount is what no parcel has paid yet', async () => {
    const fault = refuseCaptures('amount_too_large', 'amount_to_capture');
    const orderId = await shop.place({ captureOn: 'order' });
    expect((await caseOf(orderId))?.message).toContain('dismiss this case');
    world().simulator.faults.clear(fault);
    expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: true });
    expect(await caseOf(orderId)).toMatchObject({ kind: 'capture_refused', amountAtRisk: 7970 - PRICE_OF_A_MUG });
  });

  it('is the answer to the person who decides on a hold, and the decision stays open', async () => {
    const asking = await createWorld({ policy: { onHoldExpiring: 'ask' } });
    try {
      const orderId = await shop.place({}, asking);
      await shop.forwardToEndOfHold(orderId, 3_600_000, asking);
      const kinds = async () => (await asking.dependencies.queries.listExceptions()).map((one) => one.kind).sort();
      await eventually('the decision to be asked for', async () => (await kinds()).includes('hold_decision'));
      const action = { kind: 'refusal', code: 'charge_disputed' } as const;
      const fault = asking.simulator.faults.add({ match: CAPTURE, action, times: Infinity });
      const decision = { action: 'capture', actor: 'person-1' } as const;
      expect(await asking.holdfast.decideHold(orderId, decision)).toMatchObject({ reason: 'payment_refused' });
      expect(await kinds()).toEqual(['capture_refused', 'hold_decision']);
      asking.simulator.faults.clear(fault);
      expect(await asking.holdfast.decideHold(orderId, decision)).toMatchObject({ accepted: true });
      expect(await kinds()).toEqual([]);
    } finally {
      await asking.close();
    }
  });

  it('before the end of a hold is one exception, and nothing more is tried', async () => {
    const capturing = await createWorld({ policy: { onHoldExpiring: 'capture' } });
    try {
      const action = { kind: 'refusal', code: 'charge_disputed' } as const;
      capturing.simulator.faults.add({ match: CAPTURE, action, times: Infinity });
      const orderId = await shop.place({}, capturing);
      await shop.forwardToEndOfHold(orderId, 11 * 3_600_000, capturing);
      const open = () => capturing.dependencies.queries.listExceptions();
      await eventually('a case to be open', async () => (await open()).length === 1);
      expect(await open()).toMatchObject([{ kind: 'capture_refused', amountAtRisk: 7970 }]);
      await shop.forwardToEndOfHold(orderId, 3_600_000, capturing);
      expect(await capturing.holdfast.deliver(orderId)).toMatchObject({ reason: 'nothing_shipped' });
      expect(capturing.simulator.faults.list()).toMatchObject([{ fired: 1 }]);
      expect(await open()).toHaveLength(1);
    } finally {
      await capturing.close();
    }
  });
});
