import { pino } from 'pino';
import { createGateway, type Gateway } from '../../../clients/gateway';
import { gatewayDependencies } from '../../../workers/dependencies/gateway-dependencies';
import { sampleCart } from '../../support/carts';
import { closeConnections } from '../../support/environment';
import { Disputes, FraudWarnings } from '../../support/disputes';
import { refundIn } from '../../support/refunds';
import { Shop } from '../../support/shop';
import { hostile, hostileText } from '../../support/hostile';
import { check, fc, isWhole } from '../../support/property';
import { stuckWorkflows } from '../../support/stuck-workflows';
import { createWorld, type World } from '../../support/world';
import { API_KEY, request } from '../support/gateway-fakes';

// Every route of the OpenAPI document, with hostile values in place of good ones: never our own error, never a stuck workflow.

type Json = Readonly<Record<string, unknown>>;
interface Route {
  readonly method: string;
  readonly path: string;
  readonly body: Json | undefined;
  readonly query: readonly string[];
}

/** Long enough to meet every route several times, short enough for every run of the tests. */
const TIME_LIMIT_MS = 40_000;
const RUNS = isWhole ? 1_000 : 300;

let world: World;
let gateway: Gateway;
let routes: readonly Route[];
/** Ids of what there is, by the name of a path's parameter: what is asked of them comes past the question whether they are known. */
let known: Readonly<Record<string, readonly string[]>>;

beforeAll(async () => {
  world = await createWorld();
  const deps = gatewayDependencies(world.dependencies, world.holdfast);
  gateway = await createGateway(deps, { apiKeys: [API_KEY], logger: pino({ level: 'silent' }) });
  await gateway.listen(0, '127.0.0.1');
  known = await moneyMoved();
  routes = routesOf((await request(`${gateway.url}/openapi.json`)).body);
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await world.close();
  await closeConnections();
});

/** An order untouched, one of which a refund failed and another is under way, one that is disputed, one with a fraud warning. */
async function moneyMoved(): Promise<typeof known> {
  const shop = new Shop(() => world);
  const disputes = new Disputes(() => world, shop);
  const untouched = await shop.place();
  const [refunded, disputed, warned] = await Promise.all([1, 2, 3].map(() => disputes.shippedOrder('part')));
  const refundIds = [];
  for (const then of ['fail', 'stay'] as const) {
    world.simulator.setNextRefund({ kind: 'pending', then, afterMs: 0 });
    const answer = await world.holdfast.refund(refunded ?? '', { amount: 100, reason: 'duplicate' });
    if (!answer.accepted || answer.state === 'voided') throw new Error(JSON.stringify(answer));
    refundIds.push(answer.refundId);
    await refundIn(world, answer.refundId, then === 'fail' ? 'failed' : 'pending');
  }
  const disputeId = await disputes.opened(disputed ?? '');
  const warningId = await new FraudWarnings(() => world).raised(disputes.paymentOf(warned ?? ''));
  const exceptions = await world.dependencies.queries.listExceptions();
  return {
    orderId: [untouched, refunded, disputed, warned].filter((one) => one !== undefined),
    refundId: refundIds,
    disputeId: [disputeId],
    warningId: [warningId],
    exceptionId: exceptions.map((one) => one.exceptionId),
  };
}

function routesOf(document: Json): Route[] {
  return Object.entries(document['paths'] as Record<string, Record<string, Json>>)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const content = (operation['requestBody'] as { content?: Record<string, { schema: Json }> } | undefined)
          ?.content;
        const parameters = (operation['parameters'] ?? []) as readonly { in: string; name: string }[];
        const query = parameters.filter((one) => one.in === 'query').map((one) => one.name);
        return { method: method.toUpperCase(), path, body: content?.['application/json']?.schema, query };
      }),
    );
}

/** A value that the schema takes, or nearly: every part of it is hostile now and then. */
function valueOf(schema: Json): fc.Arbitrary<unknown> {
  const good = goodValue(schema);
  return fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: hostile });
}

function goodValue(schema: Json): fc.Arbitrary<unknown> {
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if ('const' in schema) return fc.constant(schema['const']);
  switch (schema['type']) {
    case 'object': {
      const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Json>);
      return fc.record(Object.fromEntries(properties.map(([name, one]) => [name, valueOf(one)])), { requiredKeys: [] });
    }
    case 'array':
      return fc.array(valueOf((schema['items'] ?? {}) as Json), { minLength: 1, maxLength: 3 });
    case 'integer':
    case 'number':
      return fc.integer({ min: 0, max: 5_000 });
    default:
      return fc.constantFrom(
        'MUG-BLUE',
        'eur',
        'buyer@example.com',
        'DE',
        '10115',
        'pm_card_visa',
        '2026-01-01T00:00:00Z',
      );
  }
}

/** Good requests: with a few fields hostile, more of them comes past the edge than of what a schema alone makes. */
const lines = [{ sku: 'MUG-BLUE', quantity: 1 }];
const actor = 'person-1';
const good: Readonly<Record<string, readonly object[]>> = {
  '/v1/checkouts': [sampleCart()],
  '/v1/orders/{orderId}/shipments': [{ lines, carrier: 'dhl', trackingNumber: 'T-1', warehouseId: 'berlin' }],
  '/v1/orders/{orderId}/cancel': [{ reason: 'late', actor }],
  '/v1/orders/{orderId}/refunds': [
    { amount: 100, currency: 'eur', reason: 'duplicate', actor },
    { lines, reason: 'duplicate' },
  ],
  '/v1/refunds/{refundId}/resolution': [
    { action: 'manual_transfer', reference: 'transfer 1', actor },
    { action: 'another_refund', actor },
  ],
  '/v1/refunds/{refundId}/cancel': [{ actor }],
  '/v1/disputes/{disputeId}/decision': [
    { action: 'submit', note: 'sent', uncategorizedText: 'It was delivered.', actor },
  ],
  '/v1/fraud-warnings/{warningId}/decision': [
    { action: 'refund', actor },
    { action: 'ignore', actor },
  ],
  '/v1/exceptions/{exceptionId}/resolution': [
    { action: 'retry', note: 'again', actor },
    { action: 'dismiss', note: 'settled', actor },
  ],
};

function spoilt(body: object): fc.Arbitrary<unknown> {
  const changes = fc.array(fc.tuple(fc.constantFrom(...pathsOf(body)), hostile), { maxLength: 2 });
  return changes.map((all) => {
    const copy = structuredClone(body) as Record<string, unknown>;
    for (const [path, value] of all) {
      const names = path.split('.');
      const last = names.pop() as string;
      const target = names.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], copy);
      if (typeof target === 'object' && target !== null) (target as Record<string, unknown>)[last] = value;
    }
    return copy;
  });
}

/** Paths of all fields, those of objects and lists included. */
function pathsOf(value: object): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null ? [name, ...pathsOf(inner).map((path) => `${name}.${path}`)] : [name],
  );
}

const inUrl = hostileText.map((text) => encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd')).slice(0, 2_000));

function requestOf(
  route: Route,
): fc.Arbitrary<{ readonly method: string; readonly path: string; readonly body: unknown }> {
  const { method, query } = route;
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  const parameter = (name: string): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...(known[name] ?? []), 'unknown_1') },
      { weight: 1, arbitrary: inUrl.filter((one) => one !== '') },
    );
  const schema = route.body;
  const body =
    schema === undefined
      ? fc.constant(undefined)
      : fc.oneof(
          { weight: 1, arbitrary: valueOf(schema) },
          ...(good[route.path] ?? []).map((one) => ({ weight: 2, arbitrary: spoilt(one) })),
        );
  return fc
    .tuple(fc.tuple(...names.map(parameter)), fc.tuple(...query.map(() => fc.option(inUrl))), body)
    .map(([parameters, values, content]) => {
      const path = names.reduce((at, name, index) => at.replace(`{${name}}`, parameters[index] as string), route.path);
      const search = query
        .flatMap((name, index) => (values[index] === null ? [] : [`${name}=${values[index]}`]))
        .join('&');
      return { method, path: search === '' ? path : `${path}?${search}`, body: content };
    });
}

test('hostile values on every route: never our own error, never a stuck workflow', async () => {
  expect(routes.length).toBeGreaterThan(15);
  const anyRequest = fc.constantFrom(...routes).chain(requestOf);
  const seen = new Map<number, number>();
  await check(
    'no hostile request is our own error',
    fc.asyncProperty(anyRequest, async ({ method, path, body }) => {
      const response = await fetch(`${gateway.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
      });
      const answer = await response.text();
      seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
      if (response.status >= 500)
        throw new Error(`${method} ${path} answered ${response.status}: ${answer.slice(0, 300)}`);
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: TIME_LIMIT_MS, markInterruptAsFailure: false },
  );
  process.stdout.write(`answers by status: ${JSON.stringify([...seen])}\n`);
  expect(await stuckWorkflows(world)).toEqual([]);
}, 90_000);
