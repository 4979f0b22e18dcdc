import { workflowIds } from '../../../workflows/kit/names';
import { searchAttributes } from '../../../workflows/kit/search-attributes';
import { sampleCart } from '../../support/carts';
import { eventually } from '../../support/time/eventually';
import { refundIn } from '../../support/refunds';
import { everything, hasWorkflow, Shop } from '../../support/shop';
import { closeConnections, createWorld, type World } from '../../support/world';

const HOUR_MS = 3_600_000;
const refunds = { settleLimitMs: 36 * HOUR_MS, watchMs: HOUR_MS };

let world: World;
const shop = new Shop(() => world);
beforeAll(async () => void (world = await createWorld({ refunds })));
afterAll(async () => {
  await world.close();
  await closeConnections();
});

const handleOf = (orderId: string) => world.client.workflow.getHandle(workflowIds.order(orderId));
const channelOf = async (orderId: string) =>
  (await handleOf(orderId).describe()).typedSearchAttributes.get(searchAttributes.channel);

/** Its workflow is gone, as after an operator's mistake; the order is in our tables. */
async function ended(): Promise<{ orderId: string; payment: string }> {
  const answer = await world.holdfast.checkout(sampleCart({ channel: 'storefront' }));
  if (answer.state !== 'placed') throw new Error(JSON.stringify(answer));
  const { orderId } = answer;
  await eventually('the order to live', () => hasWorkflow(world.client, orderId));
  expect(await channelOf(orderId)).toBe('storefront');
  await handleOf(orderId).terminate('by mistake');
  return { orderId, payment: shop.intentsOf(orderId)[0]?.id ?? '' };
}

describe('the workflow of an order keeps the order’s channel', () => {
  it('when a provider event starts it anew', async () => {
    const { orderId, payment } = await ended();
    await world.dependencies.stripe.paymentIntents.cancel(payment);
    await eventually('it to run again', async () => (await handleOf(orderId).describe()).status.name !== 'TERMINATED');
    expect(await channelOf(orderId)).toBe('storefront');
  });

  it('when a command starts it anew', async () => {
    const { orderId } = await ended();
    expect(await world.holdfast.cancel(orderId, { reason: 'changed_mind' })).toMatchObject({ accepted: true });
    await eventually('its channel', async () => (await channelOf(orderId)) === 'storefront');
  });
});

it('a refund that was made elsewhere is followed under the shop’s own policy', async () => {
  const orderId = await shop.place();
  const shipped = await world.holdfast.ship(orderId, everything());
  if (!shipped.accepted) throw new Error(JSON.stringify(shipped));
  const payment = shop.intentsOf(orderId)[0]?.id ?? '';
  world.simulator.setNextRefund({ kind: 'pending', then: 'stay' }, { match: { paymentIntent: payment } });
  const { id } = await world.dependencies.stripe.refunds.create({ payment_intent: payment, amount: 500 });
  const { requestedAt, settleBy } = await refundIn(world, id, 'pending');
  expect(Date.parse(settleBy) - Date.parse(requestedAt)).toBe(refunds.settleLimitMs);
});
