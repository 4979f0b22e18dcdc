import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errorCode } from '../dependencies/error-code';
import { waitFor } from '../dependencies/poll';
import { findOnPath, isExecutable, runCommand, type Log } from './servers/process';

/** A program that is built once, from its published Go module, into the cache. */
export interface GoTool {
  title: string;
  /** Folder in the cache; its name contains the version, so a new version never uses an old binary. */
  folder: string;
  binary: string;
  module: string;
  version: string;
  /** The expected duration, for the progress line. */
  expected: string;
}

export const TEMPORAL_SERVER: GoTool = {
  title: 'Temporal server',
  folder: 'temporal-server-1.32.1',
  binary: 'server',
  module: 'go.temporal.io/server/cmd/server',
  // 1.32 is the first version with time skipping per workflow; 1.32.2 needs a newer Go than most systems have.
  version: 'v1.32.1',
  expected: 'about 6 min on two cores, once',
};

export const TEMPORAL_UI: GoTool = {
  title: 'Temporal UI',
  folder: 'temporal-ui-2.54.1',
  binary: 'server',
  module: 'github.com/temporalio/ui-server/v2/cmd/server',
  version: 'v2.54.1',
  expected: 'about 40 s, once',
};

export const STRIPE_MOCK: GoTool = {
  title: 'stripe-mock',
  folder: 'stripe-mock-0.203.0',
  binary: 'stripe-mock',
  module: 'github.com/stripe/stripe-mock',
  version: 'v0.203.0',
  expected: 'about 20 s, once',
};

/** A first build with downloads takes a quarter of an hour on a slow machine; a longer one hangs. */
const BUILD_LIMIT_MS = 30 * 60_000;
const PROGRESS_EVERY_MS = 5_000;

/** The folder for built and downloaded programs: HOLDFAST_CACHE_DIR, else the user's cache folder. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HOLDFAST_CACHE_DIR !== undefined && env.HOLDFAST_CACHE_DIR !== '') return env.HOLDFAST_CACHE_DIR;
  const base =
    env.XDG_CACHE_HOME === undefined || env.XDG_CACHE_HOME === '' ? join(homedir(), '.cache') : env.XDG_CACHE_HOME;
  return join(base, 'holdfast');
}

/** The path of the built program, or undefined when it has not been built yet. */
export async function findBuilt(tool: GoTool): Promise<string | undefined> {
  const path = join(cacheDir(), tool.folder, tool.binary);
  return (await isExecutable(path)) ? path : undefined;
}

/**
 * The path of the program, which is built first if necessary. Two processes never build the same program at once. A build is
 * renamed into place when it is complete, so an interrupted one is never mistaken for a finished one.
 * @throws Error when Go is missing or the build fails
 */
export async function ensureBuilt(tool: GoTool, log: Log): Promise<string> {
  const built = await findBuilt(tool);
  if (built !== undefined) return built;
  const go = await findOnPath('go');
  if (go === undefined) throw new Error(`the ${tool.title} would have to be built, and there is no "go" on the PATH`);
  return withLock(join(cacheDir(), `${tool.folder}.lock`), `another build of the ${tool.title}`, log, async () => {
    return (await findBuilt(tool)) ?? (await build(tool, go, log));
  });
}

async function build(tool: GoTool, go: string, log: Log): Promise<string> {
  const target = join(cacheDir(), tool.folder);
  const work = await mkdtemp(join(cacheDir(), `${tool.folder}.building-`));
  try {
    const label = `building the ${tool.title} with Go (${tool.expected})`;
    const result = await withProgress(label, log, () =>
      runCommand(go, ['install', `${tool.module}@${tool.version}`], {
        timeoutMs: BUILD_LIMIT_MS,
        env: { ...process.env, GOBIN: work, GOFLAGS: '' },
        cwd: work,
      }),
    );
    if (result.code !== 0) {
      throw new Error(`building the ${tool.title} with Go failed (exit code ${result.code}):\n${tail(result.output)}`);
    }
    await rm(target, { recursive: true, force: true });
    await rename(work, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return join(target, tool.binary);
}

/** Runs the work and logs every few seconds how long it has taken so far. */
export async function withProgress<T>(label: string, log: Log, work: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  log(`${label}: 00:00`);
  const timer = setInterval(() => log(`${label}: ${elapsed(Date.now() - startedAt)}`), PROGRESS_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/**
 * Runs the work while holding a lock file with the process id, so that the lock of a dead process can be replaced.
 * @throws Error when the owner of the lock does not finish within the build limit
 */
export async function withLock<T>(path: string, owner: string, log: Log, work: () => Promise<T>): Promise<T> {
  await mkdir(join(path, '..'), { recursive: true });
  if (!(await tryLock(path))) {
    await withProgress(`waiting for ${owner}`, log, () =>
      waitFor(`${owner} (lock file ${path})`, BUILD_LIMIT_MS, async () => ((await tryLock(path)) ? true : undefined)),
    );
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch {
    const pid = Number(await readFile(path, 'utf8').catch(() => ''));
    // An empty file is a lock that its owner is still writing.
    if (Number.isInteger(pid) && pid > 0 && !isAlive(pid)) await rm(path, { force: true });
    return false;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function elapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}

function tail(output: string): string {
  return output.trim().split('\n').slice(-15).join('\n');
}
