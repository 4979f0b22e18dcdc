import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** Pinned: a newer specification could refuse what this one takes, and the allow-list is written for this one. */
const VERSION = '0.203.0';
/** A cold build fetches and compiles its modules; on a slow machine that takes minutes. */
const BUILD_TIMEOUT_MS = 600_000;
const START_TIMEOUT_MS = 30_000;

export interface StripeMock {
  readonly url: string;
  stop(): Promise<void>;
}

/** Stripe's own stateless mock, which checks every request against Stripe's OpenAPI specification. Built once with Go. */
export async function startStripeMock(): Promise<StripeMock> {
  const binary = await ensureBinary();
  // HTTPS is named too: by default it takes a fixed port on every interface, where a second run would not start.
  // No strict version check: its specification is older than the SDK's API version.
  const child = spawn(binary, ['-http-addr', '127.0.0.1:0', '-https-addr', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const port = await listeningPort(child);
  const stop = async (): Promise<void> => {
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await exited;
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

async function ensureBinary(): Promise<string> {
  const cache = process.env['HOLDFAST_CACHE_DIR'] ?? path.join(homedir(), '.cache', 'holdfast');
  const folder = path.join(cache, `stripe-mock-${VERSION}`);
  const binary = path.join(folder, process.platform === 'win32' ? 'stripe-mock.exe' : 'stripe-mock');
  if (existsSync(binary)) return binary;
  await promisify(execFile)('go', ['install', `github.com/stripe/stripe-mock@v${VERSION}`], {
    env: { ...process.env, GOBIN: folder },
    timeout: BUILD_TIMEOUT_MS,
  });
  return binary;
}

/** Waits for the line in which it names the port that it took. */
async function listeningPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('stripe-mock has no standard output');
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    const give = (reason: string): void => {
      child.kill();
      reject(new Error(reason));
    };
    const timer = setTimeout(() => give('stripe-mock did not start in time'), START_TIMEOUT_MS);
    child.once('exit', (code) => give(`stripe-mock ended with ${code}`));
    lines.on('line', (line) => {
      const port = /Listening for HTTP at address: 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}
