import type { ServerResponse } from 'node:http';
import type { FaultRule } from './faults';
import type { HoldMatch } from './holds';
import { send } from './http-io';
import type { IssuerDecisionOptions } from './issuer';
import type { StripeSimulator } from './server';
import type { WebhookFaults } from './webhooks';

interface ControlRequest {
  readonly method: string;
  /** Without the `/_simulator` in front. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}
type Action = (simulator: StripeSimulator, body: never, id: string, query: URLSearchParams) => unknown;

/** What another process may ask of the simulator; bodies and answers are JSON, and a missing answer reads `{}`. */
const ACTIONS: Record<string, Action> = {
  'GET /info': ({ url, secretKey, webhookSecret, seed, clock }) => ({
    url,
    secretKey,
    webhookSecret,
    seed,
    nowMs: clock.now(),
  }),
  'GET /clock': ({ clock }) => ({ nowMs: clock.now() }),
  'POST /clock': ({ clock }, body: { advanceByMs?: number; advanceToMs?: number }) => {
    if (body.advanceByMs !== undefined) clock.advanceBy(body.advanceByMs);
    if (body.advanceToMs !== undefined) clock.advanceTo(body.advanceToMs);
    return { nowMs: clock.now() };
  },
  'GET /state': ({ state }) => state.snapshot(),
  'GET /state/payment_intents': ({ state }) => state.paymentIntents(),
  'GET /state/charges': ({ state }) => state.charges(),
  'GET /state/events': ({ state }) => state.events(),
  'GET /state/requests': ({ state }) => state.requests(),
  'GET /faults': ({ faults }) => faults.list(),
  'POST /faults': ({ faults }, body: FaultRule) => ({
    id: faults.add({ ...body, times: body.times === 0 ? Infinity : (body.times ?? 1) }),
  }),
  'DELETE /faults': ({ faults }) => faults.clear(),
  'DELETE /faults/:id': ({ faults }, _body, id) => faults.clear(id),
  'POST /faults/:id/release': ({ faults }, _body, id) => faults.release(id),
  'POST /rate_limit': ({ faults }, body: { perSecond: number; burst?: number } | Record<string, never>) =>
    faults.setRateLimit('perSecond' in body ? (body as { perSecond: number }) : undefined),
  'POST /webhooks/endpoint': (simulator, body: { url?: string | null }) =>
    simulator.setWebhookEndpoint(body.url ?? undefined),
  'POST /webhooks/faults': (simulator, body: WebhookFaults) => simulator.setWebhookFaults(body),
  'POST /webhooks/release': (simulator, body: { order?: 'as_written' | 'reversed' | 'shuffled' }) =>
    simulator.releaseWebhooks(body.order),
  'POST /webhooks/redeliver': (simulator, body: { eventId?: string }) => ({
    events: simulator.redeliver(body.eventId),
  }),
  'POST /webhooks/flush': (simulator) => simulator.flush(),
  'POST /holds/next': (simulator, body: { durationMs: number; match?: HoldMatch }) =>
    simulator.setNextHoldDuration(body.durationMs, body.match),
  'POST /decisions': (simulator, body: { target: string; outcome?: string } & IssuerDecisionOptions) =>
    simulator.issueDecision(body.target, body.outcome, body),
  'POST /authenticate/:id': (simulator, body: { result?: 'succeed' | 'fail' }, id) =>
    simulator.completeAuthentication(id, body.result ?? 'succeed'),
};

/** Answers one control request; an unknown one gets 404 and the list of those that exist, a refused one 400. */
export async function answerControl(
  simulator: StripeSimulator,
  request: ControlRequest,
  response: ServerResponse,
): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const page = /^\/authenticate\/([^/]+)$/.exec(request.path);
  if (request.method === 'GET' && page !== null) {
    send(response, 200, authenticationPage(page[1] ?? ''), { 'content-type': 'text/html; charset=utf-8' });
    return;
  }
  const [, id] = /^\/(?:faults|authenticate)\/([^/]+)/.exec(request.path) ?? [];
  const path = id === undefined ? request.path : request.path.replace(`/${id}`, '/:id');
  const action = ACTIONS[`${request.method} ${path}`];
  if (action === undefined) {
    send(
      response,
      404,
      JSON.stringify({ error: `Unknown control: ${request.method} ${request.path}`, known: Object.keys(ACTIONS) }),
      json,
    );
    return;
  }
  try {
    const body = readControlBody(request.body) as never;
    const result = await action(simulator, body, id ?? '', request.query);
    send(response, 200, JSON.stringify(result ?? {}), json);
  } catch (error) {
    send(response, 400, JSON.stringify({ error: error instanceof Error ? error.message : String(error) }), json);
  }
}

/** JSON, or the form that the authentication page posts. */
function readControlBody(text: string): object {
  if (text === '') return {};
  if (!text.startsWith('{')) return Object.fromEntries(new URLSearchParams(text));
  return JSON.parse(text) as object;
}

/** Stands for the bank's own page, on which the customer passes or fails 3-D Secure. */
function authenticationPage(id: string): string {
  const safeId = id.replaceAll(/[^A-Za-z0-9_]/g, '');
  const button = (result: string, label: string): string => `<button name="result" value="${result}">${label}</button>`;
  return `<!doctype html><title>3-D Secure (simulated)</title>
<h1>Authenticate this payment</h1>
<form method="post" action="/_simulator/authenticate/${safeId}">${button('succeed', 'Complete')} ${button('fail', 'Fail')}</form>`;
}
