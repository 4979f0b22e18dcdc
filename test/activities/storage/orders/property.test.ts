import fc from 'fast-check';
import { readOrder } from '../../../../activities/storage/orders/record';
import { remainingLines, type OrderFacts } from '../../../../workflows/domain/order/order';
import { type LineQuantity } from '../../../../workflows/domain/order/lines';
import { remainingAmount } from '../../../../workflows/domain/order/shipment-amount';
import { seed } from '../../../support/property';
import { captureOf, cartOf, intentOf, openShop, sku, type Shop } from '../shop';

const RUNS = 40;

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

const commandArbitrary = fc.record({
  name: fc.constantFrom(
    'place',
    'allocate',
    'capture',
    'capture',
    'captureAll',
    'ship',
    'deliver',
    'cancel',
    'expire',
    'renew',
    'ask',
    'warn',
    'raise',
    'resolve',
    'withdraw',
  ),
  order: fc.integer({ min: 0, max: 1 }),
  pieces: fc.integer({ min: 1, max: 3 }),
  first: fc.boolean(),
  final: fc.boolean(),
  twice: fc.boolean(),
});
type Command = typeof commandArbitrary extends fc.Arbitrary<infer Value> ? Value : never;

/** Runs one command as its workflow would, whether it is allowed or not. */
async function perform(
  command: Command,
  orderId: string,
  facts: OrderFacts | undefined,
  step: number,
): Promise<unknown> {
  const { orders, payments } = shop;
  const cart = cartOf(`cart-${orderId}`, [
    { sku: sku.mug, quantity: 2, unitAmount: 1_290 },
    { sku: sku.tea, quantity: 3, unitAmount: 1_450 },
  ]);
  const lines: LineQuantity[] = [{ sku: command.first ? sku.mug : sku.tea, quantity: command.pieces }];
  if (facts === undefined) {
    if (command.name === 'withdraw') return orders.withdrawOrder({ orderId });
    return command.name === 'place' ? checkout(orderId, cart) : orders.allocateOrder({ orderId });
  }
  switch (command.name) {
    case 'place':
    case 'withdraw':
      return orders.withdrawOrder({ orderId });
    case 'capture':
      return shop.capture(captureOf(facts, lines, `P${step}`, command.final || !facts.hold?.multicapture));
    case 'captureAll': {
      const rest = remainingLines(facts);
      if (command.first || rest.length === 0) return shop.capture(captureOf(facts, rest, `P${step}`, true));
      const paymentIntentId = facts.hold?.paymentIntentId ?? intentOf(orderId, 1);
      return shop.capture({ orderId, paymentIntentId, amount: remainingAmount(facts), final: true });
    }
    case 'ship': {
      const shipment = { shipmentId: `dhl/P${step}`, lines, carrier: 'dhl', trackingNumber: `P${step}` };
      return orders.recordShipment({ orderId, shipment });
    }
    case 'deliver':
      return orders.recordDelivery({ orderId, deliveredAt: new Date().toISOString() });
    case 'cancel':
      return cancel(orderId, facts);
    case 'expire':
      return payments.recordHoldExpired({ orderId, paymentIntentId: facts.hold?.paymentIntentId ?? 'pi_none' });
    case 'renew':
      return renew(orderId, facts, cart);
    case 'ask': {
      const deadline = new Date(Date.now() + command.pieces * 1_000_000).toISOString();
      return orders.requestPayment({ orderId, reason: 'authentication_required', deadline });
    }
    case 'warn':
      return orders.warnOfHold({ orderId });
    case 'raise': {
      const exception = { orderId, workflowId: `order-${orderId}`, message: 'm', owner: 'payments' };
      return orders.raiseException({ ...exception, kind: command.first ? 'shipment_overdue' : 'delivery_overdue' });
    }
    case 'resolve':
      return orders.resolveException({
        orderId,
        workflowId: `order-${orderId}`,
        kinds: ['shipment_overdue', 'delivery_overdue'],
      });
    default:
      return orders.allocateOrder({ orderId });
  }
}

/** As the saga does it: what was done is undone where the order cannot be placed. */
async function checkout(orderId: string, cart: ReturnType<typeof cartOf>): Promise<unknown> {
  try {
    return await shop.place(orderId, cart);
  } catch (error) {
    expect(await shop.orders.withdrawOrder({ orderId })).toEqual({ outcome: 'withdrawn' });
    await shop.orders.releaseStock({ orderId });
    for (const { attempt, paymentIntentId } of await shop.payments.sealAttempts(orderId, 1)) {
      if (paymentIntentId === undefined) continue;
      await shop.payments.recordVoid({ orderId, attempt, paymentIntentId, reason: 'undo' });
    }
    throw error;
  }
}

/** As the workflow does it: refused if money was captured for what has not shipped, otherwise hold first, then order. */
async function cancel(orderId: string, facts: OrderFacts): Promise<unknown> {
  const remaining = remainingLines(facts).length > 0;
  if (!remaining || facts.paymentState === 'captured') return undefined;
  const attempts = await shop.payments.sealAttempts(orderId, facts.paymentAttempts);
  for (const { attempt, paymentIntentId } of attempts) {
    if (paymentIntentId !== undefined)
      await shop.payments.recordVoid({ orderId, attempt, paymentIntentId, reason: 'cancel' });
  }
  return shop.orders.cancelOrder({ orderId, reason: 'r', actor: 'a' });
}

async function renew(orderId: string, facts: OrderFacts, cart: ReturnType<typeof cartOf>): Promise<unknown> {
  const amount = remainingAmount(facts);
  const settled = facts.paymentState === 'captured' || facts.paymentState === 'voided';
  if (amount === 0 || settled) return undefined;
  const attempt = facts.paymentAttempts + 1;
  await shop.authorize(orderId, cart, { attempt, purpose: 'reauthorization', amount, multicapture: attempt % 2 === 0 });
  if (facts.hold === undefined) return undefined;
  const old = await shop.payments.findAttemptByPaymentIntent(facts.hold.paymentIntentId);
  if (old === undefined) return undefined;
  await shop.payments.sealAttempt(orderId, old.attempt);
  const { paymentIntentId } = facts.hold;
  return shop.payments.recordVoid({ orderId, attempt: old.attempt, paymentIntentId, reason: 'replaced' });
}

const refusals = new Set(['Defect', 'OperationUndone', 'NotFound']);

/** Runs a command; a refusal must be one of ours, and none that only the database's constraints caught. */
async function attempt(command: Command, orderId: string, facts: OrderFacts | undefined, step: number): Promise<void> {
  try {
    await perform(command, orderId, facts, step);
  } catch (error) {
    const { type, message } = error as { type?: string; message: string };
    if (type === undefined || !refusals.has(type) || message.includes('the database refused')) throw error;
  }
}

/** What is in order between two steps of a workflow: an order whose hold is gone until the next one is got. */
async function lastingViolations(prefix: string): Promise<unknown[]> {
  const all = await shop.violations();
  const own = all.filter((one) => one.orderId === '' || one.orderId.startsWith(prefix));
  return own.filter((one) => one.rule !== 'order_without_money');
}

test(`any sequence of commands keeps the invariants (seed ${seed})`, async () => {
  let run = 0;
  let refused = 0;
  const property = fc.asyncProperty(fc.array(commandArbitrary, { minLength: 3, maxLength: 14 }), async (commands) => {
    run += 1;
    for (const [step, command] of [{ ...commands[0], name: 'place' } as Command, ...commands].entries()) {
      const orderId = `p-${run}-${command.order}`;
      const before = (await readOrder(shop.pool, orderId))?.facts;
      await attempt(command, orderId, before, step);
      // The very same again, except that a cart that was placed is not paid for anew.
      if (command.twice) await attempt(command, orderId, before ?? (await readOrder(shop.pool, orderId))?.facts, step);
      const after = (await readOrder(shop.pool, orderId))?.facts;
      if (JSON.stringify(before) === JSON.stringify(after)) refused += 1;
    }
    expect(await lastingViolations(`p-${run}-`)).toEqual([]);
  });
  await fc.assert(property, { seed, numRuns: RUNS });
  expect(run).toBeGreaterThanOrEqual(RUNS);
  expect(refused).toBeGreaterThan(0);
});
