import { Client, Connection, type WorkflowExecutionDescription } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import {
  createHoldfastClient,
  Misconfigured,
  OutcomePending,
  ValidationError,
  type CheckoutRequest,
} from '../../../clients/client';
import { searchAttributes } from '../../../workflows/kit/search-attributes';
import { namespaceStep } from '../../../workers/setup/namespace';
import {
  closeConnections,
  getClient,
  getConnection,
  getNativeConnection,
  testEnvironment,
  uniqueName,
} from '../../support/environment';
import { cart } from '../support/gateway-fakes';

// The client on the real server; the workflows are stand-ins that end in awkward ways.

const taskQueue = uniqueName('client');
const runs = new Map<string, number>();
let client: Client;
let worker: Worker;
let running: Promise<void>;

beforeAll(async () => {
  client = await getClient();
  worker = await Worker.create({
    connection: await getNativeConnection(),
    namespace: testEnvironment().temporalNamespace,
    taskQueue,
    workflowsPath: require.resolve('../support/client-workflows'),
    activities: {
      countRun: async (workflow: string) => {
        runs.set(workflow, (runs.get(workflow) ?? 0) + 1);
        return runs.get(workflow);
      },
    },
  });
  running = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await closeConnections();
});

const holdfast = (waitMs = 20_000, queue = taskQueue): ReturnType<typeof createHoldfastClient> =>
  createHoldfastClient({ client, taskQueue: queue, waitMs });
const request = (changes: Readonly<Record<string, unknown>> = {}): CheckoutRequest =>
  cart({ cartId: uniqueName('cart'), ...changes }) as unknown as CheckoutRequest;
const SHIPMENT = { lines: [{ sku: 'MUG-1', quantity: 1 }], carrier: 'dhl', trackingNumber: '1' };

test('a checkout is one workflow per cart, with a summary and attributes that contain nothing personal', async () => {
  const body = request();
  const answer = await holdfast().checkout(body);
  expect(answer).toMatchObject({ state: 'placed', orderId: expect.stringMatching(/^ord_[0-9a-f]{32}$/) as string });
  const handle = client.workflow.getHandle(`checkout-${body.cartId}`);
  const description: WorkflowExecutionDescription = await handle.describe();
  expect(description.type).toBe('checkout');
  expect(description.typedSearchAttributes.get(searchAttributes.channel)).toBe('web');
  expect(await description.staticSummary()).toBe('Checkout of 49.99 EUR');
  const told = `${await description.staticSummary()} ${await description.staticDetails()}`;
  expect(told).not.toMatch(/ada|Lovelace|example|pm_/i);
});

test('a missing namespace or search attribute is not a passing failure', async () => {
  const connection = await getConnection();
  const namespace = uniqueName('bare');
  const bare = createHoldfastClient({ client: new Client({ connection, namespace }), taskQueue });
  const noNamespace = await bare.checkout(request()).catch((error: unknown) => error);
  expect(noNamespace).toBeInstanceOf(Misconfigured);
  expect(String(noNamespace)).toMatch(new RegExp(`${namespace}.*holdfast doctor`));
  await expect(bare.reconcile('2026-01-31')).rejects.toThrow(Misconfigured);

  await namespaceStep(connection, namespace).perform();
  const noAttributes = await bare.checkout(request()).catch((error: unknown) => error);
  expect(noAttributes).toBeInstanceOf(Misconfigured);
  expect(String(noAttributes)).toMatch(/search attribute/i);
});

test('the same key again is the same request, even after its workflow has closed', async () => {
  const body = request();
  const first = await holdfast().checkout(body, { idempotencyKey: 'a key, with anything in it ☂' });
  const again = await holdfast().checkout(body, { idempotencyKey: 'a key, with anything in it ☂' });
  expect(again).toEqual(first);
  expect(runs.get(body.cartId)).toBe(1);
});

test('another key for a closed checkout of the same cart starts it anew', async () => {
  const body = request();
  await holdfast().checkout(body);
  expect(await holdfast().checkout(body)).toMatchObject({ authorizedAmount: 2 });
});

test('a passing failure is not returned a second time: the same key runs the request again', async () => {
  const body = request({ paymentMethod: 'pm_unlucky' });
  const answers = [];
  for (let count = 0; count < 3; count++) {
    answers.push(await holdfast().checkout(body, { idempotencyKey: 'k' }));
    if (answers.at(-1)?.state === 'placed') break;
  }
  expect(answers.at(-1)).toMatchObject({ state: 'placed' });
});

test('an order whose workflow ends during a command is started anew, and answers', async () => {
  const orderId = uniqueName('ends-underneath');
  expect(await holdfast().ship(orderId, SHIPMENT)).toMatchObject({ accepted: true, capturedAmount: 2 });
});

test('commands go to the running order; status and describe look at it', async () => {
  const orderId = uniqueName('order');
  expect(await holdfast().ship(orderId, SHIPMENT)).toMatchObject({ shipmentId: 'dhl/1', capturedAmount: 1 });
  expect(await holdfast().ship(orderId, SHIPMENT)).toMatchObject({ capturedAmount: 2 });
  expect(await holdfast().status(orderId)).toEqual({ orderId, step: 'standing in', waiting: null });
  const description = await holdfast().describe(orderId);
  expect(description.status.name).toBe('RUNNING');
  expect(description.typedSearchAttributes.get(searchAttributes.orderId)).toBe(orderId);
  await client.workflow.getHandle(`order-${orderId}`).terminate();
});

test('no worker: OutcomePending after the bounded wait', async () => {
  const nobody = uniqueName('nobody');
  const body = request();
  const began = Date.now();
  const waiting = holdfast(400, nobody).checkout(body, { idempotencyKey: 'k' });
  await expect(waiting).rejects.toThrow(OutcomePending);
  expect(Date.now() - began).toBeLessThan(3_000);
  await client.workflow.getHandle(`checkout-${body.cartId}`).terminate();
});

test('Temporal away: OutcomePending within the bound, although the SDK would keep trying', async () => {
  const away = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }), namespace: 'n' });
  const began = Date.now();
  const api = createHoldfastClient({ client: away, waitMs: 300 });
  const sent = api.checkout(request());
  await expect(sent).rejects.toThrow(/sending the same request again is safe/);
  expect(Date.now() - began).toBeLessThan(1_500);
  await api.drain();
  await away.connection.close();
});

test('invalid input is not sent', async () => {
  const api = holdfast();
  const body = request({ currency: 'xxx' });
  await expect(api.checkout(body)).rejects.toThrow(ValidationError);
  await expect(api.ship('not an id', SHIPMENT)).rejects.toThrow(ValidationError);
  await expect(api.ship('ord', { ...SHIPMENT, lines: [] })).rejects.toThrow('1 wrong field(s): lines');
  const future = new Date(Date.now() + 3_600_000).toISOString();
  await expect(api.deliver('ord', { deliveredAt: future })).rejects.toThrow('1 wrong field(s): deliveredAt');
  await expect(client.workflow.getHandle(`checkout-${body.cartId}`).describe()).rejects.toThrow(/not found/i);
});

test('undefined is the same as absent', async () => {
  const body = request({ shippingAddress: undefined, customer: { id: 'c', email: 'a@example.com', name: undefined } });
  expect(await holdfast().checkout(body)).toMatchObject({ state: 'placed' });
});
