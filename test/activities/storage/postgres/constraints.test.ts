import { authorizeInput, cartOf, openShop, sku, type Shop } from '../shop';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
  await shop.place('money-1');
});
afterAll(() => shop.close());

const entry = (kind: string, amount: number, key: string): string =>
  `INSERT INTO ledger_entries (order_id, attempt, payment_intent_id, kind, amount, currency, operation_key, occurred_at)
   VALUES ('money-1', 1, 'pi_money-1_1', '${kind}', ${amount}, 'eur', '${key}', now())`;

/** Statements that no code here sends: the database itself must refuse them. */
const refused: readonly (readonly [string, string, RegExp])[] = [
  ['more captured than authorized', entry('captured', 7_304, 'k1'), /attempts_captured_within_authorized/],
  ['more released than authorized', entry('released', 7_304, 'k2'), /attempts_captured_within_authorized/],
  ['an amount of zero', entry('captured', 0, 'k3'), /ledger_entries_amount_check/],
  ['a negative amount', entry('captured', -1, 'k4'), /ledger_entries_amount_check/],
  ['a PaymentIntent authorized twice', entry('authorized', 1, 'k5'), /ledger_one_hold_per_intent/],
  ['the same operation booked twice', entry('authorized', 1, 'authorize:money-1:1'), /ledger_once_per_operation/],
  ['totals moved past the ledger', 'UPDATE payment_attempts SET captured_amount = 99999', /attempts_captured/],
  ['a changed ledger entry', 'UPDATE ledger_entries SET amount = 1', /append-only/],
  ['a deleted ledger entry', 'DELETE FROM ledger_entries', /append-only/],
  ['an emptied ledger', 'TRUNCATE ledger_entries', /append-only/],
  ['a changed audit entry', `UPDATE audit_log SET actor = 'nobody'`, /append-only/],
  ['a deleted audit entry', 'DELETE FROM audit_log', /append-only/],
  ['a changed answer of a bank', 'DELETE FROM authorization_results', /append-only/],
  ['more shipped than ordered', 'UPDATE order_lines SET shipped = quantity + 1', /lines_end_once/],
  ['shipped and cancelled', 'UPDATE order_lines SET shipped = quantity, cancelled = 1', /lines_end_once/],
  ['more reserved than there is', 'UPDATE stock SET reserved = on_hand + 1', /stock_reserved_is_on_hand/],
  ['less than nothing reserved', 'UPDATE stock SET reserved = -1', /stock_reserved_is_on_hand/],
  ['a reservation used twice', 'UPDATE reservations SET consumed = quantity, released = 1', /reservations_end_once/],
  ['an order that waits for nobody', 'UPDATE orders SET waiting_on = NULL', /orders_wait_for_somebody/],
  [
    'a finished order with a hold',
    `UPDATE orders SET state = 'cancelled', waiting_on = NULL, waiting_until = NULL, waiting_why = NULL`,
    /orders_done_hold_nothing/,
  ],
  ['a settled payment with a hold', `UPDATE orders SET payment_state = 'captured'`, /orders_settled_hold_nothing/],
  [
    'a payment asked for without a deadline',
    `UPDATE orders SET payment_state = 'payment_needed'`,
    /orders_payment_has_deadline/,
  ],
  ['an unknown state', `UPDATE orders SET state = 'lost'`, /orders_state_check/],
  [
    'a placed order undone',
    `UPDATE operations SET undone_at = now() WHERE kind = 'place'`,
    /operations_place_is_final/,
  ],
];

test.each(refused)('refused: %s', async (_name, statement, reason) => {
  await expect(shop.sql(statement)).rejects.toThrow(reason);
});

test('two open exceptions of one kind in one workflow are one', async () => {
  const row = `INSERT INTO exceptions (order_id, workflow_id, kind, message, owner, raised_at) VALUES ('x', 'w', 'k', 'm', 'o', now())`;
  await shop.sql(row);
  await expect(shop.sql(row)).rejects.toThrow(/exceptions_one_open/);
});

test('a second order of one cart is refused by the database too', async () => {
  const copy = `INSERT INTO orders SELECT (jsonb_populate_record(o, '{"order_id": "money-2", "hold_attempt": null}')).* FROM orders o`;
  await expect(shop.sql(copy)).rejects.toThrow(/orders_one_per_cart/);
});

test('goods, prices and currencies that the catalogue does not have are named at once', async () => {
  const cart = cartOf('cart-bad', [
    { sku: 'NO-SUCH', quantity: 1, unitAmount: 1 },
    { sku: sku.mug, quantity: 1, unitAmount: 1 },
    { sku: sku.dollarMug, quantity: 1, unitAmount: 1_490 },
    { sku: sku.teapot, quantity: 1, unitAmount: 3_900 },
    { sku: sku.teapot, quantity: 1, unitAmount: 3_900 },
  ]);
  const begun = await shop.payments.beginAttempt(authorizeInput('bad-1', cart));
  expect(begun.kind === 'invalid' && begun.problems.map((one) => one.field)).toEqual([
    'lines.0.sku',
    'lines.1.unitAmount',
    'lines.2.sku',
    'lines.4.sku',
  ]);
  expect(await shop.payments.getAttempt('bad-1', 1)).toBeUndefined();
});
