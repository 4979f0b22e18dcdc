import { after, mugs, NOW, openRefundShop, teapot, TOTAL, type RefundShop } from './shop';
import { intentOf, sku } from '../shop';

const DAY_MS = 86_400_000;

let shop: RefundShop;
beforeAll(async () => void (shop = await openRefundShop()));
afterAll(() => shop.close());
afterEach(async () => expect(await shop.violations()).toEqual([]));

describe('a refund', () => {
  test('is reserved, sent, confirmed, and every step answers what is stored', async () => {
    await shop.shipped('ok-1');
    const refund = await shop.begin({ orderId: 'ok-1', amount: 1_000 });
    expect(refund).toMatchObject({
      state: 'pending',
      amount: 1_000,
      currency: 'eur',
      settleBy: after(10 * DAY_MS),
    });
    expect(refund.parts).toEqual([
      { part: 1, attempt: 1, paymentIntentId: intentOf('ok-1', 1), amount: 1_000, status: 'begun' },
    ]);
    expect((await shop.view('ok-1')).amounts).toMatchObject({ captured: TOTAL, refundPending: 1_000, refunded: 0 });
    const sent = await shop.send(refund, { status: 'pending', pendingReason: 'processing' });
    expect(sent.tell).toBe(true);
    expect(sent.refund.parts).toMatchObject([{ status: 'pending', pendingReason: 'processing', createdAt: NOW }]);
    const done = await shop.tell(sent.refund, { status: 'succeeded' });
    expect(done.refund).toMatchObject({ state: 'succeeded', watchUntil: after(60_000) });
    const view = await shop.view('ok-1');
    expect(view.refunds).toEqual([done.refund]);
    expect(await shop.refunds.getRefund(refund.refundId)).toEqual(done.refund);
    expect(view.amounts).toMatchObject({ refundPending: 0, refunded: 1_000 });
    const events = (await shop.events('ok-1')).filter((one) => one.type.startsWith('Refund'));
    expect(events.map((one) => one.type)).toEqual(['RefundPending', 'RefundSucceeded']);
    expect(await shop.notices(refund.refundId)).toEqual([
      { kind: 'refund_on_its_way', status: 'canceled' },
      { kind: 'refund_done', status: 'queued' },
    ]);
  });

  test('that succeeds at once counts only once it was fetched, and is announced once', async () => {
    await shop.shipped('ok-2');
    const refund = await shop.begin({ orderId: 'ok-2', amount: 500 });
    const sent = await shop.send(refund, { status: 'succeeded' });
    expect(sent.refund).toMatchObject({
      state: 'pending',
      parts: [{ status: 'pending', providerRefundId: expect.any(String) }],
    });
    expect(await shop.notices(refund.refundId)).toEqual([]);
    const done = await shop.tell(sent.refund, { status: 'succeeded' });
    expect(done.refund.state).toBe('succeeded');
    expect(await shop.tell(done.refund, { status: 'succeeded' })).toEqual({ refund: done.refund, tell: false });
    expect(await shop.notices(refund.refundId)).toEqual([{ kind: 'refund_done', status: 'queued' }]);
  });

  test('asked for again is the same refund; with another content, or for another order, it is refused', async () => {
    await shop.shipped('same-1');
    await shop.shipped('same-2');
    const first = await shop.ask({ refundId: 'rf_same', orderId: 'same-1', amount: 700 });
    expect(await shop.ask({ refundId: 'rf_same', orderId: 'same-1', amount: 700 })).toEqual(first);
    for (const other of [{ amount: 701 }, { lines: mugs(1) }, { orderId: 'same-2', amount: 700 }]) {
      const refused = await shop.ask({ refundId: 'rf_same', orderId: 'same-1', ...other });
      expect(refused).toMatchObject({ outcome: 'refused', reason: 'refund_id_used' });
    }
    expect((await shop.view('same-1')).amounts.refundPending).toBe(700);
  });

  test('uses the newest capture first and is split if that is not enough', async () => {
    const facts = await shop.paidTwice('split-1');
    expect(facts).toMatchObject({ state: 'shipped', amounts: { captured: TOTAL } });
    const [first = 0, second = 0] = facts.shipments.map((one) => one.amount);
    const refund = await shop.begin({ orderId: 'split-1', amount: second + 100 });
    expect(refund.parts).toMatchObject([
      { part: 1, attempt: 2, paymentIntentId: intentOf('split-1', 2), amount: second },
      { part: 2, attempt: 1, paymentIntentId: intentOf('split-1', 1), amount: 100 },
    ]);
    const rest = await shop.begin({ orderId: 'split-1', amount: first - 100 });
    expect(rest.parts).toMatchObject([{ attempt: 1, amount: first - 100 }]);
    expect(await shop.ask({ orderId: 'split-1', amount: 1 })).toMatchObject({
      reason: 'exceeds_refundable',
      refundable: 0,
    });
  });

  test('of which one part succeeds and one fails is failed, and names the refunded amount', async () => {
    await shop.paidTwice('split-2');
    const refund = await shop.begin({ orderId: 'split-2', amount: TOTAL });
    await shop.send(refund, {}, 1);
    const both = await shop.send(refund, {}, 2);
    const one = await shop.tell(both.refund, { status: 'succeeded' }, 1);
    expect(one.refund.state).toBe('pending');
    const two = await shop.tell(one.refund, { status: 'failed', failureReason: 'declined' }, 2);
    expect(two.refund.state).toBe('failed');
    const facts = await shop.view('split-2');
    const [, second] = refund.parts;
    expect(facts.exception).toMatchObject({ kind: 'refund_failed', owner: 'payments' });
    expect(facts.amounts).toMatchObject({ refundPending: 0, refunded: TOTAL - (second?.amount ?? 0) });
  });
});

describe('a refund by lines', () => {
  test('gives price and tax; all of them together make exactly what the lines cost', async () => {
    await shop.shipped('lines-1');
    const given: number[] = [];
    for (const lines of [mugs(1), teapot, mugs(1)]) {
      given.push((await shop.begin({ orderId: 'lines-1', lines })).amount);
    }
    expect(given.reduce((sum, one) => sum + one, 0)).toBe(TOTAL - 490);
    expect(await shop.ask({ orderId: 'lines-1', lines: mugs(1) })).toMatchObject({
      reason: 'exceeds_line',
      refundable: 490,
    });
    expect(await shop.begin({ orderId: 'lines-1', amount: 490 })).toMatchObject({ state: 'pending' });
  });

  test('counts pieces again whose refund failed', async () => {
    await shop.shipped('lines-2');
    const refund = await shop.begin({ orderId: 'lines-2', lines: mugs(2) });
    expect(await shop.ask({ orderId: 'lines-2', lines: mugs(1) })).toMatchObject({ reason: 'exceeds_line' });
    await shop.send(refund, {});
    await shop.tell(refund, { status: 'failed', failureReason: 'declined' });
    expect(await shop.begin({ orderId: 'lines-2', lines: mugs(2) })).toMatchObject({ amount: refund.amount });
  });

  test('cancels pieces that have not shipped, and releases their stock', async () => {
    await shop.paid('lines-3');
    const stock = () =>
      shop.sql<{ reserved: number }>(
        `SELECT sum(quantity - consumed - released)::int AS reserved FROM reservations WHERE order_id = 'lines-3'`,
      );
    expect(await stock()).toEqual([{ reserved: 3 }]);
    const refund = await shop.begin({ orderId: 'lines-3', lines: mugs(1) });
    expect(refund.lines).toEqual([{ sku: sku.mug, quantity: 1, cancelled: 1 }]);
    expect(await stock()).toEqual([{ reserved: 2 }]);
    const facts = await shop.view('lines-3');
    expect(facts.lines).toMatchObject([
      { sku: sku.mug, cancelled: 1 },
      { sku: sku.teapot, cancelled: 0 },
    ]);
    expect(facts.state).toBe('paid');
    await shop.begin({ orderId: 'lines-3', lines: [...mugs(1), ...teapot] });
    expect(await shop.view('lines-3')).toMatchObject({ state: 'cancelled', paymentState: 'captured' });
    expect(await stock()).toEqual([{ reserved: 0 }]);
    await shop.begin({ orderId: 'lines-3', amount: 490 });
  });

  test('of the last unshipped pieces lets an order end with what has shipped', async () => {
    await shop.paid('lines-4');
    const shipment = { shipmentId: 'dhl/L4', lines: mugs(2), carrier: 'dhl', trackingNumber: 'L4' };
    await shop.orders.recordShipment({ orderId: 'lines-4', shipment });
    await shop.begin({ orderId: 'lines-4', lines: teapot });
    expect(await shop.view('lines-4')).toMatchObject({ state: 'shipped' });
    const returned = await shop.begin({ orderId: 'lines-4', lines: mugs(2) });
    expect(returned.lines).toEqual([{ sku: sku.mug, quantity: 2 }]);
  });
});

describe('a refund is refused', () => {
  test('beyond what is there, in another currency, for unknown lines, above the limit', async () => {
    await shop.shipped('no-1');
    const refused = (reason: string) => ({ outcome: 'refused', reason, refundable: TOTAL });
    expect(await shop.ask({ orderId: 'no-1', amount: TOTAL + 1 })).toMatchObject(refused('exceeds_refundable'));
    expect(await shop.ask({ orderId: 'no-1', amount: 1, currency: 'usd' })).toMatchObject(refused('wrong_currency'));
    const strange = [{ sku: 'SPOON', quantity: 1 }];
    expect(await shop.ask({ orderId: 'no-1', lines: strange })).toMatchObject(refused('unknown_line'));
    expect(await shop.ask({ orderId: 'no-1', amount: 101 }, { approvalAbove: 100 })).toMatchObject(
      refused('needs_approval'),
    );
    expect(await shop.ask({ orderId: 'no-1', amount: 100 }, { approvalAbove: 100 })).toMatchObject({
      outcome: 'begun',
    });
    expect(await shop.ask({ orderId: 'nowhere', amount: 1 })).toMatchObject({ reason: 'unknown_order' });
  });

  test('by a part of what the currency has as its smallest unit', async () => {
    await shop.shipped('no-4');
    await shop.pool.query("UPDATE orders SET currency = 'isk' WHERE order_id = 'no-4'");
    const kept = await shop.view('no-4');
    expect(await shop.ask({ orderId: 'no-4', amount: 150 })).toMatchObject({ reason: 'not_a_multiple' });
    expect(await shop.view('no-4')).toEqual(kept);
    expect(await shop.ask({ orderId: 'no-4', amount: 100 })).toMatchObject({ outcome: 'begun' });
  });

  test('where nothing was captured: a cancel releases what is held', async () => {
    await shop.place('no-2');
    expect(await shop.ask({ orderId: 'no-2', amount: TOTAL })).toEqual({
      outcome: 'refused',
      reason: 'nothing_captured',
      message: expect.stringContaining('73.03 EUR that are held') as string,
      refundable: 0,
      held: TOTAL,
      coversHeld: true,
    });
  });

  test('while a dispute is open; one that was begun before and not sent is given up with its money', async () => {
    await shop.shipped('no-3');
    const refund = await shop.begin({ orderId: 'no-3', amount: 300 });
    const sent = await shop.send(await shop.begin({ orderId: 'no-3', amount: 200 }), {});
    await shop.openDispute('no-3');
    expect(await shop.ask({ orderId: 'no-3', amount: 1 })).toMatchObject({ reason: 'disputed' });
    const given = await shop.send(refund);
    expect(given.refund).toMatchObject({
      state: 'canceled',
      parts: [{ status: 'canceled', failureReason: 'disputed' }],
    });
    expect((await shop.view('no-3')).amounts).toMatchObject({ refundPending: 200 });
    expect(await shop.view('no-3')).toMatchObject({ exception: { kind: 'refund_failed' } });
    // What was sent before goes on: only the provider can say what became of it.
    expect((await shop.tell(sent.refund, { status: 'succeeded' })).refund.state).toBe('succeeded');
  });
});

it('announces ten refunds of one order in a day, the tenth with a word that more may follow', async () => {
  await shop.shipped('many-refunds');
  const announced: string[] = [];
  for (let number = 1; number <= 12; number += 1) {
    const refundId = `many-${String(number).padStart(2, '0')}`;
    const refund = await shop.begin({ orderId: 'many-refunds', refundId, amount: 10 });
    await shop.send(refund);
    await shop.tell((await shop.view('many-refunds')).refunds?.at(-1) ?? refund, { status: 'succeeded' });
    if ((await shop.notices(refundId)).length > 0) announced.push(refundId);
  }
  expect(announced).toHaveLength(10);
  expect(announced).not.toContain('many-11');
  const last = await shop.sql<{ notice_key: string }>(
    `SELECT DISTINCT subject_id AS notice_key FROM notices WHERE data ? 'isLastToday'`,
  );
  expect(last).toEqual([{ notice_key: 'many-10' }]);
});
