import { pino } from 'pino';
import { createGateway, type Gateway } from '../../../clients/gateway';
import type { HoldfastClient, ValidationError } from '../../../clients/client';
import { createHoldfastHttpClient, type HoldfastHttpClient } from '../../../clients/client/http';
import { gatewayDependencies } from '../../../workers/dependencies/gateway-dependencies';
import { sampleCart } from '../../support/carts';
import { closeConnections } from '../../support/environment';
import { createWorld, type World } from '../../support/world';
import { API_KEY } from '../support/gateway-fakes';

// One scenario through both clients: over Temporal, and over HTTP through a real gateway. Only ids, times and sentences differ.

type Verbs = Omit<Pick<HoldfastClient, keyof HoldfastClient & keyof HoldfastHttpClient>, 'resolveException'>;

let world: World;
let gateway: Gateway;
let http: HoldfastHttpClient;

beforeAll(async () => {
  world = await createWorld({ withoutRelays: true });
  const deps = gatewayDependencies(world.dependencies, world.holdfast);
  gateway = await createGateway(deps, { apiKeys: [API_KEY], logger: pino({ level: 'silent' }) });
  await gateway.listen(0, '127.0.0.1');
  http = createHoldfastHttpClient({ url: gateway.url, apiKey: API_KEY });
}, 60_000);

afterAll(async () => {
  await gateway.close();
  await world.close();
  await closeConnections();
});

/** Runs steps one after the other and keeps what each answered, its error included. */
class Story {
  readonly answers: Record<string, unknown> = {};

  async step<Answer>(name: string, ask: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      const answer = await ask();
      this.answers[name] = comparable(answer);
      return answer;
    } catch (error) {
      const { name: kind, problems } = error as ValidationError;
      if (kind !== 'ValidationError') throw error;
      this.answers[name] = { error: kind, fields: problems.map(({ field }) => field) };
      return undefined;
    }
  }
}

const DIFFERENT_EACH_TIME = new Set(['orderId', 'refundId', 'partId', 'paymentIntentId', 'clientSecret', 'message']);

/** An answer without what differs between two runs of the same story. */
function comparable(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(comparable);
  if (typeof answer === 'string' && /^\d{4}-\d\d-\d\dT/.test(answer)) return 'a time';
  if (answer === null || typeof answer !== 'object') return answer;
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [
      name,
      DIFFERENT_EACH_TIME.has(name) ? typeof value : comparable(value),
    ]),
  );
}

const LINES = [{ sku: 'MUG-BLUE', quantity: 2, unitAmount: 1290 }];

async function checkouts(client: Verbs, story: Story): Promise<void> {
  const cart = sampleCart({ lines: LINES });
  const call = { idempotencyKey: `key-of-${cart.cartId}` };
  await story.step('placed', () => client.checkout(cart, call));
  await story.step('placed, sent again', () => client.checkout(cart, call));
  await story.step('other contents', () => client.checkout({ ...cart, taxAmount: 1 }));
  const pays = (paymentMethod: string) => () => client.checkout({ ...sampleCart({ lines: LINES }), paymentMethod });
  await story.step('declined', pays('pm_card_visa_chargeDeclinedInsufficientFunds'));
  await story.step('3-D Secure', pays('pm_card_authenticationRequired'));
  await story.step('a payment method that is none', pays('pm_card_nonsense'));
  const buys = (lines: typeof LINES) => () => client.checkout(sampleCart({ lines }));
  await story.step('out of stock', buys([{ sku: 'LAST-ONE', quantity: 900, unitAmount: 9900 }]));
  await story.step('another price', buys([{ sku: 'MUG-BLUE', quantity: 1, unitAmount: 1 }]));
  await story.step('wrong fields', buys([{ sku: '', quantity: 0, unitAmount: -1 }]));
}

async function orders(client: Verbs, story: Story): Promise<void> {
  const placed = await client.checkout(sampleCart({ lines: LINES }));
  const orderId = 'orderId' in placed ? placed.orderId : '';
  const ship =
    (quantity: number, trackingNumber: string, more: { sku?: string; warehouseId?: string } = {}) =>
    () => {
      const { sku = 'MUG-BLUE', ...warehouse } = more;
      return client.ship(orderId, { lines: [{ sku, quantity }], carrier: 'DHL', trackingNumber, ...warehouse });
    };
  await story.step('an unknown warehouse', ship(1, 'JD 1', { warehouseId: 'nowhere' }));
  await story.step('an unknown line', ship(1, 'JD 1', { sku: 'CARD-GREETING' }));
  await story.step('more than is left', ship(3, 'JD 1'));
  await story.step('nothing to decide', () => client.decideHold(orderId, { action: 'reauthorize' }));
  await story.step('no payment needed', () => client.renewPayment(orderId, { paymentMethod: 'pm_card_visa' }));
  await story.step('nothing captured', () => client.refund(orderId, { amount: 100, reason: 'x' }));
  await story.step('a parcel', ship(1, 'JD 2'));
  await story.step('the rest', ship(1, 'JD 3'));
  await story.step('a cancel that comes too late', () => client.cancel(orderId, { reason: 'late' }));
  await story.step('an unknown shipment', () => client.deliver(orderId, { shipmentId: 'dhl/nowhere' }));
  await story.step('delivered', () => client.deliver(orderId));
  await story.step('a refund', () => client.refund(orderId, { amount: 100, reason: 'broken' }));
  await story.step('more than was paid', () => client.refund(orderId, { amount: 99_999_999, reason: 'x' }));
  await story.step('another currency', () => client.refund(orderId, { amount: 1, currency: 'usd', reason: 'x' }));
  const other = await client.checkout(sampleCart({ lines: LINES }));
  const otherId = 'orderId' in other ? other.orderId : '';
  const amount = 'authorizedAmount' in other ? other.authorizedAmount : 0;
  await story.step('a refund of what is only held', () => client.refund(otherId, { amount, reason: 'x' }));
  await story.step('cancelled', async () => client.cancel(await placedOrder(client), { reason: 'changed my mind' }));
}

async function placedOrder(client: Verbs): Promise<string> {
  const placed = await client.checkout(sampleCart({ lines: LINES }));
  return 'orderId' in placed ? placed.orderId : '';
}

async function unknownSubjects(client: Verbs, story: Story): Promise<void> {
  await story.step('ship', () =>
    client.ship('ord_unknown', { lines: [{ sku: 'A', quantity: 1 }], carrier: 'DHL', trackingNumber: '1' }),
  );
  await story.step('refund', () => client.refund('ord_unknown', { amount: 1, reason: 'x' }));
  await story.step('cancelRefund', () => client.cancelRefund('rf_unknown'));
  await story.step('resolveRefund', () => client.resolveRefund('rf_unknown', { action: 'dismiss' }));
  await story.step('decideDispute', () => client.decideDispute('du_unknown', { action: 'accept' }));
  await story.step('decideFraudWarning', () => client.decideFraudWarning('issfr_unknown', { action: 'ignore' }));
  await story.step('paySubscription', () => client.paySubscription('sub_unknown', { paymentMethod: 'pm_card_visa' }));
  await story.step('an id that is none', () => client.cancel('../x', { reason: 'x' }));
  await story.step('no reason', () => client.cancel('ord_unknown', { reason: '' }));
  await story.step('reconcile', () => client.reconcile('2026-01-31'));
  await story.step('reconcile no day', () => client.reconcile('yesterday'));
}

test.each([
  ['checkouts', checkouts],
  ['orders and refunds', orders],
  ['what is not known', unknownSubjects],
])(
  'both clients give the same answers: %s',
  async (_, tell) => {
    const [overTemporal, overHttp] = [new Story(), new Story()];
    await tell(world.holdfast, overTemporal);
    await tell(http, overHttp);
    expect(overHttp.answers).toEqual(overTemporal.answers);
  },
  120_000,
);
