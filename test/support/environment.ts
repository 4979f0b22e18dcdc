import { randomBytes } from 'node:crypto';
import { Client as PgClient } from 'pg';
import type { Client, Connection, ConnectionOptions } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { errorCode } from '../../workers/dependencies/error-code';

/** What the global set-up started, as every test sees it. */
export interface TestEnvironment {
  temporalAddress: string;
  temporalNamespace: string;
  temporalServerVersion: string;
  /** Admin URL of the Postgres server; a test works in a database of its own, see {@link createDatabase}. */
  postgresUrl: string;
  redisUrl: string;
  /** File with the bundled workflows, made once per run; absent while there is no workflows/index.ts. */
  workflowBundlePath?: string;
}

/** Names of the variables that carry it from the global set-up into the tests' processes. */
export const TEST_VARIABLES = {
  temporalAddress: 'HOLDFAST_TEST_TEMPORAL_ADDRESS',
  temporalNamespace: 'HOLDFAST_TEST_TEMPORAL_NAMESPACE',
  temporalServerVersion: 'HOLDFAST_TEST_TEMPORAL_SERVER_VERSION',
  postgresUrl: 'HOLDFAST_TEST_POSTGRES_URL',
  redisUrl: 'HOLDFAST_TEST_REDIS_URL',
  workflowBundlePath: 'HOLDFAST_TEST_WORKFLOW_BUNDLE',
} as const satisfies Record<keyof TestEnvironment, string>;

/** The migrated database that every test's own is copied from. */
export const TEMPLATE_DATABASE = 'holdfast_template';
/**
 * Copying the template's files costs 20 to 40 ms of CPU; Postgres's default, which writes each page to the log, costs 55 to 170.
 * Two at once wait for each other on the template.
 */
const CREATE_ATTEMPTS = 20;
/** SQLSTATE object_in_use: another test copies from the template at this moment. */
const OBJECT_IN_USE = '55006';

/** @throws Error when a test runs without the global set-up */
export function testEnvironment(): TestEnvironment {
  const bundle = process.env[TEST_VARIABLES.workflowBundlePath];
  return {
    temporalAddress: required('temporalAddress'),
    temporalNamespace: required('temporalNamespace'),
    temporalServerVersion: required('temporalServerVersion'),
    postgresUrl: required('postgresUrl'),
    redisUrl: required('redisUrl'),
    ...(bundle === undefined || bundle === '' ? {} : { workflowBundlePath: bundle }),
  };
}

/** The bundle for `Worker.create({ workflowBundle })`. @throws Error when there is none */
export function workflowBundle(): { codePath: string } {
  const { workflowBundlePath } = testEnvironment();
  if (workflowBundlePath === undefined)
    throw new Error('workflows/index.ts was not bundled by test/support/global-setup.ts');
  return { codePath: workflowBundlePath };
}

export interface TestDatabase {
  url: string;
  /** Ends its sessions and removes it. Call it in afterAll. */
  drop(): Promise<void>;
}

/** A database of the test's own: with all migrations applied, or one that nothing has touched. */
export async function createDatabase(state: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> {
  const { postgresUrl } = testEnvironment();
  const name = uniqueName('holdfast').replaceAll('-', '_');
  await withAdmin(postgresUrl, async (admin) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const template = state === 'empty' ? 'template1' : TEMPLATE_DATABASE;
        await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
        return;
      } catch (error) {
        if (errorCode(error) !== OBJECT_IN_USE || attempt === CREATE_ATTEMPTS) throw error;
      }
    }
  });
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return {
    url: url.toString(),
    drop: () =>
      withAdmin(postgresUrl, async (admin) => {
        await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}

/** A name that no other test, file or run uses, for task queues, workflow ids, Redis key prefixes and the like. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

// The SDKs are loaded by those who connect: every test of a database would pay some 0.4 s of CPU for them.
let connection: Promise<Connection> | undefined;
let nativeConnection: Promise<NativeConnection> | undefined;

/** The test file's own client connection, made once. Close it with {@link closeConnections}. */
export function getConnection(options: ConnectionOptions = {}): Promise<Connection> {
  const connect = async (): Promise<Connection> => {
    const sdk = await import('@temporalio/client');
    return sdk.Connection.connect({ address: testEnvironment().temporalAddress, ...options });
  };
  connection ??= connect();
  return connection;
}

/** The test file's own connection for workers (and for clients that want eager start), made once. */
export function getNativeConnection(): Promise<NativeConnection> {
  const connect = async (): Promise<NativeConnection> => {
    const sdk = await import('@temporalio/worker');
    return sdk.NativeConnection.connect({ address: testEnvironment().temporalAddress });
  };
  nativeConnection ??= connect();
  return nativeConnection;
}

/** A client in the run's namespace on the test file's own connection. */
export async function getClient(): Promise<Client> {
  const sdk = await import('@temporalio/client');
  return new sdk.Client({ connection: await getConnection(), namespace: testEnvironment().temporalNamespace });
}

/** Closes what {@link getConnection} and {@link getNativeConnection} opened; an open one keeps jest from ending. */
export async function closeConnections(): Promise<void> {
  const [client, native] = [connection, nativeConnection];
  connection = undefined;
  nativeConnection = undefined;
  await (await client)?.close();
  await (await native)?.close();
}

function required(name: keyof TestEnvironment): string {
  const value = process.env[TEST_VARIABLES[name]];
  if (value === undefined || value === '') {
    throw new Error(
      `${TEST_VARIABLES[name]} is not set: run tests through jest, whose global set-up starts what they need.`,
    );
  }
  return value;
}

async function withAdmin(url: string, work: (admin: PgClient) => Promise<void>): Promise<void> {
  const admin = new PgClient({ connectionString: url });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
