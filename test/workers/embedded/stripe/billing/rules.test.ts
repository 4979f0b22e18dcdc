import { boundary, nextBoundary } from '../../../../../workers/embedded/stripe/billing/calendar';
import { changedFields, snapshotOf } from '../../../../../workers/embedded/stripe/billing/subscriptions/changes';
import { totals } from '../../../../../workers/embedded/stripe/billing/invoices/object';
import { INVOICE_TRANSITIONS } from '../../../../../workers/embedded/stripe/billing/invoices/states';
import type { Recurring } from '../../../../../workers/embedded/stripe/billing/model';
import { remainingAmount } from '../../../../../workers/embedded/stripe/billing/invoices/proration';
import { retryOffsetMs, spreadOf } from '../../../../../workers/embedded/stripe/billing/invoices/retries';
import { BillingBook } from '../../../../../workers/embedded/stripe/billing/settings';
import { SUBSCRIPTION_TRANSITIONS } from '../../../../../workers/embedded/stripe/billing/subscriptions/states';
import { check, fc } from '../../../../support/property';

const seconds = (text: string): number => Date.parse(text) / 1000;
const every = (interval: Recurring['interval'], count = 1): Recurring => {
  return { interval, interval_count: count, meter: null, trial_period_days: null, usage_type: 'licensed' };
};

describe('boundaries of periods', () => {
  it.each([
    ['2026-01-31', every('month'), ['2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31']],
    ['2024-01-31', every('month'), ['2024-02-29', '2024-03-31']],
    ['2024-02-29', every('year'), ['2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29']],
    ['2026-11-30', every('month', 3), ['2027-02-28', '2027-05-30', '2027-08-30']],
    ['2026-12-30', every('week', 2), ['2027-01-13', '2027-01-27']],
    ['2026-10-24', every('day'), ['2026-10-25', '2026-10-26']],
  ])('from %s', (start, recurring, days) => {
    const anchor = seconds(`${start}T15:30:00Z`);
    const found = days.map((_, index) => new Date(boundary(anchor, recurring, index + 1) * 1000).toISOString());
    expect(found).toEqual(days.map((day) => `${day}T15:30:00.000Z`));
  });
});

const recurrings = fc.record({
  interval: fc.constantFrom('day', 'week', 'month', 'year'),
  interval_count: fc.integer({ min: 1, max: 12 }),
}) as fc.Arbitrary<Pick<Recurring, 'interval' | 'interval_count'>>;
const anchors = fc.integer({ min: seconds('2020-01-01T00:00:00Z'), max: seconds('2032-01-01T00:00:00Z') });

it('every time lies in one period, and every period begins where the last one ended', async () => {
  await check(
    'periods join',
    fc.property(
      anchors,
      recurrings,
      fc.integer({ min: 0, max: 400_000_000 }),
      (anchor, { interval, interval_count }, later) => {
        const recurring = every(interval, interval_count);
        const at = anchor + later;
        const end = nextBoundary(anchor, recurring, at);
        expect(end).toBeGreaterThan(at);
        let steps = 0;
        while (boundary(anchor, recurring, steps) < end) steps += 1;
        expect(boundary(anchor, recurring, steps)).toBe(end);
        expect(boundary(anchor, recurring, steps - 1)).toBeLessThanOrEqual(at);
      },
    ),
    { numRuns: 300 },
  );
});

describe('the schedule of retries', () => {
  const settings = new BillingBook().now;

  it('lies within its time, ascending, whatever the spread', async () => {
    await check(
      'retries ascend within their window',
      fc.property(fc.integer({ min: 1, max: 30 }), fc.double({ min: 0, max: 1, noNaN: true }), (retries, spread) => {
        const offsets = Array.from(
          { length: retries },
          (_, done) => retryOffsetMs({ ...settings, retries }, done, spread) ?? 0,
        );
        offsets.forEach((offset, index) => expect(offset).toBeGreaterThan(offsets[index - 1] ?? 0));
        expect(offsets.at(-1)).toBeLessThanOrEqual(settings.retryWindowMs);
        expect(retryOffsetMs({ ...settings, retries }, retries, spread)).toBeUndefined();
      }),
    );
  });

  it('is exact when it is set', () => {
    const exact = { ...settings, scheduleMs: [10, 20] };
    expect([0, 1, 2].map((done) => retryOffsetMs(exact, done, 0.7))).toEqual([10, 20, undefined]);
  });

  it('is spread the same way for the same id, and differently for others', () => {
    const spreads = Array.from({ length: 1_000 }, (_, index) => spreadOf(`in_${index}`));
    expect(spreadOf('in_7')).toBe(spreads[7]);
    expect(Math.min(...spreads)).toBeLessThan(0.05);
    expect(Math.max(...spreads)).toBeGreaterThan(0.95);
    expect(Math.max(...spreads)).toBeLessThan(1);
  });
});

describe('billing settings', () => {
  it.each([
    [{ retries: -1 }, 'retries'],
    [{ retries: 31 }, 'retries'],
    [{ scheduleMs: [20, 10] }, 'ascending'],
    [{ scheduleMs: [0] }, 'positive'],
    [{ finalizationDelayMs: -1 }, 'finalizationDelayMs'],
    [{ colour: 'red' }, 'colour'],
  ])('refuse %j and stay as they were', (changes, message) => {
    const book = new BillingBook();
    const before = book.now;
    expect(() => book.set(changes as Parameters<typeof book.set>[0])).toThrow(message);
    expect(book.now).toEqual(before);
  });

  it('keep what was set before, and let a schedule be unset', () => {
    const book = new BillingBook({ retries: 3 });
    book.set({ scheduleMs: [1] });
    book.set({ onExhausted: 'unpaid' });
    expect(book.now).toMatchObject({ retries: 3, scheduleMs: [1], onExhausted: 'unpaid' });
    book.set(JSON.parse('{"scheduleMs":null}') as object);
    expect(book.now.scheduleMs).toBeUndefined();
    expect(() => new BillingBook({ retries: 99 })).toThrow('retries');
  });
});

describe('money', () => {
  it('of a total and a balance is due or kept, never both', async () => {
    await check(
      'balance',
      fc.property(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: -9999, max: 9999 }), (total, balance) => {
        const { amountDue, endingBalance } = totals(total, balance);
        expect(amountDue + endingBalance).toBe(total + balance);
        expect(amountDue).toBeGreaterThanOrEqual(0);
        expect(endingBalance).toBeLessThanOrEqual(0);
        expect(Math.abs(amountDue * endingBalance)).toBe(0);
      }),
    );
  });

  it.each([
    [0, 3000],
    [1_000, 2000],
    [3_000, 0],
    [9_000, 0],
    [-1_000, 3000],
    [1, 2999],
  ])('for the rest of a period at second %i of 3000: %i', (at, amount) => {
    expect(remainingAmount(3000, { start: 0, end: 3_000 }, at)).toBe(amount);
  });
});

describe.each([
  ['subscription', SUBSCRIPTION_TRANSITIONS as Record<string, readonly string[]>, 'incomplete', ['trialing', 'active']],
  ['invoice', INVOICE_TRANSITIONS as Record<string, readonly string[]>, 'draft', []],
])('the statuses of a %s', (_what, table, first, alsoFirst) => {
  it('can all be reached, and lead to an end', () => {
    const reach = (from: readonly string[]): Set<string> => {
      const seen = new Set(from);
      for (const status of seen) for (const next of table[status] ?? []) seen.add(next);
      return seen;
    };
    expect([...reach([first, ...alsoFirst])].sort()).toEqual(Object.keys(table).sort());
    const ends = Object.keys(table).filter((status) => table[status]?.length === 0);
    for (const status of Object.keys(table)) expect(ends.some((end) => reach([status]).has(end))).toBe(true);
  });
});

it('reports what changed by its former value', () => {
  const object: Record<string, unknown> = { same: 1, changed: { a: 1 }, gone: 'x' };
  const before = snapshotOf(object);
  object['changed'] = { a: 2 };
  object['gone'] = undefined;
  object['added'] = true;
  expect(changedFields(before, object)).toEqual({ changed: { a: 1 }, gone: 'x', added: null });
});
