import {
  planRefund,
  splitRefund,
  type CapturedPayment,
  type RefundSituation,
} from '../../../../workflows/domain/refund/plan';
import { CURRENCIES, currencyRules } from '../../../../workflows/domain/shared/currencies';
import { refundable } from '../../../../workflows/domain/refund/refund';
import { orderFacts, shippedOrder as shipped } from '../../../support/facts/facts';
import { capturedPayment as payment, refundFacts, refundSituation as situation } from '../../../support/facts/refund';
import { check, fc } from '../../../support/property';

describe('planning a refund', () => {
  const dispute = {
    disputeId: 'dp_1',
    orderId: 'ord_1',
    paymentIntentId: 'pi_1',
    stage: 'evidence_due',
    providerStatus: 'needs_response',
    isInquiry: false,
    amount: 100,
    currency: 'eur',
    reason: 'fraudulent',
    openedAt: '2026-01-05T00:00:00.000Z',
    withdrawn: 0,
  } as const;
  const disputed = { ...shipped(), disputes: [dispute] };
  const tee = [{ sku: 'TEE', quantity: 1 }];
  const refundedTee = refundFacts({ state: 'succeeded', lines: tee });

  it.each<[string, Parameters<typeof planRefund>, object]>([
    ['all of it', [situation(), { amount: 6990 }, {}], { kind: 'refund', parts: [{ attempt: 1, amount: 6990 }] }],
    ['too much', [situation(), { amount: 6991 }, {}], { reason: 'exceeds_refundable', refundable: 6990 }],
    ['another currency', [situation(), { amount: 1, currency: 'usd' }, {}], { reason: 'wrong_currency' }],
    ['an unknown line', [situation(), { lines: [{ sku: 'HAT', quantity: 1 }] }, {}], { reason: 'unknown_line' }],
    ['too many pieces', [situation(), { lines: [{ sku: 'TEE', quantity: 2 }] }, {}], { reason: 'exceeds_line' }],
    [
      'pieces that were refunded',
      [situation({ facts: { ...shipped(), refunds: [refundedTee] } }), { lines: tee }, {}],
      { reason: 'exceeds_line', message: 'All paid pieces of TEE have been refunded already.' },
    ],
    ['during a dispute', [situation({ facts: disputed }), { amount: 1 }, {}], { reason: 'disputed' }],
    ['above the limit', [situation(), { amount: 51 }, { approvalAbove: 50 }], { reason: 'needs_approval' }],
    ['at the limit', [situation(), { amount: 50 }, { approvalAbove: 50 }], { kind: 'refund' }],
    ['a line, above the limit', [situation(), { lines: tee }, { approvalAbove: 50 }], { reason: 'needs_approval' }],
    [
      'of nothing taken',
      [situation({ payments: [] }), { amount: 5 }, {}],
      { reason: 'nothing_captured', refundable: 0 },
    ],
    [
      'of what is held',
      [situation({ facts: orderFacts(), payments: [], held: 6990 }), { amount: 5 }, {}],
      { reason: 'nothing_captured', held: 6990 },
    ],
    [
      'of all that is held',
      [situation({ facts: orderFacts(), payments: [], held: 6990 }), { amount: 6990 }, {}],
      { reason: 'nothing_captured', held: 6990, coversHeld: true },
    ],
    [
      'of all lines that are held',
      [
        situation({ facts: orderFacts(), payments: [], held: 6990 }),
        { lines: [{ sku: 'MUG', quantity: 2 }, ...tee] },
        {},
      ],
      { reason: 'nothing_captured', coversHeld: true },
    ],
    [
      'while a capture is unknown',
      [situation({ facts: orderFacts(), payments: [], held: 6990, captureUnderWay: 4000 }), { amount: 4000 }, {}],
      { kind: 'wait', amount: 4000 },
    ],
    [
      'of lines while their capture is unknown',
      [situation({ facts: orderFacts(), payments: [], held: 6990, captureUnderWay: 4000 }), { lines: tee }, {}],
      { kind: 'wait' },
    ],
    [
      'of more than the unknown capture takes',
      [situation({ facts: orderFacts(), payments: [], held: 6990, captureUnderWay: 4000 }), { amount: 4001 }, {}],
      { reason: 'nothing_captured' },
    ],
    [
      'that needs no unknown capture',
      [situation({ captureUnderWay: 4000 }), { amount: 6990 }, {}],
      { kind: 'refund', amount: 6990 },
    ],
    [
      'of free pieces',
      [
        situation({
          facts: {
            ...shipped(),
            taxAmount: 0,
            lines: [{ sku: 'TEE', quantity: 1, unitAmount: 0, shipped: 1, cancelled: 0 }],
          },
        }),
        { lines: tee },
        {},
      ],
      { reason: 'worth_nothing' },
    ],
  ])('%s', (_name, [facts, request, policy], plan) => {
    expect(planRefund(facts, request, policy)).toMatchObject(plan);
  });

  const crowns = { ...shipped(), currency: 'isk', taxAmount: 0, shippingAmount: 0 };
  const inCrowns = (changes: Partial<CapturedPayment> = {}): RefundSituation =>
    situation({ facts: crowns, payments: [payment({ captured: 10_000, ...changes })] });

  it.each<[string, Parameters<typeof planRefund>, object]>([
    ['whole units', [inCrowns(), { amount: 5_000 }, {}], { kind: 'refund', parts: [{ amount: 5_000 }] }],
    ['a part of a unit', [inCrowns(), { amount: 5_050 }, {}], { reason: 'not_a_multiple', refundable: 10_000 }],
    [
      'a part of a unit, of what is held',
      [situation({ facts: crowns, payments: [], held: 10_050 }), { amount: 10_050 }, {}],
      { reason: 'not_a_multiple' },
    ],
    [
      'more than the whole units that a bank has left',
      [inCrowns({ disputed: 4_950 }), { amount: 5_100 }, {}],
      { reason: 'exceeds_refundable', refundable: 5_000 },
    ],
    [
      'all whole units that a bank has left',
      [inCrowns({ disputed: 4_950 }), { amount: 5_000 }, {}],
      { kind: 'refund', parts: [{ amount: 5_000 }] },
    ],
  ])('in a currency without parts of a unit: %s', (_name, [facts, request, policy], plan) => {
    expect(planRefund(facts, request, policy)).toMatchObject(plan);
  });

  it('of free pieces waits for no capture: there is nothing to refund', () => {
    const lines = [{ sku: 'TEE', quantity: 1, unitAmount: 0, shipped: 0, cancelled: 0 }];
    const facts = orderFacts({ taxAmount: 0, lines });
    const underWay = situation({ facts, payments: [payment()], captureUnderWay: 4000 });
    expect(planRefund(underWay, { lines: tee }, {})).toMatchObject({ kind: 'refused' });
  });

  it('uses the newest capture first, by time and then by attempt, and leaves out what is empty', () => {
    const payments = [
      payment({ attempt: 1, captured: 100, capturedAt: '2026-01-03T00:00:00.000Z' }),
      payment({ attempt: 2, captured: 100, refunded: 100, capturedAt: '2026-01-04T00:00:00.000Z' }),
      payment({ attempt: 3, captured: 100, refundPending: 60, capturedAt: '2026-01-02T00:00:00.000Z' }),
      payment({ attempt: 4, captured: 30, capturedAt: '2026-01-03T00:00:00.000Z' }),
    ];
    expect(splitRefund(payments, 150)).toMatchObject([
      { attempt: 4, amount: 30 },
      { attempt: 1, amount: 100 },
      { attempt: 3, amount: 20 },
    ]);
    expect(() => splitRefund(payments, 171)).toThrow(RangeError);
  });

  it('splits any amount into parts that the provider accepts, in every currency', async () => {
    const amounts = fc.record({ captured: fc.nat(1000), gone: fc.nat(1000), disputed: fc.nat(1000) });
    const currency = fc.constantFrom(...CURRENCIES);
    await check(
      'refunds are split',
      fc.property(
        fc.array(amounts, { minLength: 1, maxLength: 6 }),
        currency,
        fc.nat(110),
        fc.nat(999),
        (list, code, share, rest) => {
          const { multiple } = currencyRules(code);
          const payments = list.map(({ captured, gone, disputed }, index) =>
            payment({
              attempt: index + 1,
              captured: captured * multiple,
              refunded: Math.min(gone, captured) * multiple,
              // A chargeback may have any amount.
              disputed,
            }),
          );
          const left = payments.reduce((sum, one) => sum + refundable(one), 0);
          const amount = Math.floor((left * share) / 100) + (rest % multiple);
          const plan = planRefund(situation({ facts: { ...shipped(), currency: code }, payments }), { amount }, {});
          if (plan.kind !== 'refund') {
            expect(plan).toMatchObject({ kind: 'refused' });
            const { refundable: possible } = plan as Extract<typeof plan, { kind: 'refused' }>;
            expect(possible % multiple).toBe(0);
            expect(amount === 0 || amount % multiple !== 0 || amount > possible).toBe(true);
            // Each payment keeps less than one unit.
            expect(left - possible).toBeLessThanOrEqual(payments.length * (multiple - 1));
            return;
          }
          expect(plan.parts.reduce((sum, one) => sum + one.amount, 0)).toBe(amount);
          for (const part of plan.parts) {
            const one = payments.find(({ attempt }) => attempt === part.attempt);
            expect(part.amount).toBeGreaterThan(0);
            expect(part.amount % multiple).toBe(0);
            expect(part.amount).toBeLessThanOrEqual(one === undefined ? 0 : refundable(one));
          }
        },
      ),
    );
  });
});
