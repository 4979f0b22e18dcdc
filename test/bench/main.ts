import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkoutContenders, designContenders } from './checkouts';
import { checkoutPart, checkoutTargets } from './checkout-part';
import { measureFlashSales, salePart, saleTargets } from './flash-sale/flash-sale';
import { historyCosts } from './histories';
import { interleave } from './load';
import { measureParked } from './parked/parked';
import { report } from './report';
import { startServers } from './servers';
import type { Servers } from './servers';
import { openShop } from './shop';
import type { Shop } from './shop';
import { otherCaches } from './story';
import { subscriptionPart, subscriptionTargets } from './subscriptions/report';
import { measureSubscriptions } from './subscriptions/subscriptions';
import type { Target } from './table';
import { targets } from './targets';
import type { Measurements } from './targets';
import { measureWebhooks } from './webhooks/webhooks';

/*
 * `npm run bench`: everything in one run on one server, then the table, then test/bench/RESULTS.md. `--quick` runs all of it in
 * small and writes nothing: its figures are worth nothing. HOLDFAST_BENCH_SCALE multiplies the sizes. `--only checkouts`,
 * `--only flash-sale` and `--only subscriptions` measure that part alone and print it.
 */

const RESULTS = resolve(__dirname, '..', '..', '..', 'test', 'bench', 'RESULTS.md');
const IN_FLIGHT = 30;
/** Parts that can be measured alone. */
const PARTS: Readonly<Record<string, (servers: Servers, bundlePath: string, size: Sizes) => Promise<void>>> = {
  checkouts: checkoutsAlone,
  'flash-sale': flashSaleAlone,
  subscriptions: subscriptionsAlone,
};

/** Sizes of a whole run. A round of a hundred and more requests lasts seconds: long enough for steady figures. */
interface Sizes {
  readonly rounds: number;
  readonly warmUp: number;
  /** Requests of one contender in one round. */
  readonly alone: number;
  readonly inFlight: number;
  readonly orders: number;
  readonly webhookSeconds: number;
  readonly parked: number;
  readonly saleSeconds: number;
  readonly subscriptions: number;
}

const WHOLE: Sizes = {
  rounds: 5,
  warmUp: 100,
  alone: 30,
  inFlight: 180,
  orders: 120,
  webhookSeconds: 20,
  parked: 2_000,
  saleSeconds: 30,
  subscriptions: 5_000,
};

function sizes(quick: boolean, scale: number): Sizes {
  const scaled = (size: number, least: number): number => Math.max(least, Math.round(size * scale));
  return {
    rounds: quick ? 1 : WHOLE.rounds,
    warmUp: scaled(WHOLE.warmUp, 5),
    alone: scaled(WHOLE.alone, 2),
    inFlight: scaled(WHOLE.inFlight, 10),
    orders: scaled(WHOLE.orders, 10),
    webhookSeconds: scaled(WHOLE.webhookSeconds, 1),
    parked: scaled(WHOLE.parked, 20),
    saleSeconds: scaled(WHOLE.saleSeconds, 1),
    subscriptions: scaled(WHOLE.subscriptions, 50),
  };
}

type Timed = Pick<Measurements, 'one' | 'many' | 'designs' | 'story' | 'costs' | 'calls' | 'webhooks'>;

async function measureShop(shop: Shop, size: Sizes): Promise<Timed> {
  const worker = await shop.startWorker();
  try {
    // First, while the provider's log of requests is short enough to be counted.
    const { costs, calls } = await historyCosts(shop);
    const contenders = checkoutContenders(shop);
    const designs = designContenders(shop);
    progress('warming up');
    for (const contender of [...contenders, ...designs]) await contender.run(size.warmUp, IN_FLIGHT);
    const rounds = { rounds: size.rounds, progress };
    const one = await interleave(contenders, { ...rounds, count: size.alone, inFlight: 1 });
    // Designs take their turns among the others: all figures of a round were taken within a minute.
    const all = await interleave([...contenders, ...designs], { ...rounds, count: size.inFlight, inFlight: IN_FLIGHT });
    const many = all.slice(0, contenders.length);
    const webhooks = await measureWebhooks(shop, { seconds: size.webhookSeconds, progress });
    const story = await measureStory(shop, size);
    return { one, many, designs: all.slice(contenders.length), story, costs, calls, webhooks };
  } finally {
    await worker.stop();
  }
}

async function measureStory(shop: Shop, size: Sizes): Promise<Measurements['story']> {
  const { contenders, stop } = await otherCaches(shop);
  try {
    for (const contender of contenders) await contender.run(size.warmUp, IN_FLIGHT);
    return await interleave(contenders, { rounds: size.rounds, count: size.orders, inFlight: IN_FLIGHT, progress });
  } finally {
    await stop();
  }
}

async function main(): Promise<void> {
  const { quick = false, only } = parseArgs({
    options: { quick: { type: 'boolean' }, only: { type: 'string' } },
  }).values;
  const alone = only === undefined ? undefined : PARTS[only];
  if (only !== undefined && alone === undefined) {
    throw new Error(`--only knows ${Object.keys(PARTS).join(' and ')}, not ${only}`);
  }
  const scale = quick ? 0.01 : Number(process.env['HOLDFAST_BENCH_SCALE'] ?? 1);
  if (!(scale > 0)) throw new Error('HOLDFAST_BENCH_SCALE must be a number above 0');
  const size = sizes(quick, scale);
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-bundle-'));
  let servers: Servers | undefined;
  try {
    const [bundlePath, started] = await Promise.all([bundle(folder), startServers(progress)]);
    servers = started;
    if (alone !== undefined) return await alone(started, bundlePath, size);
    const timed = await withShop(servers, bundlePath, (shop) => measureShop(shop, size));
    const parked = await measureParked(servers, bundlePath, { orders: size.parked, progress });
    const sales = await measureFlashSales(servers, bundlePath, { seconds: size.saleSeconds, progress });
    const subscriptions = await measureSubscriptions(servers, bundlePath, {
      subscriptions: size.subscriptions,
      progress,
    });
    const minutes = (performance.now() - startedAt) / 60_000;
    const run = {
      ...timed,
      parked,
      sales,
      subscriptions,
      servers,
      scale,
      minutes,
      inFlight: IN_FLIGHT,
      rounds: size.rounds,
    };
    const text = report(run);
    console.log(text);
    if (!quick) await writeFile(RESULTS, text);
    const missed = targets(run).filter((target) => !target.met);
    progress(missed.length === 0 ? 'every target is met' : `not met: ${missed.map((one) => one.what).join('; ')}`);
  } finally {
    await servers?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Few rounds of checkouts and whole stories beside the bare workflows: for comparing one change with what was before it. */
async function checkoutsAlone(servers: Servers, bundlePath: string, size: Sizes): Promise<void> {
  await withShop(servers, bundlePath, async (shop) => {
    const worker = await shop.startWorker();
    try {
      const { costs, calls } = await historyCosts(shop);
      const contenders = checkoutContenders(shop);
      for (const contender of contenders) await contender.run(size.warmUp / 2, IN_FLIGHT);
      const rounds = Math.min(size.rounds, 3);
      const many = await interleave(contenders, { rounds, count: size.orders, inFlight: IN_FLIGHT, progress });
      const part = { many, costs, calls };
      tell(checkoutPart(part), checkoutTargets(part));
    } finally {
      await worker.stop();
    }
  });
}

async function flashSaleAlone(servers: Servers, bundlePath: string, size: Sizes): Promise<void> {
  const sales = await measureFlashSales(servers, bundlePath, { seconds: size.saleSeconds, progress });
  tell(salePart(sales), saleTargets(sales));
}

async function subscriptionsAlone(servers: Servers, bundlePath: string, size: Sizes): Promise<void> {
  const run = await measureSubscriptions(servers, bundlePath, { subscriptions: size.subscriptions, progress });
  tell(subscriptionPart(run), subscriptionTargets(run));
  for (const one of run.astray) progress(one);
}

function tell(part: readonly string[], reached: readonly Target[]): void {
  console.log(part.join('\n'));
  for (const { what, target, measured, met } of reached)
    progress(`${what}: ${measured} (${target}), ${met ? 'met' : 'NOT MET'}`);
}

async function withShop<T>(servers: Servers, bundlePath: string, work: (shop: Shop) => Promise<T>): Promise<T> {
  const shop = await openShop(servers, 'shop', bundlePath);
  try {
    return await work(shop);
  } finally {
    await shop.close();
  }
}

async function bundle(folder: string): Promise<string> {
  const workflowsPath = join(__dirname, 'workflows.js');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const path = join(folder, 'workflows.js');
  await writeFile(path, code);
  return path;
}

const startedAtMs = Date.now();

function progress(line: string): void {
  process.stderr.write(`[bench ${((Date.now() - startedAtMs) / 1000).toFixed(0).padStart(4)} s] ${line}\n`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
