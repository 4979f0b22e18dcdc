import { cpus, totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';
import { costPart } from './checkout-part';
import { AS_CHILD, AS_CHOSEN, AS_CHOSEN_HANDED_OVER, LOCAL, LOCAL_ANSWERED, REGULAR } from './checkouts';
import { ratio } from './load';
import { megabytes } from './parked/parked';
import type { ParkedResult } from './parked/parked';
import { STORY } from './story';
import { salePart } from './flash-sale/flash-sale';
import { subscriptionPart } from './subscriptions/report';
import { CPU, cpuOf, found, perSecond, table } from './table';
import { REFERENCE, targets } from './targets';
import type { Measurements } from './targets';

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
    ...salePart(run.sales),
    ...subscriptionPart(run.subscriptions),
  ].join('\n');
}

function checkoutPart({ one, many, inFlight, rounds }: Measurements): string[] {
  const regular = found(many, REGULAR);
  const local = found(many, LOCAL);
  return [
    '## Checkout',
    '',
    `Rates are medians of ${rounds} rounds, A B C, B C A, …; percentiles are over all answers. A bare workflow is started and its result awaited with an eager first task, or answered by update-with-start like a checkout; the target counts the faster of the two. "Alone" means that relays and webhooks rest meanwhile; "handed over" that they run and that the clock stops when every order is with its own workflow and its events are published. Every fifth checkout is a new customer's. "By" is the median of the ratios within each round. Processor time is for one request, of the process with all parts of ours and the simulator, of Temporal, and of Postgres: it hardly depends on what else the machine does.`,
    '',
    table(
      [
        '',
        'p50, 1 in flight',
        'p99',
        `rate, ${inFlight} in flight`,
        'p50',
        'p99',
        'by three regular',
        'by three local',
        CPU,
      ],
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
          `${ratio(result, local).toFixed(2)} ×`,
          cpuOf(result),
        ];
      }),
    ),
    '',
    `Three local activities by three regular ones: ${ratio(found(many, LOCAL), regular).toFixed(2)} ×, answered by update-with-start ${ratio(found(many, LOCAL_ANSWERED), regular).toFixed(2)} ×.`,
    '',
  ];
}

function storyPart({ costs, calls, many, story, inFlight }: Measurements): string[] {
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
    ...costPart({ costs, calls }),
    table(
      [`${inFlight} in flight, all parts running`, 'orders/s', 'p50', 'p99', CPU],
      [
        ...[found(many, STORY), ...story].map((result) => [
          result.name,
          perSecond(result),
          ms(result.p50Ms),
          ms(result.p99Ms),
          cpuOf(result),
        ]),
        ['reference: the known order system', '7–8/s', '', '', ''],
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
      ['', 'rate', 'p50', 'p99', 'by the baseline', CPU],
      designs.map((result) => {
        const chosen = found(designs, handedOver.includes(result.name) ? AS_CHOSEN_HANDED_OVER : AS_CHOSEN);
        return [
          result.name,
          perSecond(result),
          ms(result.p50Ms),
          ms(result.p99Ms),
          `${ratio(result, chosen).toFixed(2)} ×`,
          cpuOf(result),
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

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;

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
