import type { Pool } from 'pg';
import type { Keyring } from '../../activities/crypto';
import { StartRefused } from '../processes/start-refused';
import { checkEncryptionKeys, checkNamespace, checkSchema } from './checks';
import type { TemporalServices } from './namespace';

/**
 * Checks that Postgres and Temporal are set up, before a process takes work.
 * @throws StartRefused that names what is missing and the command that creates it
 */
export async function assertSetUp(needed: {
  readonly pool: Pool;
  readonly keyring: Keyring;
  readonly temporal: TemporalServices;
  readonly namespace: string;
}): Promise<void> {
  const { pool, keyring, temporal, namespace } = needed;
  const [schema, services] = await Promise.all([checkSchema(pool), checkNamespace(temporal, namespace)]);
  const keys = schema.status === 'ok' ? [await checkEncryptionKeys(pool, keyring)] : [];
  const failed = [schema, ...services, ...keys].filter(({ status }) => status === 'fail');
  if (failed.length === 0) return;
  const lines = failed.map(({ part, text, next }) => `  - ${part}: ${text}.${next === undefined ? '' : ` ${next}.`}`);
  throw new StartRefused(['Holdfast cannot start:', ...lines].join('\n'));
}
