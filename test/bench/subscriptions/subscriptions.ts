import { Connection } from '@temporalio/client';
import { startMailServer } from '../../../workers/embedded/servers/mail/server';
import type { MailServer } from '../../../workers/embedded/servers/mail/server';
import { closedLoop } from '../load';
import { forkWorker, pause, SETTLE_MS } from '../parked/parked';
import type { WorkerProcess } from '../parked/parked';
import type { Memory } from '../parked/worker';
import type { Servers } from '../servers';
import { openShop } from '../shop';
import type { Shop } from '../shop';
import { CHOSEN_CACHE } from '../story';
import { auditNotices, burstOfNotices } from './notices';
import type { NoticeAudit } from './notices';
import { SubscriptionTime } from './time';

/*
 * Subscriptions by the thousand, parked between two renewals, and a renewal that fails for some of them: what they cost in
 * history and memory, and whether what was said to their customers was right.
 */

/** What becomes of a renewal. */
export const STORIES = {
  calm: 'is paid at once',
  lost: 'fails softly at every try',
  healed: 'fails softly three times, then is paid',
  newCard: 'fails for good, until there is a new card',
} as const;
export type StoryName = keyof typeof STORIES;

export interface SubscriptionsOptions {
  readonly subscriptions: number;
  readonly progress: (line: string) => void;
}

export interface SubscriptionsResult {
  readonly subscriptions: number;
  readonly cacheCap: number;
  /** Memory of the worker with so many parked. */
  readonly memory: readonly ({ readonly parked: number } & Memory)[];
  /** Events of a subscription that is followed and has seen nothing yet. */
  readonly parked: readonly number[];
  /** What its renewal added to a subscription's history, by what became of it. */
  readonly renewal: Readonly<Record<StoryName, readonly number[]>>;
  /** Subscriptions that did not end up as their story has it, in words. */
  readonly astray: readonly string[];
  readonly notices: NoticeAudit;
  readonly burst: { readonly count: number; readonly perSecond: number };
  readonly weeks: number;
  readonly forwards: number;
  /** For these weeks. */
  readonly seconds: number;
}

const DAY_MS = 24 * 3_600_000;
/** The tries of a renewal span two weeks; what is said of the last one comes within a day. */
const AFTER_RENEWAL_MS = 16 * DAY_MS;
const NEW_CARD_AFTER_MS = 3 * DAY_MS;
const IN_FLIGHT = 16;
const FOLLOWED_LIMIT_MS = 30 * 60_000;
const BURST = 500;
/** Customers live all over, so that it is night somewhere at any time. */
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo'] as const;
const SOFT = 'insufficient_funds';
/** Of ten subscriptions one renewal fails; of five of these two are lost, two heal and one needs another card. */
const FAILS_EVERY = 10;
const FAILING: readonly StoryName[] = ['lost', 'healed', 'lost', 'healed', 'newCard'];

interface Subscriber {
  readonly subscriptionId: string;
  readonly story: StoryName;
  readonly zone: string;
}

export async function measureSubscriptions(
  servers: Servers,
  bundlePath: string,
  options: SubscriptionsOptions,
): Promise<SubscriptionsResult> {
  const mail = await startMailServer({ ports: 'auto', keep: 10 * options.subscriptions + BURST });
  const shop = await openShop(servers, 'subscriptions', bundlePath, {}, { smtpUrl: mail.smtpUrl });
  const worker = await forkWorker(shop);
  const relays = shop.relays();
  const connection = await Connection.connect({ address: servers.temporalAddress });
  try {
    return await weeks(shop, worker, mail, new SubscriptionTime(shop, connection), options);
  } finally {
    await connection.close();
    await relays.stop();
    await worker.stop();
    await shop.close();
    await mail.stop();
  }
}

async function weeks(
  shop: Shop,
  worker: WorkerProcess,
  mail: MailServer,
  time: SubscriptionTime,
  { subscriptions, progress }: SubscriptionsOptions,
): Promise<SubscriptionsResult> {
  const { subscribers, memory } = await park(shop, worker, time, { subscriptions, progress });
  const ids = subscribers.map((one) => one.subscriptionId);
  const before = await time.historyLengths(ids);
  const fromMs = shop.simulator.clock.now();
  const startedAt = performance.now();
  await liveThroughRenewal(shop, time, subscribers, progress);
  const seconds = (performance.now() - startedAt) / 1_000;
  await pause(SETTLE_MS);
  memory.push({ parked: subscriptions, ...(await worker.memory()) });
  const after = await time.historyLengths(ids);
  const renewal = Object.fromEntries(Object.keys(STORIES).map((name) => [name, [] as number[]])) as unknown as Record<
    StoryName,
    number[]
  >;
  for (const { subscriptionId: id, story } of subscribers) {
    renewal[story].push((after.get(id) ?? 0) - (before.get(id) ?? 0));
  }
  const zones = new Map(subscribers.map((one) => [one.subscriptionId, one.zone]));
  const notices = await auditNotices(shop, mail, zones);
  progress(`${notices.told} notices told; now ${BURST} at once`);
  const burst = await burstOfNotices(shop, BURST);
  return {
    subscriptions,
    cacheCap: CHOSEN_CACHE,
    memory,
    parked: [...before.values()],
    renewal,
    astray: await astray(shop, subscribers),
    notices,
    burst,
    weeks: (shop.simulator.clock.now() - fromMs) / (7 * DAY_MS),
    forwards: time.forwards,
    seconds,
  };
}

/** A tenth of them first, so that memory can be read twice. */
async function park(
  shop: Shop,
  worker: WorkerProcess,
  time: SubscriptionTime,
  { subscriptions, progress }: SubscriptionsOptions,
): Promise<{ subscribers: Subscriber[]; memory: ({ parked: number } & Memory)[] }> {
  const { stripe } = shop.dependencies;
  const product = await stripe.products.create({ name: 'Tea club' });
  const recurring = { interval: 'month' } as const;
  const price = await stripe.prices.create({ product: product.id, currency: 'eur', unit_amount: 1_900, recurring });
  const subscribers: Subscriber[] = [];
  const memory: ({ parked: number } & Memory)[] = [];
  for (const parked of [Math.max(1, Math.round(subscriptions / 10)), subscriptions]) {
    const from = subscribers.length;
    await closedLoop(parked - from, IN_FLIGHT, async (index) => {
      const subscriber = await subscribe(shop, price.id, from + index);
      if (subscriber.story === 'calm') time.calm.add(subscriber.subscriptionId);
      subscribers.push(subscriber);
    });
    await followed(shop, parked);
    await time.quiet();
    await pause(SETTLE_MS);
    memory.push({ parked, ...(await worker.memory()) });
    progress(`${parked} subscriptions parked: ${((memory.at(-1)?.rss ?? 0) / 1024 ** 2).toFixed(0)} MB`);
  }
  return { subscribers, memory };
}

/** A customer with a card who subscribes at the provider alone: it is heard of by webhooks. */
async function subscribe(
  { dependencies: { stripe }, simulator }: Shop,
  price: string,
  index: number,
): Promise<Subscriber> {
  const zone = ZONES[index % ZONES.length] ?? 'UTC';
  const fails = index % FAILS_EVERY === 0;
  const story = fails ? (FAILING[(index / FAILS_EVERY) % FAILING.length] ?? 'lost') : 'calm';
  const email = `subscriber-${index}@shop.example`;
  const { id: customer } = await stripe.customers.create({ email, metadata: { holdfast_time_zone: zone } });
  const { id: method } = await stripe.paymentMethods.attach('pm_card_visa', { customer });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: method } });
  const { id: subscriptionId } = await stripe.subscriptions.create({ customer, items: [{ price }] });
  if (story === 'lost') simulator.issueDecision(customer, SOFT);
  if (story === 'healed') simulator.issueDecision(customer, [SOFT, 'processing_error', SOFT]);
  if (story === 'newCard') simulator.issueDecision(method, 'lost_card');
  return { subscriptionId, story, zone };
}

/** Waits until so many workflows have seen their subscription. */
async function followed({ dependencies: { pool } }: Shop, count: number): Promise<void> {
  const deadline = performance.now() + FOLLOWED_LIMIT_MS;
  for (;;) {
    const sql = 'SELECT count(*) FROM subscriptions WHERE watched_stage = stage';
    const { rows } = await pool.query<{ count: string }>(sql);
    if (Number(rows[0]?.count) >= count) return;
    if (performance.now() > deadline) throw new Error(`${rows[0]?.count} of ${count} subscriptions are followed`);
    await pause(200);
  }
}

async function liveThroughRenewal(
  shop: Shop,
  time: SubscriptionTime,
  subscribers: readonly Subscriber[],
  progress: (line: string) => void,
): Promise<void> {
  const { rows } = await shop.dependencies.pool.query<{ end: Date }>(
    'SELECT max(current_period_end) AS end FROM subscriptions',
  );
  const endMs = rows[0]?.end.getTime() ?? 0;
  let shownDay = -1;
  const onStep = (nowMs: number): void => {
    const day = Math.floor((nowMs - endMs) / DAY_MS);
    if (day !== shownDay) progress(`day ${day} after the renewals, ${time.forwards} clocks moved so far`);
    shownDay = day;
  };
  await time.liveUntil(endMs + NEW_CARD_AFTER_MS, onStep);
  const waiting = subscribers.filter((one) => one.story === 'newCard').map((one) => one.subscriptionId);
  await time.forward(waiting, shop.simulator.clock.now());
  await closedLoop(waiting.length, IN_FLIGHT, async (index) => {
    const answer = await shop.holdfast.paySubscription(waiting[index] ?? '', { paymentMethod: 'pm_card_mastercard' });
    if (!answer.accepted || answer.outcome !== 'paid')
      throw new Error(`A new card was not taken: ${JSON.stringify(answer)}`);
  });
  await time.quiet();
  await time.liveUntil(endMs + AFTER_RENEWAL_MS, onStep);
}

interface EndRow {
  readonly subscriptionId: string;
  readonly stage: string;
  readonly watched: string;
  readonly isToldOfEnd: boolean;
}

async function astray({ dependencies: { pool } }: Shop, subscribers: readonly Subscriber[]): Promise<string[]> {
  const { rows } = await pool.query<EndRow>(
    `SELECT subscription_id AS "subscriptionId", stage, watched_stage AS watched, EXISTS (
       SELECT 1 FROM notices WHERE subject_type = 'subscription' AND subject_id = subscription_id
         AND kind = 'subscription_ended' AND status = 'sent') AS "isToldOfEnd"
     FROM subscriptions`,
  );
  const ends = new Map(rows.map((row) => [row.subscriptionId, row]));
  return subscribers.flatMap(({ subscriptionId, story }) => {
    const isLost = story === 'lost';
    const expected = isLost ? 'canceled' : 'active';
    const { stage, watched, isToldOfEnd } = ends.get(subscriptionId) ?? {};
    if (stage === expected && watched === expected && isToldOfEnd === isLost) return [];
    const told = isToldOfEnd === true ? 'was told' : 'was not told';
    return [
      `${subscriptionId}, whose renewal ${STORIES[story]}, is ${stage} (its workflow saw ${watched}), and its customer ${told} of an end`,
    ];
  });
}
