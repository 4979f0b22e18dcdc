import { cpus, totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';
import {
  AS_CHILD,
  AS_CHOSEN,
  AS_CHOSEN_HANDED_OVER,
  CHECKOUT,
  CHECKOUT_AND_HANDOVER,
  LOCAL,
  LOCAL_ANSWERED,
  REGULAR,
  REGULAR_ANSWERED,
} from './checkouts';
import type { Calls, Cost } from './histories';
import { ratio } from './load';
import type { Result } from './load';
import { megabytes } from './parked';
import type { ParkedResult } from './parked';
import { STORY } from './story';
import type { WebhookResult } from './webhooks';

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
  readonly inFlight: number;
  readonly rounds: number;
  readonly servers: { readonly temporalVersion: string; readonly postgresVersion: string };
  readonly scale: number;
  readonly minutes: number;
}

interface Target {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

/** The known open-source order system on Temporal for the same story, measured on such a machine: events and orders/s. */
const REFERENCE = { events: 96, perSecond: 8 } as const;

/** Memory that comes and goes by itself between two looks at one process that does nothing: the allocator's, not ours. */
const MEMORY_NOISE = 0.1;

export function targets(run: Measurements): Target[] {
  const of = (results: readonly Result[], name: string): Result => found(results, name);
  const plain = of(run.many, REGULAR);
  const answered = of(run.many, REGULAR_ANSWERED);
  const faster = plain.perSecond >= answered.perSecond ? plain : answered;
  const alone = ratio(of(run.many, CHECKOUT), faster);
  const handed = ratio(of(run.many, CHECKOUT_AND_HANDOVER), faster);
  const [checkout, order, both] = run.costs as [Cost, Cost, Cost];
  const story = of(run.story, STORY);
  const renewed = `${run.parked.renewed} of ${run.parked.orders} renewed, ${run.parked.expired} expired unseen, ${run.parked.violations.length} violations`;
  const growth = memoryGrowth(run.parked);
  const line = (what: string, target: string, measured: string, met: boolean): Target => ({
    what,
    target,
    measured,
    met,
  });
  const times = (value: number): string => `${value.toFixed(2)} ×`;
  return [
    line('checkout by three regular activities that do nothing', '≥ 1.5 ×', times(alone), alone >= 1.5),
    line('the same, order handed over within the time', '≥ 1.5 ×', times(handed), handed >= 1.5),
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

/** The whole report in markdown. */
export function report(run: Measurements): string {
  return [
    '# What it costs, measured',
    '',
    `By \`npm run bench\`, ${new Date().toISOString().slice(0, 10)}, commit ${commit()}, in one run of ${run.minutes.toFixed(0)} minutes on one server: ${machine()}, Node ${process.versions.node}, Temporal server ${run.servers.temporalVersion} (SQLite in memory), Postgres ${run.servers.postgresVersion} (commits to the disk).${run.scale === 1 ? '' : ` Sizes scaled by ${run.scale}: the figures are worth nothing.`}`,
    '',
    'Client library, worker, relays, gateway and the payment simulator share one process; Temporal, Postgres and Redis are processes of their own, and all share the cores. Webhooks are sent by another process; the worker of the parked orders is one, too. Payments go through the Stripe SDK over HTTP to the simulator, which answers within milliseconds: a real provider takes longer and costs no more of this machine.',
    '',
    '## Targets',
    '',
    table(
      ['What', 'Target', 'Measured', ''],
      targets(run).map(({ what, target, measured, met }) => [what, target, measured, met ? 'met' : '**not met**']),
    ),
    '',
    ...checkoutPart(run),
    ...storyPart(run),
    ...designPart(run),
    ...webhookPart(run),
    ...parkedPart(run.parked),
  ].join('\n');
}

function checkoutPart({ one, many, inFlight, rounds }: Measurements): string[] {
  const regular = found(many, REGULAR);
  return [
    '## Checkout',
    '',
    `Rates are medians of ${rounds} rounds, A B C, B C A, …; percentiles are over all answers. A bare workflow is started and its result awaited with an eager first task, or answered by update-with-start like a checkout; the target counts the faster of the two. "Alone" means that the relays rest meanwhile; "handed over" that they run and that the clock stops when every order is with its own workflow and its events are published. Every fifth checkout is a new customer's. "By" is the median of the ratios within each round.`,
    '',
    table(
      ['', 'p50, 1 in flight', 'p99', `rate, ${inFlight} in flight`, 'p50', 'p99', 'by three regular'],
      many.map((result) => {
        const single = found(one, result.name);
        return [
          result.name,
          ms(single.p50Ms),
          ms(single.p99Ms),
          perSecond(result),
          ms(result.p50Ms),
          ms(result.p99Ms),
          `${ratio(result, regular).toFixed(2)} ×`,
        ];
      }),
    ),
    '',
    `Three local activities by three regular ones: ${ratio(found(many, LOCAL), regular).toFixed(2)} ×, answered by update-with-start ${ratio(found(many, LOCAL_ANSWERED), regular).toFixed(2)} ×.`,
    '',
  ];
}

function storyPart({ costs, calls, story, inFlight }: Measurements): string[] {
  return [
    '## An order from checkout to delivered',
    '',
    table(
      ['One item, one charge, one shipment', 'events', 'regular activities', 'local activities'],
      [
        ...costs.map(({ name, events, regular, local }) => [name, String(events), String(regular), String(local)]),
        ['reference: the known order system', String(REFERENCE.events), '5', '6'],
      ],
    ),
    '',
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
    table(
      [`${inFlight} in flight, all parts running`, 'orders/s', 'p50', 'p99'],
      [
        ...story.map((result) => [result.name, perSecond(result), ms(result.p50Ms), ms(result.p99Ms)]),
        ['reference: the known order system', '7–8/s', '', ''],
      ],
    ),
    '',
  ];
}

function designPart({ designs, inFlight }: Measurements): string[] {
  const handedOver = [AS_CHOSEN_HANDED_OVER, AS_CHILD];
  return [
    '## Designs tried',
    '',
    `The same activities in a checkout that knows the happy path only, ${inFlight} in flight, in the same rounds. The last two are compared with each other: they end when the order is with its own workflow.`,
    '',
    table(
      ['', 'rate', 'p50', 'p99', 'by the chosen one'],
      designs.map((result) => {
        const chosen = found(designs, handedOver.includes(result.name) ? AS_CHOSEN_HANDED_OVER : AS_CHOSEN);
        return [
          result.name,
          perSecond(result),
          ms(result.p50Ms),
          ms(result.p99Ms),
          `${ratio(result, chosen).toFixed(2)} ×`,
        ];
      }),
    ),
    '',
  ];
}

function webhookPart({ webhooks }: Measurements): string[] {
  return [
    '## Webhooks acknowledged',
    '',
    'By the real gateway: signature checked, kept once in the inbox on Postgres, answered after the commit, while the relay takes the events up. A closed loop shows what it can take and hides queues; in the open loop requests come when they are due, and the time counts from then.',
    '',
    table(
      ['', 'events', 'duplicates', 'acknowledged', 'p50', 'p99'],
      webhooks.map((one) => [
        one.name,
        String(one.sent),
        `${((100 * one.duplicates) / one.sent).toFixed(0)} %`,
        perSecond(one),
        ms(one.p50Ms),
        ms(one.p99Ms),
      ]),
    ),
    '',
  ];
}

function parkedPart({ memory, cacheCap, orders, renewed, expired, seconds, violations }: ParkedResult): string[] {
  return [
    '## Parked orders',
    '',
    `Orders that wait for their shipment, in a worker of its own with at most ${cacheCap} cached workflows.`,
    '',
    table(
      ['parked', 'worker, resident', 'of it heap of the main thread'],
      memory.map((one, index) => [
        index === memory.length - 1 ? `${one.parked}, after all were renewed` : String(one.parked),
        `${megabytes(one.rss)} MB`,
        `${megabytes(one.heapUsed)} MB`,
      ]),
    ),
    '',
    `Then a week passed for each of the ${orders} orders: ${renewed} holds were renewed in time, ${expired} expired, in ${seconds.toFixed(0)} s; ledger and provider disagree in ${violations.length} cases.`,
    '',
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function found(results: readonly Result[], name: string): Result {
  const result = results.find((one) => one.name === name);
  if (result === undefined) throw new Error(`nothing was measured under the name ${name}`);
  return result;
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
const perSecond = (result: Result): string => `${result.perSecond.toFixed(1)}/s`;

function machine(): string {
  const gigabytes = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} cores, ${gigabytes} GB of memory, ${process.platform} ${process.arch}`;
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
