import type Stripe from 'stripe';
import type { FraudWarningProviderActivities } from '../../../workflows/fraud-warning/ports';
import type { FraudWarningSnapshot } from '../../../workflows/domain/dispute/fraud-warning';
import type { FraudWarningStore } from '../../storage';
import { activity, type PaymentContext } from '../context';
import { noneIfMissing, unknownObject, retryLater } from '../errors';
import { idOf } from '../payments/payment-status';

const EXPAND: string[] = ['charge'];

/** The activities of early fraud warnings on Stripe: see `FraudWarningProviderActivities`. */
export function createFraudWarningActivities(
  context: PaymentContext,
  store: FraudWarningStore,
): FraudWarningProviderActivities {
  return {
    syncFraudWarning({ warningId, now, limitMs }) {
      const atRisk = `our record of warning ${warningId} may be out of date; nothing was changed at the provider`;
      const call = { operation: 'syncFraudWarning', atRisk, priority: 'background' } as const;
      return activity(context, call, async (session) => {
        const warning = await session.read('early_fraud_warnings.retrieve', () =>
          context.stripe.radar.earlyFraudWarnings.retrieve(warningId, { expand: EXPAND }).catch(noneIfMissing),
        );
        if (warning === undefined) {
          if (!(await store.isKnown(warningId))) return null;
          throw unknownObject(session.call, `early fraud warning ${warningId}, which is recorded here`);
        }
        if (warning.object !== 'radar.early_fraud_warning')
          throw retryLater(session.call, 'the provider’s answer is not an early fraud warning');
        const snapshot = fraudWarningSnapshot(warning);
        return (snapshot && (await store.record(snapshot, { now, limitMs }))) ?? null;
      });
    },
  };
}

/** Undefined for a charge without a PaymentIntent: such a charge is not ours. */
function fraudWarningSnapshot(warning: Stripe.Radar.EarlyFraudWarning): FraudWarningSnapshot | undefined {
  const charge = typeof warning.charge === 'object' ? warning.charge : undefined;
  const paymentIntentId = idOf(warning.payment_intent) ?? idOf(charge?.payment_intent);
  if (paymentIntentId === undefined) return undefined;
  return {
    warningId: warning.id,
    paymentIntentId,
    chargeId: idOf(warning.charge) ?? '',
    fraudType: warning.fraud_type,
    actionable: warning.actionable,
    receivedAt: new Date(warning.created * 1000).toISOString(),
    isDisputed: charge?.disputed ?? false,
    isRefunded: charge?.refunded ?? false,
  };
}
