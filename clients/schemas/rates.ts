import { z } from 'zod';
import { boundedTime } from './edge';

const DAY_MS = 24 * 3_600_000;
/** The window of a query without `from`. */
const DEFAULT_WINDOW_MS = 7 * DAY_MS;
/** A year and a day: the query of a longer window would hold a database connection for too long. */
const LONGEST_WINDOW_MS = 366 * DAY_MS;

/** Query of `GET /v1/payments/rates`. */
export const ratesQuery = z.strictObject({
  from: boundedTime.optional().describe('Default: seven days before `to`'),
  to: boundedTime.optional().describe('Exclusive. Default: now'),
});

/** The window of a query, in UTC, or what is wrong with it. */
export function windowOf(query: z.output<typeof ratesQuery>, nowMs: number): { from: string; to: string } | string {
  const toMs = query.to === undefined ? nowMs : Date.parse(query.to);
  const fromMs = query.from === undefined ? toMs - DEFAULT_WINDOW_MS : Date.parse(query.from);
  if (fromMs >= toMs) return 'must be before `to`';
  if (toMs - fromMs > LONGEST_WINDOW_MS) return 'must be at most 366 days before `to`';
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}

const counts = {
  authorized: z.int().min(0),
  declined: z.int().min(0).describe('Declined by the bank'),
  blocked: z
    .int()
    .min(0)
    .describe('Never sent to a bank, or reversed by the provider after the bank authorized; not counted in the rate'),
  rate: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('Share of authorized among the answers of banks; null where no bank was asked'),
};

export const ratesAnswer = z.object({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  total: z.object(counts),
  rates: z.array(
    z.object({
      brand: z.string().nullable(),
      funding: z.string().nullable(),
      country: z.string().nullable(),
      ...counts,
    }),
  ),
});
