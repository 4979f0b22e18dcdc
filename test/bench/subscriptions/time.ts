import type { Connection } from '@temporalio/client';
import { requiredTsToMs } from '@temporalio/common/lib/time';
import { temporal } from '@temporalio/proto';
import { workflowIds } from '../../../workflows/kit/names';
import { eventually } from '../../support/time/eventually';
import { startFastForward, waitForFastForward } from '../../support/time/time';
import { closedLoop } from '../load';
import type { Shop } from '../shop';

const { EventType, WorkflowExecutionStatus } = temporal.api.enums.v1;

/** Each forward keeps a call open at the server; this many keep a worker busy. */
const FORWARDS = 24;
/** So long the provider's clock goes on before everybody's eyes follow: its own grace before anything is said is as long. */
const STEP_MS = 2 * 3_600_000;
/** The clock stands so long before what comes next, so that a step never begins in the middle of it. */
const BEFORE_MS = 60_000;
/** A timer at the very end of a span fires just after it. */
const AFTER_MS = 1_000;
/** Thousands of renewals that come at once take a while. */
const QUIET_LIMIT_MS = 30 * 60_000;
const LOOK_EVERY_MS = 100;

/** What the moving of a clock writes into a history: none of a workflow's own. */
const CLOCK_EVENTS: ReadonlySet<number> = new Set([
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
]);

/** What is about to happen to a subscription, in milliseconds since the epoch; Infinity where nothing is. */
interface Agenda {
  readonly subscriptionId: string;
  /** The workflow's own timer. */
  readonly wakeMs: number;
  /** The provider's next try, or its next period. */
  readonly providerMs: number;
}

const AGENDA = `
  SELECT s.subscription_id AS "subscriptionId", s.wake_at AS "wakeAt", s.current_period_end AS "periodEnd",
    i.next_attempt_at AS "nextAttemptAt", i.status = 'draft' AS "isDraft", s.stage = 'canceled' AS "isOver"
  FROM subscriptions s LEFT JOIN subscription_invoices i USING (subscription_id, invoice_id)
  WHERE s.stage <> 'canceled' OR s.wake_at IS NOT NULL`;

interface AgendaRow {
  readonly subscriptionId: string;
  readonly wakeAt: Date | null;
  readonly periodEnd: Date | null;
  readonly nextAttemptAt: Date | null;
  readonly isDraft: boolean | null;
  /** At the provider: its workflow has yet to see it, or to say the last word when the night is over. */
  readonly isOver: boolean;
}

/**
 * Weeks for many subscriptions. In each step the provider's clock goes first, its webhooks are delivered and looked at, and
 * then the workflows' clocks follow, as in life. A clock that moves costs calls to the server, so only those move for
 * which something happens in the step: their own timer, or, of those that are in trouble, something at the provider. For
 * all others the step is a span in which nothing happens, and they make up for it when something does.
 */
export class SubscriptionTime {
  /** Clocks that were moved, in all. */
  forwards = 0;
  /** Those that renew without trouble: nothing that the provider does to them wakes their workflows. */
  readonly calm = new Set<string>();

  constructor(
    private readonly shop: Shop,
    private readonly connection: Connection,
  ) {}

  /** Lives until the provider's clock shows this. */
  async liveUntil(untilMs: number, onStep: (nowMs: number) => void): Promise<void> {
    const { clock } = this.shop.simulator;
    while (clock.now() < untilMs) {
      const next = Math.min(...(await this.agenda()).map((one) => Math.min(one.wakeMs, one.providerMs)));
      clock.advanceTo(Math.min(next - BEFORE_MS, untilMs));
      await this.step(Math.min(clock.now() + STEP_MS, untilMs));
      onStep(clock.now());
    }
  }

  private async step(toMs: number): Promise<void> {
    const { clock } = this.shop.simulator;
    const fromMs = clock.now();
    const concerned = (await this.agenda()).filter((one) => one.providerMs <= toMs);
    const woken = concerned.map((one) => one.subscriptionId).filter((id) => !this.calm.has(id));
    await this.forward(woken, fromMs);
    clock.advanceTo(toMs);
    await this.quiet();
    const due = (await this.agenda()).filter((one) => one.wakeMs <= toMs);
    await this.forward(
      due.map((one) => one.subscriptionId),
      toMs + AFTER_MS,
    );
    await this.quiet();
  }

  /** Everything that was sent has been looked at, and what was to be said by now is said: a lease ends within three minutes. */
  async quiet(): Promise<void> {
    const { simulator, dependencies } = this.shop;
    await simulator.flush();
    const sql = `SELECT EXISTS (SELECT 1 FROM inbox WHERE status IN ('pending', 'waiting'))
      OR EXISTS (SELECT 1 FROM notices WHERE finished_at IS NULL AND next_attempt_at < now() + interval '3 minutes') AS busy`;
    const deadline = performance.now() + QUIET_LIMIT_MS;
    for (;;) {
      const { rows } = await dependencies.pool.query<{ busy: boolean }>(sql);
      if (rows[0]?.busy === false) return;
      if (performance.now() > deadline) throw new Error('webhooks or notices were not done with in time');
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /** Brings the workflows' clocks to a time, where they are behind it. */
  async forward(subscriptionIds: readonly string[], toMs: number): Promise<void> {
    const { temporalNamespace: namespace } = this.shop.settings;
    await closedLoop(subscriptionIds.length, FORWARDS, async (index) => {
      const workflowId = workflowIds.subscription(subscriptionIds[index] ?? '');
      const nowMs = await this.idle(workflowId);
      if (nowMs === undefined || nowMs >= toMs) return;
      this.forwards += 1;
      try {
        const forward = await startFastForward(this.connection, namespace, workflowId, toMs - nowMs);
        await waitForFastForward(this.connection, namespace, workflowId, forward);
        await this.idle(workflowId);
      } catch (error) {
        // It ended after it was looked at.
        if (!(error instanceof Error && /already completed|not found/i.test(error.message))) throw error;
      }
    });
  }

  /** Waits for the end of a workflow's task, or its moved clock would cost one more. Its clock; undefined where it has ended. */
  private idle(workflowId: string): Promise<number | undefined> {
    const { temporalNamespace: namespace } = this.shop.settings;
    const execution = { workflowId };
    const found = eventually('the workflow to be idle', async () => {
      const answer = await this.connection.workflowService.describeWorkflowExecution({ namespace, execution });
      const { pendingWorkflowTask, pendingActivities, workflowExecutionInfo, workflowExtendedInfo } = answer;
      if (workflowExecutionInfo?.status !== WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING) return [];
      const isBusy = pendingWorkflowTask !== null && pendingWorkflowTask !== undefined;
      if (isBusy || (pendingActivities ?? []).length > 0) return undefined;
      const skipped = workflowExtendedInfo?.timeSkippingInfo?.currentTime;
      return [skipped === null || skipped === undefined ? Date.now() : requiredTsToMs(skipped, 'currentTime')];
    });
    return found.then(([nowMs]) => nowMs);
  }

  /** How many events each workflow's history has, without those of its moved clock. */
  async historyLengths(subscriptionIds: readonly string[]): Promise<Map<string, number>> {
    const lengths = new Map<string, number>();
    await closedLoop(subscriptionIds.length, FORWARDS, async (index) => {
      const subscriptionId = subscriptionIds[index] ?? '';
      const handle = this.shop.client.workflow.getHandle(workflowIds.subscription(subscriptionId));
      const { events } = await handle.fetchHistory();
      const own = (events ?? []).filter(({ eventType }) => !CLOCK_EVENTS.has(eventType ?? 0));
      lengths.set(subscriptionId, own.length);
    });
    return lengths;
  }

  private async agenda(): Promise<Agenda[]> {
    const { rows } = await this.shop.dependencies.pool.query<AgendaRow>(AGENDA);
    const nowMs = this.shop.simulator.clock.now();
    return rows.map((row) => ({
      subscriptionId: row.subscriptionId,
      wakeMs: row.wakeAt?.getTime() ?? Infinity,
      providerMs: row.isOver ? Infinity : providerMs(row, nowMs),
    }));
  }
}

/** A draft becomes an invoice that is tried at a time that only the provider knows: at any time from now on. */
function providerMs({ periodEnd, nextAttemptAt, isDraft }: AgendaRow, nowMs: number): number {
  return isDraft === true ? nowMs : ((nextAttemptAt ?? periodEnd)?.getTime() ?? Infinity);
}
