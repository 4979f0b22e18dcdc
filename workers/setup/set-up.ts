import { Client } from '@temporalio/client';
import { createPool, readSchemaState } from '../../activities/storage';
import type { Config } from '../config/config';
import { schedulesStep } from '../dependencies/schedules';
import { withTemporal } from './connect';
import { deploymentStep } from './deployment';
import { describeFault } from './fault';
import { namespaceStep, searchAttributesStep } from './namespace';
import { runSteps, type RunSteps, type Step } from './step';

export type SetupTarget = Pick<Config, 'databaseUrl' | 'temporal' | 'buildId'>;

/**
 * Prepares Postgres and Temporal for Holdfast: the schema, the namespace, its search attributes, the schedules, and the current
 * version of the workers. May be repeated at any time.
 * @returns whether all steps succeeded
 */
export async function setUp(target: SetupTarget, run: RunSteps): Promise<boolean> {
  const schemaDone = await runSteps([schemaStep(target.databaseUrl)], run);
  const temporalDone = await setUpTemporal(target, run);
  return schemaDone && temporalDone;
}

function schemaStep(databaseUrl: string | undefined): Step {
  const url = (): string => {
    if (databaseUrl === undefined) throw new Error('DATABASE_URL must be set');
    return databaseUrl;
  };
  return {
    name: 'Postgres schema',
    async look() {
      const pool = createPool(url(), { maxConnections: 1 });
      try {
        const { missing } = await readSchemaState(pool);
        return missing.length === 0
          ? { state: 'there', text: 'up to date' }
          : { state: 'missing', text: `${missing.length} migration(s), ${missing[0]} to ${missing.at(-1)}` };
      } finally {
        await pool.end();
      }
    },
    async perform() {
      // Loaded here: tests cannot load the migration library.
      const { migrate } = await import('../../activities/storage/postgres/migrate.js');
      await migrate(url());
    },
  };
}

async function setUpTemporal(
  { temporal: { connection: options, namespace, taskQueue }, buildId }: SetupTarget,
  run: RunSteps,
): Promise<boolean> {
  try {
    if (options === undefined) throw new Error('TEMPORAL_ADDRESS must be set');
    return await withTemporal(options, (connection) =>
      runSteps(
        [
          namespaceStep(connection, namespace),
          searchAttributesStep(connection, namespace),
          schedulesStep(new Client({ connection, namespace }), taskQueue),
          ...(buildId === undefined ? [] : [deploymentStep(connection, { namespace, taskQueue, buildId })]),
        ],
        run,
      ),
    );
  } catch (error) {
    run.report({ step: 'Temporal', state: 'failed', ...describeFault(error) });
    return false;
  }
}
