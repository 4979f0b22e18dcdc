import type { ServerResponse } from 'node:http';
import { BILLING_ACTIONS } from '../billing/controls';
import { invoicePage } from '../billing/invoices/hosted-page';
import type { FaultRule } from '../http/faults';
import type { HoldMatch } from '../payments/holds';
import { send } from '../http/http-io';
import type { IssuerDecisionOptions } from '../bank/issuer';
import type { RateLimit } from '../http/rate-limits';
import type { Action, StripeSimulator } from './controls';
import { MONEY_ACTIONS } from './money-actions';
import type { WebhookFaults } from '../webhooks';

interface ControlRequest {
  readonly method: string;
  /** Without the `/_simulator` in front. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

const CORE_ACTIONS: Record<string, Action> = {
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
  'GET /state/events': ({ state }) => state.events(),
  'GET /state/requests': ({ state }) => state.requests(),
  'GET /state/:id': ({ state }, _body, path) => {
    const objects = state.objects(path);
    if (objects === undefined) throw new Error(`No such kind of object: ${path}`);
    return objects;
  },
  'GET /faults': ({ faults }) => faults.list(),
  'POST /faults': ({ faults }, body: FaultRule) => ({
    id: faults.add({ ...body, times: body.times === 0 ? Infinity : (body.times ?? 1) }),
  }),
  'DELETE /faults': ({ faults }) => faults.clear(),
  'DELETE /faults/:id': ({ faults }, _body, id) => faults.clear(id),
  'POST /faults/:id/release': ({ faults }, _body, id) => faults.release(id),
  'POST /rate_limit': ({ faults }, body: RateLimit | Record<string, never>) =>
    faults.setRateLimit('perSecond' in body ? (body as RateLimit) : undefined),
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
  'POST /decisions': (simulator, body: { target: string; outcome?: string | string[] } & IssuerDecisionOptions) =>
    simulator.issueDecision(body.target, body.outcome, body),
  'POST /authenticate/:id': (simulator, body: { result?: 'succeed' | 'fail' }, id) =>
    simulator.completeAuthentication(id, body.result ?? 'succeed'),
};

/**
 * The control API for other processes. Bodies and answers are JSON; a control without an answer returns `{}`. A path has at most one
 * `:id`.
 */
const ACTIONS: Readonly<Record<string, Action>> = { ...CORE_ACTIONS, ...MONEY_ACTIONS, ...BILLING_ACTIONS };

// Literal paths come before those with an id, so that `/state/events` is not taken for an id.
const COMPILED = Object.entries(ACTIONS)
  .sort(([left], [right]) => Number(left.includes(':')) - Number(right.includes(':')))
  .map(([name, action]) => ({ action, pattern: new RegExp(`^${name.replace(':id', '([^/]+)')}$`) }));

function findAction(method: string, path: string): { action: Action; id: string } | undefined {
  for (const { action, pattern } of COMPILED) {
    const match = pattern.exec(`${method} ${path}`);
    if (match !== null) return { action, id: match[1] ?? '' };
  }
  return undefined;
}

/** Answers one control request; an unknown one gets 404 and the list of those that exist, a refused one 400. */
export async function answerControl(
  simulator: StripeSimulator,
  request: ControlRequest,
  response: ServerResponse,
): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const page = request.method === 'GET' ? pageAt(simulator, request.path) : undefined;
  if (page !== undefined) {
    send(response, 200, page, { 'content-type': 'text/html; charset=utf-8' });
    return;
  }
  const found = findAction(request.method, request.path);
  if (found === undefined) {
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
    const result = await found.action(simulator, body, found.id, request.query);
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

/** Pages for people, in place of those of the bank and of Stripe. */
function pageAt(simulator: StripeSimulator, path: string): string | undefined {
  const [, kind, id = ''] = /^\/(authenticate|invoices)\/([^/]+)$/.exec(path) ?? [];
  if (kind === 'authenticate') return authenticationPage(id);
  const invoices = kind === 'invoices' ? (simulator.state.objects('invoices') as Record<string, unknown>[]) : [];
  const invoice = invoices.find((one) => one['id'] === id);
  return invoice === undefined ? undefined : invoicePage(invoice);
}

/** In place of the bank's page on which the customer passes or fails 3-D Secure. */
function authenticationPage(id: string): string {
  const safeId = id.replaceAll(/[^A-Za-z0-9_]/g, '');
  const button = (result: string, label: string): string => `<button name="result" value="${result}">${label}</button>`;
  return `<!doctype html><title>3-D Secure (simulated)</title>
<h1>Authenticate this payment</h1>
<form method="post" action="/_simulator/authenticate/${safeId}">${button('succeed', 'Complete')} ${button('fail', 'Fail')}</form>`;
}
