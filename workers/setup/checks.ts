import type { Pool } from 'pg';
import type { Client } from '@temporalio/client';
import type { Keyring } from '../../activities/crypto';
import { readEncryptedSample, readSchemaState } from '../../activities/storage';
import { scheduleExists } from '../dependencies/schedules';
import { countPollers, currentBuild } from './deployment';
import { inspect, type Finding } from './finding';
import { namespaceExists, unusableAttributes, type TemporalServices } from './namespace';

const RUN_SETUP = 'Run "npx holdfast setup"';

/** Does the schema have all migrations of this build? A newer schema is fine, since migrations only add. */
export function checkSchema(pool: Pool): Promise<Finding> {
  return inspect('Postgres', async () => {
    const { missing, unknown } = await readSchemaState(pool);
    const [first] = missing;
    if (first !== undefined) {
      const text = `the schema is not up to date: ${missing.length} migration(s) are missing, the first is ${first}`;
      return { status: 'fail', text, next: RUN_SETUP };
    }
    if (unknown.length > 0) return { status: 'ok', text: `the schema is newer than this build: ${unknown.join(', ')}` };
    return { status: 'ok', text: 'the schema is up to date' };
  });
}

/** Can these keys decrypt stored data? With other keys, every existing order would fail. */
export function checkEncryptionKeys(pool: Pool, keyring: Keyring): Promise<Finding> {
  return inspect('Encryption keys', async () => {
    const sample = await readEncryptedSample(pool);
    if (sample === undefined) return { status: 'ok', text: 'set; nothing is stored yet' };
    try {
      keyring.decrypt(sample);
      return { status: 'ok', text: 'they can decrypt stored data' };
    } catch {
      return {
        status: 'fail',
        text: 'they cannot decrypt stored data: the newest order was encrypted with another key',
        next: 'Append the previous key to HOLDFAST_ENCRYPTION_KEYS, or use the right database',
      };
    }
  });
}

/** Checks the namespace and its search attributes: without them, no order can start. */
export async function checkNamespace(services: TemporalServices, namespace: string): Promise<readonly Finding[]> {
  const found = await inspect('Temporal', async () =>
    (await namespaceExists(services.workflowService, namespace))
      ? { status: 'ok', text: `namespace "${namespace}" exists` }
      : {
          status: 'fail',
          text: `namespace "${namespace}" does not exist`,
          next: `${RUN_SETUP}, or set TEMPORAL_NAMESPACE`,
        },
  );
  if (found.status === 'fail') return [found];
  const attributes = await inspect('Search attributes', async () => {
    const missing = await unusableAttributes(services, namespace);
    return missing.length === 0
      ? { status: 'ok', text: 'all registered' }
      : { status: 'fail', text: `not registered in namespace "${namespace}": ${missing.join(', ')}`, next: RUN_SETUP };
  });
  return [found, attributes];
}

export function checkSchedules(client: Client, taskQueue: string): Promise<Finding> {
  return inspect(
    'Schedules',
    async () =>
      (await scheduleExists(client, taskQueue))
        ? { status: 'ok', text: 'the daily settlement check is scheduled' }
        : { status: 'warn', text: 'the daily settlement check is not scheduled', next: RUN_SETUP },
    'warn',
  );
}

export interface Workers {
  readonly namespace: string;
  readonly taskQueue: string;
  /** HOLDFAST_BUILD_ID, where it is set. */
  readonly buildId?: string;
}

/** Is the configured build the one that gets new work? */
export function checkVersion({ workflowService }: TemporalServices, workers: Workers): Promise<Finding> {
  return inspect('Worker version', async () => {
    const current = await currentBuild(workflowService, workers);
    const { buildId } = workers;
    if (buildId === current) {
      return { status: 'ok', text: current === undefined ? 'versioning is off' : `${current} is current` };
    }
    if (buildId === undefined) {
      const next = 'Set HOLDFAST_BUILD_ID for the workers: they get no work without it';
      return { status: 'warn', text: `HOLDFAST_BUILD_ID is not set here, and ${current} is current`, next };
    }
    const next =
      current === undefined
        ? 'Start a worker with this HOLDFAST_BUILD_ID: it makes its version current'
        : `${RUN_SETUP} once workers of ${buildId} are running`;
    return { status: 'warn', text: `${buildId} gets no new work: ${current ?? 'no version'} is current`, next };
  });
}

/** Does a worker poll for the tasks of new orders? */
export function checkPollers({ workflowService }: TemporalServices, workers: Workers): Promise<Finding> {
  return inspect('Worker', async () => {
    const count = await countPollers(workflowService, workers, Date.now());
    return count > 0
      ? { status: 'ok', text: `task queue "${workers.taskQueue}" is polled` }
      : {
          status: 'fail',
          text: `no worker polls task queue "${workers.taskQueue}"`,
          next: 'Start one ("npm run worker") with the same HOLDFAST_TASK_QUEUE and TEMPORAL_NAMESPACE',
        };
  });
}
