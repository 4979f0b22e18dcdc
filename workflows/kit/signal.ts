import type { SignalDefinition } from '@temporalio/common';
import { getExternalWorkflowHandle, isCancellation, log } from '@temporalio/workflow';

/** Signals another workflow. One that does not run needs no signal: it loads its facts when it is started again. */
export async function signalIfRunning<Args extends unknown[]>(
  workflowId: string,
  signal: SignalDefinition<Args>,
  ...args: Args
): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(signal, ...args);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.info('a workflow that was to be signalled does not run', { to: workflowId, signal: signal.name });
  }
}
