import { cartTotal, remainingAmount, shipmentAmount } from '../../../workflows/domain/shipment-amount';
import type { LineQuantity, OrderLine } from '../../../workflows/domain/order';
import { orderFacts } from '../../support/facts';
import { check, fc } from '../../support/property';

const line = fc.record({ quantity: fc.integer({ min: 1, max: 9 }), unitAmount: fc.integer({ min: 0, max: 50_000 }) });
const order = fc
  .record({
    lines: fc.array(line, { minLength: 1, maxLength: 5 }),
    shippingAmount: fc.integer({ min: 0, max: 5_000 }),
    taxAmount: fc.integer({ min: 0, max: 100_000 }),
    cuts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 }),
  })
  .map(({ lines, ...rest }) => ({
    ...rest,
    lines: lines.map((one, index): OrderLine => ({ sku: `S${index}`, shipped: 0, cancelled: 0, ...one })),
  }));

function afterShipping(lines: readonly OrderLine[], shipped: readonly LineQuantity[]): OrderLine[] {
  return lines.map((one) => ({
    ...one,
    shipped: one.shipped + (shipped.find((other) => other.sku === one.sku)?.quantity ?? 0),
  }));
}

/** The next parcel: a few pieces of the first line that has some left. */
function nextParcel(lines: readonly OrderLine[], pieces: number): LineQuantity[] {
  const open = lines.find((one) => one.shipped < one.quantity);
  return open === undefined ? [] : [{ sku: open.sku, quantity: Math.min(pieces, open.quantity - open.shipped) }];
}

describe('what a shipment costs', () => {
  it('makes exactly the order, however it is cut into parcels', async () => {
    await check(
      'parcels sum to the order',
      fc.property(order, ({ lines, cuts, ...amounts }) => {
        let state = { currency: 'eur', lines, ...amounts, shipments: [] };
        let sum = 0;
        for (let index = 0; nextParcel(state.lines, 1).length > 0; index += 1) {
          const parcel = nextParcel(state.lines, cuts[index % cuts.length] ?? 1);
          const amount = shipmentAmount(state, parcel);
          expect(amount).toBeGreaterThanOrEqual(0);
          expect(sum + remainingAmount(state)).toBe(cartTotal({ ...amounts, lines }));
          sum += amount;
          state = { ...state, lines: afterShipping(state.lines, parcel) };
        }
        expect(sum).toBe(cartTotal({ ...amounts, lines }));
      }),
    );
  });

  it('takes the shipping with the first parcel and the tax by value', () => {
    const facts = orderFacts();
    expect(shipmentAmount(facts, [{ sku: 'MUG', quantity: 1 }])).toBe(1500 + 490 + 272);
    const later = { ...facts, lines: afterShipping(facts.lines, [{ sku: 'MUG', quantity: 1 }]) };
    expect(shipmentAmount(later, [{ sku: 'TEE', quantity: 1 }])).toBe(2500 + 455);
  });

  it('refuses an order too large to be charged', () => {
    const facts = orderFacts({
      lines: [{ sku: 'X', quantity: 9999, unitAmount: 999_999_999, shipped: 0, cancelled: 0 }],
    });
    expect(() => remainingAmount(facts)).toThrow(/shipment amount must be a whole number/);
  });
});
