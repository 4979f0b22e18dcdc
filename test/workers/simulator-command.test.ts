import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Stripe from 'stripe';

// `holdfast simulator`, as a process of the build.

const HOLDFAST = join(__dirname, '../../workers/bin/holdfast.js');

async function start(): Promise<{ child: ChildProcess; url: string; secretKey: string; webhookSecret: string }> {
  const child = spawn(process.execPath, [HOLDFAST, '--json', 'simulator', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { url: string; secretKey: string; webhookSecret: string }) };
}

const refused = (argv: readonly string[], options: readonly string[] = []): Promise<unknown> =>
  promisify(execFile)(process.execPath, [...options, HOLDFAST, ...argv]).catch((error: unknown) => error);

test('prints its address and API key, and accepts payments until Ctrl-C', async () => {
  const { child, url, secretKey, webhookSecret } = await start();
  const { hostname, port } = new URL(url);
  expect(hostname).toBe('127.0.0.1');
  expect(webhookSecret).toMatch(/^whsec_/);
  const stripe = new Stripe(secretKey, { host: hostname, port: Number(port), protocol: 'http' });
  expect(await stripe.paymentIntents.create({ amount: 500, currency: 'eur' })).toMatchObject({ amount: 500 });
  const stderr = `holdfast: port ${port} is in use; choose another with --port, or 0 for any free one\n`;
  expect(await refused(['simulator', '--port', port])).toMatchObject({ code: 1, stderr });
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 30_000);

test('names the missing package when only production packages are installed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
  const hook = join(folder, 'production-only.cjs');
  await writeFile(
    hook,
    `const Module = require('node:module');
     const resolve = Module._resolveFilename;
     Module._resolveFilename = (request, ...rest) => {
       if (!request.includes('embedded')) return resolve(request, ...rest);
       throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
     };`,
  );
  const stderr = expect.stringMatching(
    /^holdfast: the Stripe simulator is in the package @holdfast\/embedded, .*\n$/,
  ) as string;
  expect(await refused(['simulator'], ['--require', hook])).toMatchObject({ code: 1, stderr });
  await rm(folder, { recursive: true });
}, 30_000);
