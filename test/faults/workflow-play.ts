import type { WorkflowExecutionDescription } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { OutcomePending, ServiceUnavailable } from '../../clients/client';
import { waitFor } from '../../workers/dependencies/poll';
import { getConnection, testEnvironment } from '../support/environment';
import { fastForward, virtualTime } from '../support/time/time';
import type { FaultWorld } from './fault-world';

/** A killed worker's activities are tried again after their 30 s, and its workflow tasks after 10 s; both may follow. */
export const LIMIT_MS = 120_000;

/** Steps that failed for good are tried again after 10 minutes. */
export const RETRY_PAUSE_MS = 11 * 60_000;

/** Looks in a row at a workflow that has nothing under way, before it is taken to be waiting: one poll may fall between two tasks. */
const QUIET_LOOKS = 3;

/** How a case deals with workflows: waits for their answers and for their rest, and moves their clocks. */
export abstract class WorkflowPlay {
  constructor(
    readonly world: FaultWorld,
    readonly name: string,
  ) {}

  /** Waits for an answer; while the workflow only waits for its own timer, its clock is moved on. */
  protected async answer<T>(workflowId: string, send: () => Promise<T>): Promise<T> {
    let settled: { readonly value: T } | { readonly error: unknown } | undefined;
    const sent = (): void =>
      void send().then(
        (value) => (settled = { value }),
        (error: unknown) => {
          // Nothing is known yet: the same again is safe.
          if (error instanceof OutcomePending || error instanceof ServiceUnavailable) sent();
          else settled = { error };
        },
      );
    sent();
    let looks = 0;
    const done = await waitFor(`the answer to ${this.name}`, LIMIT_MS, async () => {
      if (settled !== undefined) return settled;
      looks = (await this.idle(workflowId)) ? looks + 1 : 0;
      if (looks > 2 * QUIET_LOOKS && settled === undefined) {
        looks = 0;
        await this.forward(workflowId, RETRY_PAUSE_MS);
      }
      return settled;
    });
    if ('error' in done) throw done.error;
    return done.value;
  }

  /** Waits until a workflow has nothing under way; undefined where there is no such workflow. */
  async quiet(workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
    let looks = 0;
    let last: WorkflowExecutionDescription | undefined;
    await waitFor(`${workflowId} (${this.name}) to settle`, LIMIT_MS, async () => {
      last = await this.describe(workflowId);
      if (last === undefined || last.status.name !== 'RUNNING') return true;
      looks = isIdle(last) ? looks + 1 : 0;
      return looks >= QUIET_LOOKS ? true : undefined;
    });
    return last;
  }

  async describe(workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await this.world.client.workflow.getHandle(workflowId).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  private async idle(workflowId: string): Promise<boolean> {
    const description = await this.describe(workflowId);
    return description !== undefined && description.status.name === 'RUNNING' && isIdle(description);
  }

  /** Moves the clock of a workflow that runs; one that has ended has no clock. */
  async forward(workflowId: string, durationMs: number): Promise<void> {
    if (!(durationMs > 0)) return;
    try {
      await fastForward(await getConnection(), testEnvironment().temporalNamespace, workflowId, durationMs);
    } catch (error) {
      if ((await this.describe(workflowId))?.status.name === 'RUNNING') throw error;
    }
  }

  /** Moves it on to a time by its own clock. */
  async forwardTo(workflowId: string, atMs: number): Promise<void> {
    if ((await this.describe(workflowId))?.status.name !== 'RUNNING') return;
    const { temporalNamespace } = testEnvironment();
    const nowMs = (await virtualTime(await getConnection(), temporalNamespace, workflowId))?.nowMs ?? Date.now();
    await this.forward(workflowId, atMs - nowMs);
  }
}

function isIdle({ raw }: WorkflowExecutionDescription): boolean {
  const task = raw.pendingWorkflowTask;
  return (raw.pendingActivities ?? []).length === 0 && (task === null || task === undefined);
}
