import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createHoldfastClient, OutcomePending, ValidationError } from '../../../clients/client';
import {
  closeConnections,
  getClient,
  getNativeConnection,
  testEnvironment,
  uniqueName,
} from '../../support/environment';

// The client on the real server; the workflow is a stand-in.

const taskQueue = uniqueName('subscription-client');
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
    workflowsPath: require.resolve('../support/subscription-workflows'),
    activities: {
      countRun: async (what: string) => {
        runs.set(what, (runs.get(what) ?? 0) + 1);
        return runs.get(what);
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

const holdfast = (queue = taskQueue, waitMs = 20_000): ReturnType<typeof createHoldfastClient> =>
  createHoldfastClient({ client, taskQueue: queue, waitMs, dunning: { maxAttempts: 4 } });
const PAY = { paymentMethod: 'pm_1' };
const PAID = { accepted: true, outcome: 'paid', stage: 'active', entitled: true };

test('a payment goes to the workflow of its subscription, which is started under the policy if none runs', async () => {
  const subscriptionId = uniqueName('sub');
  expect(await holdfast().paySubscription(subscriptionId, PAY)).toEqual(PAID);
  expect(await holdfast().subscriptionStatus(subscriptionId)).toEqual({
    subscriptionId,
    stage: 'past_due',
    step: 'standing in, 4 tries',
    waiting: null,
  });
  const handle = client.workflow.getHandle(`subscription-${subscriptionId}`);
  const description = await handle.describe();
  expect(description.type).toBe('subscription');
  expect(await description.staticSummary()).toBe(`Subscription ${subscriptionId}`);
  await handle.terminate();
});

test('the same key again is the same payment; another key is another', async () => {
  const subscriptionId = uniqueName('sub');
  const first = await holdfast().paySubscription(subscriptionId, PAY, { idempotencyKey: 'one' });
  expect(await holdfast().paySubscription(subscriptionId, PAY, { idempotencyKey: 'one' })).toEqual(first);
  expect(runs.get(`${subscriptionId}:pm_1`)).toBe(1);
  await holdfast().paySubscription(subscriptionId, PAY, { idempotencyKey: 'two' });
  expect(runs.get(`${subscriptionId}:pm_1`)).toBe(2);
  await client.workflow.getHandle(`subscription-${subscriptionId}`).terminate();
});

test('an unknown outcome is not returned a second time: the same key runs the request again', async () => {
  const subscriptionId = uniqueName('sub');
  const unlucky = { paymentMethod: 'pm_unlucky' };
  const answers = [];
  for (let count = 0; count < 3; count++) {
    answers.push(await holdfast().paySubscription(subscriptionId, unlucky, { idempotencyKey: 'k' }));
    if (answers.at(-1)?.accepted === true) break;
  }
  expect(answers.at(-1)).toMatchObject({ outcome: 'paid' });
  await client.workflow.getHandle(`subscription-${subscriptionId}`).terminate();
});

test('a workflow that has ended is started anew', async () => {
  const subscriptionId = uniqueName('sub-ends');
  expect(await holdfast().paySubscription(subscriptionId, PAY)).toEqual(PAID);
  await client.workflow.getHandle(`subscription-${subscriptionId}`).result();
  expect(await holdfast().paySubscription(subscriptionId, PAY)).toMatchObject({ outcome: 'paid', entitled: false });
});

test('no worker: OutcomePending after the bounded wait', async () => {
  const subscriptionId = uniqueName('sub');
  const waiting = holdfast(uniqueName('nobody'), 400).paySubscription(subscriptionId, PAY, { idempotencyKey: 'k' });
  await expect(waiting).rejects.toThrow(OutcomePending);
  await client.workflow.getHandle(`subscription-${subscriptionId}`).terminate();
});

test('invalid input is not sent', async () => {
  await expect(holdfast().paySubscription('no id', PAY)).rejects.toThrow('1 wrong field(s): subscriptionId');
  await expect(holdfast().paySubscription('sub_1', { paymentMethod: 'pm 1' })).rejects.toThrow(ValidationError);
  await expect(holdfast().subscriptionStatus('no id')).rejects.toThrow(ValidationError);
});
