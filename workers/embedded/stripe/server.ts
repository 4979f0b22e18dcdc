import { randomInt } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Account } from './state/account';
import { Api, RESET, type RequestRecord } from './http/api';
import { watchPayments } from './billing';
import { SimulatorClock } from './state/clock';
import { answerControl } from './control/control';
import { controls, type StripeSimulator } from './control/controls';
import { Faults } from './http/faults';
import { readBody, send } from './http/http-io';
import { IdempotencyStore } from './http/idempotency';
import { Persistence } from './state/persistence';
import { RequestLog } from './http/request-log';
import { RESOURCES } from './http/resources';
import { settingsFrom, type AccountSettings } from './control/settings';
import { stateOf } from './state/state';
import { Webhooks } from './webhooks';

/** Loopback only: the control API lets anybody change the simulated account. */
const HOST = '127.0.0.1';
/** About 3 KB each, so some 60 MB at most. */
const DEFAULT_EVENT_CAP = 20_000;
/** Under 1 KB each. */
const DEFAULT_REQUEST_CAP = 20_000;
/** About 3 KB each; at a hundred requests a second this still spans the minutes in which a client retries. */
const DEFAULT_IDEMPOTENCY_CAP = 50_000;

export interface StripeSimulatorOptions extends Partial<Omit<AccountSettings, 'holdDurationMs'>> {
  /** 0 (the default) takes a free port. */
  port?: number;
  secretKey?: string;
  webhookSecret?: string;
  /** A clock shared with other simulators; by default it has its own. */
  clock?: SimulatorClock;
  /** How long every hold lasts, in milliseconds, in place of the windows of the card networks. */
  holdDurationMs?: number;
  /** Makes ids (of a new account) and random faults repeatable; random by default, see `seed`. */
  seed?: number;
  /** The most entries in each log. Objects are never dropped. */
  limits?: { events?: number; requests?: number; idempotencyEntries?: number };
  /** The file that keeps the account between starts (see persistence.ts); without it, the account ends with the process. */
  stateFile?: string;
}

/**
 * Starts a Stripe-shaped server on the loopback interface that the real `stripe` SDK can talk to.
 * @throws Error naming the state file where it is damaged or of another version
 */
export async function startStripeSimulator(options: StripeSimulatorOptions = {}): Promise<StripeSimulator> {
  const parts = build(options);
  const { persistence } = parts;
  await persistence?.open();
  const server = http.createServer((request, response) => {
    answer(parts, request, response).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      send(
        response,
        500,
        JSON.stringify({ error: { type: 'api_error', message: `Simulator defect: ${message}` } }),
        JSON_HEADERS,
      );
    });
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, HOST, resolve);
    });
  } catch (error) {
    await persistence?.close();
    throw error;
  }
  parts.address = server.address() as AddressInfo;
  parts.close = () => close(server);
  // Before the first request is read, so that it finds everything that was due done.
  persistence?.resume();
  return parts.simulator;
}

const JSON_HEADERS = { 'content-type': 'application/json' };

interface Parts {
  simulator: StripeSimulator;
  api: Api;
  log: RequestLog;
  persistence: Persistence | undefined;
  address: AddressInfo | undefined;
  close: () => Promise<void>;
}

function build(options: StripeSimulatorOptions): Parts {
  const seed = options.seed ?? randomInt(2 ** 31);
  const clock = options.clock ?? new SimulatorClock();
  const secretKey = options.secretKey ?? 'sk_test_holdfast_simulator';
  const webhookSecret = options.webhookSecret ?? 'whsec_holdfast_simulator';
  const {
    events = DEFAULT_EVENT_CAP,
    requests = DEFAULT_REQUEST_CAP,
    idempotencyEntries = DEFAULT_IDEMPOTENCY_CAP,
  } = options.limits ?? {};
  const url = (): string => `http://${HOST}:${parts.address?.port ?? 0}`;
  const account = new Account(RESOURCES, clock, settingsFrom(options), seed, events, url);
  const log = new RequestLog(requests);
  const idempotency = new IdempotencyStore(clock, idempotencyEntries);
  const faults = new Faults();
  // Not the random numbers of the ids, so that faults do not depend on how many objects exist.
  const webhooks = new Webhooks(webhookSecret, seed ^ 0x5bd1e995);
  account.log.subscribe((event) => webhooks.enqueue(event));
  watchPayments(account);
  const { stateFile } = options;
  const persistence = stateFile === undefined ? undefined : new Persistence(stateFile, account, idempotency, webhooks);
  const simulator: StripeSimulator = {
    get url() {
      return url();
    },
    get port() {
      return parts.address?.port ?? 0;
    },
    secretKey,
    webhookSecret,
    seed,
    clock,
    faults,
    state: stateOf(account, idempotency, log),
    ...controls(account, webhooks, () => persistence?.changedOutside()),
    stop: async () => {
      faults.clear();
      webhooks.stop();
      if (options.clock === undefined) clock.stop();
      await parts.close();
      await persistence?.close();
    },
  };
  const parts: Parts = {
    simulator,
    api: new Api(account, secretKey, idempotency, faults),
    log,
    persistence,
    address: undefined,
    close: () => Promise.resolve(),
  };
  return parts;
}

async function answer(
  { simulator, api, log, persistence }: Parts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, search } = new URL(request.url ?? '/', simulator.url);
  const method = request.method ?? 'GET';
  const text = await readBody(request);
  if (pathname.startsWith('/_simulator/')) {
    await answerControl(
      simulator,
      { method, path: pathname.slice('/_simulator'.length), query: new URLSearchParams(search), body: text },
      response,
    );
    // The control may have moved the clock, which does not report changes itself.
    if (method !== 'GET') persistence?.changedOutside();
    return;
  }
  const key = request.headers['idempotency-key'];
  const record: RequestRecord = {
    id: `req_${randomInt(2 ** 47)
      .toString(36)
      .padStart(10, '0')}`,
    method,
    path: pathname,
    body: method === 'POST' ? text : search.slice(1),
    idempotencyKey: typeof key === 'string' ? key : null,
    atMs: simulator.clock.now(),
    status: undefined,
    replayed: false,
  };
  log.add(record);
  const result = await api.answer(record, request.headers);
  persistence?.handled(method);
  if (result === RESET) {
    record.status = 0;
    request.socket.resetAndDestroy();
    return;
  }
  record.status = result.status;
  send(response, result.status, result.body, result.headers);
}

async function close(server: http.Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

export type { StripeSimulator } from './control/controls';
export { SimulatorClock } from './state/clock';
export { recordedRequests, distinctRequests, type RecordedRequest } from './state/recorder';
export type { BillingSettings } from './billing/settings';
export type { FaultAction, FaultMatch, FaultRule } from './http/faults';
export type { EventView, SimulatorState } from './state/state';
export type { WebhookFaults } from './webhooks';
