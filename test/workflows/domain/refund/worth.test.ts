import { CURRENCIES, currencyRules } from '../../../../workflows/domain/shared/currencies';
import type { OrderFacts } from '../../../../workflows/domain/order/order';
import { linesAmount, paidPieces, refundablePieces, withUnshipped } from '../../../../workflows/domain/refund/amount';
import type { RefundFacts, RefundState } from '../../../../workflows/domain/refund/refund';
import { shipmentAmount } from '../../../../workflows/domain/order/shipment-amount';
import { orderFacts, shippedOrder as shipped } from '../../../support/facts/facts';
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

  const mug = [{ sku: 'MUG', quantity: 1 }];
  const after = (changes: Partial<RefundFacts>): OrderFacts => ({ ...shipped(), refunds: [refundFacts(changes)] });
  // All of the order is worth 65.00 with its tax; what stays is one mug and the shirt, 40.00 and 7.27 of tax.
  const MUG = 1773;
  it.each<[string, Partial<RefundFacts>, { amount: number; pieces: number }]>([
    ['one that is on its way', { lines: mug, amount: MUG }, { amount: MUG, pieces: 1 }],
    ['one that failed', { lines: mug, amount: MUG, state: 'failed', parts: [] }, { amount: MUG, pieces: 2 }],
    ['one that was given up', { lines: mug, amount: MUG, state: 'canceled', parts: [] }, { amount: MUG, pieces: 2 }],
    [
      'one that failed in a part: what the other part gave is not given again',
      {
        ...{ lines: mug, amount: MUG, state: 'failed' },
        parts: [
          refundPart({ amount: 1000, status: 'succeeded' }),
          refundPart({ amount: 700, status: 'failed' }),
          refundPart({ amount: 73, status: 'canceled' }),
        ],
      },
      { amount: MUG - 1000, pieces: 2 },
    ],
    [
      'one that a person settled by a transfer',
      { lines: mug, amount: MUG, state: 'resolved', resolution: { action: 'manual_transfer', actor: 'op', at: 't' } },
      { amount: MUG, pieces: 1 },
    ],
    [
      'one that a person dismissed',
      {
        lines: mug,
        amount: MUG,
        state: 'resolved',
        resolution: { action: 'dismiss', actor: 'op', at: 't' },
        parts: [],
      },
      { amount: MUG, pieces: 2 },
    ],
    ['one of an amount: it is none of any line', { amount: 500 }, { amount: MUG, pieces: 2 }],
    ['one that gave more than its lines were worth', { lines: mug, amount: 9000 }, { amount: 0, pieces: 1 }],
  ])('after %s', (_name, changes, { amount, pieces }) => {
    // Rounding leaves a cent more or less for the second mug.
    const worth = linesAmount(after(changes), mug);
    expect(Math.abs(worth - amount)).toBeLessThanOrEqual(1);
    expect(refundablePieces(after(changes), 'MUG').pieces).toBe(pieces);
  });

  it('counts as paid for what a refund took off the order, whatever became of that refund', () => {
    const lines = [{ sku: 'MUG', quantity: 3, unitAmount: 1000, shipped: 1, cancelled: 1 }];
    const order = (state: RefundState): OrderFacts => ({
      ...{ ...shipped(), lines, state: 'paid' },
      refunds: [refundFacts({ state, lines: [{ sku: 'MUG', quantity: 1, cancelled: 1 }] })],
    });
    expect(paidPieces(order('succeeded'), 'MUG')).toBe(3);
    expect(refundablePieces(order('succeeded'), 'MUG')).toEqual({ pieces: 2, unshipped: 1 });
    expect(refundablePieces(order('failed'), 'MUG')).toEqual({ pieces: 3, unshipped: 1 });
  });

  it('of a line that the order does not have is nothing', () => {
    expect(refundablePieces(shipped(), 'HAT')).toEqual({ pieces: 0, unshipped: 0 });
  });

  it('takes no more pieces off the order than are refunded', () => {
    const lines = [{ sku: 'MUG', quantity: 3, unitAmount: 1000, shipped: 0, cancelled: 0 }];
    const paid = { ...shipped(), lines };
    expect(withUnshipped(paid, mug)).toEqual([{ sku: 'MUG', quantity: 1, cancelled: 1 }]);
    expect(withUnshipped(shipped(), mug)).toStrictEqual([{ sku: 'MUG', quantity: 1 }]);
  });

  it('of pieces whose capture is awaited is what they will have cost', () => {
    expect(linesAmount(orderFacts(), mug)).toBe(1500 + 272);
  });

  it('of goods that cost nothing is the tax, with the first of them alone', () => {
    const free = { ...shipped(), lines: [{ sku: 'MUG', quantity: 2, unitAmount: 0, shipped: 2, cancelled: 0 }] };
    expect(linesAmount(free, mug)).toBe(1000);
    const again = { ...free, refunds: [refundFacts({ lines: mug, amount: 1000 })] };
    expect(linesAmount(again, mug)).toBe(0);
  });
});
