import { workflowInfo } from '@temporalio/workflow';
import type { WorkflowDefinitionOptions } from '@temporalio/common';

/**
 * How a workflow moves between versions of the workers: short ones stay with the build that began them, those that live for
 * weeks go on with the newest and are kept compatible by patches. Said only by versioned workers: a server refuses it from
 * others.
 */
export function versioned(versioningBehavior: 'PINNED' | 'AUTO_UPGRADE'): WorkflowDefinitionOptions {
  const isVersioned = (workflowInfo().currentDeploymentVersion?.deploymentName ?? '') !== '';
  return isVersioned ? { versioningBehavior } : {};
}
