import { heldNow } from '../../../../workflows/domain/order/order';
import { owedAmount, owedFor, paidAhead } from '../../../../workflows/domain/order/owed';
import { shipmentAmount } from '../../../../workflows/domain/order/shipment-amount';
import { orderFacts } from '../../../support/facts/facts';
import { check, fc } from '../../../support/property';

/** Two mugs at 15.00, a shirt at 25.00, shipping 4.90, tax 10.00. */
const TOTAL = 6990;
const pieces = ['MUG', 'TEE', 'MUG'];

it('takes exactly what the order costs, whenever and however much somebody else captures', async () => {
  const external = fc.array(fc.integer({ min: 0, max: TOTAL }), { minLength: 3, maxLength: 3 });
  await check(
    'captured outside and by us is the total',
    fc.property(external, (outside) => {
      let facts = orderFacts();
      const capture = (amount: number): void => {
        facts = { ...facts, amounts: { ...facts.amounts, captured: facts.amounts.captured + amount } };
      };
      for (const [index, sku] of pieces.entries()) {
        // Nobody can take more than is still held for the order.
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

it('does not count what was given back of it', () => {
  const { amounts } = orderFacts();
  expect(paidAhead(orderFacts({ amounts: { ...amounts, captured: 1000 } }))).toBe(1000);
  expect(paidAhead(orderFacts({ amounts: { ...amounts, captured: 1000, refundPending: 400 } }))).toBe(600);
  expect(paidAhead(orderFacts({ amounts: { ...amounts, captured: 1000, disputed: 1000 } }))).toBe(0);
});

it('shows what is held now, however often a hold was renewed', () => {
  const amounts = { authorized: 25_929_000, captured: 129_000, released: 25_671_000, refundPending: 0, refunded: 0 };
  expect(heldNow(amounts)).toBe(129_000);
});
