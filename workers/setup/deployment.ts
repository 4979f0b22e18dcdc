import { temporal } from '@temporalio/proto';
import { errorCode } from '../dependencies/error-code';
import { waitFor } from '../dependencies/poll';
import type { TemporalServices } from './namespace';
import type { Step } from './step';

/** A version in Worker Deployment Versioning. The deployment is named after the task queue. */
export interface WorkerVersion {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly buildId: string;
}

type WorkflowService = TemporalServices['workflowService'];

/** gRPC status codes. */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
/** The server knows a version about a second after its worker's first poll. */
const REGISTERED_LIMIT_MS = 30_000;
/** A poll lasts up to a minute, so a running worker is seen at least that often. */
const SEEN_WITHIN_MS = 75_000;

/** Makes a build current: new orders, and all workflows that are not pinned, run on it. */
export function deploymentStep(connection: TemporalServices, version: WorkerVersion): Step {
  const { workflowService } = connection;
  const { buildId } = version;
  return {
    name: 'Worker version',
    async look() {
      const deployment = await describe(workflowService, version);
      if (deployment === undefined) {
        return { state: 'later', text: `the first worker with HOLDFAST_BUILD_ID=${buildId} becomes the current one` };
      }
      if (deployment.current === buildId) return { state: 'there', text: `${buildId} is current` };
      if (!deployment.builds.includes(buildId)) {
        return { state: 'later', text: `start a worker with HOLDFAST_BUILD_ID=${buildId} first, then run this again` };
      }
      return { state: 'missing', text: `make ${buildId} current in place of ${deployment.current ?? 'none'}` };
    },
    perform: () => setCurrent(workflowService, version),
  };
}

/**
 * Makes a build current where none is, so that the first versioned worker gets work. Another current build is kept: a worker of
 * the old build that restarts during an upgrade must not undo the upgrade.
 * @returns the build that is current afterwards
 */
export async function claimFirstVersion(workflowService: WorkflowService, version: WorkerVersion): Promise<string> {
  return waitFor(`worker version ${version.buildId} to be registered`, REGISTERED_LIMIT_MS, async () => {
    const deployment = await describe(workflowService, version);
    if (deployment === undefined || !deployment.builds.includes(version.buildId)) return undefined;
    if (deployment.current !== undefined) return deployment.current;
    // The conflict token of the read: two first workers cannot overwrite each other.
    await setCurrent(workflowService, version, deployment.conflictToken).catch((error: unknown) => {
      if (errorCode(error) !== FAILED_PRECONDITION) throw error;
    });
    return undefined;
  });
}

/** The current build; undefined where unversioned workers get the work. */
export async function currentBuild(
  workflowService: WorkflowService,
  version: Omit<WorkerVersion, 'buildId'>,
): Promise<string | undefined> {
  return (await describe(workflowService, version))?.current;
}

/** How many workers poll for workflow tasks and would get those of a new order. */
export async function countPollers(
  workflowService: WorkflowService,
  { namespace, taskQueue }: Omit<WorkerVersion, 'buildId'>,
  nowMs: number,
): Promise<number> {
  const { pollers, versioningInfo } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  const current = versioningInfo?.currentDeploymentVersion?.buildId ?? undefined;
  const { WORKER_VERSIONING_MODE_VERSIONED } = temporal.api.enums.v1.WorkerVersioningMode;
  return (pollers ?? []).filter(({ lastAccessTime, deploymentOptions }) => {
    const seenMs = Number(lastAccessTime?.seconds ?? 0) * 1_000;
    const build =
      deploymentOptions?.workerVersioningMode === WORKER_VERSIONING_MODE_VERSIONED
        ? (deploymentOptions.buildId ?? undefined)
        : undefined;
    return nowMs - seenMs <= SEEN_WITHIN_MS && build === current;
  }).length;
}

interface Deployment {
  readonly current: string | undefined;
  readonly builds: readonly string[];
  readonly conflictToken: Uint8Array;
}

async function describe(
  workflowService: WorkflowService,
  { namespace, taskQueue: deploymentName }: Omit<WorkerVersion, 'buildId'>,
): Promise<Deployment | undefined> {
  try {
    const { workerDeploymentInfo: info, conflictToken } = await workflowService.describeWorkerDeployment({
      namespace,
      deploymentName,
    });
    return {
      current: info?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined,
      builds: (info?.versionSummaries ?? []).flatMap(({ deploymentVersion }) => deploymentVersion?.buildId ?? []),
      conflictToken,
    };
  } catch (error) {
    if (errorCode(error) === NOT_FOUND) return undefined;
    throw error;
  }
}

async function setCurrent(
  workflowService: WorkflowService,
  { namespace, taskQueue: deploymentName, buildId }: WorkerVersion,
  conflictToken?: Uint8Array,
): Promise<void> {
  await workflowService.setWorkerDeploymentCurrentVersion({
    namespace,
    deploymentName,
    buildId,
    identity: 'holdfast',
    ...(conflictToken === undefined ? {} : { conflictToken }),
  });
}
