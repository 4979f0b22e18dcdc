/** Ports of one raw server: four services, each with a membership port, and the frontend's HTTP port. */
export interface TemporalServerPorts {
  frontend: number;
  frontendMembership: number;
  frontendHttp: number;
  matching: number;
  matchingMembership: number;
  history: number;
  historyMembership: number;
  worker: number;
  workerMembership: number;
}

export interface TemporalServerConfig {
  /** Path of the SQLite file, or 'memory' for a database that is lost when the server ends. */
  database: string;
  clusterName: string;
  ports: TemporalServerPorts;
  dynamicConfigPath: string;
}

/** The database's state depends on the shard count, so the count must never change for an existing file. */
const HISTORY_SHARDS = 4;

/**
 * Dynamic configuration of every local server, by key. Production servers need the first three only.
 * Measured on two cores, median latency alone: three regular activities 350 ms by default, 200 ms eager,
 * 79 ms with the poll limits raised as well (the default of 20 polls per second and shard delays each hop by up to 50 ms).
 */
export const DYNAMIC_CONFIG: Readonly<Record<string, boolean | number | string>> = {
  'system.enableActivityEagerExecution': true,
  'system.enableEagerWorkflowStart': true,
  'frontend.WorkflowTimeSkippingEnabled': true,
  // A test that skips through weeks of retries needs more than the default of 200 skips in one session.
  'frontend.WorkflowTimeSkippingMaxSkipPerSession': 10_000,
  'history.transferProcessorMaxPollRPS': 1_000,
  'history.timerProcessorMaxPollRPS': 1_000,
  'history.visibilityProcessorMaxPollRPS': 1_000,
  // Timers are read this far ahead to allow for hosts whose clocks differ, so a timer set to "now" fires that much later.
  // Here there is only one host. With the default of 1 s every timer that is skipped to takes a second of real time.
  'history.timerProcessorMaxTimeShift': '10ms',
  // A run that continues as new within this interval of its start waits for the rest of the interval. Together with time skipping,
  // server 1.32.1 then moves the new run's first task ahead by everything skipped so far (3 days become 5), so: no wait.
  'history.workflowIdReuseMinimalInterval': '0s',
  // New search attributes are usable at once, not after the cache's next refresh.
  'system.forceSearchAttributesCacheRefreshOnRead': true,
  // Every caller who waits for an answer counts, in addition to the workers' own polls. At the default of 1,200, 3,000 waiting
  // checkouts made the server refuse the workers ("namespace concurrent poller limit exceeded"), and all progress stopped.
  'frontend.namespaceCount': 20_000,
  // A local server must not call out.
  'frontend.enableServerVersionCheck': false,
};

/** The dynamic configuration file, as YAML (JSON is YAML, so no YAML writer is needed). */
export function dynamicConfigFile(): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(DYNAMIC_CONFIG).map(([key, value]) => [key, [{ value }]])),
    null,
    2,
  );
}

/** The raw server's configuration file, as YAML (JSON is YAML). Everything listens on the loopback address only. */
export function serverConfigFile(config: TemporalServerConfig): string {
  const { ports } = config;
  const store = { sql: sqlite(config.database) };
  return JSON.stringify(
    {
      log: { stdout: true, level: 'error' },
      persistence: {
        defaultStore: 'default',
        visibilityStore: 'visibility',
        numHistoryShards: HISTORY_SHARDS,
        datastores: { default: store, visibility: store },
      },
      global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
      services: {
        frontend: rpc(ports.frontend, ports.frontendMembership, ports.frontendHttp),
        matching: rpc(ports.matching, ports.matchingMembership),
        history: rpc(ports.history, ports.historyMembership),
        worker: rpc(ports.worker, ports.workerMembership),
      },
      clusterMetadata: {
        enableGlobalNamespace: false,
        failoverVersionIncrement: 10,
        masterClusterName: config.clusterName,
        currentClusterName: config.clusterName,
        clusterInformation: {
          [config.clusterName]: {
            enabled: true,
            initialFailoverVersion: 1,
            rpcName: 'frontend',
            rpcAddress: `127.0.0.1:${ports.frontend}`,
            httpAddress: `127.0.0.1:${ports.frontendHttp}`,
          },
        },
      },
      dcRedirectionPolicy: { policy: 'noop' },
      publicClient: { hostPort: `127.0.0.1:${ports.frontend}` },
      dynamicConfigClient: { filepath: config.dynamicConfigPath, pollInterval: '60s' },
    },
    null,
    2,
  );
}

function sqlite(database: string): object {
  const inMemory = database === 'memory';
  return {
    pluginName: 'sqlite',
    databaseName: inMemory ? 'holdfast' : database,
    connectAddr: 'localhost',
    connectProtocol: 'tcp',
    // In the default journal mode a file is 3 to 6 times slower than memory; with a write-ahead log it is about as fast.
    connectAttributes: inMemory
      ? { mode: 'memory', cache: 'private', setup: 'true' }
      : { mode: 'rwc', cache: 'private', setup: 'true', journal_mode: 'wal', synchronous: '1' },
    maxConns: 1,
    maxIdleConns: 1,
    maxConnLifetime: '1h',
  };
}

function rpc(grpcPort: number, membershipPort: number, httpPort?: number): object {
  return { rpc: { grpcPort, membershipPort, bindOnLocalHost: true, ...(httpPort === undefined ? {} : { httpPort }) } };
}

/** The UI server's configuration file, as YAML (JSON is YAML). */
export function uiConfigFile(config: { temporalAddress: string; port: number; namespace: string }): string {
  return JSON.stringify(
    {
      temporalGrpcAddress: config.temporalAddress,
      host: '127.0.0.1',
      port: config.port,
      enableUi: true,
      defaultNamespace: config.namespace,
      hideLogs: true,
    },
    null,
    2,
  );
}
