import { nextDue, type Due, type DueContext } from '../../../../workflows/domain/order/next-due';
import type { ExceptionKind } from '../../../../workflows/domain/exception/exception';
import type { OrderFacts, Shipment } from '../../../../workflows/domain/order/order';
import type { OrderPolicy } from '../../../../workflows/domain/shared/policy';
import { disputeFacts } from '../../../support/facts/dispute';
import { orderFacts, withoutHold } from '../../../support/facts/facts';

// The order of these tests was placed on 1 January, its hold ends on the 8th. Under the default policy it is warned of on
// the 6th, acted on at noon of the 7th, and the last call is at 22:00 of the 7th.
const AT_ONCE = '1970-01-01T00:00:00.000Z';
const ACT_AT = '2026-01-07T12:00:00.000Z';
const LAST_CALL = '2026-01-07T22:00:00.000Z';
const CHECK_AT = '2026-01-08T00:00:05.000Z';
const OVERDUE = '2026-01-15T00:00:00.000Z';
const DEADLINE = '2026-01-10T00:00:00.000Z';
const idle: DueContext = { voidAtMs: 0, voidFailed: false, notBeforeMs: 0, pollAtMs: 0 };
const warned = { holdWarnedAt: '2026-01-06T00:00:00.000Z' };

type Row = [name: string, facts: OrderFacts, due: [Due['kind'], at: string] | undefined, context?: Partial<DueContext>];

const raised = (kind: ExceptionKind): Pick<OrderFacts, 'exception'> => ({
  exception: { kind, message: 'm', owner: 'payments', raisedAt: '2026-01-07T12:00:00.000Z' },
});
const policy = (changes: Partial<OrderPolicy>): Pick<OrderFacts, 'policy'> => ({
  policy: { ...orderFacts().policy, ...changes },
});
const captured = (captured: number, refunded = 0): Pick<OrderFacts, 'amounts'> => ({
  amounts: { authorized: 6990, captured, released: 0, refundPending: 0, refunded },
});
const disputed = { disputes: [disputeFacts()] };
const allDone = { lines: orderFacts().lines.map((line) => ({ ...line, shipped: line.quantity })) };

function cases(rows: Row[]): void {
  it.each(rows)('%s', (_name, facts, due, context = {}) => {
    const next = nextDue(facts, { ...idle, ...context });
    expect(next && [next.kind, new Date(next.atMs).toISOString()]).toEqual(due);
  });
}

describe('an order with a card hold', () => {
  cases([
    ['acts on the hold once it was warned of', orderFacts(warned), ['act_on_hold', ACT_AT]],
    [
      'gives no warning where that would not come before the act',
      orderFacts(policy({ holdWarnMs: 12 * 3_600_000 })),
      ['act_on_hold', ACT_AT],
    ],
    [
      'waits until the last call where the old hold is voided for the new one',
      orderFacts({ ...warned, ...policy({ onHoldExpiring: 'releaseThenRetry' }) }),
      ['act_on_hold', LAST_CALL],
    ],
    [
      'asks in time where that would be done while its payment is disputed',
      orderFacts({ ...warned, ...disputed, ...policy({ onHoldExpiring: 'releaseThenRetry' }) }),
      ['act_on_hold', ACT_AT],
    ],
    [
      'looks whether the hold is gone where a person decides on it',
      orderFacts({ ...warned, ...raised('hold_decision') }),
      ['check_hold', CHECK_AT],
    ],
    [
      'does not capture before the hold ends what the provider has refused to capture',
      orderFacts({ ...warned, ...raised('capture_refused'), ...policy({ onHoldExpiring: 'capture' }) }),
      ['check_hold', CHECK_AT],
    ],
    [
      'renews the hold although a capture was refused',
      orderFacts({ ...warned, ...raised('capture_refused') }),
      ['act_on_hold', ACT_AT],
    ],
    [
      'captures before the hold ends although an exception of another kind is open',
      orderFacts({ ...warned, ...raised('shipment_overdue'), ...policy({ onHoldExpiring: 'capture' }) }),
      ['act_on_hold', ACT_AT],
    ],
    [
      'is overdue where that comes before anything of the hold',
      orderFacts(policy({ handlingLimitMs: 86_400_000 })),
      ['shipment_overdue', '2026-01-02T00:00:00.000Z'],
    ],
    [
      'looks after the hold first where both come at once',
      orderFacts({ ...warned, ...policy({ handlingLimitMs: 6.5 * 86_400_000 }) }),
      ['act_on_hold', ACT_AT],
    ],
    [
      'is not overdue twice',
      orderFacts({ ...warned, ...raised('shipment_overdue'), ...policy({ handlingLimitMs: 1 }) }),
      ['act_on_hold', ACT_AT],
    ],
    [
      'is overdue although a refund of it has failed',
      orderFacts({ ...warned, ...raised('refund_failed'), ...policy({ handlingLimitMs: 1 }) }),
      ['shipment_overdue', '2026-01-01T00:00:00.001Z'],
    ],
    [
      'is not overdue while the bank decides on its payment',
      orderFacts({ ...warned, ...disputed, ...policy({ handlingLimitMs: 1 }) }),
      ['act_on_hold', ACT_AT],
    ],
    ['has nothing to do once no line is left', orderFacts(allDone), undefined],
  ]);

  it('says beside the timer what becomes of the hold', () => {
    expect(nextDue(orderFacts(warned), idle)?.then).toContain('reauthorize');
    expect(nextDue(orderFacts({ ...warned, ...disputed }), idle)?.then).toContain('ask');
  });
});

describe('an order that is paid for when it is placed', () => {
  const atOnce = { ...warned, captureOn: 'order' } as const;
  cases([
    ['is captured at once', orderFacts(atOnce), ['capture_order', AT_ONCE]],
    [
      'is captured at once where a part was taken before',
      orderFacts({ ...atOnce, ...captured(6989) }),
      ['capture_order', AT_ONCE],
    ],
    [
      'is not captured where all was taken before',
      orderFacts({ ...atOnce, ...captured(6990) }),
      ['act_on_hold', ACT_AT],
    ],
    [
      'is not captured again after a refusal',
      orderFacts({ ...atOnce, ...raised('capture_refused') }),
      ['act_on_hold', ACT_AT],
    ],
    [
      'is not captured again once its money has gone back',
      orderFacts({ ...atOnce, ...captured(1000, 1000) }),
      ['act_on_hold', ACT_AT],
    ],
    [
      'is captured in spite of another exception',
      orderFacts({ ...atOnce, ...raised('fraud_warning') }),
      ['capture_order', AT_ONCE],
    ],
  ]);
});

describe('an order without a card hold', () => {
  const expired = { paymentState: 'expired' } as const;
  cases([
    ['gets one', withoutHold(expired), ['authorize', AT_ONCE]],
    ['gets none while the bank decides on its payment', withoutHold({ ...expired, ...disputed }), undefined],
    [
      'gets one once the bank has decided',
      withoutHold({ ...expired, disputes: [disputeFacts({ stage: 'won' })] }),
      ['authorize', AT_ONCE],
    ],
    ['gets none where somebody has cancelled it', withoutHold({ ...expired, ...raised('hold_cancelled') }), undefined],
    [
      'gets none where a person decides whether it does',
      withoutHold({ ...expired, ...raised('hold_stopped') }),
      undefined,
    ],
    [
      'gets one in spite of another exception',
      withoutHold({ ...expired, ...raised('external_capture') }),
      ['authorize', AT_ONCE],
    ],
    ['needs none where all is paid for', withoutHold({ ...expired, ...captured(6990) }), ['shipment_overdue', OVERDUE]],
    ['needs none where no line is left', withoutHold({ ...expired, ...allDone }), undefined],
    [
      'needs none where all is captured',
      withoutHold({ paymentState: 'captured', state: 'paid' }),
      ['shipment_overdue', OVERDUE],
    ],
    [
      'is overdue only once',
      withoutHold({ paymentState: 'captured', state: 'paid', ...raised('shipment_overdue') }),
      undefined,
    ],
  ]);
});

describe('an order whose customer is asked for another payment', () => {
  const asked = { paymentState: 'payment_needed', paymentDeadline: DEADLINE } as const;
  const pending = { pendingPaymentIntentId: 'pi_2' };
  const capture = policy({ onRenewalDeclined: 'capture' });
  const atDeadline = { pollAtMs: Date.parse(DEADLINE) };
  cases([
    ['is cancelled at the deadline', withoutHold(asked), ['payment_deadline', DEADLINE]],
    [
      'asks Stripe before that whether the customer has paid',
      withoutHold({ ...asked, ...pending }),
      ['poll_payment', '2026-01-09T00:00:00.000Z'],
      { pollAtMs: Date.parse('2026-01-09T00:00:00.000Z') },
    ],
    [
      'is cancelled where both come at once',
      withoutHold({ ...asked, ...pending }),
      ['payment_deadline', DEADLINE],
      atDeadline,
    ],
    ['looks whether the old hold has ended', orderFacts({ ...asked, ...warned }), ['check_hold', CHECK_AT]],
    [
      'looks so before it asks Stripe at the same moment',
      orderFacts({ ...asked, ...pending }),
      ['check_hold', CHECK_AT],
      { pollAtMs: Date.parse(CHECK_AT) },
    ],
    [
      'is cancelled where the deadline comes with the look at the old hold',
      orderFacts({ ...asked, paymentDeadline: CHECK_AT }),
      ['payment_deadline', CHECK_AT],
    ],
    [
      'is asked by the state of its hold alone where only that is renewed',
      orderFacts({ ...asked, paymentState: 'authorized' }),
      ['check_hold', CHECK_AT],
    ],
    [
      'captures at the last call, if the policy says so',
      orderFacts({ ...asked, ...capture }),
      ['capture_last', LAST_CALL],
    ],
    ['has nothing to capture without a hold', withoutHold({ ...asked, ...capture }), ['payment_deadline', DEADLINE]],
    [
      'does not capture while the bank decides on its payment',
      orderFacts({ ...asked, ...capture, ...disputed }),
      ['check_hold', CHECK_AT],
    ],
    [
      'does not capture what the provider has refused to capture',
      orderFacts({ ...asked, ...capture, ...raised('capture_refused') }),
      ['check_hold', CHECK_AT],
    ],
    [
      'does not capture once its money has gone back',
      orderFacts({ ...asked, ...capture, ...captured(1000, 1000) }),
      ['check_hold', CHECK_AT],
    ],
    [
      'does not capture where the deadline comes with the last call',
      orderFacts({ ...asked, ...capture, paymentDeadline: LAST_CALL }),
      ['payment_deadline', LAST_CALL],
    ],
    [
      'asks Stripe before it captures',
      orderFacts({ ...asked, ...capture, ...pending }),
      ['poll_payment', LAST_CALL],
      { pollAtMs: Date.parse(LAST_CALL) },
    ],
  ]);
});

describe('an order whose parcels are on their way', () => {
  const parcel = (shippedAt: string): Shipment => ({
    ...{ shipmentId: shippedAt, lines: [], carrier: 'dhl', trackingNumber: shippedAt, amount: 0, shippedAt },
  });
  const shipments = ['02', '05', '03'].map((day) => parcel(`2026-01-${day}T00:00:00.000Z`));
  const shipped = { ...allDone, state: 'shipped', paymentState: 'captured', shipments } as const;
  cases([
    ['counts from the last of them', withoutHold(shipped), ['delivery_overdue', '2026-02-04T00:00:00.000Z']],
    ['asks after them once', withoutHold({ ...shipped, ...raised('delivery_overdue') }), undefined],
    [
      'asks after them although a refund has failed',
      withoutHold({ ...shipped, ...raised('refund_failed') }),
      ['delivery_overdue', '2026-02-04T00:00:00.000Z'],
    ],
  ]);
});

describe('what only the running workflow knows', () => {
  const replaced = { ...warned, supersededHolds: ['pi_0'] };
  const voidAt = (at: string): Partial<DueContext> => ({ voidAtMs: Date.parse(at) });
  cases([
    [
      'no step comes before a pause is over',
      orderFacts(warned),
      ['act_on_hold', DEADLINE],
      { notBeforeMs: Date.parse(DEADLINE) },
    ],
    ['a pause keeps nothing that comes later', orderFacts(warned), ['act_on_hold', ACT_AT], { notBeforeMs: 99 }],
    [
      'a step of unknown outcome comes before a replaced hold',
      orderFacts(replaced),
      ['settle', DEADLINE],
      { retryAtMs: Date.parse(DEADLINE) },
    ],
    ['a replaced hold waits for its time', orderFacts(replaced), ['act_on_hold', ACT_AT], voidAt(DEADLINE)],
    ['a replaced hold comes first at the same moment', orderFacts(replaced), ['let_go', ACT_AT], voidAt(ACT_AT)],
    [
      'a replaced hold comes where nothing else does',
      orderFacts({ ...replaced, ...allDone }),
      ['let_go', DEADLINE],
      voidAt(DEADLINE),
    ],
    ['a void that failed is concluded', orderFacts(warned), ['let_go', AT_ONCE], { voidFailed: true }],
    ['nothing is voided that was not replaced', orderFacts(warned), ['act_on_hold', ACT_AT], voidAt(AT_ONCE)],
  ]);
});
