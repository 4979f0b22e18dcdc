import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../dependencies/poll';
import { startProcess, type Log, type ManagedProcess } from './process';
import { uiConfigFile } from './temporal-config';
import { startWatched, type WatchedProcess } from './watch';

/** It serves within a second; after ten it never will. */
const READY_LIMIT_MS = 10_000;

/**
 * Starts the Temporal web UI on the loopback address.
 * @param runDir folder for its generated configuration
 * @throws Error with its last output when it does not serve
 */
export async function startTemporalUi(options: {
  binary: string;
  runDir: string;
  temporalAddress: string;
  namespace: string;
  port: number;
  log: Log;
  onGivenUp?: ((reason: string) => void) | undefined;
}): Promise<{ url: string; child: WatchedProcess }> {
  await mkdir(join(options.runDir, 'ui'), { recursive: true });
  await writeFile(join(options.runDir, 'ui', 'local.yaml'), uiConfigFile(options));
  const url = `http://127.0.0.1:${options.port}`;
  const { child } = await startWatched({
    name: 'Temporal UI',
    start: () =>
      startProcess({
        name: 'Temporal UI',
        command: options.binary,
        args: ['--root', options.runDir, '--config', 'ui', '--env', 'local', 'start'],
        cwd: options.runDir,
      }),
    ready: (ui) => waitUntilServing(url, ui),
    log: options.log,
    onGivenUp: options.onGivenUp,
  });
  return { url, child };
}

function waitUntilServing(url: string, ui: ManagedProcess): Promise<true> {
  return waitFor(
    'the Temporal UI',
    READY_LIMIT_MS,
    // A kept-alive connection would delay its graceful shutdown.
    async () => ((await fetch(url, { headers: { connection: 'close' } })).ok ? true : undefined),
    () => (ui.exited() === undefined ? undefined : `it ended with ${ui.exited()}:\n${ui.recentOutput()}`),
  );
}
