import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createKeyring } from '../../activities/crypto';
import type { EncryptionKey } from '../../activities/crypto';
import { createPayloadCodec } from '../../workers/dependencies/codec';
import { workflowIds } from '../../workflows/kit/names';
import { toHistoryJson } from '../replay/history-json';
import { readHistory, recordedNames } from '../replay/record';
import { sampleCart } from '../support/carts';
import { eventually } from '../support/time/eventually';
import { closeConnections, createWorld } from '../support/world';

const key = (id: string): EncryptionKey => ({ id, key: randomBytes(32) });
const codecOf = (...keys: EncryptionKey[]) => createPayloadCodec(createKeyring(keys));

function payloadOf(value: unknown): Payload {
  const payload = defaultPayloadConverter.toPayload(value);
  if (payload === undefined) throw new Error('no payload');
  return payload;
}

async function only(payloads: Promise<Payload[]>): Promise<Payload> {
  const [payload] = await payloads;
  if (payload === undefined) throw new Error('no payload came back');
  return payload;
}

const textOf = (payload: Payload): string => Buffer.from(payload.data ?? []).toString('latin1');

afterAll(closeConnections);

describe('the payload codec', () => {
  it.each<[string, unknown]>([
    ['an object', { email: 'pat@example.com', lines: [{ sku: 'MUG' }] }],
    ['a list', ['pat@example.com']],
    ['a number', 42],
    ['true', true],
    ['bytes', Buffer.from('pat@example.com')],
    ['an object that begins like a description', { definitions: {}, email: 'pat@example.com' }],
  ])('hides %s and gives it back', async (_name, value) => {
    const codec = codecOf(key('a'));
    const sealed = await only(codec.encode([payloadOf(value)]));
    expect(textOf(sealed)).not.toContain('pat@example.com');
    expect(Buffer.from(sealed.metadata?.['encoding'] ?? []).toString()).toBe('binary/holdfast-encrypted');
    const opened = await only(codec.decode([sealed]));
    expect(defaultPayloadConverter.fromPayload(opened)).toEqual(value);
  });

  it('leaves the texts of the Temporal UI readable: summaries, and the description of a workflow', async () => {
    const codec = codecOf(key('a'));
    const description = { definition: { type: 'order' }, currentDetails: '**Order ord_1** is allocated' };
    for (const value of ['Order ord_1', description]) {
      const left = await only(codec.encode([payloadOf(value)]));
      expect(defaultPayloadConverter.fromPayload(left)).toEqual(value);
    }
  });

  it('reads what was written before a key was rotated, and writes with the new one', async () => {
    const [before, after] = [key('2025'), key('2026')];
    const old = await only(codecOf(before).encode([payloadOf({ a: 1 })]));
    const rotated = codecOf(after, before);
    expect(defaultPayloadConverter.fromPayload(await only(rotated.decode([old])))).toEqual({ a: 1 });
    const written = await only(rotated.encode([payloadOf({ a: 2 })]));
    expect(defaultPayloadConverter.fromPayload(await only(codecOf(after).decode([written])))).toEqual({ a: 2 });
  });

  it('names the key that is missing, and refuses data that was changed', async () => {
    const sealed = await only(codecOf(key('lost')).encode([payloadOf({ a: 1 })]));
    await expect(async () => codecOf(key('other')).decode([sealed])).rejects.toThrow(/lost/);
    const mine = codecOf(key('a'));
    const written = await only(mine.encode([payloadOf({ a: 1 })]));
    const data = Buffer.from(written.data ?? []);
    data[data.length - 1] = (data[data.length - 1] ?? 0) ^ 1;
    await expect(async () => mine.decode([{ ...written, data }])).rejects.toThrow();
  });
});

describe('personal data', () => {
  const SECRETS = ['zoe.private@customer.test', 'Zoe Private', '7 Hidden Lane', 'Secretville', '_secret_'];
  /** A text, with whatever it has in base64: payloads and search attributes are written so. */
  const opened = (text: string): string =>
    text +
    [...text.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)].map(([, data]) => Buffer.from(data ?? '', 'base64')).join('\n');
  const found = (text: string): string[] => SECRETS.filter((secret) => opened(text).includes(secret));

  it('and client secrets are neither in histories nor in the log, whatever happens to an order', async () => {
    const lines: string[] = [];
    const log = pino(
      { level: 'trace' },
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          lines.push(chunk.toString());
          done();
        },
      }),
    );
    const world = await createWorld({ log });
    try {
      const cart = sampleCart({
        customer: { id: 'cust-zoe', email: 'zoe.private@customer.test', name: 'Zoe Private' },
        shippingAddress: { line1: '7 Hidden Lane', city: 'Secretville', postalCode: '12345', country: 'DE' },
        paymentMethod: 'pm_card_authenticationRequired',
      });
      world.simulator.faults.add({ action: { kind: 'server_error', when: 'after' } });
      const asked = await world.holdfast.checkout(cart);
      if (asked.state !== 'requires_action') throw new Error(`not asked: ${JSON.stringify(asked)}`);
      expect(asked.clientSecret).toContain('_secret_');
      world.simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
      const { orderId } = asked;
      await eventually('the order to live', async () => {
        const view = await world.dependencies.queries.getOrder(orderId);
        return view?.state === 'allocated';
      });
      await world.holdfast.cancel(orderId, { reason: 'customer_changed_mind' });
      for (const id of [workflowIds.checkout(cart.cartId), workflowIds.order(orderId)]) {
        const handle = world.client.workflow.getHandle(id);
        await handle.result();
        const history = JSON.stringify(toHistoryJson(await handle.fetchHistory()));
        expect(opened(history)).toContain(orderId); // a search attribute: what is readable can be found this way
        expect(found(history)).toEqual([]);
        expect(found(JSON.stringify(await handle.describe()))).toEqual([]);
      }
      expect(lines.length).toBeGreaterThan(0);
      expect(found(lines.join(''))).toEqual([]);
    } finally {
      await world.close();
    }
  });

  it('is in no recorded history', async () => {
    const names = await recordedNames();
    expect(names.length).toBeGreaterThan(0);
    const clear = ['@customer.test', 'Sample Buyer', 'Recording Lane', 'Testville', '_secret_'];
    for (const name of names) {
      const text = opened(JSON.stringify(await readHistory(name)));
      const leaks = clear.filter((secret) => text.includes(secret));
      expect({ name, leaks }).toEqual({ name, leaks: [] });
    }
  });
});
