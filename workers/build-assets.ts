import { bundleWorkflowCode } from '@temporalio/worker';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Completes a build: copies what the compiler leaves out (SQL statements and migrations, the texts of notices) and bundles
 * the workflows once, so that a worker starts without a bundler.
 */
async function main(): Promise<void> {
  const dist = join(__dirname, '..');
  const source = join(dist, '..');
  await cp(join(source, 'activities/storage'), join(dist, 'activities/storage'), {
    recursive: true,
    filter: (path) => !/\.[a-z]+$/.test(path) || path.endsWith('.sql'),
  });
  await cp(join(source, TEMPLATES), join(dist, TEMPLATES), { recursive: true });
  await cp(join(source, PLAN_DATA), join(dist, PLAN_DATA));
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(dist, 'workflows/index.js'),
    logger: quietLogger,
  });
  await writeFile(join(dist, WORKFLOW_BUNDLE), code);
}

const PLAN_DATA = 'test/bench/plans/plan-data.sql';
const TEMPLATES = 'activities/notifications/templates';

/** The bundled workflows, relative to the build's folder. */
export const WORKFLOW_BUNDLE = 'workflow-bundle.js';

const quiet = (): void => undefined;
const quietLogger = {
  log: quiet,
  trace: quiet,
  debug: quiet,
  info: quiet,
  warn: (message: string) => console.warn(message),
  error: (message: string) => console.error(message),
};

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
