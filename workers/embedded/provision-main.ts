import { ensureBuilt, STRIPE_MOCK, TEMPORAL_UI } from './provision';
import { findRedisServer, installRedisServer } from './servers/redis-source';
import { findTemporalSource } from './servers/temporal-source';

/**
 * `npm run provision [-- --contract]`: downloads and builds, with progress, everything that tests and the demo would otherwise
 * get at their first start, so that later starts are quick and need no network.
 */
async function main(): Promise<void> {
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  const temporal = await findTemporalSource(true, log);
  log(`Temporal: ${temporal.path}`);
  // The command line brings its own web UI.
  if (temporal.kind === 'built') log(`Temporal UI: ${await ensureBuilt(TEMPORAL_UI, log)}`);
  log(`Redis: ${(await findRedisServer()) ?? (await installRedisServer(log))}`);
  if (process.argv.includes('--contract')) log(`stripe-mock: ${await ensureBuilt(STRIPE_MOCK, log)}`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
