import { exceptionActions, possibleActions } from '../../../../workflows/domain/exception/actions';
import { EXCUSE_PAIRS, Excuses, excuses } from '../../../../workflows/domain/exception/excuses';

const subject = (kind: string, workflowId = 'order-ord_1') => ({ kind, orderId: 'ord_1', workflowId });
const kinds = [
  'void_failed',
  'release_failed',
  'withdraw_failed',
  'order_unreadable',
  'capture_unknown',
  'capture_refused',
  'reauthorization_unknown',
  'hold_decision',
  'hold_cancelled',
  'hold_stopped',
  'cancel_unknown',
  'external_capture',
  'step_failed',
  'shipment_overdue',
  'delivery_overdue',
  'refund_failed',
  'refund_action_needed',
  'refund_overdue',
  'refund_unknown',
  'refund_mismatch',
  'dispute_evidence_due',
  'dispute_unsettled',
  'dispute_lost',
  'fraud_warning',
  'subscription_unreadable',
  'settlement_difference',
] as const;

describe('what a person can do about an exception', () => {
  it.each(kinds)('of kind %s: there is a way out', (kind) => {
    const { actions, elsewhere } = possibleActions(subject(kind), true);
    expect(actions.length > 0 || elsewhere !== undefined).toBe(true);
    // Every id of a route is known.
    expect(elsewhere ?? '').not.toMatch(/[{}]/);
  });

  it.each<[string, ReturnType<typeof subject>, object]>([
    ['of a step that is tried again', subject('order_unreadable'), { actions: ['retry'] }],
    [
      'of an order: it names the order',
      subject('hold_decision'),
      { actions: [], elsewhere: 'POST /v1/orders/ord_1/hold-decision' },
    ],
    [
      'of a refund: it names the refund',
      subject('refund_failed', 'refund-rf/1'),
      { actions: [], elsewhere: 'POST /v1/refunds/rf%2F1/resolution or /cancel' },
    ],
    [
      'of a dispute: it names the dispute',
      subject('dispute_evidence_due', 'dispute-du_1'),
      { actions: [], elsewhere: 'POST /v1/disputes/du_1/decision' },
    ],
    [
      'of a fraud warning: it names the warning',
      subject('fraud_warning', 'fraud-warning-issfr_1'),
      { actions: [], elsewhere: 'POST /v1/fraud-warnings/issfr_1/decision' },
    ],
    ['of a kind of a later version', subject('of_next_year'), { actions: [] }],
    ['of a kind that every object has', subject('constructor'), { actions: [] }],
  ])('%s', (_name, of, possible) => {
    expect(possibleActions(of, true)).toStrictEqual(possible);
  });

  it.each<[string, ReturnType<typeof subject>, object]>([
    ['of a step: only dismiss it, for nobody tries it again', subject('order_unreadable'), { actions: ['dismiss'] }],
    [
      'of what the next look would have ended: no look comes',
      subject('refund_mismatch', 'refund-rf_1'),
      { actions: ['dismiss'] },
    ],
    [
      'of a refund: decide it at its route still',
      subject('refund_unknown', 'refund-rf_1'),
      { actions: ['dismiss'], elsewhere: 'POST /v1/refunds/rf_1/resolution or /cancel' },
    ],
    [
      'of what is decided at a route alone: nothing changes',
      subject('hold_decision'),
      { actions: [], elsewhere: 'POST /v1/orders/ord_1/hold-decision' },
    ],
    [
      'of a subscription that is not looked at: its way out stays',
      subject('subscription_unreadable'),
      { actions: [], elsewhere: 'The exception ends by itself with the next look at the provider that succeeds.' },
    ],
  ])('of a workflow that has ended, %s', (_name, of, possible) => {
    expect(possibleActions(of, false)).toStrictEqual(possible);
  });

  it('names no order where the exception belongs to none, and encodes ids of others', () => {
    const route = (orderId: string | null) => possibleActions({ ...subject('hold_decision'), orderId }, true).elsewhere;
    expect([route(null), route('a/b')]).toEqual([
      'POST /v1/orders//hold-decision',
      'POST /v1/orders/a%2Fb/hold-decision',
    ]);
  });

  it('is nothing for a kind that is not known', () => {
    expect(exceptionActions('of_next_year')).toEqual({ actions: [] });
    expect(exceptionActions('dispute_unsettled')).toEqual({ actions: ['retry', 'dismiss'] });
  });
});

describe('what an open exception excuses', () => {
  it.each([
    ['a void that failed, a hold without an order', 'void_failed', 'hold_without_order', true],
    ['a void that failed, no stock', 'void_failed', 'reservations_differ', false],
    ['a fraud warning, nothing', 'fraud_warning', 'order_without_money', false],
    ['a kind that is not known, nothing', 'of_next_year', 'hold_differs', false],
    ['what every object has, nothing', 'constructor', 'hold_differs', false],
  ] as const)('%s', (_name, kind, check, isExcused) => {
    expect(excuses(kind, check)).toBe(isExcused);
    expect(EXCUSE_PAIRS.some((pair) => pair.kind === kind && pair.check === check)).toBe(isExcused);
  });

  it('is excused for its own order alone', () => {
    const open = new Excuses([
      { orderId: 'ord_1', kind: 'fraud_warning' },
      { orderId: 'ord_1', kind: 'release_failed' },
    ]);
    expect(open.has('ord_1', 'reservations_differ')).toBe(true);
    expect(open.has('ord_2', 'reservations_differ')).toBe(false);
    expect(open.has('ord_1', 'hold_differs')).toBe(false);
  });
});
