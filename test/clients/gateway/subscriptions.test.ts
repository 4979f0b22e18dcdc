import { z } from 'zod';
import { subscriptionAnswer, type SubscriptionFieldsAgree } from '../../../clients/schemas/subscriptions';
import { OutcomePending } from '../../../clients/client';
import { request, type Answer } from '../support/gateway-fakes';
import { gatewayForTests } from '../support/gateway-for-tests';
import { subscriptionView } from '../support/subscription-view';

const served = gatewayForTests();

const get = (path: string): Promise<Answer> => request(`${served.url}/v1/subscriptions${path}`);
const pay = (id: string, body: unknown = { paymentMethod: 'pm_1' }, headers = {}): Promise<Answer> =>
  request(`${served.url}/v1/subscriptions/${id}/payment-method`, { body, headers });
const fieldsOf = (answer: Answer): string[] =>
  (answer.body['errors'] as { readonly field: string }[]).map((one) => one.field).sort();

describe('reading', () => {
  test('one, as it is documented', async () => {
    const response = await get('/sub_1');
    expect(response.status).toBe(200);
    expect(response.body).toEqual(subscriptionView('sub_1'));
    const agree: SubscriptionFieldsAgree = true;
    expect(agree).toBe(true);
    const strict = z.strictObject(subscriptionAnswer.shape);
    expect(strict.parse(response.body)).toEqual(subscriptionView('sub_1'));
  });

  test.each([
    ['', { limit: 50 }],
    ['?stage=past_due&limit=7', { stage: 'past_due', limit: 7 }],
    ['?before=2026-03-01T11:00:00Z', { before: '2026-03-01T11:00:00.000Z', limit: 50 }],
  ])('a list%s', async (query, filter) => {
    const response = await get(query);
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ subscriptions: [subscriptionView('sub_1')] });
    expect(served.fakes.listed).toEqual([filter]);
  });

  test('an unknown one: 404', async () => {
    const response = await get('/sub_9');
    expect(response.status).toBe(404);
    expect(response.body).toMatchObject({ code: 'not_found', detail: 'The subscription is not known' });
  });

  test.each([
    ['an id with spaces', '/not%20an%20id', ['subscriptionId']],
    ['an id that is too long', `/${'x'.repeat(150)}`, ['subscriptionId']],
    ['a query', '?stage=dormant&limit=0&sort=up&before=today', ['before', 'limit', 'sort', 'stage']],
    ['a page too large', '?limit=201', ['limit']],
  ])('%s: 400 that names what is wrong', async (_what, path, fields) => {
    const response = await get(path);
    expect(response.status).toBe(400);
    expect(fieldsOf(response)).toEqual(fields);
    expect(served.fakes.listed).toEqual([]);
  });

  test('without a key: 401; while Postgres is away: 503', async () => {
    const bare = await request(`${served.url}/v1/subscriptions`, { headers: { authorization: undefined } });
    expect(bare.status).toBe(401);
    served.fakes.outage = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect((await get('/sub_1')).status).toBe(503);
  });
});

describe('a new payment method', () => {
  test.each([
    [{ outcome: 'paid', stage: 'active', entitled: true }, 200],
    [{ outcome: 'resumed', stage: 'active', entitled: true }, 200],
    [{ outcome: 'nothing_owed', stage: 'trialing', entitled: true }, 200],
    [{ outcome: 'requires_action', clientSecret: 's' }, 202],
  ])('%j: %i', async (answer, status) => {
    served.fakes.answer = () => ({ accepted: true, ...answer });
    const response = await pay('sub_1');
    expect(response.status).toBe(status);
    expect(response.body).toEqual({ subscriptionId: 'sub_1', ...answer });
    expect(served.fakes.sent).toEqual([{ verb: 'paySubscription', args: ['sub_1', { paymentMethod: 'pm_1' }, {}] }]);
  });

  test('declined: 402 with the reason', async () => {
    served.fakes.answer = () => ({ accepted: true, outcome: 'declined', declineCode: 'lost_card' });
    const response = await pay('sub_1');
    expect(response.status).toBe(402);
    expect(response.body).toMatchObject({ code: 'card_declined', declineCode: 'lost_card' });
  });

  test.each([
    ['unknown_subscription', 404, 'not_found'],
    ['subscription_canceled', 409, 'subscription_canceled'],
    ['outcome_unknown', 503, 'outcome_unknown'],
    ['payment_refused', 402, 'payment_refused'],
    ['unknown_payment_method', 400, 'invalid_request'],
  ])('refused for %s: %i', async (reason, status, code) => {
    served.fakes.answer = () => ({ accepted: false, reason, message: 'So it is.' });
    const response = await pay('sub_1');
    expect(response.status).toBe(status);
    expect(response.body).toMatchObject({ code });
    if (status === 400) expect(fieldsOf(response)).toEqual(['paymentMethod']);
  });

  test('of an unknown subscription: 404, and no workflow is started', async () => {
    expect((await pay('sub_9')).status).toBe(404);
    expect(served.fakes.sent).toEqual([]);
  });

  test.each([
    ['not%20an%20id', { paymentMethod: 'pm_1' }, ['subscriptionId']],
    ['sub_1', {}, ['paymentMethod']],
    ['sub_1', { paymentMethod: 'pm 1', card: '4242424242424242' }, ['card', 'paymentMethod']],
  ])('%s with %j: 400, and no value is repeated', async (id, body, fields) => {
    const response = await pay(id, body);
    expect(response.status).toBe(400);
    expect(fieldsOf(response)).toEqual(fields);
    expect(JSON.stringify(response.body)).not.toMatch(/4242|pm 1/);
    expect(served.fakes.sent).toEqual([]);
  });

  test('the same key again gets the first answer; after an unknown outcome the request runs again', async () => {
    const headers = { 'idempotency-key': 'k' };
    served.fakes.answer = () => ({ accepted: false, reason: 'outcome_unknown', message: 'Ask again.' });
    expect((await pay('sub_1', undefined, headers)).status).toBe(503);
    served.fakes.answer = () => ({ accepted: true, outcome: 'paid', stage: 'active', entitled: true });
    const paid = await pay('sub_1', undefined, headers);
    const again = await pay('sub_1', undefined, headers);
    expect([paid.status, again.status]).toEqual([200, 200]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(served.fakes.sent).toHaveLength(2);
  });

  test('no answer in time: 503, and the same request may be sent again', async () => {
    served.fakes.answer = () => {
      throw new OutcomePending('subscription-sub_1', 25_000);
    };
    const response = await pay('sub_1');
    expect(response.status).toBe(503);
    expect(response.body).toMatchObject({ code: 'outcome_pending' });
  });
});

test('every subscription route is documented', async () => {
  type Paths = Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
  const { paths } = (await request(`${served.url}/openapi.json`)).body as unknown as { readonly paths: Paths };
  expect(paths['/v1/subscriptions']?.['get']?.operationId).toBe('listSubscriptions');
  expect(paths['/v1/subscriptions/{subscriptionId}']?.['get']?.operationId).toBe('getSubscription');
  expect(paths['/v1/subscriptions/{subscriptionId}/payment-method']?.['post']?.operationId).toBe('paySubscription');
});
