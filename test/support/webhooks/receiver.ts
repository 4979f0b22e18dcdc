import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export interface ReceivedWebhook {
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a shop's own system would be: verifies signatures with the library of Standard Webhooks and keeps what is right. */
export interface WebhookReceiver {
  readonly url: string;
  readonly secret: string;
  /** In the order of arrival, repetitions included. */
  readonly received: readonly ReceivedWebhook[];
  /** Requests whose signature was wrong. */
  readonly forged: () => number;
  /** What it answers from now on; `lost`: it takes the message, and the connection breaks before its answer. */
  answer(status: number | 'lost'): void;
  /** Forgets what it received and answers with 200 again. */
  reset(): void;
  close(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const secret = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`;
  const verifier = new Webhook(secret);
  const received: ReceivedWebhook[] = [];
  let forged = 0;
  let answer: number | 'lost' = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      try {
        const body = verifier.verify(Buffer.concat(chunks), headers) as ReceivedWebhook['body'];
        received.push({ id: String(headers['webhook-id']), body });
      } catch {
        forged += 1;
      }
      if (answer === 'lost') request.socket.destroy();
      else response.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/notices`,
    secret,
    received,
    forged: () => forged,
    answer: (next) => void (answer = next),
    reset() {
      received.splice(0);
      forged = 0;
      answer = 200;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
