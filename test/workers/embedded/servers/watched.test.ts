import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../../../workers/dependencies/poll';
import { startProcess, type ManagedProcess } from '../../../../workers/embedded/servers/process';
import { startWatched } from '../../../../workers/embedded/servers/watch';
import { sampleCart } from '../../../support/carts';
import { eventually } from '../../../support/time/eventually';
import { killProcesses, run, type Run } from '../../../support/processes';

jest.setTimeout(300_000);
/** Four servers start at once, beside other tests. */
const STACK_LIMIT_MS = 120_000;
const SERVERS = {
  Postgres: 'postgres -D',
  'Temporal server': '--allow-no-auth',
  'Temporal UI': '--env local start',
  Redis: 'redis-server',
};
type Server = keyof typeof SERVERS;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-watched-'));
  // Under root, Postgres runs as another user, who must get in.
  await chmod(folder, 0o755);
});
afterEach(async () => {
  killProcesses();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The child of the stack that is this server; undefined while there is none. */
async function findServer(stack: Run, server: Server): Promise<number | undefined> {
  // ps fails where there is no child at all.
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=,args=', '--ppid', String(stack.child.pid)]).catch(
    () => ({ stdout: '' }),
  );
  const line = stdout.split('\n').find((text) => text.includes(SERVERS[server]) && !text.includes('watchdog'));
  return line === undefined ? undefined : Number(line.trim().split(' ')[0]);
}

async function kill(stack: Run, server: Server): Promise<void> {
  const pid = await eventually(`${server} to run`, () => findServer(stack, server));
  process.kill(pid, 'SIGKILL');
  await eventually(`another ${server}`, async () => {
    const next = await findServer(stack, server);
    return (next !== undefined && next !== pid) || stack.child.exitCode !== null;
  });
}

interface About {
  readonly gateway: string;
  readonly apiKey: string;
}

async function startStack(): Promise<[Run, About]> {
  const { PATH, HOME, HOLDFAST_CACHE_DIR } = process.env;
  const env = { PATH, HOME, HOLDFAST_CACHE_DIR, LOG_LEVEL: 'fatal' };
  const stack = run('start.js', env, { args: ['--ports', 'auto', '--json'], cwd: folder });
  await waitFor('the stack to be ready', STACK_LIMIT_MS, async () =>
    stack.output().includes('\n') || stack.child.exitCode !== null ? true : undefined,
  );
  if (!stack.output().includes('\n')) throw new Error(stack.errors());
  return [stack, JSON.parse(stack.output()) as About];
}

async function ask({ gateway, apiKey }: About, path: string, body?: unknown): Promise<[number, unknown]> {
  const response = await fetch(`${gateway}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return [response.status, await response.json()];
}

test('servers of a stack that are killed run again, and an order goes through', async () => {
  const [stack, about] = await startStack();
  for (const server of Object.keys(SERVERS) as Server[]) await kill(stack, server);
  const cart = sampleCart();
  const order = await eventually('an order', async () => {
    // Refused in passing or not yet known, the same cart is sent again: that is what callers are told.
    const [status, answer] = await ask(about, '/v1/checkouts', cart);
    return status === 201 ? (answer as { orderId: string }) : undefined;
  });
  await eventually('its workflow to allocate it', async () => {
    const [, found] = await ask(about, `/v1/orders/${order.orderId}`);
    return (found as { state: string }).state === 'allocated';
  });
  expect((await ask(about, '/readyz'))[0]).toBe(200);
  for (const server of Object.keys(SERVERS)) {
    const lines = stack.errors().split('\n');
    expect(lines.filter((line) => line.startsWith(`${server}: ended by itself (signal SIGKILL)`))).toHaveLength(1);
  }
  stack.child.kill('SIGTERM');
  expect(await stack.ended).toBe(0);
});

test('a server that ends again and again ends the stack, with a reason', async () => {
  const [stack] = await startStack();
  for (let times = 1; times <= 5; times++) await kill(stack, 'Redis');
  expect(await stack.ended).toBe(1);
  expect(stack.errors()).toContain('Redis ended 5 times within 60 s, the last time with signal SIGKILL');
});

describe('a watched child', () => {
  const shell = (script: string) => (): Promise<ManagedProcess> =>
    startProcess({ name: 'child', command: '/bin/sh', args: ['-c', script] });
  const said: string[] = [];
  const options = { name: 'child', ready: () => Promise.resolve(), log: (line: string) => void said.push(line) };

  test('that cannot be started again is given up', async () => {
    let starts = 0;
    const start = (): Promise<ManagedProcess> =>
      ++starts === 1 ? shell('exit 3')() : Promise.reject(new Error('no such program'));
    const reason = await new Promise<string>((resolve, reject) => {
      startWatched({ ...options, start, onGivenUp: resolve }).catch(reject);
    });
    expect(reason).toBe('child ended 5 times within 60 s, the last time with no such program');
    expect(starts).toBe(5);
  });

  test('that is stopped while it starts again stays stopped', async () => {
    const children: ManagedProcess[] = [];
    const start = async (): Promise<ManagedProcess> => {
      const child = await shell(children.length === 0 ? 'exit 3' : 'sleep 600')();
      children.push(child);
      return child;
    };
    const givenUp: string[] = [];
    const watched = await startWatched({ ...options, start, onGivenUp: (reason) => givenUp.push(reason) });
    await eventually('the second start', () => children.length === 2);
    await watched.child.stop();
    expect([children.map((child) => child.exited()), givenUp]).toEqual([['exit code 3', 'signal SIGTERM'], []]);
  });
});
