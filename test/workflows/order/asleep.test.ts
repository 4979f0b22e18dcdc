import { DEFAULT_POLICY } from '../../../workflows/domain/shared/policy';
import { holdPlan } from '../../../workflows/domain/shared/deadlines';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import { workflowIds, workflowTypes } from '../../../workflows/kit/names';
import { searchAttributes } from '../../../workflows/kit/search-attributes';
import { sleepingOrderStart } from '../../../workflows/order/sleeping-start';
import { createOrderWorker } from '../../../workers/dependencies/temporal';
import { orderFacts, withoutHold } from '../../support/facts/facts';
import { getNativeConnection, testEnvironment, workflowBundle } from '../../support/environment';
import { eventually } from '../../support/time/eventually';
import { violations } from '../../support/invariants/invariants';
import { everything, hasWorkflow, Shop, shopForThisFile } from '../../support/shop';
import { sampleCart } from '../../support/carts';
import { createWorld } from '../../support/world';

const { world, shop } = shopForThisFile();

const handleOf = (orderId: string) => world().client.workflow.getHandle(workflowIds.order(orderId));
const eventsOf = async (orderId: string): Promise<number> =>
  (await handleOf(orderId).fetchHistory()).events?.length ?? 0;

/** An order that was started and has had no workflow task. */
async function asleep(): Promise<string> {
  const orderId = await shop.place();
  expect(await eventsOf(orderId)).toBe(1);
  return orderId;
}

describe('an order that was placed sleeps', () => {
  it('in one history event, and shows in Temporal who must act next', async () => {
    const orderId = await asleep();
    const { waitingUntil } = await shop.view(orderId);
    const described = await handleOf(orderId).describe();
    const shown = Object.fromEntries(
      described.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value] as const),
    );
    expect(shown).toEqual({
      OrderId: orderId,
      OrderState: 'allocated',
      PaymentState: 'authorized',
      WaitingOn: 'warehouse',
      WaitingUntil: new Date(waitingUntil ?? ''),
      Channel: 'web',
    });
    expect(await described.staticDetails()).toContain('Waits for the **warehouse** until');
    const found = await eventually('it to be listed', async () => {
      const query = `OrderId = '${orderId}' AND WaitingOn = 'warehouse'`;
      for await (const one of world().client.workflow.list({ query })) return one;
      return undefined;
    });
    expect(found.workflowId).toBe(workflowIds.order(orderId));
  });

  it('and its status is answered although no query reaches it', async () => {
    const orderId = await asleep();
    const { waitingUntil } = await shop.view(orderId);
    expect(await world().holdfast.status(orderId)).toEqual({
      orderId,
      step: 'asleep',
      waiting: { on: 'warehouse', until: waitingUntil, why: expect.stringContaining('sleeps') },
    });
    expect(await eventsOf(orderId)).toBe(1);
  });

  it('until its first deadline: the shop is warned that the hold ends soon', async () => {
    const orderId = await asleep();
    const { hold } = (await world().dependencies.queries.factsOf([orderId]))[0] as OrderFacts;
    if (hold === undefined) throw new Error('no hold is open');
    const { warnAt } = holdPlan(hold, DEFAULT_POLICY);
    await shop.forwardToEndOfHold(orderId, Date.parse(hold.captureBefore) - Date.parse(warnAt) - 60_000);
    const facts = await world().dependencies.queries.factsOf([orderId]);
    expect(facts).toMatchObject([{ holdWarnedAt: expect.any(String), hold: { captureBefore: hold.captureBefore } }]);
  });

  it('unless its money is captured as soon as it is placed', async () => {
    const orderId = await shop.place({ captureOn: 'order' });
    await shop.paid(orderId);
    expect((await shop.view(orderId)).state).toBe('paid');
  });
});

describe('an order that sleeps is woken', () => {
  it('by a shipment, and costs at most 18 history events until it is delivered', async () => {
    const orderId = await asleep();
    expect(await world().holdfast.ship(orderId, everything())).toMatchObject({ accepted: true, capturedAmount: 7970 });
    expect(await world().holdfast.deliver(orderId)).toMatchObject({ accepted: true, state: 'delivered' });
    await shop.endOf(orderId);
    expect(await eventsOf(orderId)).toBeLessThanOrEqual(18);
    expect((await handleOf(orderId).describe()).typedSearchAttributes.get(searchAttributes.orderState)).toBe(
      'delivered',
    );
  });

  it('by a cancel, and by the same cancel again', async () => {
    const orderId = await asleep();
    const cancel = { reason: 'changed_mind' };
    const options = { idempotencyKey: `cancel-${orderId}` };
    const first = await world().holdfast.cancel(orderId, cancel, options);
    expect(first).toMatchObject({ accepted: true, state: 'cancelled', releasedAmount: 7970 });
    expect(await world().holdfast.cancel(orderId, cancel, options)).toEqual(first);
    expect(shop.intentsOf(orderId)).toMatchObject([{ status: 'canceled' }]);
  });

  it('by an operator’s cancel request in Temporal, which cancels the order', async () => {
    const orderId = await asleep();
    await handleOf(orderId).cancel();
    expect(await shop.endOf(orderId)).toEqual({ orderId, state: 'cancelled' });
    expect(shop.intentsOf(orderId)).toMatchObject([{ status: 'canceled' }]);
  });

  it('by a payment that a person cancelled at the provider', async () => {
    const orderId = await asleep();
    await world().dependencies.stripe.paymentIntents.cancel(shop.intentsOf(orderId)[0]?.id ?? '');
    await eventually('the exception', async () => (await shop.view(orderId)).exception?.kind === 'hold_cancelled');
    expect(await world().holdfast.cancel(orderId, { reason: 'changed_mind' })).toMatchObject({ accepted: true });
  });

  it('by a command that was sent before the relay started it: once, and the relay leaves it alone', async () => {
    const answer = await world().holdfast.checkout(sampleCart());
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    const { orderId } = answer;
    expect(await world().holdfast.cancel(orderId, { reason: 'changed_mind' })).toMatchObject({ accepted: true });
    const { runId } = await handleOf(orderId).describe();
    const [facts] = await world().dependencies.queries.factsOf([orderId]);
    const start = sleepingOrderStart(facts as OrderFacts, world().taskQueue, Date.now());
    const again = { ...start, workflowIdReusePolicy: 'REJECT_DUPLICATE' } as const;
    await expect(world().client.workflow.start(workflowTypes.order, again)).rejects.toThrow('already started');
    expect((await handleOf(orderId).describe()).runId).toBe(runId);
  });
});

it('a command to an order that sleeps while no worker runs is answered once one is back', async () => {
  const alone = await createWorld({ withoutWorker: true });
  const startWorker = async () => {
    const worker = await createOrderWorker({
      connection: await getNativeConnection(),
      namespace: testEnvironment().temporalNamespace,
      taskQueue: alone.taskQueue,
      activities: alone.dependencies.activities,
      dataConverter: alone.dependencies.dataConverter,
      workflowBundle: workflowBundle(),
    });
    const running = worker.run();
    return async () => {
      worker.shutdown();
      await running;
    };
  };
  try {
    const stop = await startWorker();
    const answer = await alone.holdfast.checkout(sampleCart());
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    const { orderId } = answer;
    await eventually('the order to have its workflow', () => hasWorkflow(alone.client, orderId));
    await stop();
    expect(await alone.holdfast.status(orderId)).toMatchObject({ step: 'asleep' });
    const cancelling = alone.holdfast.cancel(orderId, { reason: 'changed_mind' });
    await alone.client.workflow.getHandle(workflowIds.order(orderId)).signal('orderChanged');
    const stopAgain = await startWorker();
    expect(await cancelling).toMatchObject({ accepted: true, state: 'cancelled' });
    await new Shop(() => alone).endOf(orderId);
    await stopAgain();
    expect(await violations(alone)).toEqual([]);
  } finally {
    await alone.close();
  }
});

describe('how long an order sleeps', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  const untilOf = (facts: OrderFacts): string | undefined => {
    const { startDelay } = sleepingOrderStart(facts, 'queue', nowMs);
    return startDelay === undefined ? undefined : new Date(nowMs + startDelay).toISOString();
  };
  const unwarned = { ...DEFAULT_POLICY, holdWarnMs: 0, onHoldExpiring: 'releaseThenRetry' } as const;

  it.each<[string, string | undefined, OrderFacts]>([
    ['until the shop is to be warned of its hold', '2026-01-06T00:00:00.000Z', orderFacts()],
    [
      'until it should have shipped, where that comes first',
      '2026-01-02T00:00:00.000Z',
      orderFacts({ policy: { ...DEFAULT_POLICY, handlingLimitMs: 24 * 3_600_000 } }),
    ],
    [
      'never past what it shows, though it acts on its hold at the last call: a dispute would bring that forward',
      '2026-01-07T12:00:00.000Z',
      orderFacts({ policy: unwarned }),
    ],
    ['not at all where it has ended', undefined, orderFacts({ state: 'cancelled', paymentState: 'voided' })],
    ['not at all where it has no hold', undefined, withoutHold()],
    ['not at all where its money is taken at once', undefined, orderFacts({ captureOn: 'order' })],
    ['not at all where a hold that was replaced is to be voided', undefined, orderFacts({ supersededHolds: ['pi_0'] })],
    ['not at all where its time has come', undefined, orderFacts({ placedAt: '2025-11-01T00:00:00.000Z' })],
  ])('%s', (_name, until, facts) => {
    expect(untilOf(facts)).toBe(until);
  });

  it('the details of an order fit, however many lines it has', () => {
    const lines = Array.from({ length: 500 }, (_, line) => ({
      ...{ sku: `SKU-${'x'.repeat(90)}-${line}`, quantity: 1, unitAmount: 1, shipped: 0, cancelled: 0 },
    }));
    expect(sleepingOrderStart(orderFacts({ lines }), 'queue', nowMs).staticDetails?.length).toBeLessThan(4_000);
  });
});
