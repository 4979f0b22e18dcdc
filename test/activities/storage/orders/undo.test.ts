import { authorized, authorizeInput, captureOf, cartOf, intentOf, openShop, sku, type Shop } from '../shop';

let shop: Shop;
beforeEach(async () => void (shop = await openShop()));
afterEach(() => shop.close());

const undone = { type: 'OperationUndone', nonRetryable: true };

test('nothing lands after an undo that came before it', async () => {
  const orderId = 'before-1';
  const cart = cartOf('cart-before-1');
  const sealed = await shop.payments.sealAttempts(orderId, 2);
  expect(sealed.map((one) => [one.attempt, one.status, one.tombstoned])).toEqual([
    [1, 'sealed', true],
    [2, 'sealed', true],
  ]);
  await expect(shop.payments.beginAttempt(authorizeInput(orderId, cart))).rejects.toMatchObject(undone);
  await shop.orders.releaseStock({ orderId });
  await expect(shop.orders.reserveStock({ orderId, lines: cart.lines })).rejects.toMatchObject(undone);
  expect(await shop.orders.withdrawOrder({ orderId })).toEqual({ outcome: 'withdrawn' });
  await expect(shop.orders.placeOrder({ orderId, cart, paymentIntentId: 'pi' })).rejects.toMatchObject(undone);
  expect(await shop.sql('SELECT 1 FROM reservations WHERE order_id = $1', [orderId])).toEqual([]);
});

test('a checkout undone half way leaves nothing behind, however often it is undone', async () => {
  const orderId = 'half-1';
  const cart = cartOf('cart-half-1');
  await shop.authorize(orderId, cart);
  await shop.orders.reserveStock({ orderId, lines: cart.lines });
  for (const _time of [1, 2]) {
    expect(await shop.orders.withdrawOrder({ orderId })).toEqual({ outcome: 'withdrawn' });
    await shop.orders.releaseStock({ orderId });
    await shop.payments.sealAttempts(orderId, 1);
    const voided = await shop.payments.recordVoid({
      orderId,
      attempt: 1,
      paymentIntentId: intentOf(orderId, 1),
      reason: 'undo',
    });
    expect(voided).toEqual({ releasedAmount: 7_303 });
  }
  await expect(shop.orders.placeOrder({ orderId, cart, paymentIntentId: intentOf(orderId, 1) })).rejects.toMatchObject(
    undone,
  );
  expect(await shop.violations()).toEqual([]);
});

test('an authorization that is recorded after its undo is reported as undone, is booked, and never becomes an order’s hold', async () => {
  const orderId = 'late-1';
  await shop.payments.beginAttempt(authorizeInput(orderId, cartOf('cart-late-1')));
  await shop.payments.sealAttempts(orderId, 1);
  const status = authorized(orderId, 1, 7_303);
  expect(await shop.payments.recordAttempt({ orderId, attempt: 1, status })).toEqual({ kind: 'undone' });
  expect((await shop.violations()).map((one) => one.rule)).toEqual(['hold_without_order']);
  await shop.payments.recordVoid({ orderId, attempt: 1, paymentIntentId: status.paymentIntentId, reason: 'late' });
  expect(await shop.violations()).toEqual([]);
});

test('a hold for an order that was cancelled meanwhile is reported as undone', async () => {
  const orderId = 'gone-1';
  const cart = cartOf('cart-gone-1');
  await shop.place(orderId, cart);
  await shop.payments.beginAttempt(authorizeInput(orderId, cart, { attempt: 2, purpose: 'reauthorization' }));
  await shop.payments.recordVoid({ orderId, attempt: 1, paymentIntentId: intentOf(orderId, 1), reason: 'cancel' });
  await shop.orders.cancelOrder({ orderId, reason: 'r', actor: 'a' });
  const late = await shop.payments.recordAttempt({ orderId, attempt: 2, status: authorized(orderId, 2, 7_303) });
  expect(late).toMatchObject({ kind: 'undone', facts: { state: 'cancelled' } });
  expect(late.facts?.hold).toBeUndefined();
  expect((await shop.payments.getAttempt(orderId, 2))?.tombstoned).toBe(true);
  await shop.payments.recordVoid({ orderId, attempt: 2, paymentIntentId: intentOf(orderId, 2), reason: 'late' });
});

test('money captured before it could be voided is booked and has an owner', async () => {
  const orderId = 'taken-1';
  await shop.place(orderId);
  await shop.payments.sealAttempts(orderId, 1);
  const status = { status: 'captured', paymentIntentId: intentOf(orderId, 1), capturedAmount: 7_303 } as const;
  const recorded = await shop.payments.recordAttempt({ orderId, attempt: 1, status });
  expect(recorded).toMatchObject({
    kind: 'undone',
    facts: { paymentState: 'captured', exception: { kind: 'external_capture' } },
  });
});

test('a capture of an order that was cancelled meanwhile is booked and owned, not lost', async () => {
  const orderId = 'stray-1';
  const cart = cartOf('cart-stray-1', [{ sku: sku.tray, quantity: 1, unitAmount: 4_500 }]);
  const placed = await shop.place(orderId, cart);
  const capture = captureOf(placed, [{ sku: sku.tray, quantity: 1 }], 'S', true);
  await shop.payments.beginCapture(capture);
  await shop.payments.sealAttempts(orderId, 1);
  await expect(
    shop.payments.beginCapture({ ...capture, shipment: { ...capture.shipment!, shipmentId: 'dhl/T' } }),
  ).rejects.toMatchObject(undone);
  const facts = await shop.payments.recordCapture(capture, {
    capturedAmount: capture.amount,
    releasedAmount: 0,
    at: new Date().toISOString(),
  });
  expect(facts).toMatchObject({ state: 'shipped', amounts: { captured: capture.amount } });
});

const refused = (reason: string) => ({ kind: 'refused', cause: { reason } });

test('a parcel that is under way with some lines is not captured for with others', async () => {
  const orderId = 'under-way-1';
  const placed = await shop.place(orderId);
  const capture = captureOf(placed, [{ sku: sku.mug, quantity: 1 }], 'W', false);
  expect(await shop.payments.beginCapture(capture)).toMatchObject({ kind: 'begun' });
  const others = captureOf(placed, [{ sku: sku.mug, quantity: 2 }], 'W', false);
  expect(await shop.payments.beginCapture(others)).toMatchObject(refused('tracking_number_used'));
  const elsewhere = { ...capture, shipment: { ...capture.shipment!, warehouseId: 'leipzig' } };
  expect(await shop.payments.beginCapture(elsewhere)).toMatchObject(refused('tracking_number_used'));
  expect(await shop.payments.beginCapture(capture)).toMatchObject({ kind: 'begun' });
});

test('an order that was recorded is not withdrawn, and its stock is not released behind its back', async () => {
  const placed = await shop.place('kept-1');
  expect(await shop.orders.withdrawOrder({ orderId: 'kept-1' })).toEqual({ outcome: 'placed', facts: placed });
  await expect(shop.orders.releaseStock({ orderId: 'kept-1' })).rejects.toMatchObject({ type: 'Defect' });
  await expect(shop.orders.reserveStock({ orderId: 'kept-1', lines: [] })).resolves.toEqual({ outcome: 'reserved' });
});

test('another order of the same cart gets the first one, and is charged nothing', async () => {
  const cart = cartOf('cart-shared');
  const placed = await shop.place('shared-1', cart);
  const begun = await shop.payments.beginAttempt(authorizeInput('shared-2', cart));
  expect(begun).toEqual({ kind: 'existing_order', facts: placed });
  const second = await shop.orders.placeOrder({ orderId: 'shared-2', cart, paymentIntentId: 'pi' });
  expect(second).toEqual({ outcome: 'existing_order', facts: placed });
});

test('the same cart id with another fingerprint is another purchase, before the bank is asked and when it is recorded', async () => {
  const cart = cartOf('cart-taken');
  await shop.authorize('taken-1', cart);
  await shop.orders.reserveStock({ orderId: 'taken-1', lines: cart.lines });
  const first = { orderId: 'taken-1', cart, cartFingerprint: 'one', paymentIntentId: intentOf('taken-1', 1) };
  expect(await shop.orders.placeOrder(first)).toMatchObject({ outcome: 'placed' });
  expect(await shop.orders.placeOrder(first)).toMatchObject({ outcome: 'placed' });
  const other = authorizeInput('taken-2', cart);
  expect(await shop.payments.beginAttempt({ ...other, cartFingerprint: 'other' })).toEqual({ kind: 'cart_changed' });
  expect(await shop.payments.beginAttempt({ ...other, cartFingerprint: 'one' })).toMatchObject({
    kind: 'existing_order',
  });
  const second = { orderId: 'taken-2', cart, paymentIntentId: 'pi' };
  expect(await shop.orders.placeOrder({ ...second, cartFingerprint: 'other' })).toEqual({ outcome: 'cart_changed' });
  expect(await shop.orders.placeOrder({ ...second, cartFingerprint: 'one' })).toMatchObject({
    outcome: 'existing_order',
  });
});

test('an attempt that was begun goes on, whatever was sold or priced otherwise since: it may hold money', async () => {
  const cart = cartOf('cart-begun', [{ sku: sku.lastOne, quantity: 1, unitAmount: 9_900 }]);
  expect(await shop.payments.beginAttempt(authorizeInput('begun-1', cart))).toMatchObject({ kind: 'begun' });
  await shop.place('begun-2', { ...cart, cartId: 'cart-begun-2' });
  expect(await shop.payments.beginAttempt(authorizeInput('begun-1', cart))).toMatchObject({ kind: 'begun' });
  expect(await shop.payments.beginAttempt(authorizeInput('begun-3', { ...cart, cartId: 'cart-begun-3' }))).toEqual({
    kind: 'out_of_stock',
    sku: sku.lastOne,
    available: 0,
  });
  expect(await shop.orders.findShortage({ lines: cart.lines })).toEqual({ sku: sku.lastOne, available: 0 });
});

test('broken rules and unknown orders are different failures', async () => {
  const placed = await shop.place('rules-1');
  const { orders, payments } = shop;
  await expect(orders.allocateOrder({ orderId: 'nobody' })).rejects.toMatchObject({
    type: 'NotFound',
    nonRetryable: true,
  });
  const defect = { type: 'Defect', nonRetryable: true };
  const tooMany = captureOf(placed, [{ sku: sku.mug, quantity: 3 }], 'A', false);
  expect(await payments.beginCapture(tooMany)).toMatchObject(refused('exceeds_remaining'));
  const strange = captureOf(placed, [{ sku: 'OTHER', quantity: 1 }], 'A', false);
  expect(await payments.beginCapture(strange)).toMatchObject(refused('exceeds_remaining'));
  const tooMuch = { ...captureOf(placed, [{ sku: sku.mug, quantity: 1 }], 'A', false), amount: 7_304 };
  expect(await payments.beginCapture(tooMuch)).toMatchObject({ kind: 'changed' });
  const shipment = { shipmentId: 's', lines: [{ sku: sku.mug, quantity: 1 }], carrier: 'dhl', trackingNumber: 's' };
  expect(await orders.recordShipment({ orderId: 'rules-1', shipment })).toMatchObject({ outcome: 'refused' });
  const other = authorizeInput('rules-1', cartOf('cart-rules-1'), { purpose: 'reauthorization', amount: 1 });
  await expect(payments.beginAttempt(other)).rejects.toMatchObject(defect);
  const unheld = cartOf('cart-rules-2');
  await shop.orders.reserveStock({ orderId: 'rules-2', lines: unheld.lines });
  await expect(orders.placeOrder({ orderId: 'rules-2', cart: unheld, paymentIntentId: 'pi' })).rejects.toMatchObject(
    defect,
  );
  const rules = (await shop.violations()).map((one) => `${one.orderId} ${one.rule}`);
  expect(rules).toEqual(['rules-2 reservations_differ', 'rules-2 reservations_differ']);
});
