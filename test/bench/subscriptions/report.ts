import { median } from '../load';
import { megabytes } from '../parked/parked';
import { STORIES } from './subscriptions';
import type { StoryName, SubscriptionsResult } from './subscriptions';
import { table, type Target } from '../table';

/** The limit that the design sets for a cycle of eight tries in two weeks, from the failure to its end. */
const CYCLE_EVENTS = 40;
/** Memory that comes and goes by itself: the allocator's, not ours. */
const MEMORY_NOISE = 0.1;

export function subscriptionTargets(run: SubscriptionsResult): Target[] {
  const { notices, subscriptions, astray } = run;
  const worst = Math.max(...run.renewal.lost, ...run.renewal.healed, ...run.renewal.newCard);
  const growth = growthOf(run);
  const none = (what: string, count: number): Target => ({
    what,
    target: '0',
    measured: `${count} of ${notices.told}`,
    met: count === 0 && notices.told > 0,
  });
  return [
    {
      what: 'history events of a dunning cycle, the longest',
      target: `≤ ${CYCLE_EVENTS}`,
      measured: String(worst),
      met: worst <= CYCLE_EVENTS,
    },
    {
      what: 'memory that parked subscriptions take beyond the cache',
      target: `≤ ${MEMORY_NOISE * 100} % more`,
      measured: growth === undefined ? 'not measured' : `${(growth * 100).toFixed(1)} %`,
      met: growth !== undefined && growth <= MEMORY_NOISE,
    },
    {
      what: 'subscriptions that end up as they should',
      target: 'all',
      measured: `${subscriptions - astray.length} of ${subscriptions}`,
      met: astray.length === 0,
    },
    none('notices told twice', notices.twice),
    none('notices of a failure told after the recovery', notices.afterRecovery),
    none('notices told in quiet hours', notices.inQuietHours),
    none('notices neither told nor taken back', notices.open),
  ];
}

/** From a tenth of them to all, before time was moved; undefined where that tenth is not beyond the cache. */
function growthOf({ memory: [from, to], cacheCap }: SubscriptionsResult): number | undefined {
  return from === undefined || to === undefined || from.parked <= cacheCap ? undefined : to.rss / from.rss - 1;
}

export function subscriptionPart(run: SubscriptionsResult): string[] {
  const { memory, notices, burst, renewal } = run;
  const failed = renewal.lost.length + renewal.healed.length + renewal.newCard.length;
  const names = Object.keys(STORIES) as StoryName[];
  const row = (what: string, events: readonly number[]): string[] => [
    what,
    String(events.length),
    String(median(events)),
    String(Math.max(...events)),
  ];
  const kinds = Object.entries(notices.kinds).map(([kind, count]) => `${kind} ${count}`);
  return [
    '## Subscriptions and dunning',
    '',
    `${run.subscriptions} monthly subscriptions are parked in a worker of its own with at most ${run.cacheCap} cached workflows, then ${run.weeks.toFixed(1)} weeks pass: all renew on one day, and ${failed} of the renewals fail. The provider tries up to eight times within two weeks; webhooks arrive, relays run, notices go out by SMTP under the default policy to customers in four time zones. The provider's clock goes first, in steps of two hours, then those workflows' clocks for which something happened: ${run.forwards} clocks were moved, and all of it took ${run.seconds.toFixed(0)} s. What the moving of a clock writes into a history is not counted.`,
    '',
    table(
      ['history events', 'subscriptions', 'median', 'most'],
      [
        row('parked: followed, nothing happened yet', run.parked),
        ...names
          .filter((name) => renewal[name].length > 0)
          .map((name) => row(`added where the renewal ${STORIES[name]}`, renewal[name])),
      ],
    ),
    '',
    table(
      ['parked', 'worker, resident', 'of it heap of the main thread'],
      memory.map((one, index) => [
        index === memory.length - 1 ? `${one.parked}, after these weeks` : String(one.parked),
        `${megabytes(one.rss)} MB`,
        `${megabytes(one.heapUsed)} MB`,
      ]),
    ),
    '',
    `${notices.told} notices were told (${kinds.join(', ')}); from the transaction that makes one true to the mail server's answer it took ${notices.waitP50Ms.toFixed(0)} ms (p50), ${notices.waitP99Ms.toFixed(0)} ms (p99). ${burst.count} notices that are due at once go out at ${burst.perSecond.toFixed(0)}/s. Held against the mails that came in and the provider's invoices: ${notices.twice} were told twice, ${notices.afterRecovery} of a failure after the recovery, ${notices.inQuietHours} in quiet hours, ${notices.open} neither told nor taken back.`,
    '',
  ];
}
