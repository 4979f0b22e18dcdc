import { CURRENCIES, currencyRules } from '../../../../workflows/domain/shared/currencies';
import type { OrderFacts } from '../../../../workflows/domain/order/order';
import { linesAmount, refundablePieces, withUnshipped } from '../../../../workflows/domain/refund/amount';
import { shipmentAmount } from '../../../../workflows/domain/order/shipment-amount';
import { shippedOrder as shipped } from '../../../support/facts/facts';
import { check, fc } from '../../../support/property';
import { refundFacts, refundPart } from '../../../support/facts/refund';

describe('the worth of lines', () => {
  it('of all pieces, one after the other in any order, makes their price and all of the tax', async () => {
    const line = fc.record({ quantity: fc.integer({ min: 1, max: 4 }), unitAmount: fc.nat(3000) });
    await check(
      'refunds by lines add up',
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 4 }),
        fc.nat(2000),
        fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
        fc.constantFrom(...CURRENCIES),
        (lines, tax, order, fails, currency) => {
          const { multiple } = currencyRules(currency);
          const taxAmount = tax * multiple;
          let facts: OrderFacts = {
            ...shipped(),
            currency,
            taxAmount,
            lines: lines.map(({ quantity, unitAmount }, index) => {
              return {
                ...{ sku: `S${index}`, quantity, unitAmount: unitAmount * multiple },
                ...{ shipped: quantity, cancelled: 0 },
              };
            }),
          };
          const pieces = facts.lines.flatMap((one) => Array.from({ length: one.quantity }, () => one.sku));
          const queue = [...pieces].sort(
            (one, other) => (order[pieces.indexOf(one)] ?? 0) - (order[pieces.indexOf(other)] ?? 0),
          );
          let given = 0;
          // Some fail, are counted again and are refunded at the end.
          for (let index = 0; queue.length > 0; index += 1) {
            const sku = queue.shift() ?? '';
            const amount = linesAmount(facts, [{ sku, quantity: 1 }]);
            expect(amount % multiple).toBe(0);
            const failed = fails[index] === true;
            if (failed) queue.push(sku);
            else given += amount;
            const state = failed ? 'failed' : 'succeeded';
            const refund = refundFacts({
              refundId: `rf_${index}`,
              state,
              amount,
              lines: [{ sku, quantity: 1 }],
              parts: [refundPart({ status: state, amount })],
            });
            facts = { ...facts, refunds: [...(facts.refunds ?? []), refund] };
          }
          const goods = facts.lines.reduce((sum, one) => sum + one.quantity * one.unitAmount, 0);
          expect(given).toBe(goods + taxAmount);
        },
      ),
    );
  });

  it('leaves the shop exactly what its parcels cost, where goods are refunded before they ship', async () => {
    const line = fc.record({ quantity: fc.integer({ min: 1, max: 4 }), unitAmount: fc.nat(3000), refunded: fc.nat(4) });
    const currency = fc.constantFrom(...CURRENCIES);
    await check(
      'what stays is what ships',
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), fc.nat(2000), currency, (lines, tax, code) => {
        const { multiple } = currencyRules(code);
        const paid: OrderFacts = {
          ...shipped(),
          currency: code,
          taxAmount: tax * multiple,
          lines: lines.map(({ quantity, unitAmount }, index) => ({
            ...{ sku: `S${index}`, quantity, unitAmount: unitAmount * multiple, shipped: 0, cancelled: 0 },
          })),
        };
        const named = lines
          .map((one, index) => ({ sku: `S${index}`, quantity: Math.min(one.refunded, one.quantity) }))
          .filter((one) => one.quantity > 0);
        const kept = paid.lines.map((one) => {
          const cancelled = named.find(({ sku }) => sku === one.sku)?.quantity ?? 0;
          return { ...one, cancelled };
        });
        const left = kept.map(({ sku, quantity, cancelled }) => ({ sku, quantity: quantity - cancelled }));
        if (left.every((one) => one.quantity === 0)) return;
        const captured = shipmentAmount(paid, paid.lines);
        const parcel = shipmentAmount({ ...paid, lines: kept }, left);
        expect(captured - linesAmount(paid, named)).toBe(parcel);
      }),
    );
  });

  it('counts unshipped pieces first, only where they are paid for', () => {
    const lines = [{ sku: 'MUG', quantity: 3, unitAmount: 1000, shipped: 1, cancelled: 0 }];
    const paid = { ...shipped(), lines };
    expect(refundablePieces(paid, 'MUG')).toEqual({ pieces: 3, unshipped: 2 });
    expect(withUnshipped(paid, [{ sku: 'MUG', quantity: 3 }])).toEqual([{ sku: 'MUG', quantity: 3, cancelled: 2 }]);
    const held = { ...paid, paymentState: 'partially_captured' } as const;
    expect(refundablePieces(held, 'MUG')).toEqual({ pieces: 1, unshipped: 0 });
    expect(withUnshipped(held, [{ sku: 'MUG', quantity: 1 }])).toEqual([{ sku: 'MUG', quantity: 1 }]);
  });
});
