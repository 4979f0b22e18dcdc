import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { FaultError, temporalUnreachable } from '../../setup/fault';
import { namespaceExists, prepareNamespace } from '../../setup/namespace';
import { SEARCH_ATTRIBUTES } from '../../setup/search-attributes';
import { waitFor } from '../../dependencies/poll';
import { assertPortFree, findFreePorts, FIXED_PORTS, type PortMode } from './ports';
import { startProcess, type Log, type ManagedProcess } from './process';
import { ensureBuilt, TEMPORAL_UI } from '../provision';
import { DYNAMIC_CONFIG, dynamicConfigFile, serverConfigFile } from './temporal-config';
import { temporalServerPorts } from './temporal-ports';
import { findTemporalSource, supportsTimeSkipping, type TemporalSource } from './temporal-source';
import { startTemporalUi } from './temporal-ui';
import { startWatched, type WatchedProcess } from './watch';
import { StartRefused } from '../../processes/start-refused';

export interface TemporalOptions {
  /** Folder whose SQLite file is kept between starts, or 'memory' for a server that keeps nothing. */
  dataDir: string;
  ports: PortMode;
  ui: boolean;
  log: Log;
  /** Default `default`. */
  namespace?: string;
  /** Skips servers older than 1.32. Default false. */
  needTimeSkipping?: boolean;
  /** Connection to an existing server (TEMPORAL_ADDRESS); if given, nothing is started. */
  configured?: ConnectionOptions;
  /** If given, a server or UI that ends by itself is restarted; called when restarting does not help. */
  onGivenUp?: (reason: string) => void;
}

export interface TemporalHandle {
  /** host:port of the gRPC frontend. */
  address: string;
  namespace: string;
  uiUrl?: string;
  supportsTimeSkipping: boolean;
  serverVersion: string;
  source: 'configured' | TemporalSource['kind'];
  stop(): Promise<void>;
}

/** The raw server serves 1 to 2 s after its start, 10 s on a machine under load; after a minute it never will. */
const READY_LIMIT_MS = 60_000;
/** Another program can take a free port between our check and the start; three times in a row has another cause. */
const START_ATTEMPTS = 3;

/**
 * Starts Temporal, or uses the configured one, with its namespace and search attributes ready for use.
 * The order of sources is in {@link findTemporalSource}.
 * @throws PortInUseError when a fixed port is taken
 * @throws Error that names the ways to get a server, or that says why it did not become ready
 */
export async function startTemporal(options: TemporalOptions): Promise<TemporalHandle> {
  const namespace = options.namespace ?? 'default';
  if (options.configured !== undefined) return useConfigured(options.configured, namespace);
  const source = await findTemporalSource(options.needTimeSkipping ?? false, options.log);
  for (let attempt = 1; ; attempt++) {
    try {
      return await startFrom(source, options, namespace);
    } catch (error) {
      if (options.ports === 'fixed' || attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function useConfigured(configured: ConnectionOptions, namespace: string): Promise<TemporalHandle> {
  const address = configured.address ?? `127.0.0.1:${FIXED_PORTS.temporal}`;
  let connection: Connection;
  try {
    connection = await connectOrClose(configured);
  } catch (error) {
    throw temporalUnreachable(address, error);
  }
  try {
    // We create nothing on a server that is not ours: a person must run the setup.
    if (!(await namespaceExists(connection.workflowService, namespace))) {
      throw new FaultError(
        `The Temporal namespace "${namespace}" does not exist at ${address}`,
        'Run "npx holdfast setup", or set TEMPORAL_NAMESPACE',
      );
    }
    await prepareNamespace(connection, namespace);
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    return {
      address,
      namespace,
      serverVersion: serverVersion ?? 'unknown',
      supportsTimeSkipping: supportsTimeSkipping(serverVersion ?? ''),
      source: 'configured',
      stop: async () => undefined,
    };
  } finally {
    await connection.close();
  }
}

/** How one server is started, each time on the same ports and data. */
interface ServerPlan {
  address: string;
  uiUrl?: string;
  start: () => Promise<ManagedProcess>;
  /** Proves that the server we reached is the one we started; the command line cannot set it. */
  clusterName?: string;
}

async function startFrom(source: TemporalSource, options: TemporalOptions, namespace: string): Promise<TemporalHandle> {
  const runDir = await mkdtemp(join(tmpdir(), 'holdfast-temporal-'));
  if (options.dataDir !== 'memory') await mkdir(options.dataDir, { recursive: true });
  const children: WatchedProcess[] = [];
  const stop = async (): Promise<void> => {
    // In parallel, because one after the other could take 10 s.
    await Promise.all(children.map((child) => child.stop()));
    await rm(runDir, { recursive: true, force: true });
  };
  try {
    const plan =
      source.kind === 'built' ? await planRaw(source, options, runDir) : await planCli(source, options, namespace);
    const { child, answer: serverVersion } = await startWatched({
      name: 'Temporal server',
      start: plan.start,
      ready: (server) => prepare(plan, server, namespace),
      log: options.log,
      onGivenUp: options.onGivenUp,
    });
    children.push(child);
    if (options.ui && source.kind === 'built') {
      const ui = await startUi(plan.address, options, runDir, namespace);
      children.push(ui.child);
      plan.uiUrl = ui.url;
    }
    return {
      address: plan.address,
      namespace,
      ...(plan.uiUrl === undefined ? {} : { uiUrl: plan.uiUrl }),
      serverVersion,
      supportsTimeSkipping: supportsTimeSkipping(serverVersion),
      source: source.kind,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits until the server is ready, checks that it is ours, and registers what Holdfast needs. Returns its version. */
async function prepare(plan: ServerPlan, server: ManagedProcess, namespace: string): Promise<string> {
  const abort = (): string | undefined =>
    server.exited() === undefined ? undefined : `the server ended with ${server.exited()}:\n${server.recentOutput()}`;
  const connection = await waitFor(
    `Temporal at ${plan.address}`,
    READY_LIMIT_MS,
    async () => {
      // First a plain TCP connection, because a refused gRPC channel waits a second before it retries.
      if (!(await accepts(plan.address))) return undefined;
      return connectOrClose({ address: plan.address, connectTimeout: 2_000 });
    },
    abort,
  );
  try {
    const info = await waitFor(
      'the Temporal frontend',
      READY_LIMIT_MS,
      () => connection.workflowService.getClusterInfo({}),
      abort,
    );
    if (abort() !== undefined || (plan.clusterName !== undefined && info.clusterName !== plan.clusterName)) {
      throw new StartRefused(
        `Another Temporal server answers at ${plan.address}: start with --ports auto to use free ports.`,
      );
    }
    await prepareNamespace(connection, namespace);
    return info.serverVersion ?? 'unknown';
  } finally {
    await connection.close();
  }
}

async function planRaw(source: TemporalSource, options: TemporalOptions, runDir: string): Promise<ServerPlan> {
  const ports = await temporalServerPorts(options.ports, options.dataDir);
  const inMemory = options.dataDir === 'memory';
  const clusterName = inMemory ? newClusterName() : await keptClusterName(options.dataDir);
  const dynamicConfigPath = join(runDir, 'dynamic.yaml');
  const configPath = join(runDir, 'server.yaml');
  await writeFile(dynamicConfigPath, dynamicConfigFile());
  const database = inMemory ? 'memory' : join(options.dataDir, 'temporal-server.db');
  await writeFile(configPath, serverConfigFile({ database, clusterName, ports, dynamicConfigPath }));
  const start = (): Promise<ManagedProcess> =>
    startProcess({
      name: 'Temporal server',
      command: source.path,
      args: ['--allow-no-auth', '--config-file', configPath, 'start'],
      cwd: runDir,
      // A server in memory has nothing to save, and a graceful shutdown soon after its start can take more than 5 s.
      ...(inMemory ? { stopSignal: 'SIGKILL' } : {}),
    });
  return { address: `127.0.0.1:${ports.frontend}`, start, clusterName };
}

async function startUi(
  temporalAddress: string,
  { ports, log, onGivenUp }: TemporalOptions,
  runDir: string,
  namespace: string,
): ReturnType<typeof startTemporalUi> {
  const port = await onePort('Temporal UI', FIXED_PORTS.temporalUi, ports);
  const binary = await ensureBuilt(TEMPORAL_UI, log);
  return startTemporalUi({ binary, runDir, temporalAddress, namespace, port, log, onGivenUp });
}

async function planCli(source: TemporalSource, options: TemporalOptions, namespace: string): Promise<ServerPlan> {
  const port = await onePort('Temporal', FIXED_PORTS.temporal, options.ports);
  const uiPort = options.ui ? await onePort('Temporal UI', FIXED_PORTS.temporalUi, options.ports) : undefined;
  const args = cliArguments({
    port,
    ...(uiPort === undefined ? {} : { uiPort }),
    namespace,
    dataDir: options.dataDir,
  });
  return {
    address: `127.0.0.1:${port}`,
    ...(uiPort === undefined ? {} : { uiUrl: `http://127.0.0.1:${uiPort}` }),
    start: () => startProcess({ name: 'Temporal server', command: source.path, args }),
  };
}

/** The flags of `temporal server start-dev` that make it the same server as the raw one. */
export function cliArguments(options: { port: number; uiPort?: number; namespace: string; dataDir: string }): string[] {
  return [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${options.port}`,
    options.uiPort === undefined ? '--headless' : `--ui-port=${options.uiPort}`,
    `--namespace=${options.namespace}`,
    '--log-level=error',
    ...SEARCH_ATTRIBUTES.map(({ name, cliType }) => `--search-attribute=${name}=${cliType}`),
    ...Object.entries(DYNAMIC_CONFIG).map(([key, value]) => `--dynamic-config-value=${key}=${JSON.stringify(value)}`),
    // A file of its own, because the raw server has other shards and another cluster name.
    ...(options.dataDir === 'memory'
      ? []
      : [
          `--db-filename=${join(options.dataDir, 'temporal-cli.db')}`,
          '--sqlite-pragma=journal_mode=wal',
          '--sqlite-pragma=synchronous=1',
        ]),
  ];
}

async function onePort(part: string, fixed: number, mode: PortMode): Promise<number> {
  if (mode === 'fixed') {
    await assertPortFree(part, fixed);
    return fixed;
  }
  const [port = 0] = await findFreePorts(1);
  return port;
}

function newClusterName(): string {
  return `holdfast-${randomBytes(4).toString('hex')}`;
}

/** The cluster name is written into the database at its first start and must stay the same for it. */
async function keptClusterName(dataDir: string): Promise<string> {
  const path = join(dataDir, 'temporal-cluster-name');
  const kept = await readFile(path, 'utf8').catch(() => '');
  if (kept.trim() !== '') return kept.trim();
  const name = newClusterName();
  await writeFile(path, `${name}\n`);
  return name;
}

/** A failed connection retries in the background and keeps the process alive until it is closed. */
async function connectOrClose(options: ConnectionOptions): Promise<Connection> {
  const connection = Connection.lazy(options);
  try {
    await connection.ensureConnected();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function accepts(address: string): Promise<boolean> {
  const separator = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const socket = connectTcp(Number(address.slice(separator + 1)), address.slice(0, separator));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
