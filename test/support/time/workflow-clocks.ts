import { WorkflowNotFoundError } from '@temporalio/common';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { getConnection, testEnvironment } from '../environment';
import { eventually } from './eventually';
import { fastForward, virtualTime } from './time';
import type { World } from '../world';

/** Looks in a row at a workflow that has nothing under way, before it is taken to wait: one may fall between two tasks. */
const IDLE_LOOKS = 3;

/** Waits until everything that was sent was looked at. */
export async function heard({ simulator, dependencies }: World): Promise<void> {
  await simulator.flush();
  await eventually('the inbox to be done', async () => {
    const { pending, waiting } = await dependencies.inbox.countByStatus();
    return pending + waiting === 0;
  });
}

/** Waits until everything was looked at, these workflows wait or have ended, and what they say is said. */
export async function rest(world: World, workflowIds: readonly string[]): Promise<void> {
  await heard(world);
  await Promise.all(workflowIds.map((workflowId) => idle(world, workflowId)));
  // Whether a notice can still be taken back must not depend on haste.
  await eventually('the notices to be sent', async () => {
    const text = `SELECT 1 FROM notices WHERE status IN ('queued', 'sending') LIMIT 1`;
    return (await world.dependencies.pool.query(text)).rows.length === 0;
  });
}

async function idle(world: World, workflowId: string): Promise<void> {
  let looks = 0;
  await eventually(`${workflowId} to wait`, async () => {
    const description = await describe(world, workflowId);
    if (description?.status.name !== 'RUNNING') return true;
    const { pendingActivities, pendingWorkflowTask } = description.raw;
    const isIdle = (pendingActivities ?? []).length === 0 && (pendingWorkflowTask ?? null) === null;
    looks = isIdle ? looks + 1 : 0;
    return looks >= IDLE_LOOKS;
  });
}

/** Moves the clocks of these workflows to one time; one that has ended has no clock. */
export async function liveTo(world: World, workflowIds: readonly string[], atMs: number): Promise<void> {
  await Promise.all(workflowIds.map((workflowId) => forwardTo(world, workflowId, atMs)));
}

async function forwardTo(world: World, workflowId: string, atMs: number): Promise<void> {
  if ((await describe(world, workflowId))?.status.name !== 'RUNNING') return;
  const { temporalNamespace } = testEnvironment();
  const connection = await getConnection();
  const spanMs = atMs - ((await virtualTime(connection, temporalNamespace, workflowId))?.nowMs ?? Date.now());
  if (spanMs <= 0) return;
  try {
    await fastForward(connection, temporalNamespace, workflowId, spanMs);
  } catch (error) {
    // It may end while it is asked for.
    if ((await describe(world, workflowId))?.status.name === 'RUNNING') throw error;
  }
}

async function describe({ client }: World, workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
