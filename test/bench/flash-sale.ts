import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { createHoldfastClient } from '../../clients';
import type { CheckoutAnswer, CheckoutRequest } from '../../clients';
import { percentile } from './load';
import type { Servers } from './servers';
import { oneItemCart, openShop, place } from './shop';
import type { Shop } from './shop';

/*
 * A flash sale: ten times as many checkouts a second as the provider allows requests, while background work wants all it
 * can get. The provider is the simulator with its token buckets; they are full when the sale begins, as after a quiet night.
 */

/** How many times the allowed rate comes in. */
const BURST_FACTOR = 10;
/** Of all carts, the share of customers that the provider does not know: two requests more each. */
const BACKGROUND_LOOPS = 30;
/** Nobody's caller waits longer; above what the line can come to. */
const CALLER_PATIENCE_MS = 20 * 60_000;
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
}

export async function measureFlashSale(
  servers: Servers,
  bundlePath: string,
  options: FlashSaleOptions,
): Promise<FlashSaleResult> {
  const { perSecond, limited } = options;
  const limits = limited ? { stripeLimits: { perSecond, perEndpoint: perSecond, localShare: LOCAL_SHARE } } : {};
  const shop = await openShop(servers, limited ? 'sale-limited' : 'sale-unlimited', bundlePath, {}, limits);
  const worker = await shop.startWorker();
  const relays = shop.relays();
  try {
    return await sale(shop, options);
  } finally {
    await relays.stop();
    await worker.stop();
    await shop.close();
  }
}

async function sale(shop: Shop, options: FlashSaleOptions): Promise<FlashSaleResult> {
  const { perSecond, seconds, limited, progress } = options;
  const name = limited ? 'with the limiter' : 'without it';
  const orderId = await place(shop.holdfast);
  const { faults } = shop.simulator;
  const checkouts = Math.round(BURST_FACTOR * perSecond * seconds);
  faults.setRateLimit({ perSecond, perEndpoint: { perSecond } });
  const background = startBackground(shop, orderId);
  const answers: Record<string, number> = {};
  const latenciesMs: number[] = [];
  const client = createHoldfastClient({
    client: shop.client,
    taskQueue: shop.settings.taskQueue,
    waitMs: CALLER_PATIENCE_MS,
  });
  const startedAt = performance.now();
  const buy = async (): Promise<void> => {
    const sentAt = performance.now();
    const state = await answered(client, oneItemCart());
    answers[state] = (answers[state] ?? 0) + 1;
    latenciesMs.push(performance.now() - sentAt);
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
  };
}

/** A caller who asks again under his key until he is answered. */
async function answered(client: ReturnType<typeof createHoldfastClient>, cart: CheckoutRequest): Promise<string> {
  const idempotencyKey = randomUUID();
  const untilMs = performance.now() + CALLER_PATIENCE_MS;
  let last: unknown;
  while (performance.now() < untilMs) {
    try {
      const answer: CheckoutAnswer = await client.checkout(cart, { idempotencyKey });
      return answer.state === 'failed' ? answer.code : answer.state;
    } catch (error) {
      // Temporal was too busy to take it, or the answer is not there yet: the same again is safe.
      last = error;
      await wait(500 + 1_000 * Math.random());
    }
  }
  return `no answer: ${String(last)}`;
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
function startBackground(shop: Shop, orderId: string): { stop(): Promise<number> } {
  let running = true;
  let done = 0;
  const ending = new AbortController();
  const loop = async (): Promise<void> => {
    while (running) {
      try {
        await shop.dependencies.activities.syncPayment({ orderId, attempt: 1 });
        done += 1;
      } catch (error) {
        if (!(error instanceof ApplicationFailure)) throw error;
        // As Temporal does: a failure says when to try again.
        await wait(Number(error.nextRetryDelay ?? 500), undefined, { signal: ending.signal }).catch(() => undefined);
      }
    }
  };
  const loops = Array.from({ length: BACKGROUND_LOOPS }, loop);
  return {
    async stop() {
      running = false;
      ending.abort();
      await Promise.all(loops);
      return done;
    },
  };
}
