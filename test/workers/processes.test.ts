import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createPool, createSampleCatalogue } from '../../activities/storage';
import { startStripeSimulator } from '../../workers/embedded/stripe/server';
import type { StripeSimulator } from '../../workers/embedded/stripe/server';
import { sampleCart } from '../support/carts';
import { createDatabase } from '../support/environment';
import type { TestDatabase } from '../support/environment';
import { eventually } from '../support/time/eventually';
import { killProcesses, processEnvironment, run, statusOf } from '../support/processes';

let database: TestDatabase;
let simulator: StripeSimulator;
let environment: Awaited<ReturnType<typeof processEnvironment>>;

beforeAll(async () => {
  [database, simulator] = await Promise.all([createDatabase(), startStripeSimulator()]);
  const pool = createPool(database.url);
  await createSampleCatalogue(pool);
  await pool.end();
  environment = await processEnvironment(database, simulator);
});

afterAll(async () => {
  killProcesses();
  await simulator.stop();
  await database.drop();
});

it('worker and gateway run apart, report that they are ready, serve an order, and end on request', async () => {
  const { PORT: port, HOLDFAST_WORKER_PORT: workerPort, HOLDFAST_API_KEYS: apiKey } = environment;
  const gateway = run('gateway-main.js', environment);
  const worker = run('worker-main.js', environment);
  await eventually('both to be ready', async () => {
    const statuses = await Promise.all(
      [`http://127.0.0.1:${port}/readyz`, `http://127.0.0.1:${workerPort}/readyz`].map(statusOf),
    );
    return statuses.every((status) => status === 200);
  });
  const response = await fetch(`http://127.0.0.1:${port}/v1/checkouts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(sampleCart()),
  });
  expect([response.status, await response.json()]).toMatchObject([201, { state: 'placed', authorizedAmount: 3640 }]);
  gateway.child.kill('SIGTERM');
  worker.child.kill('SIGTERM');
  expect(await Promise.all([gateway.ended, worker.ended])).toEqual([0, 0]);
});

it.each(['worker-main.js', 'gateway-main.js', 'start.js'])(
  '%s names everything that is wrong with its configuration',
  async (script) => {
    const wrong = { ...environment, DATABASE_URL: 'mysql://x', PORT: 'eighty', STRIPE_WEBHOOK_SECRET: '' };
    const { ended, errors } = run(script, wrong);
    expect(await ended).toBe(1);
    for (const name of ['DATABASE_URL', 'PORT', 'STRIPE_WEBHOOK_SECRET']) expect(errors()).toContain(name);
    expect(errors()).not.toContain(simulator.secretKey);
  },
);

it.each([
  ['worker-main.js', 'HOLDFAST_WORKER_PORT'],
  ['gateway-main.js', 'PORT'],
])('%s on a used port ends with a sentence that names the port and %s', async (script, variable) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { ended, errors } = run(script, { ...environment, [variable]: String(port) });
  const code = await ended;
  taken.close();
  expect(code).toBe(1);
  expect(errors()).toContain(`127.0.0.1:${port}`);
  expect(errors()).toContain(variable);
  expect(errors()).not.toMatch(/running|EADDRINUSE|\n +at /);
});

it('a worker without any configuration names what must be set', async () => {
  const { ended, errors } = run('worker-main.js', { PATH: process.env['PATH'] });
  expect(await ended).toBe(1);
  for (const name of ['TEMPORAL_ADDRESS', 'DATABASE_URL', 'REDIS_URL', 'STRIPE_SECRET_KEY', 'HOLDFAST_API_KEYS']) {
    expect(errors()).toContain(name);
  }
});
