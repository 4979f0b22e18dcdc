import { workflowIds } from '../../workflows/kit/names';
import { FraudWarnings } from '../support/disputes';
import { DAY_MS, expectAccepted } from './stage';
import type { Path, Stage, Target } from './stage';

/** A warning about an order that has shipped whole: a person decides, or nobody does. */
async function warned(stage: Stage, action?: 'refund' | 'ignore'): Promise<Target> {
  const warnings = new FraudWarnings(() => stage.world);
  const orderId = await stage.disputes.shippedOrder('all');
  const warningId = await warnings.raised(stage.disputes.paymentOf(orderId));
  if (action === undefined) await warnings.forward(warningId, 31 * DAY_MS);
  else expectAccepted(await warnings.decide(warningId, action));
  return stage.end(workflowIds.fraudWarning(warningId));
}

/** Every way an early fraud warning ends. */
export const fraudWarningPaths: readonly Path[] = [
  { name: 'fraud-warning-refunded', play: (stage) => warned(stage, 'refund') },
  { name: 'fraud-warning-ignored', play: (stage) => warned(stage, 'ignore') },
  { name: 'fraud-warning-lapsed', play: (stage) => warned(stage) },
  {
    name: 'fraud-warning-disputed-after-all',
    async play(stage) {
      const orderId = await stage.disputes.shippedOrder('all');
      const warningId = await new FraudWarnings(() => stage.world).raised(stage.disputes.paymentOf(orderId));
      await stage.disputes.opened(orderId);
      return stage.end(workflowIds.fraudWarning(warningId));
    },
  },
];
