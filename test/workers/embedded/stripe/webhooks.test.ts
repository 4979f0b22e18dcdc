import http from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { HOLD, start, stopAll } from './support';

interface Receiver {
  readonly url: string;
  readonly bodies: string[];
  readonly events: Stripe.Event[];
  /** Statuses for the next answers; 200 after that. */
  readonly answers: number[];
  close(): Promise<void>;
}

/** The SDK lets timestamps in the future pass, so the receiver has to hold them against its clock itself. */
function isDatedByRealTime(header: string): boolean {
  const timestamp = Number(/t=(\d+)/.exec(header)?.[1]);
  return Math.abs(timestamp - Date.now() / 1000) < 300;
}

/** An endpoint that checks every signature as the product does. */
async function receiver(secret: string): Promise<Receiver> {
  const bodies: string[] = [];
  const events: Stripe.Event[] = [];
  const answers: number[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      bodies.push(body);
      const header = String(request.headers['stripe-signature']);
      try {
        if (!isDatedByRealTime(header)) throw new Error('The signature is not dated by real time');
        events.push(Stripe.webhooks.constructEvent(body, header, secret));
        response.writeHead(answers.shift() ?? 200).end();
      } catch {
        response.writeHead(400).end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const made = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, bodies, events, answers, close };
  receivers.push(made);
  return made;
}
const receivers: Receiver[] = [];

afterEach(async () => {
  await stopAll();
  await Promise.all(receivers.splice(0).map((open) => open.close()));
});

async function setUp(): Promise<Awaited<ReturnType<typeof start>> & { hook: Receiver }> {
  const started = await start({ webhookSecret: 'whsec_test' });
  const hook = await receiver('whsec_test');
  started.simulator.setWebhookEndpoint(hook.url);
  return { ...started, hook };
}

const typesOf = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type);

describe('webhooks', () => {
  it('are signed events with the snapshot, the version and the request', async () => {
    const { simulator, stripe, hook } = await setUp();
    const held = await stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' });
    await simulator.flush();
    expect(typesOf(hook.events).sort()).toEqual([
      'charge.succeeded',
      'payment_intent.amount_capturable_updated',
      'payment_intent.created',
    ]);
    const event = hook.events.find(({ type }) => type === 'payment_intent.created');
    expect(event).toMatchObject({
      object: 'event',
      api_version: '2026-10-28.endive',
      livemode: false,
      pending_webhooks: 1,
      request: { id: held.lastResponse.requestId, idempotency_key: 'k1' },
      data: { object: { id: held.id, status: 'requires_confirmation' } },
    });
    expect((await stripe.events.retrieve(event?.id ?? '')).pending_webhooks).toBe(0);
  });

  it('pass the receiver’s check of age although the simulator’s clock is weeks ahead', async () => {
    const { simulator, stripe, hook } = await setUp();
    simulator.clock.advanceBy(30 * 86_400_000);
    await stripe.customers.create();
    await simulator.flush();
    expect(hook.events).toHaveLength(1);
    expect(hook.events[0]?.created).toBeGreaterThan(Date.now() / 1000 + 29 * 86_400);
  });

  it('are retried until they are accepted', async () => {
    const { simulator, stripe, hook } = await setUp();
    hook.answers.push(500, 503, 200);
    await stripe.customers.create();
    await simulator.flush();
    expect(hook.events).toHaveLength(3);
    expect(new Set(hook.events.map(({ id }) => id)).size).toBe(1);
    expect(simulator.state.events()).toMatchObject([{ delivery: 'delivered' }]);
  });

  it('end as undelivered when the endpoint never accepts them, are listed as such and can be sent again', async () => {
    const { simulator, stripe, hook } = await setUp();
    hook.answers.push(...Array<number>(6).fill(500));
    await stripe.customers.create();
    await simulator.flush();
    expect(simulator.state.events()).toMatchObject([{ delivery: 'failed' }]);
    const missed = await stripe.events.list({ delivery_success: false });
    expect(typesOf(missed.data)).toEqual(['customer.created']);
    expect(simulator.redeliver()).toBe(1);
    await simulator.flush();
    expect(simulator.state.events()).toMatchObject([{ delivery: 'delivered' }]);
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
  });

  it('can be delivered several times', async () => {
    const { simulator, stripe, hook } = await setUp();
    simulator.setWebhookFaults({ copies: 3 });
    await stripe.customers.create();
    await simulator.flush();
    expect(new Set(hook.events.map(({ id }) => id)).size).toBe(1);
    expect(hook.events).toHaveLength(3);
  });

  it('can be delivered in another order, the same one for the same seed', async () => {
    const orders: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      const { simulator, stripe } = await setUp();
      const sent: string[] = [];
      simulator.setWebhookFaults({ hold: true, concurrency: 1 });
      await stripe.paymentIntents.capture((await stripe.paymentIntents.create(HOLD)).id);
      const written = simulator.state.events().map(({ id }) => id);
      const listener = receivers.at(-1);
      simulator.releaseWebhooks('shuffled');
      await simulator.flush();
      sent.push(...(listener?.events ?? []).map(({ id }) => id));
      expect([...sent].sort()).toEqual([...written].sort());
      orders.push(written.map((id) => sent.indexOf(id)).join());
      await stopAll();
    }
    expect(orders[0]).not.toBe('0,1,2,3,4');
    expect(orders[1]).toBe(orders[0]);
  });

  it('can be shuffled in windows', async () => {
    const { simulator, stripe, hook } = await setUp();
    simulator.setWebhookFaults({ reorderWindow: 5 });
    await stripe.paymentIntents.capture((await stripe.paymentIntents.create(HOLD)).id);
    await simulator.flush();
    expect(typesOf(hook.events).sort()).toEqual(typesOf(simulator.state.events()).sort());
  });

  it('can be held back until released', async () => {
    const { simulator, stripe, hook } = await setUp();
    simulator.setWebhookFaults({ hold: true });
    await stripe.customers.create();
    await simulator.flush();
    expect(hook.events).toHaveLength(0);
    simulator.releaseWebhooks();
    await simulator.flush();
    expect(hook.events).toHaveLength(1);
  });

  it('can be lost: by type, and by chance', async () => {
    const { simulator, stripe, hook } = await setUp();
    simulator.setWebhookFaults({ dropTypes: ['charge.*'] });
    await stripe.paymentIntents.create(HOLD);
    await simulator.flush();
    expect(typesOf(hook.events).filter((type) => type.startsWith('charge.'))).toEqual([]);
    expect(simulator.state.events().filter(({ delivery }) => delivery === 'dropped')).toMatchObject([
      { type: 'charge.succeeded' },
    ]);
    expect(typesOf((await stripe.events.list({ delivery_success: false })).data)).toEqual(['charge.succeeded']);
    simulator.setWebhookFaults({ dropProbability: 0.5 });
    const before = hook.events.length;
    for (let index = 0; index < 40; index += 1) await stripe.customers.create();
    await simulator.flush();
    expect(hook.events.length - before).toBeGreaterThan(5);
    expect(hook.events.length - before).toBeLessThan(35);
  });
});
