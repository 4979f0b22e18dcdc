import type { Gateway } from '../../../clients/gateway';
import { createFakes, NOW, request, sign, startGateway, type Answer, type Fakes } from '../support/gateway-fakes';

let fakes: Fakes;
let gateway: Gateway;
let url: string;

beforeEach(async () => {
  fakes = createFakes();
  ({ gateway, url } = await startGateway(fakes));
});
afterEach(() => gateway.close());

// Spaces and an escape that parsing and printing again would lose.
const EVENT = '{ "id": "evt_1",  "type": "payment_intent.canceled", "data": {"object": {"id": "pi_\\u0031"}} }\n';

function deliver(
  body: string = EVENT,
  signature: string | undefined = sign(body),
  headers: Record<string, string> = {},
): Promise<Answer> {
  return request(`${url}/webhooks/stripe`, {
    body,
    headers: { authorization: undefined, 'stripe-signature': signature, ...headers },
  });
}

test('an event is verified over its exact bytes and stored once; a duplicate is answered with 200 too', async () => {
  expect(await deliver()).toMatchObject({ status: 200, body: { received: true, duplicate: false } });
  expect(await deliver()).toMatchObject({ status: 200, body: { received: true, duplicate: true } });
  expect(fakes.stored).toEqual([
    {
      eventId: 'evt_1',
      provider: 'stripe',
      type: 'payment_intent.canceled',
      objectId: 'pi_1',
      payload: JSON.parse(EVENT) as unknown,
      createdAt: new Date(NOW).toISOString(),
    },
  ]);
});

test('another content type is no reason to lose an event', async () => {
  expect((await deliver(EVENT, sign(EVENT), { 'content-type': 'text/plain' })).status).toBe(200);
});

test('an event larger than our own request limit is accepted', async () => {
  const large = JSON.stringify({ id: 'evt_2', type: 'x', data: { object: { id: 'x'.repeat(600_000) } } });
  expect((await deliver(large)).status).toBe(200);
});

test.each([
  [
    'missing_signature',
    () => request(`${url}/webhooks/stripe`, { body: EVENT, headers: { 'stripe-signature': undefined } }),
  ],
  ['bad_signature', () => deliver(EVENT, 't=1,v1=00')],
  ['bad_signature', () => deliver(EVENT, 't=1,v1=')],
  ['bad_signature', () => deliver(EVENT, 't=1,v1')],
  ['bad_signature', () => deliver(EVENT, `t=1,v1=${'ü'.repeat(32)}`)],
  ['bad_signature', () => deliver(EVENT.replace('evt_1', 'evt_9'), sign(EVENT))],
  ['bad_signature', () => deliver(EVENT.trim(), sign(EVENT))],
  ['stale', () => deliver(EVENT, sign(EVENT, NOW - 301_000))],
  ['future', () => deliver(EVENT, sign(EVENT, NOW + 120_000))],
])('%s: 400 with the reason, nothing is stored', async (reason, send) => {
  const response = await send();
  expect(response.status).toBe(400);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(response.body).toMatchObject({ code: reason });
  expect(fakes.stored).toEqual([]);
});

test('an empty delivery is refused, not a crash', async () => {
  const response = await request(`${url}/webhooks/stripe`, { method: 'POST' });
  expect(response).toMatchObject({ status: 400, body: { code: 'missing_signature' } });
});

test.each([new Error('anything'), Object.assign(new Error('away'), { code: 'ECONNREFUSED' })])(
  'not stored (%p): 503, so that it comes again',
  async (error) => {
    fakes.outage = error;
    const response = await deliver();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    fakes.outage = undefined;
    expect(await deliver()).toMatchObject({ status: 200, body: { duplicate: false } });
  },
);

test('events are counted by type and result; an unsigned type makes no label', async () => {
  await deliver();
  await deliver();
  await deliver(EVENT.replace('payment_intent.canceled', 'made.up'), 't=1,v1=00');
  const { body } = await request(`${url}/metrics`);
  const text = body['text'] as string;
  expect(text).toContain('holdfast_webhook_events_total{type="payment_intent.canceled",result="stored"} 1');
  expect(text).toContain('holdfast_webhook_events_total{type="payment_intent.canceled",result="duplicate"} 1');
  expect(text).toContain('holdfast_webhook_events_total{type="unverified",result="bad_signature"} 1');
  expect(text).not.toContain('made.up');
  expect(text).toContain('holdfast_inbox_events{status="pending"} 1');
  expect(text).toContain('holdfast_outbox_unpublished 3');
});
