import { workflowIds } from '../../../workflows/kit/names';
import { mugs, parcel, shopForThisFile } from '../../support/shop';
import { eventually } from '../../support/time/eventually';

// Stripe is away: whoever asks for something of an order is answered all the same, and nobody waits behind a step for hours.
const { world, shop } = shopForThisFile();
afterEach(() => world().simulator.faults.clear());

const MINUTE_MS = 60_000;
const unknown = { accepted: false, reason: 'outcome_unknown' };

function outage(): string {
  const action = { kind: 'server_error', when: 'before', status: 503 } as const;
  return world().simulator.faults.add({ match: { pathPattern: '.' }, action, times: Infinity });
}

/** An order of which one parcel is on its way. */
async function withParcel(): Promise<string> {
  const orderId = await shop.place();
  expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: true });
  await eventually('the rest to be held', async () => (await shop.view(orderId)).captureBefore !== null);
  return orderId;
}

const kindsOf = async (orderId: string): Promise<string[]> =>
  (await world().dependencies.queries.listExceptions())
    .filter((one) => one.workflowId === workflowIds.order(orderId))
    .map((one) => one.kind);

/** What was answered to commands, the first of which was begun before the others came, before so much of the order's time had passed. */
async function answeredIn(
  orderId: string,
  ms: number,
  commands: readonly (() => Promise<unknown>)[],
): Promise<unknown[]> {
  const answers: unknown[] = commands.map(() => 'no answer yet');
  for (const [index, ask] of commands.entries()) {
    void ask().then(
      (answer) => (answers[index] = answer),
      () => undefined,
    );
    await eventually('the first to be asked of Stripe', () => (world().simulator.faults.list()[0]?.fired ?? 0) > 0);
  }
  await shop.forward(orderId, ms);
  // A step that is under way at the end of the span takes as long as it takes.
  await eventually('the answers', () => answers.every((one) => one !== 'no answer yet')).catch(() => undefined);
  return answers;
}

describe('while Stripe is away', () => {
  it('a delivery behind a shipment is recorded within a minute; the shipment is completed later', async () => {
    const orderId = await withParcel();
    const fault = outage();
    const teapot = parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]);
    const asked = [() => world().holdfast.ship(orderId, teapot), () => world().holdfast.deliver(orderId)];
    expect(await answeredIn(orderId, MINUTE_MS, asked)).toMatchObject([unknown, { accepted: true }]);
    expect(await kindsOf(orderId)).toEqual(['capture_unknown']);
    world().simulator.faults.clear(fault);
    await shop.forward(orderId, 11 * MINUTE_MS);
    await eventually('the case to be closed', async () => (await kindsOf(orderId)).length === 0);
    expect((await shop.view(orderId)).shipments).toHaveLength(2);
    expect(await world().holdfast.ship(orderId, teapot)).toMatchObject({ accepted: true });
  });

  it('a cancel behind a shipment is answered, and is carried out once Stripe is back', async () => {
    const orderId = await withParcel();
    const fault = outage();
    const reason = { reason: 'changed my mind' };
    const asked = [() => world().holdfast.ship(orderId, mugs(1)), () => world().holdfast.cancel(orderId, reason)];
    expect(await answeredIn(orderId, 1.5 * MINUTE_MS, asked)).toMatchObject([unknown, unknown]);
    world().simulator.faults.clear(fault);
    // The parcel was asked for first, so its money is taken first.
    expect(await world().holdfast.cancel(orderId, reason)).toMatchObject({
      accepted: true,
      cancelledLines: [{ sku: 'TEAPOT-1L', quantity: 1 }],
    });
    expect((await shop.view(orderId)).shipments).toHaveLength(2);
  });

  it('a cancel is answered within a minute, stops what has not shipped, and completes by itself later', async () => {
    const orderId = await withParcel();
    const fault = outage();
    const asked = [
      () => world().holdfast.cancel(orderId, { reason: 'changed my mind' }),
      () => world().holdfast.ship(orderId, mugs(1)),
      () => world().holdfast.deliver(orderId),
    ];
    const refused = { accepted: false, reason: 'order_cancelled' };
    expect(await answeredIn(orderId, MINUTE_MS, asked)).toMatchObject([unknown, refused, { accepted: true }]);
    expect(await kindsOf(orderId)).toEqual(['cancel_unknown']);
    world().simulator.faults.clear(fault);
    await shop.forward(orderId, 11 * MINUTE_MS);
    await shop.endOf(orderId);
    expect(await kindsOf(orderId)).toEqual([]);
    expect(shop.intentsOf(orderId).map((one) => one.status)).toEqual(['succeeded', 'canceled']);
  });
});
