import type { World } from './world';

/** Running workflows of which a task or an activity is tried again and again. */
export async function stuckWorkflows(world: World): Promise<string[]> {
  const found: string[] = [];
  const query = `TaskQueue = '${world.taskQueue}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of world.client.workflow.list({ query })) {
    const { raw } = await world.client.workflow.getHandle(workflowId).describe();
    const tries = [raw.pendingWorkflowTask?.attempt, ...(raw.pendingActivities ?? []).map((one) => one.attempt)];
    if (tries.some((attempt) => (attempt ?? 0) > 3)) found.push(workflowId);
  }
  return found;
}
