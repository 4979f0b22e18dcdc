import {
  needsApproval,
  planRefund,
  type CapturedPayment,
  type RefundSituation,
} from '../../../../workflows/domain/refund/plan';
import { orderFacts, shippedOrder as shipped } from '../../../support/facts/facts';
import { capturedPayment as payment, refundFacts, refundSituation as situation } from '../../../support/facts/refund';

describe('planning a refund at its limits', () => {
  const tee = [{ sku: 'TEE', quantity: 1 }];
  const charged = (changes: Partial<CapturedPayment> = {}) =>
    payment({ attempt: 2, captured: 1000, refunded: 200, chargedBack: true, ...changes });
  const halfRefunded = {
    ...shipped(),
    refunds: [refundFacts({ state: 'succeeded', lines: [{ sku: 'MUG', quantity: 1 }] })],
  };
  const held = (changes: Partial<RefundSituation> = {}) =>
    situation({ facts: orderFacts(), payments: [], held: 6990, ...changes });
  const mugs = (quantity: number) => [{ sku: 'MUG', quantity }];

  it.each<[string, Parameters<typeof planRefund>, object]>([
    ['in its own currency', [situation(), { amount: 1, currency: 'eur' }, {}], { kind: 'refund' }],
    [
      'of lines: says which of them are taken off the order',
      [situation(), { lines: tee }, {}],
      { kind: 'refund', lines: [{ sku: 'TEE', quantity: 1 }] },
    ],
    [
      'of more than is left, where a lost dispute keeps the rest',
      [situation({ payments: [payment(), charged()] }), { amount: 6990 + 800 }, {}],
      { reason: 'charged_back', refundable: 6990 },
    ],
    [
      'of more than that',
      [situation({ payments: [payment(), charged()] }), { amount: 6990 + 801 }, {}],
      { reason: 'exceeds_refundable' },
    ],
    [
      'of what is left, beside a lost dispute',
      [situation({ payments: [payment(), charged()] }), { amount: 6990 }, {}],
      { kind: 'refund', parts: [{ attempt: 1, amount: 6990 }] },
    ],
    [
      'of a line of which a piece was refunded',
      [situation({ facts: halfRefunded }), { lines: mugs(2) }, {}],
      { reason: 'exceeds_line', message: '1 of MUG are left to refund, not 2.' },
    ],
    [
      'of a line of which nothing was paid',
      [situation({ facts: orderFacts() }), { lines: mugs(1) }, {}],
      { reason: 'exceeds_line', message: '0 of MUG are left to refund, not 1.' },
    ],
    [
      'of what is held, in part: no cancel would do it',
      [held(), { lines: mugs(2) }, {}],
      { reason: 'nothing_captured', held: 6990 },
    ],
    ['while something is held, too: says how much', [situation({ held: 5 }), { amount: 6991 }, {}], { held: 5 }],
    [
      'while a capture is unknown, above the limit',
      [held({ captureUnderWay: 4000 }), { amount: 4000 }, { approvalAbove: 3999 }],
      { reason: 'needs_approval' },
    ],
    [
      'of more pieces than an unknown capture could pay for',
      [held({ captureUnderWay: 9000 }), { lines: mugs(3) }, {}],
      { reason: 'nothing_captured' },
    ],
    [
      'of more pieces than were paid for, whatever is captured still',
      [situation({ captureUnderWay: 9000, facts: halfRefunded }), { lines: mugs(2) }, {}],
      { reason: 'exceeds_line' },
    ],
    [
      'of pieces that an order was paid for and has not shipped: they count once',
      [
        situation({ captureUnderWay: 9000, facts: { ...orderFacts(), paymentState: 'captured' } }),
        { lines: mugs(3) },
        {},
      ],
      { reason: 'exceeds_line' },
    ],
  ])('%s', (_name, [facts, request, policy], plan) => {
    expect(planRefund(facts, request, policy)).toMatchObject(plan);
  });

  it.each<[string, RefundSituation, Parameters<typeof planRefund>[1]]>([
    ['a part of what is held', held(), { amount: 6989 }],
    ['some of the lines', held(), { lines: mugs(2) }],
    ['as many other lines', held(), { lines: [...mugs(2), ...mugs(1)] }],
    ['all lines, but not all pieces', held(), { lines: [...mugs(1), ...tee] }],
    ['anything where nothing is held', held({ held: 0 }), { amount: 6990 }],
  ])('of %s is no cancel of the order', (_name, of, request) => {
    expect(planRefund(of, request, {})).not.toHaveProperty('coversHeld');
  });

  it('says nothing of a hold where nothing is held, and of lines where none are named', () => {
    expect(planRefund(situation(), { amount: 6991 }, {})).not.toHaveProperty('held');
    expect(planRefund(held({ held: 0 }), { amount: 5 }, {})).not.toHaveProperty('held');
    expect(planRefund(situation(), { amount: 5 }, {})).not.toHaveProperty('lines');
  });

  it('says amounts with their currency', () => {
    const textOf = (...asked: Parameters<typeof planRefund>) => (planRefund(...asked) as { message?: string }).message;
    expect(textOf(situation(), { amount: 51 }, { approvalAbove: 50 })).toContain('0.51 EUR');
    expect(textOf(situation({ payments: [charged()] }), { amount: 800 }, {})).toContain('8.00 EUR');
    expect(textOf(situation(), { amount: 6991 }, {})).toContain('69.90 EUR');
  });

  it('needs approval only above a limit, where there is one', () => {
    expect(needsApproval(1, {})).toBe(false);
    expect([needsApproval(50, { approvalAbove: 50 }), needsApproval(51, { approvalAbove: 50 })]).toEqual([false, true]);
    expect(needsApproval(1, { approvalAbove: 0 })).toBe(true);
  });
});
