import { hasExpired, noticeTiming } from '../../../../workflows/domain/notice/timing';

const HOUR_MS = 3_600_000;
/** Queued at noon by the clock of a workflow that skips time, while the relay's own clock shows another day. */
const dueAt = '2026-03-01T12:00:00.000Z';
const expiresAt = '2026-03-01T23:00:00.000Z';
const quietHours = { timeZone: 'UTC', from: '21:00', to: '08:00' };
const QUEUED_MS = Date.parse('2026-01-01T00:00:00.000Z');
const expiring = { dueAt, expiresAt };

describe('a notice', () => {
  it.each<[string, Parameters<typeof noticeTiming>[0], number, object]>([
    ['is sent when it is due', { dueAt }, 0, { do: 'send' }],
    ['is sent at any time where no hours are quiet', { dueAt }, 10 * HOUR_MS, { do: 'send' }],
    ['is sent outside of quiet hours', { dueAt, quietHours }, 9 * HOUR_MS - 1, { do: 'send' }],
    ['waits in quiet hours for their end', { dueAt, quietHours }, 10 * HOUR_MS, { do: 'wait', waitMs: 10 * HOUR_MS }],
    ['is sent as long as it is true', expiring, 11 * HOUR_MS - 1, { do: 'send' }],
    ['is dropped once it is not true', expiring, 11 * HOUR_MS, { do: 'drop' }],
    [
      'is dropped where it is not true after the quiet hours',
      { ...expiring, quietHours },
      10 * HOUR_MS,
      { do: 'drop' },
    ],
    [
      'is dropped where it stops being true as they end',
      { dueAt, expiresAt: '2026-03-02T08:00:00.000Z', quietHours },
      10 * HOUR_MS,
      { do: 'drop' },
    ],
    [
      'waits where it is true still when they end',
      { dueAt, expiresAt: '2026-03-02T08:00:00.001Z', quietHours },
      10 * HOUR_MS,
      { do: 'wait', waitMs: 10 * HOUR_MS },
    ],
    // The clocks of two computers differ.
    ['counts as just queued for a relay whose clock is behind', expiring, -5 * HOUR_MS, { do: 'send' }],
  ])('%s', (_name, notice, afterMs, timing) => {
    expect(noticeTiming(notice, QUEUED_MS, QUEUED_MS + afterMs)).toMatchObject(timing);
  });

  it('has expired once its time has passed, by the clock of who queued it', () => {
    const after = (notice: Parameters<typeof hasExpired>[0], ms: number) =>
      hasExpired(notice, QUEUED_MS, QUEUED_MS + ms);
    expect([after(expiring, 11 * HOUR_MS - 1), after(expiring, 11 * HOUR_MS)]).toEqual([false, true]);
    expect(after({ dueAt }, 1_000 * HOUR_MS)).toBe(false);
    // A relay whose clock is behind takes it as just queued.
    expect(after({ dueAt, expiresAt: dueAt }, -HOUR_MS)).toBe(true);
  });
});
