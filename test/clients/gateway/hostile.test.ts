import { pino } from 'pino';
import { createGateway, type Gateway } from '../../../clients/gateway';
import { gatewayDependencies } from '../../../workers/dependencies/gateway-dependencies';
import { sampleCart } from '../../support/carts';
import { closeConnections } from '../../support/environment';
import { hostile, hostileText } from '../../support/hostile';
import { check, fc } from '../../support/property';
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

let world: World;
let gateway: Gateway;
let routes: readonly Route[];
let orderId: string;

beforeAll(async () => {
  world = await createWorld({ withoutRelays: true });
  const deps = gatewayDependencies(world.dependencies, world.holdfast);
  gateway = await createGateway(deps, { apiKeys: [API_KEY], logger: pino({ level: 'silent' }) });
  await gateway.listen(0, '127.0.0.1');
  const placed = await request(`${gateway.url}/v1/checkouts`, { body: sampleCart() });
  orderId = String(placed.body['orderId']);
  routes = routesOf((await request(`${gateway.url}/openapi.json`)).body);
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await world.close();
  await closeConnections();
});

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

/** A good cart of which a few fields are hostile: more of it comes past the edge than of what a schema alone makes. */
const spoiltCart = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'cartId',
        'customer.id',
        'customer.email',
        'customer.name',
        'lines.0.sku',
        'lines.0.quantity',
        'lines.0.unitAmount',
        'currency',
        'shippingAmount',
        'taxAmount',
        'paymentMethod',
        'channel',
      ),
      hostile,
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((changes) => {
    const cart = structuredClone(sampleCart()) as unknown as Record<string, unknown>;
    for (const [path, value] of changes) {
      const names = path.split('.');
      const last = names.pop() as string;
      const target = names.reduce<Record<string, unknown>>((at, name) => at[name] as Record<string, unknown>, cart);
      target[last] = value;
    }
    return cart as unknown;
  });

const inUrl = hostileText.map((text) => encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd')).slice(0, 2_000));

function requestOf(
  route: Route,
): fc.Arbitrary<{ readonly method: string; readonly path: string; readonly body: unknown }> {
  const { method, query } = route;
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  const parameter = fc.oneof(
    fc.constantFrom(orderId, 'unknown_1'),
    inUrl.filter((one) => one !== ''),
  );
  const schema = route.body;
  const body =
    schema === undefined
      ? fc.constant(undefined)
      : fc.oneof(valueOf(schema), ...(route.path === '/v1/checkouts' ? [spoiltCart] : []));
  return fc
    .tuple(fc.tuple(...names.map(() => parameter)), fc.tuple(...query.map(() => fc.option(inUrl))), body)
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
    { numRuns: 1_000, interruptAfterTimeLimit: TIME_LIMIT_MS, markInterruptAsFailure: false },
  );
  process.stdout.write(`answers by status: ${JSON.stringify([...seen])}\n`);
  expect(await stuckWorkflows(world)).toEqual([]);
}, 90_000);
