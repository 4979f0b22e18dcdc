import type { CheckoutRequest } from '../../../clients/client';
import type { OrderView } from '../../../workflows/domain/order/view';
import { shipmentAmount } from '../../../workflows/domain/order/shipment-amount';
import { sampleCart } from '../../support/carts';
import { getConnection, testEnvironment } from '../../support/environment';
import { eventually } from '../../support/time/eventually';
import { violations } from '../../support/invariants/invariants';
import { check, fc, isWhole } from '../../support/property';
import { fastForward } from '../../support/time/time';
import { closeConnections, createWorld } from '../../support/world';
import type { World } from '../../support/world';
import { OrderModel } from './order-model';

/*
 * Sequences of commands against a small model: every answer, state and amount agrees with it, whether webhooks come or not
 * and however much time passes in between; at the end the invariants hold.
 */

const HOUR_MS = 3_600_000;
const RUNS = isWhole ? 20 : 6;
const MOST_COMMANDS = 12;
const lines = [
  { sku: 'MUG-BLUE', quantity: 2, unitAmount: 1290 },
  { sku: 'TEAPOT-1L', quantity: 1, unitAmount: 3900 },
];

const commands = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ship' as const), mugs: fc.nat(3), teapots: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deliver' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), hours: fc.constantFrom(1, 30, 100, 160, 170) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('webhooks' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('bank' as const), renews: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('renew' as const),
      card: fc.constantFrom('pm_card_mastercard', 'pm_card_visa_chargeDeclined'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('decide' as const) }) },
);
type Command = typeof commands extends fc.Arbitrary<infer Value> ? Value : never;

const stories = fc.record({
  captureOn: fc.constantFrom<'shipment' | 'order'>('shipment', 'shipment', 'shipment', 'order'),
  card: fc.constantFrom('pm_card_visa', 'pm_card_mastercard', 'pm_card_visa_chargeDeclined'),
  /** Refused renewals are where time matters, so half of the stories begin with a bank that refuses. */
  renews: fc.boolean(),
  commands: fc.array(commands, { minLength: 3, maxLength: MOST_COMMANDS, size: 'max' }),
});

afterAll(closeConnections);

it('agrees with the model, whatever commands come in whatever order', async () => {
  const property = fc.asyncProperty(stories, async (story) => {
    // No end of renewals: some stories pass three months.
    const world = await createWorld({ policy: { holdLimitMs: 365 * 24 * HOUR_MS } });
    try {
      await play(world, story);
      await eventually('the money to agree', async () => (await violations(world)).length === 0).catch(async () => {
        expect(await violations(world)).toEqual([]);
      });
    } finally {
      await world.close();
    }
  });
  // A smaller example takes a world of its own for each try: the seed and the story are told instead.
  await check('orders agree with the model', property, { numRuns: RUNS, endOnFailure: true });
}, 180_000);

async function play(world: World, story: typeof stories extends fc.Arbitrary<infer Value> ? Value : never) {
  const cart: CheckoutRequest = sampleCart({
    lines,
    taxAmount: 1000,
    captureOn: story.captureOn,
    paymentMethod: story.card,
  });
  let answer = await world.holdfast.checkout(cart);
  if (story.card === 'pm_card_visa_chargeDeclined') {
    expect(answer).toMatchObject({ state: 'declined' });
    answer = await world.holdfast.checkout({ ...cart, paymentMethod: 'pm_card_visa' });
  }
  if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
  const { orderId } = answer;
  const price = (
    quantities: readonly { sku: string; quantity: number }[],
    shipped: ReadonlyMap<string, number>,
  ): number =>
    shipmentAmount(
      {
        currency: 'eur',
        lines: lines.map((line) => ({ ...line, shipped: shipped.get(line.sku) ?? 0, cancelled: 0 })),
        shippingAmount: 490,
        taxAmount: 1000,
        shipments: [],
      },
      quantities,
    );
  const model = new OrderModel(
    lines,
    story.captureOn,
    story.card === 'pm_card_mastercard' ? 'mastercard' : 'visa',
    price,
  );
  const told = [JSON.stringify({ captureOn: story.captureOn, renews: story.renews })];
  await perform(world, orderId, model, { kind: 'bank', renews: story.renews }, 0);
  await agree(world, orderId, model, told);
  for (const [index, command] of story.commands.entries()) {
    told.push(JSON.stringify(command));
    await perform(world, orderId, model, command, index);
    await agree(world, orderId, model, told);
  }
}

async function perform(world: World, orderId: string, model: OrderModel, command: Command, index: number) {
  const { holdfast, simulator } = world;
  switch (command.kind) {
    case 'ship': {
      const wanted = [
        { sku: 'MUG-BLUE', quantity: command.mugs },
        { sku: 'TEAPOT-1L', quantity: command.teapots },
      ].filter((line) => line.quantity > 0);
      if (wanted.length === 0) return;
      const parcel = { lines: wanted, carrier: 'dhl', trackingNumber: `M${index}` };
      expect(await holdfast.ship(orderId, parcel)).toMatchObject(model.ship(wanted));
      return;
    }
    case 'cancel':
      expect(await holdfast.cancel(orderId, { reason: 'model' })).toMatchObject(model.cancel());
      return;
    case 'deliver':
      expect(await holdfast.deliver(orderId)).toMatchObject(model.deliver());
      return;
    case 'renew':
      expect(await holdfast.renewPayment(orderId, { paymentMethod: command.card })).toMatchObject(
        model.renew(command.card === 'pm_card_mastercard' ? 'mastercard' : undefined),
      );
      return;
    case 'decide':
      expect(await holdfast.decideHold(orderId, { action: 'capture' })).toMatchObject(model.decide());
      return;
    case 'webhooks':
      simulator.setWebhookFaults(command.on ? {} : { dropTypes: ['*'] });
      return;
    case 'bank':
      simulator.issueDecision(customerOf(world, orderId), command.renews ? undefined : 'insufficient_funds');
      model.bankRenews = command.renews;
      return;
    case 'pass':
      if (model.ended) return;
      await fastForward(
        await getConnection(),
        testEnvironment().temporalNamespace,
        `order-${orderId}`,
        command.hours * HOUR_MS,
      );
      model.pass(command.hours * HOUR_MS);
  }
}

const customerOf = (world: World, orderId: string): string =>
  String(
    world.simulator.state.paymentIntents().find((intent) => intent.metadata['holdfast_order_id'] === orderId)?.customer,
  );

/** The order comes to what the model says; automatic steps (allocation, the next hold) take a moment. */
async function agree(world: World, orderId: string, model: OrderModel, told: readonly string[]): Promise<void> {
  let seen: OrderView | undefined;
  await eventually('the order to agree with the model', async () => {
    seen = await world.dependencies.queries.getOrder(orderId);
    return seen !== undefined && JSON.stringify(summary(seen)) === JSON.stringify(model.summary());
  }).catch(() => {
    expect({ told, is: seen && summary(seen) }).toEqual({ told, is: model.summary() });
  });
}

function summary(view: OrderView): ReturnType<OrderModel['summary']> {
  return { state: view.state, paymentState: view.paymentState, captured: view.amounts.captured };
}
