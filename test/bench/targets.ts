import { checkoutTargets } from './checkout-part';
import type { Calls, Cost } from './histories';
import type { Result } from './load';
import type { ParkedResult } from './parked/parked';
import { saleTargets } from './flash-sale/flash-sale';
import type { FlashSaleResult } from './flash-sale/flash-sale';
import { STORY } from './story';
import { subscriptionTargets } from './subscriptions/report';
import type { SubscriptionsResult } from './subscriptions/subscriptions';
import { found } from './table';
import type { Target } from './table';
import type { WebhookResult } from './webhooks/webhooks';

/** All that a run has measured. */
export interface Measurements {
  readonly one: readonly Result[];
  readonly many: readonly Result[];
  readonly designs: readonly Result[];
  readonly story: readonly Result[];
  readonly costs: readonly Cost[];
  readonly calls: readonly Calls[];
  readonly webhooks: readonly WebhookResult[];
  readonly parked: ParkedResult;
  readonly sales: readonly FlashSaleResult[];
  readonly subscriptions: SubscriptionsResult;
  readonly inFlight: number;
  readonly rounds: number;
  readonly servers: { readonly temporalVersion: string; readonly postgresVersion: string };
  readonly scale: number;
  readonly minutes: number;
}

/** The known open-source order system on Temporal for the same story, measured on such a machine: events and orders/s. */
export const REFERENCE = { events: 96, perSecond: 8 } as const;

/** Memory that comes and goes by itself between two looks at one process that does nothing: the allocator's, not ours. */
const MEMORY_NOISE = 0.1;

export function targets(run: Measurements): Target[] {
  const [checkout, order, both] = run.costs as [Cost, Cost, Cost];
  const story = found(run.many, STORY);
  const renewed = `${run.parked.renewed} of ${run.parked.orders} renewed, ${run.parked.expired} expired unseen, ${run.parked.violations.length} violations`;
  const growth = memoryGrowth(run.parked);
  const line = (what: string, target: string, measured: string, met: boolean): Target => ({
    what,
    target,
    measured,
    met,
  });
  return [
    ...checkoutTargets(run),
    line('history events of a checkout', '≤ 16', String(checkout.events), checkout.events <= 16),
    line('history events from placed to delivered', '≤ 45', String(order.events), order.events <= 45),
    line(
      'events, checkout to delivered: half of the reference',
      `≤ ${REFERENCE.events / 2}`,
      String(both.events),
      both.events <= REFERENCE.events / 2,
    ),
    line(
      'orders/s, checkout to delivered: twice the reference',
      `≥ ${2 * REFERENCE.perSecond}/s`,
      `${story.perSecond.toFixed(1)}/s`,
      story.perSecond >= 2 * REFERENCE.perSecond,
    ),
    ...run.webhooks.map(({ name, p99Ms }) =>
      line(`webhook acknowledged, p99, ${name}`, '< 50 ms', `${p99Ms.toFixed(1)} ms`, p99Ms < 50),
    ),
    line(
      'memory that parked orders take beyond the cache',
      `≤ ${MEMORY_NOISE * 100} % more`,
      growth === undefined ? 'not measured' : `${(growth * 100).toFixed(1)} %`,
      growth !== undefined && growth <= MEMORY_NOISE,
    ),
    line(
      'holds of parked orders',
      'all renewed in time',
      renewed,
      run.parked.renewed === run.parked.orders && run.parked.expired === 0 && run.parked.violations.length === 0,
    ),
    ...saleTargets(run.sales),
    ...subscriptionTargets(run.subscriptions),
  ];
}

/** From the first look with more orders than are cached to the last one before time was moved. */
function memoryGrowth({ memory, cacheCap, orders }: ParkedResult): number | undefined {
  const beyond = memory.filter((one) => one.parked > cacheCap);
  const from = beyond[0];
  const to = memory.find((one) => one.parked === orders);
  if (from === undefined || to === undefined || from.parked === to.parked) return undefined;
  return to.rss / from.rss - 1;
}
