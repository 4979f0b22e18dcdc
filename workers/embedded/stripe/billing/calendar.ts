import type { Recurring } from './model';

const DAY_SECONDS = 86_400;
const SECONDS: Record<'day' | 'week', number> = { day: DAY_SECONDS, week: 7 * DAY_SECONDS };

/**
 * The `steps`th boundary of a billing cycle, in seconds since the epoch. Months keep the anchor's day: Jan 31, Feb 28,
 * Mar 31. https://docs.stripe.com/billing/subscriptions/billing-cycle
 */
export function boundary(anchor: number, { interval, interval_count: count }: Recurring, steps: number): number {
  if (interval === 'day' || interval === 'week') return anchor + steps * count * SECONDS[interval];
  const months = steps * count * (interval === 'year' ? 12 : 1);
  const date = new Date(anchor * 1000);
  const day = date.getUTCDate();
  // Go to the first of the month, because the anchor's day may not exist in the target month.
  const target = new Date(date);
  target.setUTCDate(1);
  target.setUTCMonth(target.getUTCMonth() + months);
  target.setUTCDate(Math.min(day, daysInMonth(target)));
  return Math.floor(target.getTime() / 1000);
}

/** The end of the period that contains `at`: the first boundary after it. Seconds since the epoch. */
export function nextBoundary(anchor: number, recurring: Recurring, at: number): number {
  let steps = Math.max(0, Math.floor((at - anchor) / longestSeconds(recurring)));
  while (boundary(anchor, recurring, steps) <= at) steps += 1;
  return boundary(anchor, recurring, steps);
}

function daysInMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

/** The longest possible step, so that an estimate made with it never passes the boundary in question. */
function longestSeconds({ interval, interval_count: count }: Recurring): number {
  const days = { day: 1, week: 7, month: 31, year: 366 }[interval];
  return days * count * DAY_SECONDS;
}
