import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import {
  createEventLister,
  createStripeClient,
  createWebhookVerifier,
  WebhookRejected,
} from '../../../../activities/stripe';
import type { VerifiedEvent } from '../../../../activities/stripe';
import { startStripeSimulator } from '../../../../workers/embedded/stripe/server';

const SECRET = 'whsec_now';
const NEXT = 'whsec_next';
const NOW_S = 1_800_000_000;
const verify = createWebhookVerifier({ secrets: [SECRET, NEXT], now: () => NOW_S * 1000 });

function event(
  object: Record<string, unknown> = { id: 'pi_1', object: 'payment_intent' },
  changes: Record<string, unknown> = {},
): string {
  return JSON.stringify({
    ...{ id: 'evt_1', object: 'event', type: 'payment_intent.canceled', created: 1_799_999_990, data: { object } },
    ...changes,
  });
}

function sign(payload: string, secret = SECRET, timestamp = NOW_S): string {
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
}

function reasonFor(payload: string, header: string | undefined): string {
  try {
    verify(Buffer.from(payload), header);
    return 'accepted';
  } catch (error) {
    if (error instanceof WebhookRejected) return error.reason;
    throw error;
  }
}

const v1 = (header: string): string => header.slice(header.indexOf('v1='));

describe('the webhook verifier', () => {
  it('reads a signed event', () => {
    const payload = event();
    expect(verify(Buffer.from(payload), sign(payload))).toEqual({
      eventId: 'evt_1',
      type: 'payment_intent.canceled',
      objectId: 'pi_1',
      paymentIntentId: 'pi_1',
      createdAt: new Date(1_799_999_990_000).toISOString(),
      payload: JSON.parse(payload),
    } satisfies VerifiedEvent);
  });

  const good = event();
  const thin = JSON.stringify({ id: 'evt_1', object: 'v2.core.event', type: 'v1.billing.meter.no_meter_found' });
  it.each<[string, string, string, string | undefined]>([
    ['signed with the next secret', 'accepted', good, sign(good, NEXT)],
    ['signed with both secrets', 'accepted', good, `${sign(good, 'whsec_old')},${v1(sign(good, NEXT))}`],
    ['as old as allowed', 'accepted', good, sign(good, SECRET, NOW_S - 300)],
    ['a little ahead', 'accepted', good, sign(good, SECRET, NOW_S + 60)],
    [
      'another kind of event',
      'accepted',
      event({ id: 'po_1', object: 'payout' }, { type: 'payout.paid' }),
      sign(event({ id: 'po_1', object: 'payout' }, { type: 'payout.paid' })),
    ],
    ['no header', 'missing_signature', good, undefined],
    ['an empty header', 'missing_signature', good, ''],
    ['forged', 'bad_signature', good, sign(good, 'whsec_guess')],
    ['changed on the way', 'bad_signature', good.replace('pi_1', 'pi_2'), sign(good)],
    ['another time than signed', 'bad_signature', good, `t=${NOW_S},${v1(sign(good, SECRET, NOW_S - 900))}`],
    ['two times', 'bad_signature', good, `t=${NOW_S},${sign(good)}`],
    ['no time', 'bad_signature', good, v1(sign(good))],
    ['a time that is no number', 'bad_signature', good, `t=NaN,${v1(sign(good))}`],
    ['no v1 signature', 'bad_signature', good, sign(good).replace('v1=', 'v0=')],
    ['a header of nonsense', 'bad_signature', good, '\u0000,,==,t'],
    ['an empty body', 'bad_signature', '', sign(good)],
    ['a second too old', 'stale', good, sign(good, SECRET, NOW_S - 301)],
    ['replayed after a year', 'stale', good, sign(good, SECRET, NOW_S - 31_536_000)],
    ['from the future', 'future', good, sign(good, SECRET, NOW_S + 61)],
    ['an empty signature', 'bad_signature', good, `t=${NOW_S},v1=`],
    ['a signature without a value', 'bad_signature', good, `t=${NOW_S},v1`],
    ['32 umlauts', 'bad_signature', good, `t=${NOW_S},v1=${'ü'.repeat(32)}`],
    ['one good signature beside nonsense', 'accepted', good, `${sign(good)},v1=,v1,v1=${'ü'.repeat(32)}`],
  ])('%s: %s', (_name, reason, payload, header) => {
    expect(reasonFor(payload, header)).toBe(reason);
  });

  it.each([
    ['thin', thin, /thin event.*snapshot/],
    ['no JSON', '{', /no JSON/],
    ['a list', '[]', /no JSON object/],
    ['no event', '{"object":"charge"}', /no event/],
    ['no id', event({}, { id: '' }), /no id/],
    ['an id that no index takes', event({}, { id: 'x'.repeat(3000) }), /no id/],
    ['no object', event({}, { data: {} }), /no object/],
    [
      'a bomb of brackets',
      `{"object":"event","id":"evt_1","type":"x","data":{"object":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}}}`,
      /cannot be read/,
    ],
  ])('keeps what is signed and cannot be read, with the reason: %s', (_name, payload, reason) => {
    const kept = verify(Buffer.from(payload), sign(payload));
    expect(kept).toMatchObject({ type: 'unreadable', createdAt: new Date(NOW_S * 1000).toISOString() });
    expect(kept.payload).toMatchObject({ reason: expect.stringMatching(reason) as string });
    expect(verify(Buffer.from(payload), sign(payload)).eventId).toBe(kept.eventId);
  });

  it('checks the bytes as they came: what is signed and no UTF-8 is kept with the reason', () => {
    const body = Buffer.from(event({ id: 'pi_1', object: 'payment_intent', description: 'Tür' }), 'latin1');
    const v1 = createHmac('sha256', SECRET).update(`${NOW_S}.`).update(body).digest('hex');
    const kept = verify(body, `t=${NOW_S},v1=${v1}`);
    expect(kept).toMatchObject({ type: 'unreadable', payload: { reason: 'the signed body is not UTF-8' } });
    expect(() => verify(Buffer.from(body.toString('utf8')), `t=${NOW_S},v1=${v1}`)).toThrow(WebhookRejected);
  });

  it('converts an event with an impossible time, NUL and half characters into a form that Postgres accepts', () => {
    const payload = event({ id: 'pi_1', object: 'payment_intent', description: 'a\u0000b\ud83d' }, { created: 9e15 });
    const kept = verify(Buffer.from(payload), sign(payload));
    expect(kept.createdAt).toBe(new Date(NOW_S * 1000).toISOString());
    expect(kept.payload).toMatchObject({ data: { object: { description: 'ab\ufffd' } } });
  });

  it.each([
    [{ id: 'pi_9', object: 'payment_intent' }, 'pi_9'],
    [{ id: 'ch_9', object: 'charge', payment_intent: 'pi_9' }, 'pi_9'],
    [{ id: 'ch_9', object: 'charge', payment_intent: { id: 'pi_9' } }, 'pi_9'],
    [{ id: 're_9', object: 'refund', payment_intent: 'pi_9' }, 'pi_9'],
    [{ id: 'du_9', object: 'dispute', payment_intent: 'pi_9' }, 'pi_9'],
    [{ id: 'ch_9', object: 'charge', payment_intent: null }, undefined],
    [{ id: 'cus_9', object: 'customer' }, undefined],
  ])('finds the payment of %j', (object, expected) => {
    const payload = event(object);
    expect(verify(Buffer.from(payload), sign(payload)).paymentIntentId).toBe(expected);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a tolerance of %p', (toleranceSeconds) => {
    expect(() => createWebhookVerifier({ secrets: [SECRET], toleranceSeconds })).toThrow(RangeError);
  });

  it.each([[[]], [['']], [[SECRET, ' ']]])('refuses the secrets %j', (secrets) => {
    expect(() => createWebhookVerifier({ secrets })).toThrow(RangeError);
  });
});

describe('createEventLister', () => {
  it('lists what no webhook brought, as the webhook would have read', async () => {
    const simulator = await startStripeSimulator();
    try {
      const stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
      simulator.setWebhookFaults({ dropTypes: ['*'] });
      simulator.setWebhookEndpoint(simulator.url);
      const since = new Date(simulator.clock.now() - 1_000);
      const intent = await stripe.paymentIntents.create({ amount: 500, currency: 'eur' });
      await stripe.paymentIntents.cancel(intent.id);
      await simulator.flush();
      const missed: VerifiedEvent[] = [];
      for await (const one of createEventLister(stripe).listUndelivered(since)) missed.push(one);
      expect(missed.map((one) => [one.type, one.paymentIntentId])).toEqual([
        ['payment_intent.canceled', intent.id],
        ['payment_intent.created', intent.id],
      ]);
      const later = new Date(simulator.clock.now() + 60_000);
      for await (const one of createEventLister(stripe).listUndelivered(later))
        throw new Error(`${one.eventId} is too old`);
    } finally {
      await simulator.stop();
    }
  });

  it('asks for some kinds of events alone, twenty in one request', async () => {
    const simulator = await startStripeSimulator();
    try {
      const stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
      simulator.setWebhookFaults({ dropTypes: ['*'] });
      simulator.setWebhookEndpoint(simulator.url);
      const intent = await stripe.paymentIntents.create({ amount: 500, currency: 'eur' });
      await stripe.paymentIntents.cancel(intent.id);
      await simulator.flush();
      const since = new Date(simulator.clock.now() - 60_000);
      const listed = async (types: readonly string[]): Promise<string[]> => {
        const found: string[] = [];
        for await (const { type } of createEventLister(stripe, { types }).listUndelivered(since)) found.push(type);
        return found;
      };
      const others = Array.from({ length: 45 }, (_, index) => `customer.kind_${index}`);
      expect(await listed([...others, 'payment_intent.canceled'])).toEqual(['payment_intent.canceled']);
      expect(await listed(others)).toEqual([]);
      await expect(stripe.events.list({ types: others.slice(0, 21) })).rejects.toMatchObject({ param: 'types' });
    } finally {
      await simulator.stop();
    }
  });
});
