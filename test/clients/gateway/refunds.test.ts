import { z } from 'zod';
import { OutcomePending } from '../../../clients/client';
import { refundAnswer } from '../../../clients/schemas/after-sale-answers';
import type { RefundFieldsAgree } from '../../../clients/schemas/refunds';
import { refundFacts, refundPart } from '../../support/facts/refund';
import { request, type Answer } from '../support/gateway-fakes';
import { gatewayForTests } from '../support/gateway-for-tests';

const served = gatewayForTests();

const post = (path: string, body: unknown, headers = {}): Promise<Answer> =>
  request(`${served.url}/v1${path}`, { body, headers });
const ask = (body: unknown, headers = {}): Promise<Answer> => post('/orders/ord_1/refunds', body, headers);
const fieldsOf = (answer: Answer): string[] =>
  (answer.body['errors'] as { readonly field: string }[]).map((one) => one.field).sort();

const reason = 'requested_by_customer';
const accepted = {
  accepted: true,
  refundId: 'rf_1',
  orderId: 'ord_1',
  state: 'pending',
  amount: 1000,
  currency: 'eur',
  parts: [refundPart()],
};

/** Every field of a refund is documented, and none that it has not: the compiler holds the two together. */
const documented: RefundFieldsAgree = true;

describe('asking for a refund', () => {
  test.each([
    ['pending', 201],
    ['waiting', 202],
  ])('%s: %i, with where to look', async (state, status) => {
    served.fakes.answer = () => ({ ...accepted, state });
    const answer = await ask({ amount: 1000, reason, actor: 'op-1' }, { 'idempotency-key': 'k1' });
    const { accepted: _, ...shown } = accepted;
    expect([answer.status, answer.body]).toEqual([status, { ...shown, state }]);
    expect(answer.headers.get('location')).toBe('/v1/refunds/rf_1');
    expect(served.fakes.sent).toMatchObject([
      {
        verb: 'refund',
        args: [
          'ord_1',
          { amount: 1000, reason, actor: expect.stringMatching(/^api-key:[0-9a-f]{12}:op-1$/) as string },
          { idempotencyKey: expect.stringMatching(/k1$/) as string },
        ],
      },
    ]);
    const again = await ask({ amount: 1000, reason, actor: 'op-1' }, { 'idempotency-key': 'k1' });
    expect([again.status, again.headers.get('idempotency-replayed'), served.fakes.sent.length]).toEqual([
      status,
      'true',
      1,
    ]);
    const other = await ask({ amount: 1001, reason, actor: 'op-1' }, { 'idempotency-key': 'k1' });
    expect([other.status, served.fakes.sent.length]).toEqual([422, 1]);
  });

  test('by lines, without an actor: the fingerprint of the API key', async () => {
    served.fakes.answer = () => accepted;
    const lines = [{ sku: 'MUG-1', quantity: 2 }];
    expect((await ask({ lines, reason })).status).toBe(201);
    expect(served.fakes.sent[0]?.args[1]).toEqual({
      lines,
      reason,
      actor: expect.stringMatching(/^api-key:/) as string,
    });
  });

  test('of an order of which nothing was captured is a void, and the answer says so', async () => {
    const voided = { orderId: 'ord_1', state: 'voided', releasedAmount: 4_999, cancelledLines: [] };
    served.fakes.answer = () => ({ accepted: true, ...voided });
    const answer = await ask({ amount: 4_999, reason });
    expect([answer.status, answer.body]).toEqual([200, voided]);
  });

  const line = { sku: 'MUG-1', quantity: 1 };
  test.each<[string, unknown, string[]]>([
    ['nothing', {}, ['amount', 'reason']],
    ['zero', { amount: 0, reason }, ['amount']],
    ['less than nothing', { amount: -1, reason }, ['amount']],
    ['a part of a cent', { amount: 1.5, reason }, ['amount']],
    ['words', { amount: '1000', reason }, ['amount']],
    ['more than can be counted', { amount: 1e12, reason }, ['amount']],
    ['an amount and lines', { amount: 1, lines: [line], reason }, ['lines']],
    ['no lines', { lines: [], reason }, ['lines']],
    ['a line twice', { lines: [line, line], reason }, ['lines.1.sku']],
    ['no pieces', { lines: [{ sku: 'MUG-1', quantity: 0 }], reason }, ['lines.0.quantity']],
    ['a part of a unit', { amount: 1_050, currency: 'ISK', reason }, ['amount']],
    ['no currency', { amount: 1, currency: 'EURO', reason }, ['currency']],
    ['what nobody knows', { amount: 1, reason, refund: true, actor: 'no id' }, ['actor', 'refund']],
    ['no reason, and too long ones', { amount: 1, reason: 'x'.repeat(201) }, ['reason']],
  ])('%s: every wrong field is named, and nothing is sent', async (_what, body, fields) => {
    const answer = await ask(body);
    expect([answer.status, fieldsOf(answer)]).toEqual([400, fields]);
    expect(served.fakes.sent).toEqual([]);
  });

  test.each(['/orders/ord_9/refunds', '/orders/no%20id/refunds'])(
    '%s: no such order, and nothing is sent',
    async (path) => {
      expect((await post(path, { amount: 1, reason })).status).toBe(404);
      expect(served.fakes.sent).toEqual([]);
    },
  );

  test.each([
    'unknown_line',
    'exceeds_line',
    'exceeds_refundable',
    'worth_nothing',
    'wrong_currency',
    'nothing_captured',
    'disputed',
    'needs_approval',
    'refund_id_used',
  ])('refused since %s: 409, with what is left', async (code) => {
    served.fakes.answer = () => ({ accepted: false, reason: code, message: 'why', refundable: 500, held: 70 });
    const answer = await ask({ amount: 1000, reason });
    expect(answer).toMatchObject({ status: 409, body: { code, detail: 'why', refundable: 500, held: 70 } });
  });

  test('of a part of what the currency has as a unit: 400 naming the amount', async () => {
    served.fakes.answer = () => ({ accepted: false, reason: 'not_a_multiple', message: 'why', refundable: 500 });
    const answer = await ask({ amount: 1050, reason });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(answer.body['errors']).toEqual([{ field: 'amount', message: 'why' }]);
  });

  test('that is not answered in time: 503, and the same request may be sent again', async () => {
    served.fakes.answer = () => {
      throw new OutcomePending('refund-rf_1', 25_000);
    };
    expect(await ask({ amount: 1, reason }, { 'idempotency-key': 'k' })).toMatchObject({
      status: 503,
      body: { code: 'outcome_pending' },
    });
    served.fakes.answer = () => accepted;
    expect((await ask({ amount: 1, reason }, { 'idempotency-key': 'k' })).status).toBe(201);
  });
});

describe('looking at a refund', () => {
  test('as it is documented', async () => {
    expect(documented).toBe(true);
    const answer = await request(`${served.url}/v1/refunds/rf_1`);
    expect([answer.status, answer.body]).toEqual([200, refundFacts()]);
    expect(z.strictObject(refundAnswer.shape).parse(answer.body)).toEqual(refundFacts());
  });

  test('unknown: 404; no id: 400; while Postgres is away: 503', async () => {
    expect(await request(`${served.url}/v1/refunds/rf_9`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(fieldsOf(await request(`${served.url}/v1/refunds/no%20id`))).toEqual(['refundId']);
    served.fakes.outage = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect((await request(`${served.url}/v1/refunds/rf_1`)).status).toBe(503);
  });
});

describe('a refund that failed or waits', () => {
  const resolution = { action: 'manual_transfer', actor: 'op-1', reference: 'bank-1', at: '2026-01-12T00:00:00.000Z' };

  test('is resolved by a person', async () => {
    served.fakes.answer = () => ({ ...accepted, state: 'resolved', resolution });
    const body = { action: 'manual_transfer', reference: 'bank-1', actor: 'op-1' };
    const answer = await post('/refunds/rf_1/resolution', body);
    expect(answer).toMatchObject({ status: 200, body: { state: 'resolved', resolution } });
    expect(served.fakes.sent).toMatchObject([
      {
        verb: 'resolveRefund',
        args: ['rf_1', { ...body, actor: expect.stringMatching(/^api-key:[0-9a-f]{12}:op-1$/) as string }, {}],
      },
    ]);
  });

  test('is canceled', async () => {
    served.fakes.answer = () => ({ ...accepted, state: 'canceled' });
    expect(await post('/refunds/rf_1/cancel', { actor: 'op-1' })).toMatchObject({
      status: 200,
      body: { state: 'canceled' },
    });
    expect(served.fakes.sent).toMatchObject([
      {
        verb: 'cancelRefund',
        args: ['rf_1', { actor: expect.stringMatching(/^api-key:[0-9a-f]{12}:op-1$/) as string }, {}],
      },
    ]);
  });

  test.each<[string, unknown, string[]]>([
    ['/refunds/rf_1/resolution', {}, ['action']],
    ['/refunds/rf_1/resolution', { action: 'manual_transfer' }, ['reference']],
    ['/refunds/rf_1/resolution', { action: 'forget', reference: '', amount: 1 }, ['action', 'amount', 'reference']],
    ['/refunds/no%20id/resolution', { action: 'dismiss' }, ['refundId']],
    ['/refunds/rf_1/cancel', { because: 'x' }, ['because']],
    ['/refunds/no%20id/cancel', {}, ['refundId']],
  ])('%s with %j: every wrong field is named, and nothing is sent', async (path, body, fields) => {
    const answer = await post(path, body);
    expect([answer.status, fieldsOf(answer)]).toEqual([400, fields]);
    expect(served.fakes.sent).toEqual([]);
  });

  test('that is unknown: 404, and nothing is sent', async () => {
    expect((await post('/refunds/rf_9/resolution', { action: 'dismiss' })).status).toBe(404);
    expect((await post('/refunds/rf_9/cancel', {})).status).toBe(404);
    expect(served.fakes.sent).toEqual([]);
  });

  test.each([
    ['nothing_to_resolve', 409],
    ['too_late', 409],
    ['disputed', 409],
    ['unknown_refund', 404],
    ['outcome_unknown', 503],
  ])('refused since %s: %i', async (code, status) => {
    served.fakes.answer = () => ({ accepted: false, reason: code, message: 'why' });
    for (const answer of [
      await post('/refunds/rf_1/resolution', { action: 'dismiss' }),
      await post('/refunds/rf_1/cancel', {}),
    ]) {
      expect([answer.status, answer.body['code']]).toEqual([status, status === 404 ? 'not_found' : code]);
    }
  });
});
