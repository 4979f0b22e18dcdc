import { workflowTypes } from '../../workflows/kit/names';
import type { SettlementSummary } from '../../workflows/settlement/ports';
import { uniqueName } from '../support/environment';
import type { Path, Stage, Target } from './stage';

const today = (): string => new Date().toISOString().slice(0, 10);

/** The check of a day, by hand. */
async function reconcile({ world }: Stage, unexplained: number): Promise<Target> {
  const workflowId = uniqueName('reconciliation');
  const handle = await world.client.workflow.start(workflowTypes.reconcileSettlement, {
    workflowId,
    taskQueue: world.taskQueue,
    args: [{ date: today() }],
  });
  const summary = (await handle.result()) as SettlementSummary;
  if (summary.unexplained !== unexplained) throw new Error(`expected another summary: ${JSON.stringify(summary)}`);
  return { workflowId };
}

/** The daily check of what the provider has against what we have. */
export const reconciliationPaths: readonly Path[] = [
  { name: 'reconciliation-of-a-quiet-day', play: (stage) => reconcile(stage, 0) },
  {
    name: 'reconciliation-with-a-difference',
    async play(stage) {
      stage.world.simulator.addBalanceTransaction({ amount: -1_234, currency: 'eur' });
      return reconcile(stage, 1);
    },
  },
];
