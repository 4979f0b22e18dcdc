import type { CommonWorkflowOptions } from '@temporalio/common';

/**
 * What a workflow of ours is started with: the one that runs under its id is used, and one that has ended is started
 * anew. Summary, details and attributes carry no personal data.
 */
export interface StartOptions extends CommonWorkflowOptions {
  readonly workflowId: string;
  readonly taskQueue: string;
  readonly args: unknown[];
  readonly workflowIdConflictPolicy: 'USE_EXISTING';
  /** Milliseconds until the first workflow task. Refused by the server together with an update. */
  readonly startDelay?: number;
}
