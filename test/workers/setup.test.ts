import { randomBytes } from 'node:crypto';
import { createPool, createSampleCatalogue } from '../../activities/storage';
import { startStripeSimulator } from '../../workers/embedded/stripe/server';
import type { StripeSimulator } from '../../workers/embedded/stripe/server';
import type { Finding } from '../../workers/setup/finding';
import type { StepResult } from '../../workers/setup/step';
import { sampleCart } from '../support/carts';
import { createDatabase, uniqueName } from '../support/environment';
import type { TestDatabase } from '../support/environment';
import { eventually } from '../support/time/eventually';
import { freePort, killProcesses, processEnvironment, run, statusOf } from '../support/processes';

// A Postgres and a Temporal that Holdfast has never seen, and nothing but environment variables.
jest.setTimeout(120_000);

let database: TestDatabase;
let simulator: StripeSimulator;
let environment: Awaited<ReturnType<typeof processEnvironment>>;

beforeEach(async () => {
  [database, simulator] = await Promise.all([createDatabase('empty'), startStripeSimulator()]);
  environment = { ...(await processEnvironment(database, simulator)), TEMPORAL_NAMESPACE: uniqueName('fresh') };
});

afterEach(async () => {
  killProcesses();
  await simulator.stop();
  await database.drop();
});

async function holdfast(
  args: readonly string[],
  env: NodeJS.ProcessEnv = environment,
): Promise<{ status: number | null; out: string }> {
  const { ended, output } = run('cli-main.js', env, { args });
  const status = await ended;
  return { status, out: output() };
}

async function setup(
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = environment,
): Promise<[number | null, string[]]> {
  const { status, out } = await holdfast(['--json', 'setup', ...args], env);
  return [status, (JSON.parse(out) as StepResult[]).map(({ step, state }) => `${step}: ${state}`)];
}

async function doctor(env: NodeJS.ProcessEnv = environment): Promise<{ status: number | null; findings: Finding[] }> {
  const { status, out } = await holdfast(['--json', 'doctor'], env);
  return { status, findings: JSON.parse(out) as Finding[] };
}

const partsThat = (findings: readonly Finding[], wanted: Finding['status']): string[] =>
  findings.filter(({ status }) => status === wanted).map(({ part }) => part);
const readyz = (variable: string): Promise<number> => statusOf(`http://127.0.0.1:${environment[variable]}/readyz`);

async function placeOrder(): Promise<[number, unknown]> {
  const pool = createPool(database.url);
  await createSampleCatalogue(pool);
  await pool.end();
  const response = await fetch(`http://127.0.0.1:${environment['PORT']}/v1/checkouts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${environment.HOLDFAST_API_KEYS}`, 'content-type': 'application/json' },
    body: JSON.stringify(sampleCart()),
  });
  return [response.status, await response.json()];
}

it('worker and gateway refuse to start before the setup, and name the command that does it', async () => {
  for (const script of ['worker-main.js', 'gateway-main.js']) {
    const { ended, errors } = run(script, environment);
    expect([script, await ended]).toEqual([script, 1]);
    expect(errors()).toMatch(/Postgres: the schema is not up to date.*npx holdfast setup/);
    expect(errors()).toContain(`Temporal: namespace "${environment['TEMPORAL_NAMESPACE']}" does not exist`);
    expect(errors()).not.toMatch(/\n +at /);
  }
  const nobody = run('worker-main.js', { ...environment, TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(await nobody.ended).toBe(1);
  expect(nobody.errors()).toMatch(/Temporal at 127\.0\.0\.1:1 does not answer.*TEMPORAL_ADDRESS/);
  expect(nobody.errors()).not.toMatch(/\n +at /);
});

it('setup prints what it would do, does it once, and then finds it done; doctor agrees; an order can be placed', async () => {
  const steps = ['Postgres schema', 'Temporal namespace', 'Search attributes', 'Schedules'];
  const all = (state: string): string[] => steps.map((step) => `${step}: ${state}`);
  expect(await setup(['--dry-run'])).toEqual([0, all('would do')]);
  const before = await doctor();
  expect(before.status).toBe(1);
  expect(partsThat(before.findings, 'fail')).toEqual(['Postgres', 'Temporal']);

  expect(await setup()).toEqual([0, all('done')]);
  expect(await setup()).toEqual([0, all('already there')]);
  const ready = await doctor();
  expect(partsThat(ready.findings, 'fail')).toEqual(['Worker']);

  const gateway = run('gateway-main.js', environment);
  await eventually('the gateway to be up without a worker', async () => (await readyz('PORT')) === 503);
  const body = (await (await fetch(`http://127.0.0.1:${environment['PORT']}/readyz`)).json()) as unknown;
  expect(body).toMatchObject({ checks: { postgres: 'ok', temporal: 'ok', worker: 'failed', redis: 'ok' } });
  const worker = run('worker-main.js', environment);
  await eventually('both to be ready', async () =>
    [await readyz('PORT'), await readyz('HOLDFAST_WORKER_PORT')].every((status) => status === 200),
  );
  expect(await placeOrder()).toMatchObject([201, { state: 'placed' }]);
  const after = await doctor();
  expect([after.status, partsThat(after.findings, 'warn')]).toEqual([0, ['Notices']]);

  const otherKey = { ...environment, HOLDFAST_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}` };
  const stranger = run('worker-main.js', { ...otherKey, HOLDFAST_WORKER_PORT: String(await freePort()) });
  expect(await stranger.ended).toBe(1);
  expect(stranger.errors()).toMatch(/Encryption keys: they cannot decrypt stored data/);
  gateway.child.kill('SIGTERM');
  worker.child.kill('SIGTERM');
  expect(await Promise.all([gateway.ended, worker.ended])).toEqual([0, 0]);
});

it('the first worker with a build id gets work; the next build gets it once setup makes it current', async () => {
  const first = { ...environment, HOLDFAST_BUILD_ID: 'one' };
  expect((await setup([], first))[1].at(-1)).toBe('Worker version: later');
  run('gateway-main.js', first);
  run('worker-main.js', first);
  await eventually('an order can be taken', async () => (await readyz('PORT')) === 200);
  expect(await placeOrder()).toMatchObject([201, { state: 'placed' }]);
  expect((await setup([], first))[1].at(-1)).toBe('Worker version: already there');

  const second = { ...environment, HOLDFAST_BUILD_ID: 'two', HOLDFAST_WORKER_PORT: String(await freePort()) };
  const upgraded = run('worker-main.js', second);
  await eventually('the new worker to say that it waits', () =>
    upgraded.errors().includes('another version is current'),
  );
  const waiting = await doctor(second);
  expect(waiting.findings).toContainEqual(expect.objectContaining({ part: 'Worker version', status: 'warn' }));
  expect((await setup([], second))[1].at(-1)).toBe('Worker version: done');
  const done = await doctor(second);
  expect(partsThat(done.findings, 'fail')).toEqual([]);
  expect(done.findings).toContainEqual({ part: 'Worker version', status: 'ok', text: 'two is current' });
});

it('doctor names what is wrong in the configuration, and which services do not answer', async () => {
  const wrong = await doctor({ PATH: process.env['PATH'], DATABASE_URL: 'mysql://x' });
  expect([wrong.status, partsThat(wrong.findings, 'fail')]).toEqual([1, ['Configuration']]);
  const away = await doctor({
    ...environment,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    REDIS_URL: 'redis://127.0.0.1:1',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    STRIPE_SECRET_KEY: 'sk_test_wrong',
    SMTP_URL: 'smtp://127.0.0.1:1',
    MAIL_FROM: 'shop@example.com',
  });
  expect(away.status).toBe(1);
  expect(partsThat(away.findings, 'fail')).toEqual(['Postgres', 'Temporal', 'Stripe', 'Notices']);
  expect(partsThat(away.findings, 'warn')).toEqual(['Redis', 'Notices']);
  expect(away.findings.filter(({ status, next }) => status !== 'ok' && next === undefined)).toEqual([]);
});
