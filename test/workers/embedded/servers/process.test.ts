import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../../../workers/dependencies/poll';
import { assertPortFree, findFreePorts } from '../../../../workers/embedded/servers/ports';
import { startProcess } from '../../../../workers/embedded/servers/process';
import { isAlive, withLock } from '../../../../workers/embedded/provision';

// The stubborn child is killed after 5 s.
jest.setTimeout(30_000);
const silent = (): void => undefined;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a child that ignores the stop signal is killed', async () => {
  const child = await startProcess({
    name: 'stubborn',
    command: '/bin/sh',
    args: ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'],
  });
  await waitFor('the trap', 5_000, async () => (child.recentOutput().includes('ready') ? true : undefined));
  await child.stop();
  expect(child.exited()).toBe('signal SIGKILL');
  expect(isAlive(child.pid)).toBe(false);
});

test('a command that is not there is an error with its name', async () => {
  await expect(startProcess({ name: 'Ghost', command: '/no/such/program', args: [] })).rejects.toThrow(
    'Ghost could not be started',
  );
});

test('a child does not outlive a parent that was killed hard', async () => {
  // The parent must be another process: jest itself cannot be killed here.
  const swc = require.resolve('@swc/core');
  const source = join(__dirname, '../../../../workers/embedded/servers/process.ts');
  const script = `
    const { code } = require(${JSON.stringify(swc)}).transformFileSync(${JSON.stringify(source)}, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } });
    const loaded = { exports: {} };
    new Function('exports', 'require', 'module', code)(loaded.exports, require, loaded);
    loaded.exports.startProcess({ name: 'child', command: 'sleep', args: ['600'] }).then((child) => console.log(child.pid));
    setInterval(() => undefined, 1000);`;
  await writeFile(join(folder, 'parent.js'), script);
  const parent = spawn(process.execPath, [join(folder, 'parent.js')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  const childPid = Number(output.toString());
  expect(isAlive(childPid)).toBe(true);
  parent.kill('SIGKILL');
  await waitFor('the child to end', 10_000, async () => (isAlive(childPid) ? undefined : true));
});

test('a used port is an error that names it and what to do', async () => {
  const [port = 0] = await findFreePorts(1);
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  await expect(assertPortFree('Postgres', port)).rejects.toThrow(
    new RegExp(`Port ${port} \\(Postgres\\).*--ports auto`),
  );
  server.close();
  await once(server, 'close');
  await assertPortFree('Postgres', port);
});

test('two holders of one lock take turns, and the lock of a dead holder is taken over', async () => {
  const path = join(folder, 'a.lock');
  const ended = spawn('true');
  await once(ended, 'exit');
  await writeFile(path, String(ended.pid));
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
  };
  await Promise.all([withLock(path, 'the other', silent, work), withLock(path, 'the other', silent, work)]);
  expect(most).toBe(1);
});

test('waiting ends with the last error', async () => {
  await expect(waitFor('nothing', 60, () => Promise.reject(new Error('not today')))).rejects.toThrow(
    /nothing.*not today/,
  );
  await expect(
    waitFor(
      'it',
      5_000,
      async () => undefined,
      () => 'it died',
    ),
  ).rejects.toThrow('it died');
});
