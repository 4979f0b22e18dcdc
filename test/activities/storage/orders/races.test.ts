import { createOrderStore, createPool } from '../../../../activities/storage';
import { chooseWarehouses } from '../../../../activities/storage/inventory/stock';
import { captureOf, cartOf, intentOf, openShop, sku, type Shop, factsOf } from '../shop';

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

test('twenty carts race for the last item: exactly one gets it', async () => {
  const lines = [
    { sku: sku.mug, quantity: 1 },
    { sku: sku.lastOne, quantity: 1 },
  ];
  const reserve = (_: unknown, index: number) =>
    // Every other cart names its lines the other way round, which would deadlock without one order of locks.
    shop.orders.reserveStock({ orderId: `race-${index}`, lines: index % 2 === 0 ? lines : lines.toReversed() });
  const answers = await Promise.all(Array.from({ length: 20 }, reserve));
  expect(answers.filter((one) => one.outcome === 'reserved')).toHaveLength(1);
  expect(answers.filter((one) => one.outcome === 'out_of_stock')).toHaveLength(19);
  expect(answers).toContainEqual({ outcome: 'out_of_stock', sku: sku.lastOne, available: 0 });
  const stock = await shop.sql('SELECT reserved FROM stock WHERE sku = $1 AND on_hand = 1', [sku.lastOne]);
  expect(stock).toEqual([{ reserved: 1 }]);
  await Promise.all(answers.map((_, index) => shop.orders.releaseStock({ orderId: `race-${index}` })));
  expect(await shop.violations()).toEqual([]);
});

test('carts that all look at the last item before any of them has it still do not share it', async () => {
  const line = { sku: sku.lastOne, quantity: 1 };
  const blocker = await shop.pool.connect();
  await blocker.query('BEGIN');
  await blocker.query('SELECT 1 FROM stock WHERE sku = $1 FOR UPDATE', [line.sku]);
  const ids = Array.from({ length: 5 }, (_, index) => `look-${index}`);
  const answers = Promise.all(ids.map((orderId) => shop.orders.reserveStock({ orderId, lines: [line] })));
  const waiting = `SELECT count(*)::integer AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  while ((await shop.sql<{ n: number }>(waiting))[0]?.n !== ids.length);
  await blocker.query('ROLLBACK');
  blocker.release();
  expect((await answers).filter((one) => one.outcome === 'reserved')).toHaveLength(1);
  await Promise.all(ids.map((orderId) => shop.orders.releaseStock({ orderId })));
});

test('a reservation and its undo at the same moment leave nothing reserved', async () => {
  const run = async (index: number): Promise<void> => {
    const orderId = `both-${index}`;
    await Promise.allSettled([
      shop.orders.reserveStock({ orderId, lines: [{ sku: sku.tray, quantity: 1 }] }),
      shop.orders.releaseStock({ orderId }),
    ]);
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => run(index)));
  expect(await shop.violations()).toEqual([]);
});

test('one cart placed under ten order ids at once is one order', async () => {
  const cart = cartOf('cart-crowd', [{ sku: sku.giftCard, quantity: 1, unitAmount: 350 }]);
  const ids = Array.from({ length: 10 }, (_, index) => `crowd-${index}`);
  await Promise.all(
    ids.map(async (orderId) => {
      await shop.authorize(orderId, cart);
      await shop.orders.reserveStock({ orderId, lines: cart.lines });
    }),
  );
  const placed = await Promise.all(
    ids.map((orderId) => shop.orders.placeOrder({ orderId, cart, paymentIntentId: intentOf(orderId, 1) })),
  );
  expect(placed.filter((one) => one.outcome === 'placed')).toHaveLength(1);
  expect(new Set(placed.map((one) => factsOf(one).orderId)).size).toBe(1);
});

test('a cancel and a capture at the same moment: one of them wins, and money and stock agree with it', async () => {
  const outcomes = new Set<string>();
  for (let index = 0; index < 12; index++) {
    const orderId = `duel-${index}`;
    const placed = await shop.place(orderId, cartOf(`cart-${orderId}`));
    const lines = placed.lines.map((line) => ({ sku: line.sku, quantity: line.quantity }));
    const cancel = async () => {
      // Which of them comes first is decided by the sealing: no capture begins after it.
      await shop.payments.sealAttempts(orderId, 1);
      const [pending] = await shop.sql<{ n: number }>(
        `SELECT count(*)::integer AS n FROM operations WHERE kind = 'capture' AND order_id = $1`,
        [orderId],
      );
      if (pending?.n !== 0) throw new Error('the capture was first');
      await shop.payments.recordVoid({ orderId, attempt: 1, paymentIntentId: intentOf(orderId, 1), reason: 'cancel' });
      return shop.orders.cancelOrder({ orderId, reason: 'r', actor: 'a' });
    };
    const capture = () => shop.capture(captureOf(placed, lines, 'A', true));
    const [one, other] = await Promise.allSettled(index % 2 === 0 ? [cancel(), capture()] : [capture(), cancel()]);
    expect([one?.status, other?.status].sort()).toEqual(['fulfilled', 'rejected']);
    const winner = one?.status === 'fulfilled' ? one : other;
    if (winner?.status === 'fulfilled') outcomes.add(winner.value.state);
  }
  expect([...outcomes].every((state) => state === 'cancelled' || state === 'shipped')).toBe(true);
  expect((await shop.violations()).filter((one) => one.orderId.startsWith('duel'))).toEqual([]);
});

test('a database that cannot be reached is a retryable failure', async () => {
  const pool = createPool('postgres://nobody@127.0.0.1:1/nothing');
  const orders = createOrderStore({ pool, keyring: shop.keyring });
  await expect(orders.allocateOrder({ orderId: 'x' })).rejects.toMatchObject({
    type: 'StorageUnavailable',
    nonRetryable: false,
  });
  await pool.end();
});

test('a connection that is cut in the middle of a step leaves nothing of it', async () => {
  const pool = createPool(shop.databaseUrl, { applicationName: 'to-be-cut', maxConnections: 1 });
  const orders = createOrderStore({ pool, keyring: shop.keyring });
  await shop.place('cut-1');
  const blocker = await shop.pool.connect();
  await blocker.query('BEGIN');
  await blocker.query(`SELECT 1 FROM orders WHERE order_id = 'cut-1' FOR UPDATE`);
  const step = orders.warnOfHold({ orderId: 'cut-1' });
  const failed = expect(step).rejects.toMatchObject({ type: 'StorageUnavailable' });
  const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to-be-cut' AND wait_event_type = 'Lock'`;
  while ((await shop.sql(cut)).length === 0);
  await failed;
  await blocker.query('ROLLBACK');
  blocker.release();
  expect((await orders.allocateOrder({ orderId: 'cut-1' })).holdWarnedAt).toBeUndefined();
  expect((await orders.warnOfHold({ orderId: 'cut-1' })).holdWarnedAt).toBeDefined();
  await pool.end();
});

test('one warehouse that has everything comes before a split', () => {
  const has = (sku: string, warehouseId: string, available: number) => ({ sku, warehouseId, available });
  const wanted = [
    { sku: 'a', quantity: 2 },
    { sku: 'b', quantity: 1 },
  ];
  const whole = chooseWarehouses(wanted, [has('a', 'x', 9), has('a', 'y', 2), has('b', 'y', 1)]);
  expect(whole).toEqual({ taken: wanted.map((line) => ({ ...line, warehouseId: 'y' })) });
  const split = chooseWarehouses([{ sku: 'a', quantity: 5 }], [has('a', 'x', 2), has('a', 'y', 4)]);
  expect(split).toEqual({
    taken: [
      { sku: 'a', warehouseId: 'y', quantity: 4 },
      { sku: 'a', warehouseId: 'x', quantity: 1 },
    ],
  });
  const none = chooseWarehouses([{ sku: 'a', quantity: 7 }], [has('a', 'x', 2), has('a', 'y', 4)]);
  expect(none).toEqual({ missing: { sku: 'a', available: 6 } });
});
