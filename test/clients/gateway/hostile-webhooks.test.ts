import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import { createGateway, type Gateway } from '../../../clients/gateway';
import { gatewayDependencies } from '../../../workers/dependencies/gateway-dependencies';
import { actedOn } from '../../../workers/relays/inbox-dispatcher';
import { inboxRounds } from '../../../workers/relays';
import { sampleCart } from '../../support/carts';
import { uniqueName } from '../../support/environment';
import { hostile, hostileText } from '../../support/hostile';
import { check, fc, isWhole } from '../../support/property';
import { everything, shopForThisFile, twoLines } from '../../support/shop';
import { Subscriptions } from '../../support/subscriptions';
import { stuckWorkflows } from '../../support/stuck-workflows';

// Whatever is signed is kept once and comes to an end; whatever is not signed changes nothing.

type Json = Readonly<Record<string, unknown>>;

/** An event of something that is not ours is looked at ten times, one that fails on a mistake of ours twenty times. */
const MAX_ROUNDS = 22;
/** Long enough to meet every kind of event many times, short enough for every run of the tests. */
const TIME_LIMIT_MS = isWhole ? 20_000 : 5_000;

const { world, shop } = shopForThisFile({ withoutRelays: true });
const subscriptions = new Subscriptions(world);
let gateway: Gateway;
let rounds: ReturnType<typeof inboxRounds>;
/** Objects of ours at the provider, by the names that its events call them. */
let objects: readonly Json[];

beforeAll(async () => {
  const { dependencies, client, taskQueue, holdfast, log, simulator } = world();
  gateway = await createGateway(gatewayDependencies(dependencies, holdfast), {
    apiKeys: ['key-for-tests-0123456789'],
    logger: pino({ level: 'silent' }),
  });
  await gateway.listen(0, '127.0.0.1');
  rounds = inboxRounds({ dependencies, client, taskQueue, log });
  const [refunded, disputed, held] = [await place(), await place(), await place()];
  for (const orderId of [refunded, disputed]) await holdfast.ship(orderId, everything());
  await holdfast.refund(refunded, { amount: 700, reason: 'requested_by_customer' });
  simulator.openDispute({ paymentIntent: shop.intentsOf(disputed)[0]?.id ?? '' });
  const { subscriptionId } = await subscriptions.begin();
  await simulator.flush();
  await drain();
  // From here on, only this test sends events.
  simulator.setWebhookFaults({ dropTypes: ['*'] });
  const intents = [refunded, disputed, held].flatMap((orderId) => shop.intentsOf(orderId));
  objects = [
    ...intents,
    ...simulator.state.refunds(),
    ...simulator.state.disputes(),
    { object: 'charge', id: 'ch_1', payment_intent: intents[0]?.id, metadata: {} },
    { object: 'radar.early_fraud_warning', id: 'issfr_1', charge: intents[2]?.latest_charge },
    { object: 'subscription', id: subscriptionId, metadata: {} },
    { object: 'invoice', id: 'in_1', parent: { subscription_details: { subscription: subscriptionId } } },
  ].map((one) => JSON.parse(JSON.stringify(one)) as Json);
}, 90_000);
afterAll(() => gateway.close());

/** No relay runs here: the first command starts the order's workflow. */
async function place(): Promise<string> {
  const answer = await world().holdfast.checkout(sampleCart({ lines: twoLines }));
  if (answer.state !== 'placed') throw new Error(JSON.stringify(answer));
  return answer.orderId;
}

/** Looks at everything until nothing waits any more; answers with what still does. */
async function drain(): Promise<unknown[]> {
  const { pool } = world().dependencies;
  const open = `status IN ('pending', 'waiting')`;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const due = await pool.query(`UPDATE inbox SET next_attempt_at = received_at WHERE ${open}`);
    if (due.rowCount === 0) return [];
    await rounds.orders();
    await rounds.subscriptions();
  }
  // Put aside: they are reported once, and hold up no other.
  const told = 'left(event_id, 99) AS id, type, attempts, left(last_error, 300) AS why';
  const end = `UPDATE inbox SET status = 'ignored', finished_at = now() WHERE ${open} RETURNING ${told}`;
  return (await pool.query(end)).rows;
}

/** Fields that somebody reads, in one of our objects or in the event around it. */
const FIELDS = [
  'id',
  'object',
  'type',
  'created',
  'data',
  'account',
  'livemode',
  'data.object',
  'data.object.id',
  'data.object.object',
  'data.object.payment_intent',
  'data.object.charge',
  'data.object.status',
  'data.object.amount',
  'data.object.metadata',
  'data.object.metadata.holdfast_order_id',
  'data.object.metadata.holdfast_refund_id',
  'data.object.failure_balance_transaction',
  'data.object.balance_transactions',
  'data.object.parent',
  'data.object.parent.subscription_details',
  'data.object.parent.subscription_details.subscription',
];

function spoil(event: Json, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() as string;
  let at: unknown = event;
  for (const name of names) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : at;
  if (typeof at === 'object' && at !== null) (at as Record<string, unknown>)[last] = value;
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Ids that are known to us or to nobody, in the place of others, too. */
const known = fc
  .constantFrom('pi_', 're_', 'du_', 'sub_', 'ch_')
  .chain((prefix) =>
    fc
      .nat()
      .map(
        (n) =>
          objects.map((one) => String(one['id'])).filter((id) => id.startsWith(prefix))[n % 3] ?? `${prefix}of_nobody`,
      ),
  );
const worse = fc.oneof(
  { weight: 3, arbitrary: hostile },
  { weight: 1, arbitrary: known },
  { weight: 1, arbitrary: fc.constantFrom<unknown>('..', '.', 'a/b?c#d', [null], 'x'.repeat(255), '漢'.repeat(255)) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>('x'.repeat(100_000), -5, 4_102_444_801, 1.5, 1e308, 2 ** 53) },
);

/** Kinds of events, and of what they mostly speak. */
const SPEAKS_OF: readonly (readonly [prefix: string, object: string])[] = [
  ['payment_intent.', 'payment_intent'],
  ['charge.refund.', 'refund'],
  ['charge.dispute.', 'dispute'],
  ['charge.', 'charge'],
  ['refund.', 'refund'],
  ['radar.', 'radar.early_fraud_warning'],
  ['customer.subscription.', 'subscription'],
  ['invoice.', 'invoice'],
];

function objectFor(type: string, about: number, fits: boolean): Json {
  const name = SPEAKS_OF.find(([prefix]) => type.startsWith(prefix))?.[1];
  const fitting = objects.filter((one) => one['object'] === name);
  const some = fits && fitting.length > 0 ? fitting : objects;
  return structuredClone(some[about % some.length] as Json);
}

/** An event that speaks of something of ours, hostile in a few places. */
const spoilt = fc
  .record({
    type: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...actedOn) }, { weight: 1, arbitrary: hostileText }),
    about: fc.nat(100),
    fits: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
    again: fc.integer({ min: 0, max: 9 }).map((n) => n > 8),
    changes: fc.array(fc.tuple(fc.constantFrom(...FIELDS), worse), { maxLength: 3 }),
  })
  .map(({ type, about, fits, again, changes }) => {
    const id = again ? `evt_again_${about % 20}` : uniqueName('evt');
    return eventText(id, type, objectFor(type, about, fits), changes);
  });

function eventText(id: string, type: string, object: Json, changes: readonly (readonly [string, unknown])[]): string {
  const event = { id, object: 'event', type, created: Math.floor(Date.now() / 1000), data: { object } };
  // Copied: one value may come twice, and would then be spoilt inside itself.
  for (const [path, value] of changes) spoil(event, path, structuredClone(value));
  return JSON.stringify(event);
}

/** What one handler or another once failed on, or asked the provider for in vain. */
function examples(): string[] {
  const ids = ['', '..', 'a/b?c', 'x'.repeat(256), 'x'.repeat(100_000), 7, {}, [], null];
  const cases: [type: string, path: string, values: readonly unknown[]][] = [
    ['charge.dispute.created', 'data.object', ids.map((charge) => ({ object: 'dispute', id: 'du_1', charge }))],
    ['charge.dispute.closed', 'data.object.balance_transactions', [[null], [7], 'x', [{ amount: 'x' }]]],
    ['radar.early_fraud_warning.created', 'data.object.charge', ids],
    ['customer.subscription.updated', 'data.object.id', ids],
    ['payment_intent.canceled', 'data.object.id', ids],
    ['refund.updated', 'data.object.id', ids],
    ['refund.updated', 'data.object.payment_intent', ids],
    ['invoice.paid', 'data.object.parent.subscription_details.subscription', ids],
    ['refund.updated', 'data.object.metadata', ids.map((id) => ({ holdfast_refund_id: id }))],
    [
      'payment_intent.canceled',
      'data.object',
      ids.map((id) => ({ object: 'payment_intent', id: 'pi_x', metadata: { holdfast_order_id: id } })),
    ],
  ];
  return cases.flatMap(([type, path, values]) =>
    values.map((value) => eventText(uniqueName('evt'), type, objectFor(type, 0, true), [[path, value]])),
  );
}

const anyBody = fc.oneof(
  { weight: 12, arbitrary: spoilt },
  { weight: 2, arbitrary: fc.json() },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '{', 'null', '1e400', nested(50), nested(5_000), '\ufeff{}', '"\ud83d"'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(101, 5_000).map((depth) => `{"object":"event","data":{"object":${nested(depth)}}}`),
  },
);
/** Text as it came from the generator, so that a failure can be read, and how it is written. */
const bodies = fc.record({
  text: anyBody,
  encoding: fc.constantFrom<BufferEncoding>('utf8', 'utf8', 'utf8', 'utf8', 'utf8', 'utf8', 'utf16le', 'latin1'),
});

async function deliver(body: Buffer, header: string): Promise<{ readonly status: number; readonly body: Json }> {
  const response = await fetch(`${gateway.url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': header },
    body,
  });
  return { status: response.status, body: (await response.json()) as Json };
}

async function count(): Promise<number> {
  const { rows } = await world().dependencies.pool.query<{ n: number }>('SELECT count(*)::int AS n FROM inbox');
  return rows[0]?.n ?? 0;
}

/** Events that no handler could make anything of: a hostile one is ignored, never a mistake of ours. */
async function failed(): Promise<unknown[]> {
  const told = 'left(event_id, 99) AS id, type, attempts, left(last_error, 300) AS why';
  const text = `UPDATE inbox SET status = 'ignored' WHERE status = 'failed' RETURNING ${told}`;
  return (await world().dependencies.pool.query(text)).rows;
}

/** Delivers it twice; answers with what of it still waits. */
async function keptAndEnded(body: Buffer): Promise<unknown[]> {
  const before = await count();
  const first = await deliver(body, sign(body));
  expect(first).toMatchObject({ status: 200, body: { received: true } });
  const added = first.body['duplicate'] === true ? 0 : 1;
  expect(await deliver(body, sign(body))).toMatchObject({ status: 200, body: { duplicate: true } });
  expect(await count()).toBe(before + added);
  return drain();
}

test('ids and texts that cannot be looked up are stored once and processed to an end', async () => {
  const waiting: unknown[] = [];
  for (const text of examples()) waiting.push(...(await keptAndEnded(Buffer.from(text))));
  expect([...waiting, ...(await failed())]).toEqual([]);
}, 90_000);

test('whatever is signed is stored once and processed to an end', async () => {
  const statuses = new Map<string, number>();
  await check(
    'no signed event is our own error, is lost or goes on for ever',
    fc.asyncProperty(bodies, async ({ text, encoding }) => {
      expect(await keptAndEnded(Buffer.from(text, encoding))).toEqual([]);
      expect(await failed()).toEqual([]);
    }),
    { numRuns: 2_000, interruptAfterTimeLimit: TIME_LIMIT_MS, markInterruptAsFailure: false },
  );
  const { rows } = await world().dependencies.pool.query<{ status: string; n: number; why: string }>(
    'SELECT status, last_error AS why, count(*)::int AS n FROM inbox GROUP BY 1, 2',
  );
  for (const { status, n, why } of rows) statuses.set(`${status}: ${why}`, n);
  process.stdout.write(`${[...statuses].map(([what, n]) => `${n} ${what}`).join('\n')}\n`);
  expect(await stuckWorkflows(world())).toEqual([]);
}, 120_000);

const header = fc.oneof(
  fc.string({ unit: fc.constantFrom('t', 'v', '1', '0', '=', ',', 'a', ' ', '-', 'f'), maxLength: 90 }),
  fc
    .tuple(
      fc.constantFrom('1', '-1', '9'.repeat(12), '9'.repeat(13), 'NaN', '1e9', ''),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 }),
    )
    .map(([t, v1]) => `t=${t},v1=${v1}`),
);

test('whatever is not signed changes nothing', async () => {
  await check(
    'no signature but the right one is taken',
    fc.asyncProperty(header, spoilt, async (signature, body) => {
      const before = await count();
      const answer = await deliver(Buffer.from(body), signature.trim());
      expect([answer.status, answer.body['code']]).toEqual([400, expect.stringMatching(/^(bad|missing)_signature$/)]);
      expect(await count()).toBe(before);
    }),
    { numRuns: 300 },
  );
});

function sign(body: Buffer): string {
  const seconds = Math.floor(Date.now() / 1000);
  const { webhookSecret } = world().simulator;
  return `t=${seconds},v1=${createHmac('sha256', webhookSecret).update(`${seconds}.`).update(body).digest('hex')}`;
}
