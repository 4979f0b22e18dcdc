import { request } from '../support/gateway-fakes';
import { gatewayForTests } from '../support/gateway-for-tests';
import { noticeView } from '../support/notice-view';

const served = gatewayForTests();

test.each([
  ['', { limit: 50 }],
  ['order=ord_1&limit=7', { orderId: 'ord_1', limit: 7 }],
  ['refund=ref_1&status=in_doubt', { subject: { type: 'refund', id: 'ref_1' }, status: 'in_doubt', limit: 50 }],
  ['dispute=dp_1', { subject: { type: 'dispute', id: 'dp_1' }, limit: 50 }],
  ['subscription=sub_1&order=ord_1', { subject: { type: 'subscription', id: 'sub_1' }, orderId: 'ord_1', limit: 50 }],
])('notices asked for with %j', async (query, filter) => {
  const response = await request(`${served.url}/v1/notices?${query}`);
  expect(response.status).toBe(200);
  expect(response.body).toEqual({ notices: [noticeView()] });
  expect(served.fakes.listed).toEqual([filter]);
});

test.each([
  ['status=lost&limit=0&order=no%20id&to=somebody', ['limit', 'order', 'status', 'to']],
  ['refund=a&dispute=b&subscription=c', ['dispute', 'subscription']],
])('notices asked for with %j: 400 that names what is wrong', async (query, fields) => {
  const response = await request(`${served.url}/v1/notices?${query}`);
  expect(response.status).toBe(400);
  expect((response.body['errors'] as { field: string }[]).map((one) => one.field).sort()).toEqual(fields);
  expect(served.fakes.listed).toEqual([]);
});

test('without a key: 401', async () => {
  expect((await request(`${served.url}/v1/notices`, { headers: { authorization: undefined } })).status).toBe(401);
});

test('notices that wait and notices that need a person are counted', async () => {
  const text = (await request(`${served.url}/metrics`)).body['text'] as string;
  expect(text).toContain('holdfast_notices{status="in_doubt"} 1');
  served.fakes.outage = new Error('the database is away');
  const without = (await request(`${served.url}/metrics`)).body['text'] as string;
  expect(without).not.toContain('holdfast_notices{');
});

test('notices are documented', async () => {
  const document = (await request(`${served.url}/openapi.json`)).body as { paths: Record<string, { get?: object }> };
  expect(document.paths['/v1/notices']?.get).toMatchObject({ operationId: 'listNotices' });
});

describe('a notice that is to be sent again', () => {
  const path = `/v1/notices/${encodeURIComponent('refund:ref_1:done')}/resend`;
  const ask = (body: unknown = {}, at = path) => request(`${served.url}${at}`, { method: 'POST', body });

  test('202 with the notice as it is now; the caller is recorded', async () => {
    const response = await ask({ actor: 'op-1' });
    expect(response).toMatchObject({ status: 202, body: { ...noticeView(), status: 'queued' } });
    expect(served.fakes.sentAgain).toEqual([
      { noticeKey: 'refund:ref_1:done', actor: expect.stringMatching(/^api-key:[0-9a-f]{12}:op-1$/) as string },
    ]);
  });

  test('without an actor it is the key’s fingerprint', async () => {
    await ask();
    expect(served.fakes.sentAgain).toMatchObject([{ actor: expect.stringMatching(/^key-|^api-/) }]);
  });

  test.each([
    [{ accepted: false, reason: 'unknown_notice' }, 404, { code: 'not_found' }],
    [{ accepted: false, reason: 'not_in_doubt', status: 'sent' }, 409, { code: 'not_in_doubt', noticeStatus: 'sent' }],
    [{ accepted: false, reason: 'no_longer_true' }, 409, { code: 'no_longer_true' }],
  ] as const)('%j is a problem', async (answer, status, body) => {
    served.fakes.sendAgainAnswer = answer;
    expect(await ask()).toMatchObject({ status, body });
  });

  test.each([
    [path, { actor: 'no id', status: 'sent' }, ['actor', 'status']],
    ['/v1/notices/a%20key/resend', {}, ['noticeKey']],
  ])('bad input to %s: 400 that names what is wrong', async (at, body, fields) => {
    const response = await ask(body, at);
    expect(response.status).toBe(400);
    expect((response.body['errors'] as { field: string }[]).map((one) => one.field).sort()).toEqual(fields);
    expect(served.fakes.sentAgain).toEqual([]);
  });
});
