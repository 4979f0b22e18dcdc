import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply } from 'fastify';

import { createAuthenticator } from './server/auth';
import { checkoutOperations } from './routes/checkouts';
import { disputeOperations } from './routes/disputes';
import { exceptionOperations } from './routes/exceptions';
import { registerHealth } from './server/health';
import { registerPaymentPage } from './routes/payment-page';
import { createLogger, withRedaction } from './server/logging';
import { createMetrics, type GatewayMetrics } from './server/metrics';
import { noticeOperations } from './routes/notices';
import { openApiDocument } from './server/openapi';
import { orderOperations } from './routes/orders';
import { rateGauges, rateOperations } from './routes/payment-rates';
import type { GatewayDeps } from './ports';
import { Problem, PROBLEM_TYPE, toProblem, unavailable } from './server/problem';
import { registerApi } from './server/api';
import { refundOperations } from './routes/refunds';
import { settlementOperations } from './routes/settlement';
import { subscriptionOperations } from './routes/subscriptions';
import { registerWebhooks } from './routes/webhooks';

export type { GatewayDeps } from './ports';

export interface GatewayOptions {
  /** Each opens /v1; there are several while one is being rotated. At least 16 characters each. */
  readonly apiKeys: readonly string[];
  /** Shown in the API's documentation. */
  readonly version?: string;
  /** Default: JSON lines at level `info` to standard output. */
  readonly logger?: FastifyBaseLogger;
  /** How long a request may take to arrive, in milliseconds. Default 20 s. */
  readonly requestLimitMs?: number;
  /** How long a connection may be idle, in milliseconds; a client that does not read its answer counts as idle. Default 60 s. */
  readonly silenceLimitMs?: number;
  /** Connections above this number are closed at once, without an answer. Default 5,000. */
  readonly maxConnections?: number;
  /** Limit of a provider's event in bytes; a larger one is fetched later, as a missed event. Default 4 MiB. */
  readonly webhookLimitBytes?: number;
  /** How long `close` waits for running requests, in milliseconds. Default 28 s. */
  readonly closeLimitMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface Gateway {
  /** Resolves with the URL once it accepts requests. Port 0: any free one. */
  listen(port: number, host: string): Promise<string>;
  /** Accepts no more requests, waits for the running ones up to the limit, then cuts them off. */
  close(): Promise<void>;
  /** Where it listens; throws before `listen`. */
  readonly url: string;
}

/** A cart of a hundred lines with the longest ids has about 30 KiB. */
const BODY_LIMIT_BYTES = 256 * 1024;

/** The longest wait of a request for the bank (25 s), and the time to record its answer. */
const CLOSE_LIMIT_MS = 28_000;

/** A slow mobile line sends 256 KiB in less; a request that trickles in for longer only holds memory. */
const REQUEST_LIMIT_MS = 20_000;
/** How often the server looks for slow requests. */
const CONNECTIONS_CHECK_MS = 1_000;
/** Longer than a request waits for the bank; a client that does not read its answer holds memory until then. */
const SILENCE_LIMIT_MS = 60_000;
/**
 * Each connection may hold a body in memory, and no shop needs more of them. Those above are closed without an answer, since
 * answering thousands of them would cost what the limit saves; a load balancer tries another gateway.
 */
const MAX_CONNECTIONS = 5_000;

/** Builds the HTTP gateway over its dependencies. @throws RangeError for missing or short API keys */
export async function createGateway(deps: GatewayDeps, options: GatewayOptions): Promise<Gateway> {
  const { now = Date.now, closeLimitMs = CLOSE_LIMIT_MS } = options;
  const authenticate = createAuthenticator(options.apiKeys);
  const metrics = createMetrics(deps);
  rateGauges(deps.rates, [metrics.registry], now);
  const state = { closing: false };
  const app = createServer(withRedaction(options.logger ?? createLogger('info')), options);
  const operations = [
    ...checkoutOperations(deps, metrics),
    ...orderOperations(deps, metrics, now),
    ...refundOperations(deps, metrics),
    ...disputeOperations(deps, metrics),
    ...exceptionOperations(deps, metrics),
    ...settlementOperations(deps),
    ...subscriptionOperations(deps),
    ...noticeOperations(deps),
    ...rateOperations(deps, now),
  ];
  const document = openApiDocument(operations, options.version ?? '0.1.0');

  observe(app, metrics, () => state.closing);
  app.server.on('drop', () => metrics.dropped.inc());
  app.addHook('onRequest', async (request) => {
    if (state.closing && request.url !== '/readyz' && request.url !== '/healthz') {
      throw unavailable('The gateway is shutting down; send the same request again', { code: 'closing' });
    }
  });
  // The static mode serves any document; its types know only 3.0.
  await app.register(swagger, {
    mode: 'static',
    specification: { document: document as unknown as StaticDocumentSpec['document'] },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  app.get('/openapi.json', { schema: { hide: true } }, () => document);
  registerHealth(app, deps, metrics, () => state.closing);
  registerPaymentPage(app);
  registerWebhooks(app, deps, metrics, options.webhookLimitBytes);
  registerApi(app, operations, deps.idempotency, authenticate);

  return {
    get url() {
      return urlOf(app);
    },
    listen: async (port, host) => {
      await app.listen({ port, host });
      return urlOf(app);
    },
    close: async () => {
      state.closing = true;
      await closeWithin(app, deps.holdfast, closeLimitMs);
      metrics.registry.clear();
    },
  };
}

function createServer(logger: FastifyBaseLogger, options: GatewayOptions): FastifyInstance {
  const { requestLimitMs = REQUEST_LIMIT_MS, silenceLimitMs = SILENCE_LIMIT_MS } = options;
  const app = Fastify({
    loggerInstance: logger,
    // `observe` writes one line for each answer, without personal data.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: requestLimitMs,
    connectionTimeout: silenceLimitMs,
    http: {
      // Hazard: where headersTimeout (default 60 s) exceeds requestTimeout, Node applies it to the whole request.
      headersTimeout: requestLimitMs,
      connectionsCheckingInterval: Math.min(CONNECTIONS_CHECK_MS, requestLimitMs),
    },
    // The onRequest hook answers while closing: fastify's own answer is not problem+json.
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers['x-request-id']),
    frameworkErrors: (error, request, reply) => void sendError(error, request.log, reply),
    clientErrorHandler: refuseConnection,
    routerOptions: { maxParamLength: 200 },
  });
  app.server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error, request, reply) => {
    const isGone = request.raw.destroyed && !request.raw.complete;
    if (!isGone) return sendError(error, request.log, reply);
    // The client will not see this answer, so it is logged.
    const { method, routeOptions } = request;
    request.log.info({ method, route: routeOptions.url }, 'the client closed the connection');
    return sendError(new Problem(400, 'The client closed the connection', { code: 'closed' }), request.log, reply);
  });
  return app;
}

/** Uses the caller's own request id where it is well-formed, so that both logs can be read together. */
function requestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(header) ? header : randomUUID();
}

function sendError(error: unknown, log: FastifyBaseLogger, reply: FastifyReply): FastifyReply {
  const problem =
    toProblem(error) ??
    new Problem(500, 'An internal error; it was logged with the x-request-id of this answer', { code: 'internal' });
  if (problem.status >= 500) log.error({ err: error }, 'a request failed');
  return reply.status(problem.status).headers(problem.headers).type(PROBLEM_TYPE).send(problem.toBody());
}

/** Answers what is not well-formed HTTP, which reaches no route. */
function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || socket.destroyed) return;
  const problem =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new Problem(408, 'The request took too long to arrive', { code: 'request_timeout' })
      : new Problem(400, 'This is not well-formed HTTP', { code: 'malformed_request' });
  const body = JSON.stringify(problem.toBody());
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Counts and logs every answer, under its route's pattern. */
function observe(app: FastifyInstance, metrics: GatewayMetrics, isClosing: () => boolean): void {
  app.addHook('onSend', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    // A connection that is kept alive would delay the shutdown until its limit.
    if (isClosing()) void reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    const method = request.method;
    const route = request.routeOptions.url ?? 'unknown';
    metrics.requests.inc({ method, route, status: reply.statusCode });
    metrics.latency.observe({ method, route }, reply.elapsedTime / 1000);
    request.log.info({ method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
}

function urlOf(app: FastifyInstance): string {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The gateway is not listening');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

/** Waits for requests, then for their calls to Temporal, which may outlast them; at the limit it gives up waiting. */
async function closeWithin(app: FastifyInstance, holdfast: GatewayDeps['holdfast'], limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      app.server.closeAllConnections();
      resolve();
    }, limitMs);
  });
  try {
    await app.close();
    await Promise.race([holdfast.drain(), limit]);
  } finally {
    clearTimeout(timer);
  }
}
