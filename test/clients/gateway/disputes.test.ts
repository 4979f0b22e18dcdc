import { z } from 'zod';
import { disputeViewAnswer, fraudWarningAnswer } from '../../../clients/schemas/disputes';
import { OutcomePending } from '../../../clients/client';
import type { DisputeView, FraudWarningView } from '../../../workflows/domain/dispute/view';
import { request, type Answer } from '../support/gateway-fakes';
import { gatewayForTests } from '../support/gateway-for-tests';
import { disputeView, fraudWarningView } from '../support/dispute-views';

const served = gatewayForTests();

const get = (path: string): Promise<Answer> => request(`${served.url}/v1${path}`);
const decide = (path: string, body: unknown, headers = {}): Promise<Answer> =>
  request(`${served.url}/v1${path}/decision`, { body, headers });
const fieldsOf = (answer: Answer): string[] =>
  (answer.body['errors'] as { readonly field: string }[]).map((one) => one.field).sort();

/** Every field of a view is documented, and none that it has not: the compiler holds the two together. */
type Same<One, Other> = [keyof One] extends [keyof Other] ? ([keyof Other] extends [keyof One] ? true : never) : never;
const documented: [
  Same<z.output<typeof disputeViewAnswer>, DisputeView>,
  Same<z.output<typeof fraudWarningAnswer>, FraudWarningView>,
] = [true, true];

describe('reading', () => {
  test('a dispute and a warning, as they are documented', async () => {
    expect(documented).toEqual([true, true]);
    const dispute = await get('/disputes/du_1');
    expect([dispute.status, dispute.body]).toEqual([200, disputeView()]);
    expect(z.strictObject(disputeViewAnswer.shape).parse(dispute.body)).toEqual(disputeView());
    const warning = await get('/fraud-warnings/issfr_1');
    expect([warning.status, warning.body]).toEqual([200, fraudWarningView()]);
    expect(z.strictObject(fraudWarningAnswer.shape).parse(warning.body)).toEqual(fraudWarningView());
  });

  test.each([
    ['/disputes', { limit: 50 }, { disputes: [disputeView()] }],
    ['/disputes?open=true&limit=7', { open: true, limit: 7 }, { disputes: [disputeView()] }],
    ['/disputes?open=false', { open: false, limit: 50 }, { disputes: [disputeView()] }],
    ['/fraud-warnings?open=true', { open: true, limit: 50 }, { fraudWarnings: [fraudWarningView()] }],
  ])('%s', async (path, filter, body) => {
    const answer = await get(path);
    expect([answer.status, answer.body]).toEqual([200, body]);
    expect(served.fakes.listed).toEqual([filter]);
  });

  test.each(['/disputes/du_9', '/fraud-warnings/issfr_9'])('unknown %s: 404', async (path) => {
    expect(await get(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test.each([
    ['/disputes?open=maybe&limit=0&stage=won', ['limit', 'open', 'stage']],
    ['/disputes/no%20id', ['disputeId']],
    ['/fraud-warnings/no%20id', ['warningId']],
  ])('%s: 400 that names what is wrong', async (path, fields) => {
    const answer = await get(path);
    expect([answer.status, fieldsOf(answer)]).toEqual([400, fields]);
  });

  test('without a key: 401; while Postgres is away: 503', async () => {
    expect((await request(`${served.url}/v1/disputes`, { headers: { authorization: undefined } })).status).toBe(401);
    served.fakes.outage = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect((await get('/disputes/du_1')).status).toBe(503);
  });
});

describe('deciding', () => {
  const done = { accepted: true, disputeId: 'du_1', stage: 'under_review', action: 'submit', doneAt: 't' };

  test('on a dispute: what was decided goes to its workflow, with who asks', async () => {
    served.fakes.answer = () => done;
    const body = {
      action: 'submit',
      uncategorizedText: 'Signed for\nby the buyer.',
      note: 'called them',
      actor: 'op-1',
    };
    const answer = await decide('/disputes/du_1', body, { 'idempotency-key': 'k1' });
    const { accepted: _, ...shown } = done;
    expect([answer.status, answer.body]).toEqual([200, shown]);
    expect(served.fakes.sent).toMatchObject([
      {
        verb: 'decideDispute',
        args: [
          'du_1',
          { ...body, actor: expect.stringMatching(/^api-key:[0-9a-f]{12}:op-1$/) as string },
          { idempotencyKey: expect.stringMatching(/k1$/) as string },
        ],
      },
    ]);
    const again = await decide('/disputes/du_1', body, { 'idempotency-key': 'k1' });
    expect([again.status, again.headers.get('idempotency-replayed'), served.fakes.sent.length]).toEqual([
      200,
      'true',
      1,
    ]);
  });

  test('without an actor: the fingerprint of the API key', async () => {
    served.fakes.answer = () => done;
    await decide('/disputes/du_1', { action: 'accept' });
    expect(served.fakes.sent[0]?.args[1]).toEqual({
      action: 'accept',
      actor: expect.stringMatching(/^api-key:/) as string,
    });
  });

  test('on a warning: refunded or ignored', async () => {
    served.fakes.answer = () => ({
      accepted: true,
      warningId: 'issfr_1',
      action: 'refund',
      refundId: 'fraud-issfr_1',
      ended: 'refunded',
    });
    const answer = await decide('/fraud-warnings/issfr_1', { action: 'refund', actor: 'op-1' });
    expect(answer).toMatchObject({ status: 200, body: { refundId: 'fraud-issfr_1', ended: 'refunded' } });
    expect(served.fakes.sent).toMatchObject([
      {
        verb: 'decideFraudWarning',
        args: [
          'issfr_1',
          { action: 'refund', actor: expect.stringMatching(/^api-key:[0-9a-f]{12}:op-1$/) as string },
          {},
        ],
      },
    ]);
  });

  test.each([
    [
      '/disputes/du_1',
      { action: 'fight', note: '', uncategorizedText: 'x'.repeat(20_001), evidence: {} },
      ['action', 'evidence', 'note', 'uncategorizedText'],
    ],
    ['/disputes/du_1', {}, ['action']],
    [
      '/disputes/du_1',
      { action: 'submit', uncategorizedText: 'a\u0000b', actor: 'no id' },
      ['actor', 'uncategorizedText'],
    ],
    ['/fraud-warnings/issfr_1', { action: 'submit', note: 'x' }, ['action', 'note']],
    ['/disputes/no%20id', { action: 'submit' }, ['disputeId']],
  ])('%s with %j: every wrong field is named, and nothing is sent', async (path, body, fields) => {
    const answer = await decide(path, body);
    expect([answer.status, fieldsOf(answer)]).toEqual([400, fields]);
    expect(served.fakes.sent).toEqual([]);
  });

  test.each(['/disputes/du_9', '/fraud-warnings/issfr_9'])(
    '%s is not known: 404, and nothing is sent',
    async (path) => {
      const body = { action: path.startsWith('/disputes') ? 'submit' : 'refund' };
      expect((await decide(path, body)).status).toBe(404);
      expect(served.fakes.sent).toEqual([]);
    },
  );

  test('after its end: 409, and no workflow is started; the same decision told again is answered', async () => {
    const decision = { action: 'submit', actor: 'op-1', at: 't', attempt: 1, doneAt: 't' } as const;
    served.fakes.disputes.set('du_1', disputeView({ stage: 'won', closedAt: '2026-03-05T00:00:00.000Z', decision }));
    served.fakes.fraudWarnings.set(
      'issfr_1',
      fraudWarningView({ ended: 'disputed', closedAt: '2026-03-05T00:00:00.000Z' }),
    );
    expect(await decide('/disputes/du_1', { action: 'accept' })).toMatchObject({
      status: 409,
      body: { code: 'dispute_closed' },
    });
    expect(await decide('/fraud-warnings/issfr_1', { action: 'ignore' })).toMatchObject({
      status: 409,
      body: { code: 'warning_closed' },
    });
    expect(served.fakes.sent).toEqual([]);
    served.fakes.answer = () => ({ ...done, stage: 'won' });
    expect((await decide('/disputes/du_1', { action: 'submit' })).status).toBe(200);
  });

  test.each([
    ['already_decided', 409],
    ['nothing_to_decide', 409],
    ['refused_by_provider', 409],
    ['unknown_dispute', 404],
    ['outcome_unknown', 503],
  ])('refused since %s: %i', async (reason, status) => {
    served.fakes.answer = () => ({ accepted: false, reason, message: 'why' });
    const answer = await decide('/disputes/du_1', { action: 'submit' }, { 'idempotency-key': 'k2' });
    expect(answer.status).toBe(status);
    expect(answer.body['code']).toBe(status === 404 ? 'not_found' : reason);
  });

  test('that is not answered in time: 503, and the same request may be sent again', async () => {
    served.fakes.answer = () => {
      throw new OutcomePending('dispute-du_1', 25_000);
    };
    expect(await decide('/disputes/du_1', { action: 'submit' })).toMatchObject({
      status: 503,
      body: { code: 'outcome_pending' },
    });
  });
});
