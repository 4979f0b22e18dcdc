import { CHECKOUT, CHECKOUT_AND_HANDOVER, LOCAL, LOCAL_ANSWERED, REGULAR, REGULAR_ANSWERED } from './checkouts';
import type { Calls, Cost } from './histories';
import { ratio } from './load';
import type { Result } from './load';
import { STORY } from './story';
import { cpuOf, CPU, found, perSecond, table } from './table';
import type { Target } from './table';

/** What was measured of checkouts and of whole orders. */
export interface CheckoutMeasurements {
  readonly many: readonly Result[];
  readonly costs: readonly Cost[];
  readonly calls: readonly Calls[];
}

/** Ratios to the faster of two bare workflows, and the least each should be. */
const RATIOS = [
  { what: 'checkout, alone', name: CHECKOUT, least: 1.4 },
  { what: 'checkout, its order handed over within the time', name: CHECKOUT_AND_HANDOVER, least: 1 },
  { what: 'checkout to delivered', name: STORY, least: 0.65 },
] as const;

const MAX_EVENTS = 28;

const times = (value: number): string => `${value.toFixed(2)} ×`;

/** Whichever way of calling it is faster. */
function fasterOf(many: readonly Result[], one: string, other: string): Result {
  const [first, second] = [found(many, one), found(many, other)];
  return first.perSecond >= second.perSecond ? first : second;
}

export function checkoutTargets({ many, costs }: CheckoutMeasurements): Target[] {
  const regular = fasterOf(many, REGULAR, REGULAR_ANSWERED);
  const events = costs.at(-1)?.events ?? Number.NaN;
  return [
    ...RATIOS.map(({ what, name, least }) => {
      const measured = ratio(found(many, name), regular);
      const target = `≥ ${least} ×`;
      return {
        what: `${what}, by three regular activities`,
        target,
        measured: times(measured),
        met: measured >= least,
      };
    }),
    {
      what: 'history events, checkout to delivered',
      target: `≤ ${MAX_EVENTS}`,
      measured: String(events),
      met: events <= MAX_EVENTS,
    },
  ];
}

/** Ratios to both bare workflows, then what one order costs. */
export function checkoutPart({ many, costs, calls }: CheckoutMeasurements): string[] {
  const regular = fasterOf(many, REGULAR, REGULAR_ANSWERED);
  const local = fasterOf(many, LOCAL, LOCAL_ANSWERED);
  return [
    table(
      ['', 'rate', 'by three regular', 'by three local', CPU],
      many.map((result) => [
        result.name,
        perSecond(result),
        times(ratio(result, regular)),
        times(ratio(result, local)),
        cpuOf(result),
      ]),
    ),
    '',
    ...costPart({ costs, calls }),
  ];
}

/** Events, transactions and statements of one order. */
export function costPart({ costs, calls }: Pick<CheckoutMeasurements, 'costs' | 'calls'>): string[] {
  return [
    ...costs.slice(0, 2).map(({ name, byType }) => {
      const parts = Object.entries(byType).sort(([, more], [, less]) => less - more);
      return `- ${name}: ${parts.map(([type, count]) => `${type} ${count}`).join(', ')}`;
    }),
    '',
    table(
      ['What it asks of others', 'Postgres transactions', 'statements, BEGIN and COMMIT included', 'Stripe requests'],
      calls.map((one) => [one.name, String(one.transactions), String(one.statements), String(one.stripeRequests)]),
    ),
    '',
  ];
}
