import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir, ensureBuilt, findBuilt, TEMPORAL_SERVER, withLock } from '../provision';
import { findOnPath, isExecutable, runCommand, type Log } from './process';
import { StartRefused } from '../../processes/start-refused';

/** A program that serves Temporal: the development server of the command line, or the raw server. */
export interface TemporalSource {
  kind: 'cli' | 'sdk-download' | 'built';
  path: string;
}

/** First server with time skipping per workflow. */
const TIME_SKIPPING_VERSION: readonly [number, number] = [1, 32];
/** A closed network refuses within this time; one that has not answered by then counts as closed. */
const NETWORK_PROBE_MS = 3_000;
/** About 60 MB; if it takes more than a minute, building is faster. */
const DOWNLOAD_LIMIT_MS = 60_000;
const DOWNLOAD_HOST = 'https://temporal.download/';

/** Whether a server of this version ("1.32.1") can skip time per workflow. */
export function supportsTimeSkipping(serverVersion: string): boolean {
  const [major = 0, minor = 0] = serverVersion.split('.').map((part) => Number.parseInt(part, 10));
  const [wantedMajor, wantedMinor] = TIME_SKIPPING_VERSION;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** The server version in the output of `temporal --version`, e.g. "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)". */
export function parseCliServerVersion(output: string): string | undefined {
  return /Server (\d+\.\d+\.\d+)/.exec(output)?.[1];
}

/**
 * Finds a way to serve Temporal, in this order: the `temporal` command line on PATH; a server built earlier; the command
 * line that the SDK downloads; building the server with Go. An already built server comes before the download, because trying
 * a download costs seconds when the network is closed.
 * @param needTimeSkipping skips servers that are too old for it, and logs that
 * @param networkAnswers checked before a download is tried
 * @throws Error that names every way to get a server, when none works
 */
export async function findTemporalSource(
  needTimeSkipping: boolean,
  log: Log,
  networkAnswers: () => Promise<boolean> = downloadHostAnswers,
): Promise<TemporalSource> {
  const cli = await findOnPath('temporal');
  if (cli !== undefined && (await isNewEnough(cli, 'the temporal command on the PATH', needTimeSkipping, log))) {
    return { kind: 'cli', path: cli };
  }
  const built = await findBuilt(TEMPORAL_SERVER);
  if (built !== undefined) return { kind: 'built', path: built };
  const downloaded = await downloadCli(log, networkAnswers);
  if (
    downloaded !== undefined &&
    (await isNewEnough(downloaded, 'the downloaded temporal command', needTimeSkipping, log))
  ) {
    return { kind: 'sdk-download', path: downloaded };
  }
  try {
    return { kind: 'built', path: await ensureBuilt(TEMPORAL_SERVER, log) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartRefused(
      [
        `No Temporal server: ${reason}`,
        'Any one of these will do:',
        '  - set TEMPORAL_ADDRESS to a running server (not for tests, which need their own)',
        '  - install the temporal command line: https://docs.temporal.io/cli',
        '  - allow a network connection, so that it can be downloaded',
        '  - install Go (https://go.dev/dl), so that the server can be built, and start again',
      ].join('\n'),
      { cause: error },
    );
  }
}

async function isNewEnough(path: string, title: string, needTimeSkipping: boolean, log: Log): Promise<boolean> {
  const result = await runCommand(path, ['--version'], { timeoutMs: 10_000 });
  const version = parseCliServerVersion(result.output);
  if (result.code !== 0 || version === undefined) {
    log(`Temporal: ${title} does not print its server version, so it is not used`);
    return false;
  }
  if (!needTimeSkipping || supportsTimeSkipping(version)) return true;
  log(
    `Temporal: ${title} brings server ${version}; tests need ${TIME_SKIPPING_VERSION.join('.')} or newer (time skipping), so it is not used`,
  );
  return false;
}

/** The command line that the SDK downloads, kept in the cache; undefined if the download fails. */
async function downloadCli(log: Log, networkAnswers: () => Promise<boolean>): Promise<string | undefined> {
  const folder = join(cacheDir(), 'temporal-cli');
  const present = await findExecutable(folder);
  if (present !== undefined) return present;
  if (!(await networkAnswers())) return undefined;
  log('Temporal: downloading the temporal command line (about 60 MB, once)');
  return withLock(`${folder}.lock`, 'another download of the temporal command line', log, async () => {
    await mkdir(folder, { recursive: true });
    try {
      // The SDK downloads only when it starts a server, so we start one, stop it at once, and keep the program.
      const { TestWorkflowEnvironment } = await import('@temporalio/testing');
      const starting = TestWorkflowEnvironment.createLocal({
        server: { executable: { type: 'cached-download', downloadDir: folder } },
      }).then((environment) => environment.teardown());
      await within(DOWNLOAD_LIMIT_MS, starting);
    } catch (error) {
      log(`Temporal: the download failed: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
    return findExecutable(folder);
  });
}

async function findExecutable(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    // A download in progress carries another suffix and is not executable.
    if (name.startsWith('temporal') && (await isExecutable(path))) return path;
  }
  return undefined;
}

/** Checked first, because the SDK's own download retries for minutes when the network is closed. */
async function downloadHostAnswers(): Promise<boolean> {
  // The probe does not use a proxy, the download does.
  if (process.env.HTTPS_PROXY !== undefined || process.env.https_proxy !== undefined) return true;
  return fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: AbortSignal.timeout(NETWORK_PROBE_MS) }).then(
    () => true,
    () => false,
  );
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
