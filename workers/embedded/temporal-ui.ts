import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from './poll';
import { startProcess, type ManagedProcess } from './process';
import { uiConfigFile } from './temporal-config';

/** It serves within a second; ten means that it never will. */
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
}): Promise<{ url: string; process: ManagedProcess }> {
  await mkdir(join(options.runDir, 'ui'), { recursive: true });
  await writeFile(join(options.runDir, 'ui', 'local.yaml'), uiConfigFile(options));
  const child = await startProcess({
    name: 'Temporal UI',
    command: options.binary,
    args: ['--root', options.runDir, '--config', 'ui', '--env', 'local', 'start'],
    cwd: options.runDir,
  });
  const url = `http://127.0.0.1:${options.port}`;
  try {
    await waitFor(
      'the Temporal UI',
      READY_LIMIT_MS,
      // A kept-alive connection would hold up its graceful shutdown.
      async () => ((await fetch(url, { headers: { connection: 'close' } })).ok ? true : undefined),
      () => (child.exited() === undefined ? undefined : `it ended with ${child.exited()}:\n${child.recentOutput()}`),
    );
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url, process: child };
}
