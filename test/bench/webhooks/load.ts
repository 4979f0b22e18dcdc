import { createHmac } from 'node:crypto';
import http from 'node:http';
import { closedLoop } from '../load';
import type { Sample } from '../load';

/*
 * Sends webhooks, in a process of its own: the sender's work must not stand in the way of what is measured. One load comes
 * as a message, its sample goes back as one.
 */

export interface WebhookLoad {
  readonly url: string;
  readonly secret: string;
  /** The events to send, in their order, as bodies; those that occur twice are the duplicates. */
  readonly bodies: readonly string[];
  /** Closed: this many connections, each sends when it was answered. Open: one request at each tick, answered or not. */
  readonly mode:
    { readonly kind: 'closed'; readonly connections: number } | { readonly kind: 'open'; readonly perSecond: number };
}

/** More sockets than an open load at its rate can have under way while answers come within seconds. */
const MAX_SOCKETS = 256;

export async function sendWebhooks(load: WebhookLoad): Promise<Sample> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const nowS = Math.floor(Date.now() / 1000);
  const signatures = load.bodies.map((body) => sign(load.secret, nowS, body));
  const send = (index: number): Promise<void> =>
    post(agent, load.url, load.bodies[index] ?? '', signatures[index] ?? '');
  try {
    if (load.mode.kind === 'closed') return await closedLoop(load.bodies.length, load.mode.connections, send);
    return await openLoop(load.bodies.length, load.mode.perSecond, send);
  } finally {
    agent.destroy();
  }
}

/** Latency counts from the moment at which a request was due, so that a queue is seen as what it is. */
async function openLoop(count: number, perSecond: number, send: (index: number) => Promise<void>): Promise<Sample> {
  const startedAt = performance.now();
  const latenciesMs: number[] = [];
  const underWay: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    const dueAt = startedAt + (index * 1000) / perSecond;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    underWay.push(send(index).then(() => void latenciesMs.push(performance.now() - dueAt)));
  }
  await Promise.all(underWay);
  return { latenciesMs, elapsedMs: performance.now() - startedAt };
}

function post(agent: http.Agent, url: string, body: string, signature: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'stripe-signature': signature,
    };
    const request = http.request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`a webhook was answered ${response.statusCode}`)),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

function sign(secret: string, atS: number, body: string): string {
  return `t=${atS},v1=${createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex')}`;
}

if (require.main === module) {
  process.on('message', (load: WebhookLoad) => {
    sendWebhooks(load).then(
      (sample) => process.send?.({ sample }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}
