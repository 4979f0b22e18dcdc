import { captureOf, cartOf, intentOf, openShop, sku, type Shop } from '../shop';

/*
 * The database's own guard: a dispute or a refund recorded a moment earlier stops a parcel, also where the workflow of the
 * order has not learned of it.
 */

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(() => shop.close());

const mugs = (quantity: number): { sku: string; quantity: number }[] => [{ sku: sku.mug, quantity }];

function parcel(orderId: string, name: string) {
  const shipment = { shipmentId: `dhl/${name}`, lines: mugs(1), carrier: 'dhl', trackingNumber: name };
  return { orderId, shipment };
}

async function openDispute(orderId: string): Promise<void> {
  await shop.sql(
    `INSERT INTO disputes (dispute_id, order_id, attempt, payment_intent_id, charge_id, amount, currency, reason, is_inquiry,
       provider_status, stage, opened_at, round, round_began_at, submission_count, round_submissions, fee_currency,
       waiting_on, waiting_until, waiting_why, fetched_at, recorded_at, updated_at)
     VALUES ($1, $2, 1, $3, 'ch', 100, 'eur', 'fraudulent', false, 'needs_response', 'evidence_due', now(), 1, now(), 0, 0,
       'eur', 'approver', now(), 'evidence', now(), now(), now())`,
    [`dp_${orderId}`, orderId, intentOf(orderId, 1)],
  );
}

async function closeDispute(orderId: string): Promise<void> {
  await shop.sql(`UPDATE disputes SET stage = 'won', closed_at = now() WHERE order_id = $1`, [orderId]);
}

async function giveBack(orderId: string, amount: number): Promise<void> {
  await shop.sql(
    `INSERT INTO ledger_entries (order_id, attempt, payment_intent_id, kind, amount, currency, operation_key, occurred_at)
     VALUES ($1, 1, $2, 'refund_pending', $3, 'eur', $1, now())`,
    [orderId, intentOf(orderId, 1), amount],
  );
}

async function captureAll(orderId: string): Promise<void> {
  await shop.capture({ orderId, paymentIntentId: intentOf(orderId, 1), amount: 7_303, final: true });
  await shop.orders.allocateOrder({ orderId });
}

test('no capture begins for a parcel while a dispute is open; it may once the dispute is closed', async () => {
  const placed = await shop.place('stop-1');
  await openDispute('stop-1');
  const capture = captureOf(placed, mugs(1), 'STOP-1', false);
  expect(await shop.payments.beginCapture(capture)).toMatchObject({ kind: 'stopped', facts: { orderId: 'stop-1' } });
  expect(await shop.sql(`SELECT 1 FROM operations WHERE order_id = 'stop-1' AND kind = 'capture'`)).toEqual([]);
  await closeDispute('stop-1');
  expect(await shop.payments.beginCapture(capture)).toMatchObject({ kind: 'begun' });
});

test('a capture that was under way before the dispute continues: its money may have been captured already', async () => {
  const placed = await shop.place('stop-2');
  const capture = captureOf(placed, mugs(1), 'STOP-2', false);
  await shop.payments.beginCapture(capture);
  await openDispute('stop-2');
  expect(await shop.payments.beginCapture(capture)).toMatchObject({ kind: 'begun' });
});

test('a parcel of a paid order does not leave during a dispute, and nothing of it is recorded', async () => {
  await shop.place('stop-3');
  await captureAll('stop-3');
  await openDispute('stop-3');
  expect(await shop.orders.recordShipment(parcel('stop-3', 'STOP-3'))).toMatchObject({
    outcome: 'stopped',
    facts: { shipments: [], disputes: [{ disputeId: 'dp_stop-3', stage: 'evidence_due' }] },
  });
  await closeDispute('stop-3');
  expect(await shop.orders.recordShipment(parcel('stop-3', 'STOP-3'))).toMatchObject({ shipments: [{}] });
});

test('a parcel of a paid order does not leave once all its money goes back, and does while some of it stays', async () => {
  await shop.place('stop-4');
  await captureAll('stop-4');
  await giveBack('stop-4', 7_303);
  expect(await shop.orders.recordShipment(parcel('stop-4', 'STOP-4'))).toMatchObject({ outcome: 'stopped' });
  await shop.place('stop-5', cartOf('cart-stop-5'));
  await captureAll('stop-5');
  await giveBack('stop-5', 7_302);
  expect(await shop.orders.recordShipment(parcel('stop-5', 'STOP-5'))).toMatchObject({ shipments: [{}] });
});
