import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { workflowTypes } from '../../workflows/kit/names';
import type { Step } from '../setup/step';

/** Stripe's balance of a day is complete some hours after midnight; people find the result in the morning. */
const SETTLEMENT_HOUR_UTC = 5;

/** After an outage of up to a week, each missed day is still compared. */
const CATCH_UP = '7 days';

/** One schedule for each task queue, so that several shops can share a namespace. */
export function settlementScheduleId(taskQueue: string): string {
  return `settlement-${taskQueue}`;
}

/** Creates the schedules where they are missing. */
export function schedulesStep(client: Client, taskQueue: string): Step {
  const text = 'daily settlement check';
  return {
    name: 'Schedules',
    async look() {
      return (await scheduleExists(client, taskQueue))
        ? { state: 'there', text }
        : { state: 'missing', text: `create the ${text} at ${SETTLEMENT_HOUR_UTC}:00 UTC` };
    },
    perform: () => ensureSchedules(client, taskQueue),
  };
}

export async function scheduleExists(client: Client, taskQueue: string): Promise<boolean> {
  try {
    await client.schedule.getHandle(settlementScheduleId(taskQueue)).describe();
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

/** Creates missing schedules. An existing one is not changed: a person may have paused or edited it. */
export async function ensureSchedules(client: Client, taskQueue: string): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: settlementScheduleId(taskQueue),
      spec: { calendars: [{ hour: SETTLEMENT_HOUR_UTC, minute: 0, second: 0 }] },
      action: {
        type: 'startWorkflow',
        workflowType: workflowTypes.reconcileSettlement,
        // Temporal appends the scheduled time, which is the same for every task queue of a namespace.
        workflowId: `reconciliation-settlement-${taskQueue}`,
        taskQueue,
        args: [{}],
        staticSummary: 'Daily settlement check',
      },
      policies: { overlap: ScheduleOverlapPolicy.BUFFER_ALL, catchupWindow: CATCH_UP },
      state: { note: "Compares the day before with the provider's balance" },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
