import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { workflowIds } from '../../../workflows/kit/names';
import { violations } from '../../support/invariants/invariants';
import { startFastForward, waitForFastForward } from '../../support/time/time';
import { closedLoop } from '../load';
import type { Memory, ParkedWorkerMessage } from './worker';
import type { Servers } from '../servers';
import { handedOver, openShop, place } from '../shop';
import type { Shop } from '../shop';
import { CHOSEN_CACHE } from '../story';

export interface ParkedOptions {
  readonly orders: number;
  readonly progress: (line: string) => void;
}

export interface ParkedResult {
  /** Memory of the worker with so many orders parked. */
  readonly memory: readonly ({ readonly parked: number } & Memory)[];
  readonly cacheCap: number;
  readonly orders: number;
  /** Orders whose hold was renewed before it ended. */
  readonly renewed: number;
  /** Holds that ended at the provider before they were renewed or let go. */
  readonly expired: number;
  /** What disagrees between the provider and the ledger, in words. */
  readonly violations: readonly string[];
  readonly seconds: number;
}

const DAY_MS = 24 * 3_600_000;
const HOLD_MS = 7 * DAY_MS;
const IN_FLIGHT = 30;
/** Each forward keeps a call open at the server; this many keep a worker busy. */
const FORWARDS = 24;
/** An idle worker gives memory back late; after this nothing of the work is left but what is kept. */
export const SETTLE_MS = 3_000;

/**
 * Parks orders that wait for their shipment, reads the memory of a worker that does nothing else, then lets a week pass for
 * each of them, so that every hold comes to its end and must be renewed.
 */
export async function measureParked(
  servers: Servers,
  bundlePath: string,
  options: ParkedOptions,
): Promise<ParkedResult> {
  const { orders, progress } = options;
  const shop = await openShop(servers, 'parked', bundlePath, { holdDurationMs: HOLD_MS });
  const worker = await forkWorker(shop);
  const relays = shop.relays();
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const memory: ({ parked: number } & Memory)[] = [];
  const orderIds: string[] = [];
  try {
    for (const parked of steps(orders)) {
      await closedLoop(parked - orderIds.length, IN_FLIGHT, async () => void orderIds.push(await place(shop.holdfast)));
      await handedOver(shop);
      await pause(SETTLE_MS);
      memory.push({ parked, ...(await worker.memory()) });
      progress(`${parked} orders parked: ${megabytes(memory.at(-1)?.rss ?? 0)} MB`);
    }
    const startedAt = performance.now();
    await letAWeekPass(shop, connection, servers.temporalNamespace, orderIds);
    const seconds = (performance.now() - startedAt) / 1000;
    await pause(SETTLE_MS);
    memory.push({ parked: orders, ...(await worker.memory()) });
    const outcome = await holdsOf(shop);
    progress(`${outcome.renewed} of ${orders} holds renewed, ${outcome.expired} expired, in ${seconds.toFixed(0)} s`);
    return { memory, cacheCap: CHOSEN_CACHE, orders, seconds, ...outcome, violations: await violations(shop) };
  } finally {
    await connection.close();
    await relays.stop();
    await worker.stop();
    await shop.close();
  }
}

/** Almost none, as many as are cached, and beyond. */
function steps(orders: number): number[] {
  return [...new Set([10, CHOSEN_CACHE, 500, 1_000, orders])].filter((step) => step <= orders);
}

async function letAWeekPass(
  shop: Shop,
  connection: Connection,
  namespace: string,
  orderIds: readonly string[],
): Promise<void> {
  await closedLoop(orderIds.length, FORWARDS, async (index) => {
    const workflowId = workflowIds.order(orderIds[index] ?? '');
    const forward = await startFastForward(connection, namespace, workflowId, HOLD_MS);
    await waitForFastForward(connection, namespace, workflowId, forward);
  });
  // A forward may end while the last step's transaction is still under way.
  await handedOver(shop);
}

async function holdsOf(shop: Shop): Promise<{ renewed: number; expired: number }> {
  const { rows } = await shop.dependencies.pool.query<{ count: string }>(
    `SELECT count(*) FROM orders JOIN payment_attempts USING (order_id)
      WHERE state = 'allocated' AND payment_state = 'authorized' AND hold_attempt = attempt
        AND purpose = 'reauthorization' AND capture_before > to_timestamp($1)`,
    [shop.simulator.clock.nowSeconds()],
  );
  const expired = shop.simulator.state.events().filter((event) => event.type === 'charge.expired').length;
  return { renewed: Number(rows[0]?.count), expired };
}

/** A worker in a process of its own, whose memory is its own. */
export interface WorkerProcess {
  memory(): Promise<Memory>;
  stop(): Promise<void>;
}

export async function forkWorker(shop: Shop): Promise<WorkerProcess> {
  const child = fork(join(__dirname, 'worker.js'), [JSON.stringify(shop.settings)], {
    execArgv: ['--expose-gc'],
  });
  await next(child);
  const ask = async (message: ParkedWorkerMessage): Promise<unknown> => {
    child.send(message);
    return next(child);
  };
  return {
    memory: async () => (await ask('memory')) as Memory,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.send('stop' satisfies ParkedWorkerMessage);
      }),
  };
}

function next(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the worker's process ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0);
