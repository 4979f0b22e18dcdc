import { createOrderQueries } from '../../../../activities/storage';
import { readOrder } from '../../../../activities/storage/orders/record';
import type { OrderFacts } from '../../../../workflows/domain/order/order';
import { authorized, authorizeInput, captureOf, cartOf, intentOf, openShop, sku, twoLines, type Shop } from '../shop';

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

/** What a step answered must be what a fresh read gives. */
async function expectStored(facts: OrderFacts | null | undefined): Promise<void> {
  expect((await readOrder(shop.pool, facts?.orderId ?? ''))?.facts).toEqual(facts);
}

const eventsOf = async (orderId: string): Promise<string[]> => {
  const text = 'SELECT type FROM outbox WHERE order_id = $1 ORDER BY sequence';
  return (await shop.sql<{ type: string }>(text, [orderId])).map((row) => row.type);
};

const mugs = (quantity: number) => [{ sku: sku.mug, quantity }];

test('an order goes from placed to delivered in two shipments, with the events of each once', async () => {
  const placed = await shop.place('life-1');
  await expectStored(placed);
  expect(placed).toMatchObject({ state: 'allocated', paymentState: 'authorized', paymentAttempts: 1 });
  const allocated = await shop.orders.allocateOrder({ orderId: 'life-1' });
  await expectStored(allocated);
  const first = await shop.capture(captureOf(allocated, mugs(2), 'A', false));
  await expectStored(first);
  expect(first).toMatchObject({ state: 'allocated', paymentState: 'partially_captured' });
  const last = await shop.capture(captureOf(first, [{ sku: sku.teapot, quantity: 1 }], 'B', true));
  await expectStored(last);
  expect(last).toMatchObject({ state: 'shipped', paymentState: 'captured', amounts: { captured: 7_303, released: 0 } });
  expect(last.hold).toBeUndefined();
  const deliveredAt = new Date().toISOString();
  const half = await shop.orders.recordDelivery({ orderId: 'life-1', shipmentId: 'dhl/A', deliveredAt });
  expect(half.state).toBe('shipped');
  const delivered = await shop.orders.recordDelivery({ orderId: 'life-1', deliveredAt });
  await expectStored(delivered);
  expect(delivered.state).toBe('delivered');
  expect(await eventsOf('life-1')).toEqual([
    'OrderPlaced',
    'OrderAllocated',
    'PaymentCaptured',
    'PaymentCaptured',
    'OrderPaid',
    'OrderFulfilled',
    'OrderShipped',
    'OrderDelivered',
  ]);
  const stock = await shop.sql('SELECT on_hand, reserved FROM stock WHERE sku = $1 AND warehouse_id = $2', [
    sku.mug,
    'berlin',
  ]);
  expect(stock).toEqual([{ on_hand: 999_998, reserved: 0 }]);
  expect(await shop.violations()).toEqual([]);
});

test('an order that was placed without being allocated is allocated once, as it is loaded', async () => {
  const { orderId } = await shop.place('unallocated-1');
  await shop.sql("UPDATE orders SET state = 'placed' WHERE order_id = $1", [orderId]);
  await shop.sql("DELETE FROM outbox WHERE order_id = $1 AND type = 'OrderAllocated'", [orderId]);
  await shop.sql('UPDATE orders SET event_sequence = 1 WHERE order_id = $1', [orderId]);
  const allocated = await shop.orders.allocateOrder({ orderId });
  expect(allocated.state).toBe('allocated');
  expect(await shop.orders.allocateOrder({ orderId })).toEqual(allocated);
  expect(await eventsOf(orderId)).toEqual(['OrderPlaced', 'OrderAllocated']);
});

test('every effect twice is once', async () => {
  const orderId = 'twice-1';
  const cart = cartOf('cart-twice-1');
  const input = authorizeInput(orderId, cart);
  expect((await shop.payments.beginAttempt(input)).kind).toBe('begun');
  expect((await shop.payments.beginAttempt(input)).kind).toBe('begun');
  const status = authorized(orderId, 1, input.amount.amount);
  const card = { brand: 'visa', funding: 'credit', country: 'DE' };
  for (const _time of [1, 2])
    await shop.payments.recordAttempt({ orderId, attempt: 1, status, card, chargeId: 'ch_1' });
  expect(await shop.payments.beginAttempt(input)).toEqual({ kind: 'recorded', result: status });
  const reserve = () => shop.orders.reserveStock({ orderId, lines: cart.lines });
  expect([await reserve(), await reserve()]).toEqual([{ outcome: 'reserved' }, { outcome: 'reserved' }]);
  const place = () => shop.orders.placeOrder({ orderId, cart, paymentIntentId: status.paymentIntentId });
  const placed = await place();
  expect(await place()).toEqual(placed);
  const allocated = await shop.orders.allocateOrder({ orderId });
  expect(await shop.orders.allocateOrder({ orderId })).toEqual(allocated);
  const capture = captureOf(allocated, mugs(1), 'A', false);
  const captured = await shop.capture(capture);
  expect(await shop.capture(capture)).toEqual(captured);
  const at = new Date().toISOString();
  const outcome = { capturedAmount: capture.amount, releasedAmount: 0, at };
  expect(await shop.payments.recordCapture(capture, outcome)).toEqual(captured);
  const warned = await shop.orders.warnOfHold({ orderId });
  expect(await shop.orders.warnOfHold({ orderId })).toEqual(warned);
  const voided = { orderId, attempt: 1, paymentIntentId: status.paymentIntentId, reason: 'cancel' };
  const released = await shop.payments.recordVoid(voided);
  expect((await shop.payments.recordVoid(voided)).releasedAmount).toBe(released.releasedAmount);
  const cancel = () => shop.orders.cancelOrder({ orderId, reason: 'changed mind', actor: 'customer-1' });
  const cancelled = await cancel();
  expect(await cancel()).toEqual(cancelled);
  await expectStored(cancelled);
  expect(cancelled).toMatchObject({ state: 'shipped', paymentState: 'captured' });
  expect(
    await shop.sql('SELECT count(*)::integer AS n FROM authorization_results WHERE order_id = $1', [orderId]),
  ).toEqual([{ n: 1 }]);
  expect(
    await shop.sql('SELECT kind, amount FROM ledger_entries WHERE order_id = $1 ORDER BY entry_id', [orderId]),
  ).toEqual([
    { kind: 'authorized', amount: 7_303 },
    { kind: 'captured', amount: capture.amount },
    { kind: 'released', amount: 7_303 - capture.amount },
  ]);
  expect(await shop.violations()).toEqual([]);
});

test('a cancelled order gives everything back, and nothing late lands on it', async () => {
  const placed = await shop.place('cancel-1');
  const shipment = captureOf(placed, mugs(1), 'A', false);
  await expect(shop.orders.cancelOrder({ orderId: 'cancel-1', reason: 'r', actor: 'a' })).rejects.toMatchObject({
    type: 'Defect',
  });
  await shop.payments.sealAttempts('cancel-1', 1);
  const voided = await shop.payments.recordVoid({
    orderId: 'cancel-1',
    attempt: 1,
    paymentIntentId: intentOf('cancel-1', 1),
    reason: 'cancel',
  });
  expect(voided).toMatchObject({ releasedAmount: 7_303, facts: { paymentState: 'voided' } });
  await expectStored(voided.facts);
  const cancelled = await shop.orders.cancelOrder({ orderId: 'cancel-1', reason: 'r', actor: 'a' });
  expect(cancelled).toMatchObject({
    state: 'cancelled',
    paymentState: 'voided',
    lines: [{ cancelled: 2 }, { cancelled: 1 }],
  });
  await expectStored(cancelled);
  await expect(shop.payments.beginCapture(shipment)).rejects.toMatchObject({ type: 'OperationUndone' });
  expect(await shop.orders.allocateOrder({ orderId: 'cancel-1' })).toEqual(cancelled);
  await expect(shop.orders.reserveStock({ orderId: 'cancel-1', lines: twoLines() })).rejects.toMatchObject({
    type: 'OperationUndone',
  });
  expect(await shop.violations()).toEqual([]);
});

test('an order captured when it is placed is paid before it ships, and OrderPaid is emitted once', async () => {
  const placed = await shop.place('whole-1');
  const paid = await shop.capture({
    orderId: 'whole-1',
    paymentIntentId: intentOf('whole-1', 1),
    amount: 7_303,
    final: true,
  });
  await expectStored(paid);
  expect(paid).toMatchObject({ state: 'paid', paymentState: 'captured' });
  await shop.orders.allocateOrder({ orderId: 'whole-1' });
  const parcel = (name: string, lines: { sku: string; quantity: number }[]) => ({
    orderId: 'whole-1',
    shipment: { shipmentId: `dhl/${name}`, lines, carrier: 'dhl', trackingNumber: name },
  });
  const record = async (...of: Parameters<typeof parcel>): Promise<OrderFacts> => {
    const result = await shop.orders.recordShipment(parcel(...of));
    return 'outcome' in result ? result.facts : result;
  };
  const first = await record('A', mugs(2));
  await expectStored(first);
  expect(first.state).toBe('paid');
  await expect(shop.orders.cancelOrder({ orderId: 'whole-1', reason: 'r', actor: 'a' })).rejects.toMatchObject({
    type: 'Defect',
  });
  const last = await record('B', [{ sku: sku.teapot, quantity: 1 }]);
  expect(await record('B', [{ sku: sku.teapot, quantity: 1 }])).toEqual(last);
  expect(last.state).toBe('shipped');
  expect(last.shipments.reduce((sum, one) => sum + one.amount, 0)).toBe(7_303);
  expect((await eventsOf('whole-1')).filter((type) => type === 'OrderPaid')).toHaveLength(1);
  expect(placed.hold).toBeDefined();
});

test('exceptions open once, show, and close', async () => {
  await shop.place('exc-1');
  const input = {
    orderId: 'exc-1',
    workflowId: 'order-exc-1',
    kind: 'capture_unknown',
    message: 'm',
    owner: 'payments',
    amountAtRisk: { amount: 5, currency: 'eur' },
  } as const;
  const raised = await shop.orders.raiseException(input);
  await expectStored(raised);
  expect(await shop.orders.raiseException(input)).toEqual(raised);
  const queries = createOrderQueries(shop.pool);
  const now = new Date().toISOString();
  expect((await queries.listStuck({ now })).map((one) => one.orderId)).toContain('exc-1');
  expect((await queries.listOrders({ waitingOn: 'approver', limit: 10 })).map((one) => one.orderId)).toContain('exc-1');
  const closed = await shop.orders.resolveException({
    orderId: 'exc-1',
    workflowId: 'order-exc-1',
    kinds: ['capture_unknown'],
  });
  await expectStored(closed);
  expect(closed?.exception).toBeUndefined();
  expect(await eventsOf('exc-1')).toEqual(['OrderPlaced', 'OrderAllocated', 'ExceptionRaised', 'ExceptionResolved']);
  expect(await shop.orders.raiseException({ ...input, orderId: 'nobody', workflowId: 'checkout-nobody' })).toBeNull();
  const open = await queries.listExceptions();
  expect(open.map((one) => one.orderId)).toContain('nobody');
  const [row] = await shop.sql<{ id: string }>('SELECT exception_id::text AS id FROM exceptions WHERE order_id = $1', [
    'exc-1',
  ]);
  expect(open.map((one) => one.exceptionId)).not.toContain(row?.id);
  expect(await queries.getException(row?.id ?? '')).toMatchObject({
    kind: 'capture_unknown',
    resolvedAt: expect.any(String) as string,
    decidedBy: null,
  });
});

test('a parcel that names no warehouse is from the one that its pieces were promised in', async () => {
  const placed = await shop.place('from-1');
  await shop.orders.allocateOrder({ orderId: 'from-1' });
  const [reservation] = await shop.sql<{ warehouse: string }>(
    'SELECT DISTINCT warehouse_id AS warehouse FROM reservations WHERE order_id = $1',
    ['from-1'],
  );
  const shipped = await shop.capture(captureOf(placed, [{ sku: sku.mug, quantity: 2 }], 'from-1', false));
  expect(shipped.shipments).toMatchObject([{ warehouseId: reservation?.warehouse }]);
  expect(reservation?.warehouse).toBeTruthy();
});

test('personal data is encrypted at rest and nowhere in the clear', async () => {
  await shop.place('secret-1');
  const [row] = await shop.sql<{ personal_data: Buffer }>(
    `SELECT personal_data FROM orders WHERE order_id = 'secret-1'`,
  );
  expect(JSON.parse(Buffer.from(shop.keyring.decrypt(row?.personal_data ?? Buffer.of())).toString())).toMatchObject({
    email: 'buyer@example.org',
  });
  for (const table of ['orders', 'outbox', 'audit_log', 'payment_attempts', 'operations', 'authorization_results']) {
    const [found] = await shop.sql<{ n: number }>(
      `SELECT count(*)::integer AS n FROM ${table} t WHERE t::text ~* 'buyer@|lovelace|hauptstra|6c6f76656c616365'`,
    );
    expect([table, found?.n]).toEqual([table, 0]);
  }
});
