import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { toResult } from '../load';
import type { Result, Sample } from '../load';
import { place } from '../shop';
import type { Shop } from '../shop';
import type { WebhookLoad } from './load';

export interface WebhookOptions {
  /** How long each load lasts, about, in seconds. */
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

export interface WebhookResult extends Result {
  readonly sent: number;
  readonly duplicates: number;
}

const DUPLICATE_SHARE = 0.3;
/** A duplicate follows its first within so many events: Stripe's own come close together. */
const DUPLICATE_WITHIN = 20;
const CONNECTIONS = 8;
/** Events of some 25 to 75 orders a second, at four events for an order. */
const OPEN_RATES = [100, 300] as const;
/** A guess for how many the closed loop will take in a second; it only sets how long that load lasts. */
const CLOSED_GUESS_PER_SECOND = 500;

/**
 * Acknowledgements of the real gateway: signature, inbox on Postgres, answer after the commit. The relay takes the events up
 * meanwhile, in this process, as it does in life.
 */
export async function measureWebhooks(shop: Shop, options: WebhookOptions): Promise<WebhookResult[]> {
  const sample = await sampleEvent(shop);
  const relays = shop.relays();
  const results: WebhookResult[] = [];
  try {
    await send(shop, { bodies: makeBodies(sample, 200).bodies, mode: { kind: 'closed', connections: CONNECTIONS } });
    const loads: [string, number, WebhookLoad['mode']][] = [
      [
        `closed loop, ${CONNECTIONS} connections`,
        CLOSED_GUESS_PER_SECOND * options.seconds,
        { kind: 'closed', connections: CONNECTIONS },
      ],
      ...OPEN_RATES.map((perSecond): [string, number, WebhookLoad['mode']] => [
        `open loop, ${perSecond} a second`,
        perSecond * options.seconds,
        { kind: 'open', perSecond },
      ]),
    ];
    for (const [name, count, mode] of loads) {
      const { bodies, distinct } = makeBodies(sample, count);
      const before = await stored(shop);
      const result = toResult(name, [await send(shop, { bodies, mode })]);
      const kept = (await stored(shop)) - before;
      if (kept !== distinct) throw new Error(`${kept} events were kept of ${distinct} distinct ones`);
      options.progress(`webhooks, ${name}: ${result.perSecond.toFixed(0)}/s, p99 ${result.p99Ms.toFixed(1)} ms`);
      results.push({ ...result, sent: bodies.length, duplicates: bodies.length - distinct });
    }
    return results;
  } finally {
    await relays.stop();
  }
}

interface EventBody {
  id: string;
  data: { object: { id: string; metadata: Record<string, string> } };
}

/** An event as the provider sends it, taken from the simulator. */
async function sampleEvent(shop: Shop): Promise<EventBody> {
  await place(shop.holdfast);
  const { data } = await shop.dependencies.stripe.events.list({
    type: 'payment_intent.amount_capturable_updated',
    limit: 1,
  });
  if (data[0] === undefined) throw new Error('the simulator has written no event');
  return JSON.parse(JSON.stringify(data[0])) as EventBody;
}

/** Bodies with their duplicates among them. Each is of another payment, of nobody's order: kept, looked up, and put away. */
function makeBodies(sample: EventBody, count: number): { bodies: string[]; distinct: number } {
  const bodies: string[] = [];
  let distinct = 0;
  for (let index = 0; index < count; index++) {
    const back = 1 + Math.floor(Math.random() * Math.min(DUPLICATE_WITHIN, index));
    const earlier = Math.random() < DUPLICATE_SHARE ? bodies[index - back] : undefined;
    if (earlier !== undefined) {
      bodies.push(earlier);
      continue;
    }
    distinct += 1;
    const object = { ...sample.data.object, id: `pi_${randomBytes(12).toString('hex')}`, metadata: {} };
    bodies.push(JSON.stringify({ ...sample, id: `evt_${randomBytes(12).toString('hex')}`, data: { object } }));
  }
  return { bodies, distinct };
}

async function stored({ dependencies: { pool } }: Shop): Promise<number> {
  const { rows } = await pool.query<{ count: string }>('SELECT count(*) FROM inbox');
  return Number(rows[0]?.count);
}

function send(shop: Shop, load: Pick<WebhookLoad, 'bodies' | 'mode'>): Promise<Sample> {
  const child = fork(join(__dirname, 'load.js'));
  const message: WebhookLoad = {
    ...load,
    url: `${shop.gatewayUrl}/webhooks/stripe`,
    secret: shop.settings.stripe.webhookSecret,
  };
  return new Promise<Sample>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the sender of webhooks ended with ${code}`)));
    child.once('message', (answer: { sample: Sample } | { error: string }) =>
      'sample' in answer ? resolve(answer.sample) : reject(new Error(answer.error)),
    );
    child.send(message);
  }).finally(() => child.disconnect());
}
