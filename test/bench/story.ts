import { randomUUID } from 'node:crypto';
import type { HoldfastClient } from '../../clients/client';
import { cpuSince, cpuTimes } from './cpu';
import { closedLoop } from './load';
import type { Contender } from './load';
import { handedOver, place } from './shop';
import type { Shop } from './shop';

/** The product's own cap of cached workflows; others are one that fewer orders fit in than are in flight, and one that all fit in. */
export const CHOSEN_CACHE = 300;
const OTHER_CACHES = [10, 2_000] as const;

export const STORY = `checkout to delivered (${CHOSEN_CACHE} cached workflows)`;

/** The story with other sizes of the cache: one worker for each; those that rest only poll. */
export async function otherCaches(shop: Shop): Promise<{ contenders: Contender[]; stop: () => Promise<void> }> {
  const stops: (() => Promise<void>)[] = [];
  const contenders: Contender[] = [];
  for (const maxCachedWorkflows of OTHER_CACHES) {
    const taskQueue = `${shop.settings.taskQueue}-${maxCachedWorkflows}`;
    const worker = await shop.startWorker({ taskQueue, maxCachedWorkflows });
    stops.push(() => worker.stop());
    contenders.push(storyContender(shop, `the same with ${maxCachedWorkflows} cached workflows`, taskQueue));
  }
  return {
    contenders,
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

/**
 * The reference's story: one item, one charge, one shipment, until it is delivered; provider calls, relays and webhooks
 * included.
 */
export function storyContender(shop: Shop, name: string, taskQueue = shop.settings.taskQueue): Contender {
  const holdfast = shop.clientFor(taskQueue);
  return {
    name,
    async run(count, inFlight) {
      const relays = shop.relays(taskQueue);
      const usedBefore = cpuTimes();
      const startedAt = performance.now();
      const { latenciesMs } = await closedLoop(count, inFlight, () => placeToDelivered(holdfast));
      await handedOver(shop);
      const elapsedMs = performance.now() - startedAt;
      const cpu = cpuSince(usedBefore);
      await relays.stop();
      return { latenciesMs, elapsedMs, cpu };
    },
  };
}

export async function placeToDelivered(holdfast: HoldfastClient): Promise<string> {
  const orderId = await place(holdfast);
  const shipped = await holdfast.ship(orderId, {
    lines: [{ sku: 'MUG-BLUE', quantity: 1 }],
    carrier: 'dhl',
    trackingNumber: randomUUID(),
  });
  if (!shipped.accepted) throw new Error(`A shipment was refused: ${JSON.stringify(shipped)}`);
  const delivered = await holdfast.deliver(orderId);
  if (!delivered.accepted) throw new Error(`A delivery was refused: ${JSON.stringify(delivered)}`);
  return orderId;
}
