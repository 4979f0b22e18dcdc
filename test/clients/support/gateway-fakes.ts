import { createHmac } from 'node:crypto';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { FieldProblem } from '../../../workflows/domain/shared/errors';
import type { AuthorizationReport } from '../../../workflows/domain/payment/authorization-rates';
import type { SendNoticeAgainAnswer } from '../../../workflows/domain/notice/notices';
import type { RefundFacts } from '../../../workflows/domain/refund/refund';
import type { DisputeView, FraudWarningView } from '../../../workflows/domain/dispute/view';
import type { OrderView } from '../../../workflows/domain/order/view';
import type { SubscriptionView } from '../../../workflows/domain/subscription/view';
import type { CheckoutAnswer } from '../../../workflows/checkout/messages';
import { subscriptionView } from './subscription-view';
import { disputeView, fraudWarningView } from './dispute-views';
import { noticeView } from './notice-view';

import { createGateway, type Gateway, type GatewayOptions } from '../../../clients/gateway';
import type {
  GatewayDeps,
  IdempotencyBegin,
  IdempotencyLease,
  InboxEvent,
  VerifiedEvent,
} from '../../../clients/gateway/ports';
import type { ExceptionView } from '../../../workflows/domain/exception/actions';
import { refundFacts } from '../../support/facts/refund';

/** In-memory stand-ins for what the gateway is given, which note everything that was asked of them. */

export const API_KEY = 'key-for-tests-0123456789';
export const NOW = Date.parse('2026-03-01T12:00:00.000Z');
export const WEBHOOK_SECRET = 'whsec_for_tests';

/** A verb that was sent on to a workflow. */
export interface Sent {
  readonly verb: string;
  readonly args: readonly unknown[];
}

export interface Fakes {
  readonly deps: GatewayDeps;
  readonly sent: Sent[];
  readonly stored: InboxEvent[];
  readonly orders: Map<string, OrderView>;
  readonly refunds: Map<string, RefundFacts>;
  readonly disputes: Map<string, DisputeView>;
  readonly fraudWarnings: Map<string, FraudWarningView>;
  readonly subscriptions: Map<string, SubscriptionView>;
  readonly exceptions: Map<string, ExceptionView>;
  /** Ids of workflows that do not run any more. */
  readonly ended: Set<string>;
  readonly dismissed: unknown[];
  readonly listed: unknown[];
  readonly sentAgain: unknown[];
  sendAgainAnswer: SendNoticeAgainAnswer;
  /** What the next checkout or command answers; a function may wait or throw. */
  answer: () => unknown;
  catalogueProblems: FieldProblem[];
  /** Set: every call to storage fails with it. */
  outage: Error | undefined;
  ready: { postgres: boolean; temporal: boolean };
}

export function orderView(orderId: string, changes: Partial<OrderView> = {}): OrderView {
  return {
    orderId,
    cartId: `cart-of-${orderId}`,
    channel: 'web',
    state: 'allocated',
    paymentState: 'authorized',
    currency: 'eur',
    amounts: { heldNow: 4_999, authorized: 4_999, captured: 0, released: 0, refundPending: 0, refunded: 0 },
    captureBefore: '2026-03-08T12:00:00.000Z',
    lines: [{ sku: 'MUG-1', quantity: 2, unitAmount: 2_000, shipped: 0, cancelled: 0 }],
    shipments: [],
    refunds: [],
    disputes: [],
    returns: [],
    waitingOn: 'warehouse',
    waitingUntil: '2026-03-08T00:00:00.000Z',
    waitingFor: 'to be shipped',
    placedAt: '2026-03-01T11:00:00.000Z',
    ...changes,
  };
}

export const PLACED: CheckoutAnswer = {
  state: 'placed',
  orderId: 'ord_1',
  authorizedAmount: 4_999,
  captureBefore: '2026-03-08T12:00:00.000Z',
};

export function cart(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    cartId: 'cart-1',
    currency: 'eur',
    customer: { id: 'cus-1', email: 'buyer@example.com', name: 'Sample Buyer' },
    lines: [{ sku: 'MUG-1', quantity: 2, unitAmount: 2_000 }],
    shippingAmount: 500,
    taxAmount: 499,
    shippingAddress: { line1: '1 Analytical Way', city: 'London', postalCode: 'N1 9GU', country: 'GB' },
    paymentMethod: 'pm_card_visa',
    ...changes,
  };
}

export function createFakes(): Fakes {
  const sent: Sent[] = [];
  const stored: InboxEvent[] = [];
  const fakes: Fakes = {
    sent,
    stored,
    orders: new Map([['ord_1', orderView('ord_1')]]),
    refunds: new Map([['rf_1', refundFacts()]]),
    disputes: new Map([['du_1', disputeView()]]),
    fraudWarnings: new Map([['issfr_1', fraudWarningView()]]),
    subscriptions: new Map([['sub_1', subscriptionView('sub_1')]]),
    exceptions: new Map(),
    ended: new Set(),
    dismissed: [],
    listed: [],
    sentAgain: [],
    sendAgainAnswer: { accepted: true, notice: { ...noticeView(), status: 'queued' } },
    answer: () => PLACED,
    catalogueProblems: [],
    outage: undefined,
    ready: { postgres: true, temporal: true },
    deps: undefined as unknown as GatewayDeps,
  };
  return Object.assign(fakes, { deps: depsOf(fakes) });
}

function depsOf(fakes: Fakes): GatewayDeps {
  const storage = <Value>(value: () => Value): Promise<Value> =>
    fakes.outage === undefined ? Promise.resolve().then(value) : Promise.reject(fakes.outage);
  const verb =
    (name: string) =>
    async (...args: readonly unknown[]): Promise<never> => {
      fakes.sent.push({ verb: name, args });
      return (await fakes.answer()) as never;
    };
  const reach = async (fine: boolean): Promise<void> => {
    if (!fine) throw new Error('away');
  };
  return {
    holdfast: {
      checkout: verb('checkout'),
      ship: verb('ship'),
      cancel: verb('cancel'),
      deliver: verb('deliver'),
      renewPayment: verb('renewPayment'),
      decideHold: verb('decideHold'),
      reconcile: verb('reconcile'),
      refund: verb('refund'),
      resolveRefund: verb('resolveRefund'),
      cancelRefund: verb('cancelRefund'),
      decideDispute: verb('decideDispute'),
      decideFraudWarning: verb('decideFraudWarning'),
      paySubscription: verb('paySubscription'),
      resolveException: verb('resolveException'),
      isRunning: (workflowId) => Promise.resolve(!fakes.ended.has(workflowId)),
      drain: () => Promise.resolve(),
    },
    orders: {
      getOrder: (orderId) => storage(() => fakes.orders.get(orderId)),
      getRefund: (refundId) => storage(() => fakes.refunds.get(refundId)),
      findOrderByCart: (cartId) => storage(() => [...fakes.orders.values()].find((order) => order.cartId === cartId)),
      listOrders: (filter) => storage(() => (fakes.listed.push(filter), [...fakes.orders.values()])),
      listStuck: (filter) => storage(() => (fakes.listed.push(filter), [...fakes.orders.values()])),
      listExceptions: (...filter) => storage(() => (fakes.listed.push(filter), [...fakes.exceptions.values()])),
      getException: (id) => storage(() => fakes.exceptions.get(id)),
      dismissException: (input) => storage(() => fakes.dismissed.push(input) > 0),
      checkCatalogue: () => storage(() => fakes.catalogueProblems),
    },
    settlement: { getReport: () => storage(() => undefined) },
    disputes: {
      getDispute: (id) => storage(() => fakes.disputes.get(id)),
      listDisputes: (filter) => storage(() => (fakes.listed.push(filter), [...fakes.disputes.values()])),
      getFraudWarning: (id) => storage(() => fakes.fraudWarnings.get(id)),
      listFraudWarnings: (filter) => storage(() => (fakes.listed.push(filter), [...fakes.fraudWarnings.values()])),
    },
    subscriptions: {
      getSubscription: (id) => storage(() => fakes.subscriptions.get(id)),
      listSubscriptions: (filter) => storage(() => (fakes.listed.push(filter), [...fakes.subscriptions.values()])),
    },
    notices: {
      listNotices: (filter) => storage(() => (fakes.listed.push(filter), [noticeView()])),
      countOpen: () => storage(() => ({ queued: 0, in_doubt: 1 })),
      sendAgain: (noticeKey, actor) =>
        storage(() => (fakes.sentAgain.push({ noticeKey, actor }), fakes.sendAgainAnswer)),
    },
    rates: { authorizationRates: (filter) => storage(() => (fakes.listed.push(filter), ratesOf(filter))) },
    inbox: {
      receive: (event) =>
        storage(() => {
          if (fakes.stored.some((one) => one.eventId === event.eventId)) return 'duplicate';
          fakes.stored.push(event);
          return 'stored';
        }),
      countByStatus: () => storage(() => ({ pending: fakes.stored.length })),
    },
    outbox: { countUnpublished: () => storage(() => 3) },
    idempotency: idempotencyStore(storage),
    verifyWebhook,
    readiness: { postgres: () => reach(fakes.ready.postgres), temporal: () => reach(fakes.ready.temporal) },
  };
}

/** No kind of card, nothing answered. */
function ratesOf({ from, to }: { readonly from: string; readonly to: string }): AuthorizationReport {
  return { from, to, total: { authorized: 0, declined: 0, blocked: 0, rate: null }, rates: [] };
}

type Kept = {
  readonly fingerprint: string;
  open?: boolean;
  answer?: { readonly status: number; readonly body: unknown };
};

function idempotencyStore(storage: <Value>(value: () => Value) => Promise<Value>): GatewayDeps['idempotency'] {
  const kept = new Map<string, Kept>();
  const rowOf = ({ scope, key }: IdempotencyLease): Kept | undefined => kept.get(`${scope} ${key}`);
  return {
    begin: (scope, key, fingerprint) =>
      storage((): IdempotencyBegin => {
        const lease = { scope, key, token: 'token' };
        const known = rowOf(lease);
        if (known !== undefined && known.fingerprint !== fingerprint) return { kind: 'mismatch' };
        if (known?.answer !== undefined) return { kind: 'replay', ...known.answer };
        if (known?.open === true) return { kind: 'in_flight' };
        kept.set(`${scope} ${key}`, { fingerprint, open: true });
        return { kind: 'new', lease };
      }),
    renew: () => storage(() => undefined),
    finish: (lease, status, body) =>
      // As a column of JSON would: what comes back is a copy.
      storage(
        () =>
          void Object.assign(rowOf(lease) ?? {}, {
            answer: { status, body: JSON.parse(JSON.stringify(body)) as unknown },
          }),
      ),
    release: (lease) => storage(() => void Object.assign(rowOf(lease) ?? {}, { open: false })),
    forget: ({ scope, key }) => storage(() => void kept.delete(`${scope} ${key}`)),
  };
}

class WebhookRejected extends Error {
  override readonly name = 'WebhookRejected';
  constructor(readonly reason: string) {
    super(`refused: ${reason}`);
  }
}

/** Signs as the provider does. */
export function sign(body: string | Buffer, atMs: number = NOW): string {
  const seconds = Math.floor(atMs / 1000);
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(`${seconds}.`).update(body).digest('hex');
  return `t=${seconds},v1=${signature}`;
}

function verifyWebhook(rawBody: Buffer, signature: string | undefined): VerifiedEvent {
  if (signature === undefined) throw new WebhookRejected('missing_signature');
  const seconds = Number(/^t=(\d+)/.exec(signature)?.[1]);
  if (signature !== sign(rawBody, seconds * 1000)) throw new WebhookRejected('bad_signature');
  if (NOW - seconds * 1000 > 300_000) throw new WebhookRejected('stale');
  if (seconds * 1000 > NOW + 60_000) throw new WebhookRejected('future');
  const event = JSON.parse(rawBody.toString()) as { id: string; type: string; data: { object: { id: string } } };
  return {
    eventId: event.id,
    type: event.type,
    objectId: event.data.object.id,
    createdAt: new Date(NOW).toISOString(),
    payload: event,
  };
}

/** A gateway on a free port of this machine, and its log. */
export async function startGateway(
  fakes: Fakes,
  options: Partial<GatewayOptions> = {},
): Promise<{ readonly gateway: Gateway; readonly url: string; readonly log: () => string }> {
  let text = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  // A plain logger: the gateway itself must keep secrets out of it.
  const logger = pino({ level: 'trace' }, sink);
  const gateway = await createGateway(fakes.deps, { apiKeys: [API_KEY], logger, now: () => NOW, ...options });
  const url = await gateway.listen(0, '127.0.0.1');
  return { gateway, url, log: () => text };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** One request with the API key; headers may be replaced, and removed with undefined. */
export async function request(
  url: string,
  init: { method?: string; body?: unknown; headers?: Readonly<Record<string, string | undefined>> } = {},
): Promise<Answer> {
  const { method = init.body === undefined ? 'GET' : 'POST', body } = init;
  const given = {
    authorization: `Bearer ${API_KEY}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const headers = Object.fromEntries(
    Object.entries({ ...given, ...init.headers }).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  const response = await fetch(url, {
    method,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text.startsWith('{') ? JSON.parse(text) : { text }) as Readonly<Record<string, unknown>>,
  };
}
