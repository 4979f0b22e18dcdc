import { z } from 'zod';
import { boundedTime } from './edge';

const DAY_MS = 24 * 3_600_000;
/** What a question without times asks for. */
const DEFAULT_WINDOW_MS = 7 * DAY_MS;
/** A year and a day: a longer one would hold a connection for a whole export. */
const LONGEST_WINDOW_MS = 366 * DAY_MS;

/** Query of `GET /v1/payments/rates`. */
export const ratesQuery = z.strictObject({
  from: boundedTime.optional().describe('Default: seven days before `to`'),
  to: boundedTime.optional().describe('Not in it. Default: now'),
});

/** The window that was asked for, in UTC; a problem's text where it is none. */
export function windowOf(query: z.output<typeof ratesQuery>, nowMs: number): { from: string; to: string } | string {
  const toMs = query.to === undefined ? nowMs : Date.parse(query.to);
  const fromMs = query.from === undefined ? toMs - DEFAULT_WINDOW_MS : Date.parse(query.from);
  if (fromMs >= toMs) return 'must be before `to`';
  if (toMs - fromMs > LONGEST_WINDOW_MS) return 'must be at most 366 days before `to`';
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}

const counts = {
  authorized: z.int().min(0),
  declined: z.int().min(0).describe("The bank's no"),
  blocked: z.int().min(0).describe('Never sent to a bank, or taken back by rules after its yes; in no rate'),
  rate: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('Authorized of all that a bank answered; null where none was asked'),
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
