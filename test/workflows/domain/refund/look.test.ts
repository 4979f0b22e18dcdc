import {
  isRefundOver,
  needsPerson,
  nextRefundDue,
  refundWaiting,
  type RefundLooks,
} from '../../../../workflows/domain/refund/look';
import { unresolvedAmount } from '../../../../workflows/domain/refund/refund';
import { failedMessage } from '../../../../workflows/domain/refund/words';
import { refundFacts, refundPart } from '../../../support/facts/refund';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

describe('the next look', () => {
  const start = Date.parse('2026-01-10T00:00:00.000Z');
  const looks = (changes: Partial<RefundLooks> = {}): RefundLooks => ({
    looks: 0,
    sinceMs: start,
    lookedAtMs: start,
    sendAtMs: 0,
    overdueRaised: false,
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

  it('is the last one at the limit: then an exception is opened, and the looks continue once a day', () => {
    const late = start + 10 * DAY_MS - HOUR_MS;
    expect(due({}, { looks: 9, lookedAtMs: late })).toMatchObject({ kind: 'overdue', atMs: start + 10 * DAY_MS });
    expect(due({}, { looks: 9, lookedAtMs: late, overdueRaised: true })).toMatchObject({
      kind: 'sync',
      atMs: late + DAY_MS,
    });
  });

  it('counts from the last change where that came after the last look', () => {
    expect(due({}, { sinceMs: start + HOUR_MS })).toMatchObject({ atMs: start + HOUR_MS + MINUTE_MS });
    expect(due({}, { lookedAtMs: start + HOUR_MS })).toMatchObject({ atMs: start + HOUR_MS + MINUTE_MS });
  });

  it('is not needed where the limit comes at the same time', () => {
    const lookedAtMs = start + 10 * DAY_MS - MINUTE_MS;
    expect(due({}, { lookedAtMs })).toMatchObject({ kind: 'overdue', atMs: start + 10 * DAY_MS });
    expect(due({}, { lookedAtMs: lookedAtMs - 1 })).toMatchObject({ kind: 'sync' });
  });

  it('is also at a refund whose customer must act', () => {
    expect(due({ state: 'requires_action', parts: [refundPart({ status: 'requires_action' })] })).toMatchObject({
      kind: 'sync',
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
    expect(due(waiting, { looks: 9, lookedAtMs: start + 22.5 * HOUR_MS })).toMatchObject({
      kind: 'begin',
      atMs: start + 23.5 * HOUR_MS,
    });
    for (const hours of [23, 23.5]) {
      expect(due(waiting, { looks: 9, lookedAtMs: start + hours * HOUR_MS })).toMatchObject({
        kind: 'give_up',
        atMs: start + DAY_MS,
      });
    }
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

  it('at a refund that succeeded is none where nobody watches it, or nothing of it went back', () => {
    const parts = [refundPart({ status: 'succeeded' })];
    const watchUntil = new Date(start + 60 * DAY_MS).toISOString();
    expect(due({ state: 'succeeded', parts })).toBeUndefined();
    const resolvedAt = '2026-01-11T00:00:00.000Z';
    expect(
      due({ state: 'resolved', parts: [refundPart({ status: 'failed', resolvedAt })], watchUntil }),
    ).toBeUndefined();
    expect(
      due({ state: 'resolved', parts: [refundPart({ status: 'failed', resolvedAt }), ...parts], watchUntil }),
    ).toMatchObject({ kind: 'sync' });
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
      "10.00 EUR of refund rf_1 were not refunded to the customer: the customer's bank declined the refund",
    );
  });

  it('a refund that a person gave up needs nobody, unless pieces were cancelled for it', () => {
    const parts = [refundPart({ status: 'canceled', failureReason: 'canceled_by_person' })];
    expect(needsPerson(refundFacts({ state: 'canceled', parts }))).toBe(false);
    expect(
      needsPerson(refundFacts({ state: 'canceled', parts, lines: [{ sku: 'MUG', quantity: 1, cancelled: 1 }] })),
    ).toBe(true);
    expect(needsPerson(refundFacts({ state: 'canceled', parts: [], endedReason: 'disputed' }))).toBe(true);
  });
});
