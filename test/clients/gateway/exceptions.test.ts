import type { ExceptionView } from '../../../workflows/domain/exception/actions';
import { request } from '../support/gateway-fakes';
import { gatewayForTests } from '../support/gateway-for-tests';

const served = gatewayForTests();
beforeEach(() => {
  served.fakes.exceptions.set('7', exception({ exceptionId: '7', kind: 'capture_unknown', workflowId: 'order-ord_1' }));
  served.fakes.exceptions.set('8', exception({ exceptionId: '8', kind: 'hold_decision', workflowId: 'order-ord_1' }));
  served.fakes.exceptions.set('9', exception({ exceptionId: '9', kind: 'void_failed', workflowId: 'checkout-cart-1' }));
});

function exception(changes: Partial<ExceptionView>): ExceptionView {
  return {
    exceptionId: '1',
    orderId: 'ord_1',
    subjectType: null,
    subjectId: null,
    workflowId: 'order-ord_1',
    kind: 'step_failed',
    message: 'it failed',
    owner: 'payments',
    amountAtRisk: null,
    currency: null,
    raisedAt: '2026-03-01T11:00:00.000Z',
    resolution: null,
    decidedBy: null,
    note: null,
    resolvedAt: null,
    ...changes,
  };
}

const resolve = (id: string, body: unknown) => request(`${served.url}/v1/exceptions/${id}/resolution`, { body });

test('the list names the actions that are possible for each exception', async () => {
  const { status, body } = await request(`${served.url}/v1/exceptions?order=ord_1&limit=10`);
  expect(status).toBe(200);
  expect(body['exceptions']).toMatchObject([
    { exceptionId: '7', actions: ['retry', 'give_up'] },
    { exceptionId: '8', actions: [], elsewhere: 'POST /v1/orders/ord_1/hold-decision' },
    { exceptionId: '9', actions: ['retry', 'dismiss'] },
  ]);
  expect(served.fakes.listed).toEqual([[10, 'ord_1']]);
  expect((await request(`${served.url}/v1/exceptions/9`)).body).toMatchObject({ kind: 'void_failed' });
  expect((await request(`${served.url}/v1/exceptions/10`)).status).toBe(404);
});

test('a decision goes to the workflow that raised it, with who decided', async () => {
  served.fakes.answer = () => ({ accepted: true, action: 'give_up' });
  const answer = await resolve('7', { action: 'give_up', note: 'taken by hand', actor: 'agent-7' });
  expect(answer).toMatchObject({ status: 200, body: { exceptionId: '7', action: 'give_up' } });
  expect(served.fakes.sent).toMatchObject([
    {
      verb: 'resolveException',
      args: [
        'order-ord_1',
        {
          kind: 'capture_unknown',
          action: 'give_up',
          note: 'taken by hand',
          actor: expect.stringMatching(/^api-key:[0-9a-f]{12}:agent-7$/) as string,
        },
        {},
      ],
    },
  ]);
});

test.each([
  ['8', { action: 'dismiss' }, 409, 'action_not_possible'],
  ['7', { action: 'dismiss' }, 409, 'action_not_possible'],
  ['10', { action: 'retry' }, 404, 'not_found'],
  ['x', { action: 'retry' }, 400, 'invalid_request'],
  ['7', { action: 'forget' }, 400, 'invalid_request'],
])('exception %s, %j: %i %s, and nothing is sent', async (id, body, status, code) => {
  expect(await resolve(id, body)).toMatchObject({ status, body: { code } });
  expect(served.fakes.sent).toEqual([]);
});

test('an exception whose workflow has ended can only be dismissed, in the record', async () => {
  served.fakes.ended.add('checkout-cart-1');
  served.fakes.answer = () => 'not_running';
  expect((await request(`${served.url}/v1/exceptions/9`)).body).toMatchObject({ actions: ['dismiss'] });
  expect(await resolve('9', { action: 'retry' })).toMatchObject({ status: 409, body: { actions: ['dismiss'] } });
  expect(await resolve('9', { action: 'dismiss' })).toMatchObject({ status: 200 });
  expect(served.fakes.dismissed).toMatchObject([{ workflowId: 'checkout-cart-1', kind: 'void_failed' }]);
});

test('an exception that can only be retried can be dismissed when no workflow is left to retry; a route names its ids', async () => {
  const refund = { workflowId: 'refund-ref_1' };
  served.fakes.exceptions.set('7', exception({ kind: 'refund_unknown', ...refund }));
  served.fakes.exceptions.set('8', exception({ kind: 'refund_mismatch', workflowId: 'refund-adopt' }));
  const elsewhere = 'POST /v1/refunds/ref_1/resolution or /cancel';
  const shown = async (id: string) => (await request(`${served.url}/v1/exceptions/${id}`)).body;
  expect(await shown('7')).toMatchObject({ actions: ['retry'], elsewhere });
  expect(await shown('8')).toHaveProperty('elsewhere');
  served.fakes.ended.add('refund-ref_1').add('refund-adopt');
  expect(await shown('7')).toMatchObject({ actions: ['dismiss'], elsewhere });
  expect(await shown('8')).not.toHaveProperty('elsewhere');
  served.fakes.answer = () => 'not_running';
  expect(await resolve('7', { action: 'dismiss' })).toMatchObject({ status: 200 });
});

test('a resolved exception shows who resolved it, when and how; a second decision is refused with that', async () => {
  const resolvedAt = '2026-03-01T11:30:00.000Z';
  const decision = { resolution: 'dismiss', decidedBy: 'person-1', note: 'by hand', resolvedAt } as const;
  served.fakes.exceptions.set('7', exception({ exceptionId: '7', ...decision }));
  served.fakes.exceptions.set('8', exception({ exceptionId: '8', resolvedAt }));
  expect(await request(`${served.url}/v1/exceptions/7`)).toMatchObject({
    status: 200,
    body: { ...decision, actions: [] },
  });
  const again = await resolve('7', { action: 'dismiss' });
  expect(again).toMatchObject({ status: 409, body: { code: 'already_resolved', ...decision } });
  expect(again.body['detail']).toContain('person-1');
  const bySelf = await resolve('8', { action: 'dismiss' });
  expect(bySelf).toMatchObject({ status: 409, body: { detail: expect.stringContaining('by itself') as string } });
  expect(served.fakes.sent).toEqual([]);
});

test('a retry that fails again is not answered as a success', async () => {
  served.fakes.answer = () => ({ accepted: false, reason: 'outcome_unknown', message: 'It failed again.' });
  expect(await resolve('7', { action: 'retry' })).toMatchObject({ status: 409, body: { code: 'outcome_unknown' } });
});
