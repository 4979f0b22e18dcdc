import { sampleCart } from '../../../support/carts';
import { eventually } from '../../../support/time/eventually';
import { closeConnections, createWorld } from '../../../support/world';
import type { World } from '../../../support/world';
import { distinctRequests, recordedRequests } from '../../../../workers/embedded/stripe/server';
import { replay } from './contract';
import { startStripeMock } from './stripe-mock';
import type { StripeMock } from './stripe-mock';

/** Stripe's mock may have to be built first, once. */
const BUILD_LIMIT_MS = 660_000;

let world: World;
let mock: StripeMock;

beforeAll(async () => {
  [world, mock] = await Promise.all([createWorld(), startStripeMock()]);
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await mock.stop();
  await world.close();
  await closeConnections();
});

async function placed(paymentMethod = 'pm_card_visa'): Promise<string> {
  const answer = await world.holdfast.checkout(sampleCart({ paymentMethod }));
  if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
  return answer.orderId;
}

/** Orders whose ways take every request that workflows and activities make. */
async function playOrders(): Promise<void> {
  const orderId = await placed();
  await world.holdfast.ship(orderId, {
    lines: [{ sku: 'MUG-BLUE', quantity: 1 }],
    carrier: 'dhl',
    trackingNumber: 'C1',
  });
  await eventually(
    'the rest to be held again',
    async () => (await world.dependencies.queries.getOrder(orderId))?.captureBefore !== null,
  );
  await world.holdfast.ship(orderId, {
    lines: [{ sku: 'MUG-BLUE', quantity: 1 }],
    carrier: 'dhl',
    trackingNumber: 'C2',
  });
  await world.holdfast.cancel(await placed('pm_card_mastercard'), { reason: 'contract' });
  const cart = sampleCart({ paymentMethod: 'pm_card_visa_chargeDeclined' });
  await world.holdfast.checkout(cart);
  await world.holdfast.checkout({ ...cart, paymentMethod: 'pm_card_visa' });
  const asked = await world.holdfast.checkout(sampleCart({ paymentMethod: 'pm_card_authenticationRequired' }));
  if (asked.state === 'requires_action') world.simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
  // Two resets in a row: the SDK repeats once by itself. The key is taken again and the payment is found.
  const match = { method: 'POST', pathPattern: '^/v1/payment_intents$' };
  world.simulator.faults.add({ match, action: { kind: 'server_error', when: 'during', shouldRetry: false } });
  await world.holdfast.checkout(sampleCart());
}

it('Stripe’s own mock accepts every request that orders make', async () => {
  await playOrders();
  const requests = distinctRequests(recordedRequests(world.simulator));
  expect(
    new Set(requests.map((one) => `${one.method} ${one.path.split('/').slice(0, 3).join('/')}`)).size,
  ).toBeGreaterThan(3);
  const refused = (await replay(mock.url, requests)).filter((answer) => answer.verdict === 'refused');
  expect(refused).toEqual([]);
  process.stdout.write(
    `contract: ${requests.length} distinct requests of ${recordedRequests(world.simulator).length} taken\n`,
  );
});
