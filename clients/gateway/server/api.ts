import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authenticate } from './auth';
import { idempotencyKey, runOnce, type Outcome } from './idempotency';
import type { Call, Operation } from './operation';
import type { IdempotencyStore } from '../ports';
import { notFound, Problem } from './problem';

/** Serves the API's operations behind the API key. A known route with another method is answered 405, an unknown route 404. */
export function registerApi(
  app: FastifyInstance,
  operations: readonly Operation[],
  idempotency: IdempotencyStore,
  authenticate: Authenticate,
): void {
  void app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      authenticate(request.headers.authorization);
    });
    for (const operation of operations) {
      scope.route({
        method: operation.method,
        url: operation.path,
        handler: async (request, reply) => {
          const outcome = await serve(operation, request, idempotency, authenticate);
          return reply
            .status(outcome.status)
            .headers(outcome.headers ?? {})
            .send(outcome.body);
        },
      });
    }
  });
  refuseUnknownRoutes(app, operations);
}

async function serve(
  operation: Operation,
  request: FastifyRequest,
  idempotency: IdempotencyStore,
  authenticate: Authenticate,
): Promise<Outcome> {
  const { method, path } = operation;
  const params = request.params as Readonly<Record<string, string>>;
  const actor = authenticate(request.headers.authorization);
  const scope = `${actor} ${method} ${pathOf(path, params)}`;
  const key = method === 'POST' ? idempotencyKey(request.headers['idempotency-key']) : undefined;
  const call: Call = {
    orderId: params['orderId'] ?? '',
    params,
    // An absent body counts as an object without fields, so that the answer names each field that is missing.
    body: request.body ?? {},
    query: request.query,
    actor,
    options: key === undefined ? {} : { idempotencyKey: `${scope}:${key}` },
    log: request.log,
  };
  const run = operation.prepare(call);
  return runOnce(idempotency, { scope, key, content: { params, body: call.body }, log: request.log }, run);
}

/** The requested path in one spelling: percent-encoding allows many for the same path. */
function pathOf(pattern: string, params: Readonly<Record<string, string>>): string {
  return pattern.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

/** Routes that are served beside the operations. */
const OTHERS: readonly (readonly [method: string, path: string])[] = [
  ['POST', '/webhooks/stripe'],
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', '/metrics'],
  ['GET', '/openapi.json'],
];

function refuseUnknownRoutes(app: FastifyInstance, operations: readonly Operation[]): void {
  const routes = [...operations.map(({ method, path }) => [method, path] as const), ...OTHERS].map(
    ([method, path]) => ({ method, pattern: new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`) }),
  );
  app.setNotFoundHandler((request) => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
    if (allowed.length === 0 || allowed.includes(request.method)) throw notFound('This route');
    throw new Problem(
      405,
      `${request.method} is not allowed on this route; use ${allowed.join(', ')}`,
      { code: 'method_not_allowed' },
      { allow: allowed.join(', ') },
    );
  });
}
