import { isGivenBack } from '../../../../workflows/domain/order/order';
import {
  isSameRequest,
  refundable,
  refundStateOf,
  REFUND_PART_TRANSITIONS,
  unresolvedAmount,
  type RefundPart,
  type RefundPartStatus,
  type RefundState,
} from '../../../../workflows/domain/refund/refund';
import {
  isRefundOver,
  needsPerson,
  nextRefundDue,
  refundWaiting,
  type RefundLooks,
} from '../../../../workflows/domain/refund/look';
import { failedMessage } from '../../../../workflows/domain/refund/words';
import { orderFacts } from '../../../support/facts/facts';
import { refundFacts, refundPart } from '../../../support/facts/refund';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

describe('the parts of a refund', () => {
  const statuses = Object.keys(REFUND_PART_TRANSITIONS) as RefundPartStatus[];

  it('all have a way to an end, and nothing leads back from one', () => {
    const reachable = (from: RefundPartStatus, seen = new Set<RefundPartStatus>()): Set<RefundPartStatus> => {
      for (const next of REFUND_PART_TRANSITIONS[from]) if (!seen.has(next)) reachable(next, seen.add(next));
      return seen;
    };
    for (const status of statuses.filter((one) => one !== 'begun')) expect(reachable('begun').has(status)).toBe(true);
    expect(statuses.filter((one) => REFUND_PART_TRANSITIONS[one].length === 0)).toEqual(['failed', 'canceled']);
    expect(REFUND_PART_TRANSITIONS.succeeded).toEqual(['failed']);
  });

  it.each<[RefundState, (RefundPartStatus | 'resolved')[]]>([
    ['pending', ['begun']],
    ['pending', ['succeeded', 'pending', 'failed']],
    ['requires_action', ['pending', 'requires_action']],
    ['succeeded', ['succeeded', 'succeeded']],
    ['failed', ['succeeded', 'failed']],
    ['failed', ['succeeded', 'canceled']],
    ['canceled', ['canceled', 'canceled']],
    ['resolved', ['resolved', 'succeeded']],
    ['failed', ['resolved', 'failed']],
  ])('make a refund %s where they are %j', (state, words) => {
    const parts = words.map((word, index): RefundPart => {
      const part = refundPart({ part: index + 1, status: word === 'resolved' ? 'failed' : word });
      return word === 'resolved' ? { ...part, resolvedAt: '2026-01-11T00:00:00.000Z' } : part;
    });
    expect(refundStateOf({ parts })).toBe(state);
  });

  it('without any, a refund waits, was given up, or was settled', () => {
    const resolution = { action: 'dismiss', actor: 'op-1', at: '2026-01-11T00:00:00.000Z' } as const;
    expect(refundStateOf({ parts: [] })).toBe('waiting');
    expect(refundStateOf({ parts: [], endedReason: 'disputed' })).toBe('canceled');
    expect(refundStateOf({ parts: [], endedReason: 'disputed', resolution })).toBe('resolved');
  });
});

describe('what is left of a payment', () => {
  it('is what was captured, less all that went back in any way, never below zero', () => {
    expect(refundable({ captured: 100, refundPending: 10, refunded: 20, refundedOutside: 5, disputed: 15 })).toBe(50);
    expect(refundable({ captured: 100, refundPending: 0, refunded: 60, disputed: 100 })).toBe(0);
  });

  it('is nothing once all is given back, and that stops what has not shipped', () => {
    const amounts = { authorized: 100, captured: 100, released: 0, refundPending: 40, refunded: 60 };
    expect(isGivenBack(orderFacts({ amounts }))).toBe(true);
    expect(isGivenBack(orderFacts({ amounts: { ...amounts, refunded: 59 } }))).toBe(false);
    expect(isGivenBack(orderFacts())).toBe(false);
  });
});

test('the same refund asked for again is told from another one', () => {
  const byLines = refundFacts({ lines: [{ sku: 'MUG', quantity: 2, cancelled: 1 }] });
  expect(isSameRequest(byLines, { orderId: 'ord_1', lines: [{ sku: 'MUG', quantity: 2 }] })).toBe(true);
  expect(isSameRequest(byLines, { orderId: 'ord_1', lines: [{ sku: 'MUG', quantity: 1 }] })).toBe(false);
  expect(isSameRequest(byLines, { orderId: 'ord_1', amount: 1000 })).toBe(false);
  expect(isSameRequest(refundFacts(), { orderId: 'ord_1', amount: 1000 })).toBe(true);
  expect(isSameRequest(refundFacts(), { orderId: 'ord_2', amount: 1000 })).toBe(false);
});

describe('the next look', () => {
  const start = Date.parse('2026-01-10T00:00:00.000Z');
  const looks = (changes: Partial<RefundLooks> = {}): RefundLooks => ({
    looks: 0,
    sinceMs: start,
    lookedAtMs: start,
    sendAtMs: 0,
    overdueTold: false,
    notBeforeMs: 0,
    ...changes,
  });
  const due = (facts: Parameters<typeof refundFacts>[0], changes: Partial<RefundLooks> = {}) =>
    nextRefundDue(refundFacts(facts), looks(changes), 60 * DAY_MS);

  it.each([
    [0, MINUTE_MS],
    [1, 5 * MINUTE_MS],
    [2, 30 * MINUTE_MS],
    [3, 2 * HOUR_MS],
    [4, 6 * HOUR_MS],
    [5, 12 * HOUR_MS],
    [50, 12 * HOUR_MS],
  ])('at a pending refund comes later after %i that showed nothing', (count, pauseMs) => {
    expect(due({}, { looks: count })).toMatchObject({ kind: 'sync', atMs: start + pauseMs });
  });

  it('is the last one at the limit: then a person is told, and it goes on once a day', () => {
    const late = start + 10 * DAY_MS - HOUR_MS;
    expect(due({}, { looks: 9, lookedAtMs: late })).toMatchObject({ kind: 'overdue', atMs: start + 10 * DAY_MS });
    expect(due({}, { looks: 9, lookedAtMs: late, overdueTold: true })).toMatchObject({
      kind: 'sync',
      atMs: late + DAY_MS,
    });
  });

  it('sends what is begun before anything else', () => {
    expect(due({ parts: [refundPart({ status: 'begun' })] }, { sendAtMs: start + 5 })).toMatchObject({
      kind: 'send',
      atMs: start + 5,
    });
  });

  it('at a capture that is awaited widens, and ends after a day', () => {
    const waiting = { state: 'waiting', parts: [] } as const;
    expect(due(waiting)).toMatchObject({ kind: 'begin', atMs: start + 2_000 });
    expect(due(waiting, { looks: 9, lookedAtMs: start + 23.5 * HOUR_MS })).toMatchObject({
      kind: 'give_up',
      atMs: start + DAY_MS,
    });
  });

  it('at a refund that succeeded comes on days 1, 7, 30 and 60, and no more', () => {
    const succeeded = {
      state: 'succeeded',
      parts: [refundPart({ status: 'succeeded' })],
      watchUntil: new Date(start + 60 * DAY_MS).toISOString(),
    } as const;
    const days: number[] = [];
    for (let lookedAtMs = start; ;) {
      const next = due(succeeded, { lookedAtMs });
      if (next === undefined) break;
      days.push((next.atMs - start) / DAY_MS);
      lookedAtMs = next.atMs;
    }
    expect(days).toEqual([1, 7, 30, 60]);
    expect(isRefundOver(refundFacts(succeeded), start + 59 * DAY_MS)).toBe(false);
    expect(isRefundOver(refundFacts(succeeded), start + 60 * DAY_MS)).toBe(true);
  });

  it('is not before the pause after a failure', () => {
    expect(due({}, { notBeforeMs: start + HOUR_MS })).toMatchObject({ kind: 'sync', atMs: start + HOUR_MS });
  });

  it('is none at what failed: it waits for a person', () => {
    const failed = refundFacts({
      state: 'failed',
      parts: [refundPart({ status: 'failed', failureReason: 'declined', settledAt: '2026-01-11T00:00:00.000Z' })],
    });
    expect(nextRefundDue(failed, looks(), DAY_MS)).toBeUndefined();
    expect(isRefundOver(failed, Infinity)).toBe(false);
    expect(refundWaiting(failed)).toMatchObject({ on: 'approver', until: '2026-01-18T00:00:00.000Z' });
    expect(unresolvedAmount(failed)).toBe(1000);
    expect(failedMessage(failed)).toContain(
      "10.00 EUR of refund rf_1 did not go back to the customer: the customer's bank declined it",
    );
  });

  it('what a person gave up needs nobody, unless goods were taken off the order for it', () => {
    const parts = [refundPart({ status: 'canceled', failureReason: 'canceled_by_person' })];
    expect(needsPerson(refundFacts({ state: 'canceled', parts }))).toBe(false);
    expect(
      needsPerson(refundFacts({ state: 'canceled', parts, lines: [{ sku: 'MUG', quantity: 1, cancelled: 1 }] })),
    ).toBe(true);
    expect(needsPerson(refundFacts({ state: 'canceled', parts: [], endedReason: 'disputed' }))).toBe(true);
  });
});
