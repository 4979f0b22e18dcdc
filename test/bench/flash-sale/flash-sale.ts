import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { createHoldfastClient } from '../../../clients/client';
import type { CheckoutAnswer, CheckoutRequest } from '../../../clients/client';
import { closedLoop, percentile } from '../load';
import type { Servers } from '../servers';
import { handedOver, oneItemCart, openShop, place } from '../shop';
import type { Shop } from '../shop';
import { table, type Target } from '../table';

/*
 * A flash sale: ten times as many checkouts a second as the provider allows requests, while background work wants all it
 * can get. The provider is the simulator with its token buckets; they are full when the sale begins, as after a quiet night.
 */

/** Requests a second that the provider allows: two cores take the sale of this, and nearly that of a real sandbox. */
const ALLOWED = 10;
const LIMITED = 'with the limiter';
const NO_ANSWER = 'no answer';
/** Processes that share the limits. */
const WORKERS = 2;
/** How many times the allowed rate comes in. */
const BURST_FACTOR = 10;
/** So much background work is under way at a time. */
const BACKGROUND_LOOPS = 30;
/** Every returning customer is among so many carts. */
const KNOWN_BEFORE = 60;
const WARM_UP_IN_FLIGHT = 10;
/** Activities guess no longer delay after a 429 that names none. */
const LONGEST_BACKOFF_MS = 20_000;
/** Nobody's caller waits longer; above what the line can come to. */
const CALLER_PATIENCE_MS = 20 * 60_000;
/** Without the limiter the sale hardly gets on: after so long, what is answered by then tells enough. */
const SHORT_PATIENCE_MS = 2 * 60_000;
/** What one process takes by itself while Redis is away: it is not, here. */
const LOCAL_SHARE = 0.25;
/** The pace is read off every so often. */
const LOOK_EVERY_MS = 5_000;

export interface FlashSaleOptions {
  /** Requests a second that the provider allows, in all and for each endpoint: a sandbox has one number for both. */
  readonly perSecond: number;
  readonly seconds: number;
  readonly limited: boolean;
  readonly progress: (line: string) => void;
}

export interface FlashSaleResult {
  readonly name: string;
  readonly perSecond: number;
  readonly checkouts: number;
  /** How the checkouts ended, by state; `no answer` is one of them. */
  readonly answers: Readonly<Record<string, number>>;
  /** Seconds from the first checkout to the last answer. */
  readonly elapsedS: number;
  /** Requests that the provider let through, as a share of what it allows in that time. */
  readonly used: number;
  /** 429s. */
  readonly refused: number;
  /** Of the requests let through, those of background work. */
  readonly backgroundShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answered within SHORT_PATIENCE_MS of being asked for. */
  readonly soon: number;
}

/** The same sale with the limiter and without it. */
export async function measureFlashSales(
  servers: Servers,
  bundlePath: string,
  options: Pick<FlashSaleOptions, 'seconds' | 'progress'>,
): Promise<FlashSaleResult[]> {
  const limited = await measureFlashSale(servers, bundlePath, { ...options, perSecond: ALLOWED, limited: true });
  const unlimited = await measureFlashSale(servers, bundlePath, { ...options, perSecond: ALLOWED, limited: false });
  return [limited, unlimited];
}

async function measureFlashSale(
  servers: Servers,
  bundlePath: string,
  options: FlashSaleOptions,
): Promise<FlashSaleResult> {
  const { perSecond, limited } = options;
  const limits = limited ? { stripeLimits: { perSecond, perEndpoint: perSecond, localShare: LOCAL_SHARE } } : {};
  const shop = await openShop(servers, limited ? 'sale-limited' : 'sale-unlimited', bundlePath, {}, limits);
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => forkWorker(shop)));
  const relays = shop.relays();
  try {
    return await sale(shop, options);
  } finally {
    await relays.stop();
    await Promise.all(workers.map((stop) => stop()));
    await shop.close();
  }
}

/** Answers with what stops it. */
async function forkWorker(shop: Shop): Promise<() => Promise<void>> {
  const child = fork(join(__dirname, 'worker.js'), [JSON.stringify(shop.settings)]);
  await once(child, 'message');
  return async () => {
    const gone = once(child, 'exit');
    child.send('stop');
    await gone;
  };
}

async function sale(shop: Shop, options: FlashSaleOptions): Promise<FlashSaleResult> {
  const { perSecond, seconds, limited, progress } = options;
  const name = limited ? LIMITED : 'without it';
  const orderId = await place(shop.holdfast);
  // As on any day: who has bought before is known.
  await closedLoop(KNOWN_BEFORE, WARM_UP_IN_FLIGHT, () => place(shop.holdfast));
  await handedOver(shop);
  const { faults } = shop.simulator;
  const checkouts = Math.round(BURST_FACTOR * perSecond * seconds);
  faults.setRateLimit({ perSecond, perEndpoint: { perSecond } });
  const background = startBackground(shop, orderId, limited);
  const answers: Record<string, number> = {};
  const latenciesMs: number[] = [];
  const patienceMs = limited ? CALLER_PATIENCE_MS : SHORT_PATIENCE_MS;
  const client = createHoldfastClient({
    client: shop.client,
    taskQueue: shop.settings.taskQueue,
    waitMs: patienceMs,
  });
  const startedAt = performance.now();
  const buy = async (): Promise<void> => {
    const sentAt = performance.now();
    const state = await answered(client, oneItemCart(), patienceMs);
    answers[state] = (answers[state] ?? 0) + 1;
    if (state !== NO_ANSWER) latenciesMs.push(performance.now() - sentAt);
  };
  const watch = setInterval(() => {
    const { allowed, refused } = faults.rateLimitTally;
    const s = (performance.now() - startedAt) / 1000;
    progress(
      `${name}: ${s.toFixed(0)} s, ${latenciesMs.length} of ${checkouts} answered, ${allowed} requests (${((100 * allowed) / (s * perSecond)).toFixed(1)} %), ${refused} refused`,
    );
  }, LOOK_EVERY_MS);
  try {
    await openLoop(checkouts, BURST_FACTOR * perSecond, buy);
  } finally {
    clearInterval(watch);
  }
  const elapsedS = (performance.now() - startedAt) / 1000;
  const { allowed, refused } = faults.rateLimitTally;
  const done = await background.stop();
  faults.setRateLimit(undefined);
  return {
    name,
    perSecond,
    checkouts,
    answers,
    elapsedS,
    used: allowed / (elapsedS * perSecond),
    refused,
    backgroundShare: done / allowed,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    soon: latenciesMs.filter((one) => one <= SHORT_PATIENCE_MS).length,
  };
}

/** A caller who asks again under his key until he is answered. */
async function answered(
  client: ReturnType<typeof createHoldfastClient>,
  cart: CheckoutRequest,
  patienceMs: number,
): Promise<string> {
  const idempotencyKey = randomUUID();
  const untilMs = performance.now() + patienceMs;
  while (performance.now() < untilMs) {
    try {
      const answer: CheckoutAnswer = await client.checkout(cart, { idempotencyKey });
      return answer.state === 'failed' ? answer.code : answer.state;
    } catch {
      // Temporal was too busy to take it, or the answer is not there yet: the same again is safe.
      await wait(500 + 1_000 * Math.random());
    }
  }
  return NO_ANSWER;
}

/** Sends each request when it is due, whatever became of those before it. */
async function openLoop(count: number, perSecond: number, request: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  const sent: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    const dueInMs = startedAt + (index * 1000) / perSecond - performance.now();
    if (dueInMs > 1) await wait(dueInMs);
    sent.push(request());
  }
  await Promise.all(sent);
}

/** Background work that never ends: payments are looked up, as renewals and reconciliation do, as fast as they are let. */
function startBackground(shop: Shop, orderId: string, limited: boolean): { stop(): Promise<number> } {
  let running = true;
  let done = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const loop = async (): Promise<void> => {
    let failures = 0;
    while (running) {
      try {
        await shop.dependencies.activities.syncPayment({ orderId, attempt: 1 });
        done += 1;
        failures = 0;
      } catch (error) {
        if (!(error instanceof ApplicationFailure)) throw error;
        // As in a worker: a failure says when to try again, and after a 429 each try says later than the one before it.
        const delayMs = Number(error.nextRetryDelay ?? 500);
        const backoffMs = limited ? delayMs : Math.min(LONGEST_BACKOFF_MS, delayMs * 2 ** failures);
        failures += 1;
        await Promise.race([ended, wait(backoffMs, undefined, { ref: false })]);
      }
    }
  };
  const loops = Array.from({ length: BACKGROUND_LOOPS }, loop);
  return {
    async stop() {
      running = false;
      end();
      await Promise.all(loops);
      return done;
    },
  };
}

export function saleTargets(sales: readonly FlashSaleResult[]): Target[] {
  const sale = sales.find(({ name }) => name === LIMITED);
  if (sale === undefined) return [];
  const { answers, checkouts, refused, used } = sale;
  const placed = answers['placed'] ?? 0;
  return [
    {
      what: 'flash sale: checkouts answered',
      target: 'all of them, placed',
      measured: `${placed} of ${checkouts}`,
      met: placed === checkouts,
    },
    { what: 'flash sale: 429s from a cold start', target: '0', measured: String(refused), met: refused === 0 },
    {
      what: 'flash sale: used of the rate that the provider allows',
      target: '≥ 95 %',
      measured: percent(used),
      met: used >= 0.95,
    },
  ];
}

export function salePart(sales: readonly FlashSaleResult[]): string[] {
  const [first] = sales;
  if (first === undefined) return [];
  const { checkouts, perSecond } = first;
  return [
    '## A flash sale',
    '',
    `${checkouts} checkouts come in at ${BURST_FACTOR * perSecond} a second, while the provider allows ${perSecond} requests a second, in all and for each endpoint (a sandbox has one number for both, here made smaller to leave the machine room), and ${BACKGROUND_LOOPS} lookups are under way all the time. ${WORKERS} workers in processes of their own share the limits; relays and webhooks run. The provider's buckets hold a second's worth and are full when it begins; "used" is what they let through of what they allow until the last checkout is answered. Every fifth customer is new: two requests more. Callers wait for as long as it takes; without the limiter they give up after ${SHORT_PATIENCE_MS / 60_000} minutes, so that the run ends. The line serves requests as they come, so a new customer's second request stands behind others' first: fewer are through early than where luck decides, and all are in the end.`,
    '',
    table(
      ['', 'placed', 'within 2 min', 'other answers', 'took', 'used', '429s', 'background', 'wait, p50', 'p99'],
      sales.map((sale) => [
        sale.name,
        `${sale.answers['placed'] ?? 0} of ${sale.checkouts}`,
        String(sale.soon),
        others(sale.answers),
        `${sale.elapsedS.toFixed(0)} s`,
        percent(sale.used),
        String(sale.refused),
        percent(sale.backgroundShare),
        `${(sale.p50Ms / 1000).toFixed(0)} s`,
        `${(sale.p99Ms / 1000).toFixed(0)} s`,
      ]),
    ),
    '',
  ];
}

function others(answers: FlashSaleResult['answers']): string {
  const named = Object.entries(answers).filter(([state]) => state !== 'placed');
  return named.length === 0 ? 'none' : named.map(([state, count]) => `${state} ${count}`).join(', ');
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
