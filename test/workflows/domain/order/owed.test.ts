import { heldNow } from '../../../../workflows/domain/order/order';
import type { OrderAmounts, OrderFacts, Shipment } from '../../../../workflows/domain/order/order';
import type { RefundFacts, RefundPart } from '../../../../workflows/domain/refund/refund';
import { owedAmount, owedFor, paidAhead } from '../../../../workflows/domain/order/owed';
import { shipmentAmount } from '../../../../workflows/domain/order/shipment-amount';
import { orderFacts } from '../../../support/facts/facts';
import { refundFacts, refundPart } from '../../../support/facts/refund';
import { check, fc } from '../../../support/property';

/** Two mugs at 15.00, a shirt at 25.00, shipping 4.90, tax 10.00. */
const TOTAL = 6990;
const pieces = ['MUG', 'TEE', 'MUG'];

it('captures exactly what the order costs, whenever and however much somebody else captures', async () => {
  const external = fc.array(fc.integer({ min: 0, max: TOTAL }), { minLength: 3, maxLength: 3 });
  await check(
    'captured outside and by us is the total',
    fc.property(external, (outside) => {
      let facts = orderFacts();
      const capture = (amount: number): void => {
        facts = { ...facts, amounts: { ...facts.amounts, captured: facts.amounts.captured + amount } };
      };
      for (const [index, sku] of pieces.entries()) {
        // Nobody can capture more than is still held for the order.
        capture(Math.min(outside[index] ?? 0, owedAmount(facts)));
        const lines = [{ sku, quantity: 1 }];
        const amount = shipmentAmount(facts, lines);
        capture(owedFor(facts, lines));
        expect(facts.amounts.captured).toBeLessThanOrEqual(TOTAL);
        facts = {
          ...facts,
          lines: facts.lines.map((line) => (line.sku === sku ? { ...line, shipped: line.shipped + 1 } : line)),
          shipments: [
            ...facts.shipments,
            { shipmentId: `s${index}`, lines, carrier: 'c', trackingNumber: `${index}`, amount, shippedAt: 't' },
          ],
        };
      }
      expect(facts.amounts.captured).toBe(TOTAL);
      expect(owedAmount(facts)).toBe(0);
      expect(paidAhead(facts)).toBe(0);
    }),
  );
});

it('does not count what was refunded of it', () => {
  const { amounts } = orderFacts();
  expect(paidAhead(orderFacts({ amounts: { ...amounts, captured: 1000 } }))).toBe(1000);
  expect(paidAhead(orderFacts({ amounts: { ...amounts, captured: 1000, refundPending: 400 } }))).toBe(600);
  expect(paidAhead(orderFacts({ amounts: { ...amounts, captured: 1000, disputed: 1000 } }))).toBe(0);
});

describe('what was taken for goods that have not shipped', () => {
  const { amounts } = orderFacts();
  const parcel = (amount: number): Shipment => ({
    ...{ shipmentId: `${amount}`, lines: [], carrier: 'c', trackingNumber: '1', amount, shippedAt: 't' },
  });
  const taken = { amounts: { ...amounts, captured: 1000 }, shipments: [parcel(200), parcel(100)] };
  const back = (changes: Partial<OrderAmounts>): OrderFacts =>
    orderFacts({ ...taken, amounts: { ...taken.amounts, ...changes } });
  const shipped = [{ sku: 'MUG', quantity: 1 }];
  const takenOff = [{ sku: 'MUG', quantity: 1, cancelled: 1 }];
  const refund = (changes: Partial<RefundFacts>, ...parts: Partial<RefundPart>[]): RefundFacts =>
    refundFacts({ lines: shipped, parts: parts.map((part) => refundPart({ amount: 200, ...part })), ...changes });

  it.each<[string, OrderFacts, number]>([
    ['is what no parcel has used', orderFacts(taken), 700],
    ['is nothing where parcels cost more', orderFacts({ ...taken, shipments: [parcel(1001)] }), 0],
    ['is less what is on its way back', back({ refundPending: 200 }), 500],
    ['is less what went back', back({ refunded: 200 }), 500],
    ['is less what went back in another way', back({ refundedOutside: 200 }), 500],
    ['is less what the bank has taken', back({ disputed: 200 }), 500],
    ['is less all of it together', back({ refundPending: 10, refunded: 20, refundedOutside: 30, disputed: 40 }), 600],
  ])('%s', (_name, facts, amount) => {
    expect(paidAhead(facts)).toBe(amount);
  });

  it.each<[string, RefundFacts[], number]>([
    ['not for pieces that had shipped', [refund({}, {})], 700],
    ['not for pieces that had shipped, in two parts', [refund({}, { amount: 50 }, { part: 2, amount: 150 })], 700],
    ['for pieces that were taken off the order', [refund({ lines: takenOff }, {})], 500],
    ['for pieces of both kinds', [refund({ lines: [...shipped, ...takenOff] }, {})], 500],
    ['for an amount', [refundFacts({ parts: [refundPart({ amount: 200 })] })], 500],
    ['for pieces whose own refund failed', [refund({}, { status: 'failed' })], 500],
    ['for pieces whose own refund was given up', [refund({}, { status: 'canceled' })], 500],
  ])('counts what went back %s', (_name, refunds, amount) => {
    expect(paidAhead({ ...back({ refunded: 200 }), refunds })).toBe(amount);
  });

  it('never grows by a refund', () => {
    expect(paidAhead({ ...back({ refunded: 100 }), refunds: [refund({}, {})] })).toBe(700);
  });
});

describe('what is still owed', () => {
  const { amounts } = orderFacts();
  const ahead = { amounts: { ...amounts, captured: 1000 } };
  const mug = [{ sku: 'MUG', quantity: 1 }];
  it('is what is left to ship, less what was taken ahead', () => {
    expect(owedAmount(orderFacts())).toBe(TOTAL);
    expect(owedAmount(orderFacts(ahead))).toBe(TOTAL - 1000);
    expect(owedFor(orderFacts(), mug)).toBe(1500 + 490 + 272);
    expect(owedFor(orderFacts(ahead), mug)).toBe(1500 + 490 + 272 - 1000);
  });

  it('is nothing of an order whose money was captured, whatever went back of it', () => {
    const paid = orderFacts({ paymentState: 'captured', amounts: { ...amounts, captured: TOTAL, refunded: 1000 } });
    expect([owedAmount(paid), owedFor(paid, mug)]).toEqual([0, 0]);
  });

  it('is never less than nothing', () => {
    const paid = orderFacts({ amounts: { ...amounts, captured: TOTAL + 1 } });
    expect([owedAmount(paid), owedFor(paid, mug)]).toEqual([0, 0]);
  });
});

it('shows what is held now, however often a hold was renewed', () => {
  const amounts = { authorized: 25_929_000, captured: 129_000, released: 25_671_000, refundPending: 0, refunded: 0 };
  expect(heldNow(amounts)).toBe(129_000);
});
