import { cartTotal, remainingAmount, shipmentAmount } from '../../../../workflows/domain/order/shipment-amount';
import type { LineQuantity, OrderLine } from '../../../../workflows/domain/order/lines';
import { orderFacts } from '../../../support/facts/facts';
import { CURRENCIES, currencyRules } from '../../../../workflows/domain/shared/currencies';
import { formatMoney } from '../../../../workflows/domain/shared/money';
import { check, fc } from '../../../support/property';

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

  it('charges the shipping with the first parcel and the tax by value', () => {
    const facts = orderFacts();
    expect(shipmentAmount(facts, [{ sku: 'MUG', quantity: 1 }])).toBe(1500 + 490 + 272);
    const later = { ...facts, lines: afterShipping(facts.lines, [{ sku: 'MUG', quantity: 1 }]) };
    expect(shipmentAmount(later, [{ sku: 'TEE', quantity: 1 }])).toBe(2500 + 455);
  });

  it('takes the tax of an order of free goods, e.g. on its shipping, with the last piece', () => {
    const free = (shipped: number) =>
      orderFacts({ lines: [{ sku: 'GIFT', quantity: 3, unitAmount: 0, shipped, cancelled: 0 }] });
    const parcel = (quantity: number) => [{ sku: 'GIFT', quantity }];
    expect(shipmentAmount(free(0), parcel(3))).toBe(490 + 1000);
    expect(shipmentAmount(free(0), parcel(2))).toBe(490);
    expect(shipmentAmount(free(2), parcel(1))).toBe(1000);
    expect(remainingAmount(free(3))).toBe(0);
  });

  it('leaves out of what remains what was cancelled', () => {
    const [mug, tee] = [
      { sku: 'MUG', quantity: 2, unitAmount: 1500, shipped: 1, cancelled: 1 },
      { sku: 'TEE', quantity: 2, unitAmount: 2500, shipped: 0, cancelled: 1 },
    ];
    expect(remainingAmount(orderFacts({ lines: [mug, tee], taxAmount: 0 }))).toBe(2500);
  });

  it('refuses an order too large to be charged', () => {
    const facts = orderFacts({
      lines: [{ sku: 'X', quantity: 9999, unitAmount: 999_999_999, shipped: 0, cancelled: 0 }],
    });
    expect(() => remainingAmount(facts)).toThrow(/shipment amount must be a whole number/);
  });

  it('makes parcels that the provider accepts and that add up to the order, in every currency', async () => {
    const currency = fc.constantFrom(...CURRENCIES);
    await check(
      'parcels are multiples of what the currency allows',
      fc.property(
        order,
        currency,
        fc.integer({ min: 1, max: 200_000 }),
        ({ lines, cuts, ...amounts }, code, factor) => {
          const { multiple } = currencyRules(code);
          const money = (value: number): number => value * factor * multiple;
          const priced = lines.map((one) => ({ ...one, unitAmount: money(one.unitAmount) % 1e9 }));
          const whole = {
            shippingAmount: money(amounts.shippingAmount) % 1e9,
            taxAmount: money(amounts.taxAmount) % 1e9,
          };
          let state = {
            currency: code,
            lines: priced.map((one) => ({ ...one, unitAmount: one.unitAmount - (one.unitAmount % multiple) })),
            ...whole,
            shipments: [],
          };
          state = {
            ...state,
            taxAmount: state.taxAmount - (state.taxAmount % multiple),
            shippingAmount: state.shippingAmount - (state.shippingAmount % multiple),
          };
          const total = cartTotal(state);
          let sum = 0;
          for (let index = 0; nextParcel(state.lines, 1).length > 0; index += 1) {
            const parcel = nextParcel(state.lines, cuts[index % cuts.length] ?? 1);
            const amount = shipmentAmount(state, parcel);
            expect(amount % multiple).toBe(0);
            sum += amount;
            state = { ...state, lines: afterShipping(state.lines, parcel) };
          }
          expect(sum).toBe(total);
        },
      ),
    );
  });
});

describe('what a person reads', () => {
  it.each([
    [{ amount: 1999, currency: 'eur' }, '19.99 EUR'],
    [{ amount: 1500, currency: 'jpy' }, '1500 JPY'],
    [{ amount: 500_000, currency: 'ugx' }, '5000 UGX'],
    [{ amount: 129_000, currency: 'isk' }, '1290 ISK'],
    [{ amount: 1_230, currency: 'kwd' }, '1.230 KWD'],
    [{ amount: 150_000_000_000, currency: 'idr' }, '1500000000.00 IDR'],
  ])('%j is %s', (money, text) => {
    expect(formatMoney(money)).toBe(text);
  });
});
