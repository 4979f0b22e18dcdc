import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { findFreePort } from '../../workers/embedded/ports';

const DIST = resolve(__dirname, '../../dist/workers');
const children: ChildProcess[] = [];

/** A process of the built package. */
export interface Run {
  readonly child: ChildProcess;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly output: () => string;
  readonly errors: () => string;
}

/** Starts a script of `dist/workers`; `npm test` builds it first. */
export function run(
  script: string,
  env: NodeJS.ProcessEnv,
  { args = [], cwd }: { readonly args?: readonly string[]; readonly cwd?: string } = {},
): Run {
  const child = spawn(process.execPath, [resolve(DIST, script), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  children.push(child);
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  return { child, ended, output: () => output, errors: () => errors };
}

/** For afterAll: ends whatever a failed test left running. */
export function killProcesses(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL');
}

export const freePort = findFreePort;

/** Status of a GET, 0 where nothing answers. */
export async function statusOf(url: string): Promise<number> {
  return (await fetch(url).catch(() => undefined))?.status ?? 0;
}
