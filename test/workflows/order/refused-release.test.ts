import { workflowIds } from '../../../workflows/kit/names';
import { eventually } from '../../support/time/eventually';
import { mugs, shopForThisFile } from '../../support/shop';
import { createWorld } from '../../support/world';
import type { World } from '../../support/world';

// Stripe says no to the cancel of a hold: a person hears so at once, and what can go on goes on.
const { world, shop } = shopForThisFile();
afterEach(() => world().simulator.faults.clear());

function refuse(pathPattern: string, code: string, method = 'POST', where = world()): string {
  const match = { method, pathPattern };
  return where.simulator.faults.add({ match, action: { kind: 'refusal', code }, times: Infinity });
}

async function casesOf(orderId: string, where: World = world()) {
  const all = await where.dependencies.queries.listExceptions();
  return all.filter((one) => one.workflowId === workflowIds.order(orderId));
}

describe('the cancel of an order whose hold Stripe refuses to void', () => {
  it.each(['payment_intent_unexpected_state', 'charge_disputed', 'parameter_unknown'])(
    'with %s is a case with the amount at once, and is done by the next try',
    async (code) => {
      const orderId = await shop.place();
      const fault = refuse('/cancel$', code);
      const answer = await world().holdfast.cancel(orderId, { reason: 'not wanted' });
      expect(answer).toMatchObject({ accepted: false, reason: 'needs_person' });
      expect('message' in answer && answer.message).toContain(code);
      expect(await casesOf(orderId)).toMatchObject([
        { kind: 'cancel_unknown', owner: 'payments', amountAtRisk: 7970, currency: 'eur' },
      ]);
      world().simulator.faults.clear(fault);
      expect(await world().holdfast.cancel(orderId, { reason: 'not wanted' })).toMatchObject({
        ...{ accepted: true, releasedAmount: 7970 },
      });
      expect(await casesOf(orderId)).toEqual([]);
    },
  );

  it('whose hold Stripe does not know is carried out, and a person gets an exception for the hold', async () => {
    const orderId = await shop.place();
    const [intent] = shop.intentsOf(orderId);
    refuse('/cancel$', 'resource_missing');
    refuse('^/v1/payment_intents/[^/]+$', 'resource_missing', 'GET');
    expect(await world().holdfast.cancel(orderId, { reason: 'not wanted' })).toMatchObject({
      ...{ accepted: true, state: 'cancelled' },
    });
    await shop.endOf(orderId);
    const [raised] = await casesOf(orderId);
    expect(raised).toMatchObject({ kind: 'void_failed', owner: 'payments', amountAtRisk: 7970, currency: 'eur' });
    expect(raised?.message).toContain(intent?.id);
    world().simulator.faults.clear();
    await world().dependencies.stripe.paymentIntents.cancel(intent?.id ?? '');
    const workflowId = workflowIds.order(orderId);
    const command = { kind: 'void_failed', action: 'dismiss', actor: 'person-1' } as const;
    expect(await world().dependencies.queries.dismissException({ workflowId, ...command })).toBe(true);
  });

  it('is completed by a retry once Stripe knows the hold again, which closes the exception', async () => {
    const orderId = await shop.place();
    const [intent] = shop.intentsOf(orderId);
    const workflowId = workflowIds.order(orderId);
    const retry = { kind: 'void_failed', action: 'retry', actor: 'person-1' } as const;
    refuse(`${String(intent?.id)}/cancel$`, 'resource_missing');
    refuse(`${String(intent?.id)}$`, 'resource_missing', 'GET');
    await world().holdfast.cancel(orderId, { reason: 'not wanted' });
    await shop.endOf(orderId);
    const answer = await world().holdfast.resolveException(workflowId, retry);
    expect(answer).toMatchObject({ accepted: false, reason: 'outcome_unknown' });
    expect(JSON.stringify(answer)).toContain(intent?.id);
    expect(await casesOf(orderId)).toMatchObject([{ kind: 'void_failed' }]);
    world().simulator.faults.clear();
    expect(await world().holdfast.resolveException(workflowId, retry)).toMatchObject({ accepted: true });
    expect(shop.intentsOf(orderId)).toMatchObject([{ status: 'canceled' }]);
    expect(await casesOf(orderId)).toEqual([]);
    expect((await shop.view(orderId)).amounts).toMatchObject({ authorized: 7970, captured: 0, released: 7970 });
  });

  it('can be given up by a person, and the order ships', async () => {
    const orderId = await shop.place();
    refuse('/cancel$', 'charge_disputed');
    await world().holdfast.cancel(orderId, { reason: 'not wanted' });
    const giveUp = { kind: 'cancel_unknown', action: 'give_up', actor: 'person-1' } as const;
    await world().holdfast.resolveException(workflowIds.order(orderId), giveUp);
    world().simulator.faults.clear();
    expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: true });
  });
});

describe('a step that an order takes by itself and Stripe refuses', () => {
  it('has an owner at once: a renewal whose request is wrong', async () => {
    const orderId = await shop.place();
    const fault = refuse('^/v1/payment_intents$', 'parameter_unknown');
    // The first try, and none of those that follow it.
    await shop.forwardToEndOfHold(orderId, 12 * 3_600_000 - 20_000);
    await eventually('a case to be open', async () => (await casesOf(orderId)).length === 1);
    expect(await casesOf(orderId)).toMatchObject([
      { kind: 'reauthorization_unknown', amountAtRisk: 7970, currency: 'eur' },
    ]);
    world().simulator.faults.clear(fault);
    await shop.forward(orderId, 11 * 60_000);
    await eventually('its case to be closed', async () => (await casesOf(orderId)).length === 0);
  });

  it('has an owner: the void of a hold before a new one is requested', async () => {
    const releasing = await createWorld({ policy: { onHoldExpiring: 'releaseThenRetry' } });
    try {
      const orderId = await shop.place({}, releasing);
      const fault = refuse('/cancel$', 'charge_disputed', 'POST', releasing);
      await shop.forwardToEndOfHold(orderId, 60_000, releasing);
      await eventually('a case to be open', async () => (await casesOf(orderId, releasing)).length === 1);
      expect(await casesOf(orderId, releasing)).toMatchObject([
        { kind: 'step_failed', owner: 'payments', amountAtRisk: 7970, currency: 'eur' },
      ]);
      releasing.simulator.faults.clear(fault);
      await shop.forward(orderId, 11 * 60_000);
      await eventually('its case to be closed', async () => (await casesOf(orderId, releasing)).length === 0);
    } finally {
      await releasing.close();
    }
  });
});
