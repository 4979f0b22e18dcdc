import { Gauge, type Registry } from 'prom-client';
import type { AuthorizationReport, CardKind } from '../../../workflows/domain/payment/authorization-rates';
import { ratesAnswer, ratesQuery, windowOf } from '../../schemas/rates';
import { parse } from '../../schemas/validate';
import type { Operation } from '../server/operation';
import type { PaymentRates } from '../ports';
import { badRequest } from '../server/problem';

/** `GET /v1/payments/rates` */
export function rateOperations({ rates }: { readonly rates: PaymentRates }, now: () => number): Operation[] {
  return [
    {
      method: 'GET',
      path: '/v1/payments/rates',
      name: 'authorizationRates',
      summary:
        'How often banks authorized, by card brand, funding and country. Attempts that the provider blocked are counted separately.',
      query: ratesQuery,
      answers: { 200: ['Most frequent kinds of card first', ratesAnswer] },
      problems: {},
      prepare: (call) => {
        const window = windowOf(parse(ratesQuery, call.query), now());
        if (typeof window === 'string') throw badRequest([{ field: 'from', message: window }]);
        return async () => ({ status: 200, body: await rates.authorizationRates(window) });
      },
    },
  ];
}

/** A day: rates change with the hour of the day, and a weekly window would hide an outage. */
const WINDOW_MS = 24 * 3_600_000;
/** Several servers scrape several times a minute, and a day's figures change slowly. */
const KEPT_MS = 60_000;
/** The most frequent kinds of card have their own series, all others share one: at most 204 series. */
const MAX_KINDS = 50;

const LABELS = ['brand', 'funding', 'country'] as const;
type Labels = Record<(typeof LABELS)[number], string>;

const OTHER: Labels = { brand: 'other', funding: 'other', country: 'other' };

/** Gauges over the last day, read from Postgres when they are scraped, and absent while it is away. */
export function rateGauges(rates: PaymentRates, registers: Registry[], now: () => number): void {
  const read = cached(KEPT_MS, now, () => {
    const to = now();
    const window = { from: new Date(to - WINDOW_MS).toISOString(), to: new Date(to).toISOString() };
    return rates.authorizationRates({ ...window, limit: MAX_KINDS });
  });
  new Gauge({
    name: 'holdfast_authorization_rate',
    help: 'Share of authorized among the answers of banks in the last 24 hours, 0 to 1',
    labelNames: LABELS,
    registers,
    async collect() {
      const series = seriesOf(await read());
      this.reset();
      for (const { labels, rate } of series) if (rate !== null) this.set(labels, rate);
    },
  });
  new Gauge({
    name: 'holdfast_authorizations',
    help: 'Answers of the last 24 hours: authorized, declined by the bank, blocked by the provider (no bank was asked)',
    labelNames: [...LABELS, 'outcome'],
    registers,
    async collect() {
      const series = seriesOf(await read());
      this.reset();
      for (const { labels, authorized, declined, blocked } of series) {
        for (const [outcome, count] of Object.entries({ authorized, declined, blocked })) {
          this.set({ ...labels, outcome }, count);
        }
      }
    },
  });
}

interface Series {
  readonly labels: Labels;
  readonly authorized: number;
  readonly declined: number;
  readonly blocked: number;
  readonly rate: number | null;
}

/** One series for each kind in the report, and one for the rest of the total. */
function seriesOf(report: AuthorizationReport | undefined): Series[] {
  if (report === undefined) return [];
  const named = report.rates.map((one): Series => ({ ...one, labels: labelsOf(one) }));
  const left = (field: 'authorized' | 'declined' | 'blocked'): number =>
    report.total[field] - report.rates.reduce((sum, one) => sum + one[field], 0);
  const [authorized, declined, blocked] = [left('authorized'), left('declined'), left('blocked')];
  if (authorized + declined + blocked === 0) return named;
  const answered = authorized + declined;
  return [
    ...named,
    { labels: OTHER, authorized, declined, blocked, rate: answered === 0 ? null : authorized / answered },
  ];
}

function labelsOf({ brand, funding, country }: CardKind): Labels {
  return { brand: brand ?? 'unknown', funding: funding ?? 'unknown', country: country ?? 'unknown' };
}

/** Caches one answer for `keptMs`; undefined after a failure, which is not cached. */
function cached<T>(keptMs: number, now: () => number, ask: () => Promise<T>): () => Promise<T | undefined> {
  let kept: { readonly answer: Promise<T | undefined>; readonly untilMs: number } | undefined;
  return () => {
    if (kept !== undefined && now() < kept.untilMs) return kept.answer;
    const answer = ask().catch(() => {
      kept = undefined;
      return undefined;
    });
    kept = { answer, untilMs: now() + keptMs };
    return answer;
  };
}
