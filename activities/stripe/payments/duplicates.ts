import { activity, type PaymentContext } from '../context';
import { cancelIntent } from './void-intent';
import { noneIfMissing } from '../errors';
import { metadataKeys } from '../metadata';

/** What a PaymentIntent that is not recorded turned out to be. */
export type UnrecordedPayment =
  | 'canceled' // a duplicate: its attempt has another PaymentIntent by now, or was undone
  | 'pending' // its attempt has no PaymentIntent yet and may be about to record this one
  | 'not_ours';

/**
 * Cancels a duplicate PaymentIntent of an attempt. The provider may still execute a request that it answered with a failure;
 * the attempt was then already sent under the next key, and one order would have two holds.
 */
export function createDuplicateCanceller(
  context: PaymentContext,
): (paymentIntentId: string) => Promise<UnrecordedPayment> {
  const atRisk = "an order may have a second hold on its customer's card";
  return (paymentIntentId) =>
    activity(context, { operation: 'cancelDuplicate', atRisk, priority: 'background' }, async (session) => {
      const request = () => context.stripe.paymentIntents.retrieve(paymentIntentId).catch(noneIfMissing);
      const intent = await session.read('payment_intents.retrieve', request);
      // The event came from another account.
      if (intent === undefined) return 'not_ours';
      const { metadata } = intent;
      const orderId = metadata[metadataKeys.order];
      const attempt = Number(metadata[metadataKeys.attempt]);
      if (orderId === undefined || !Number.isSafeInteger(attempt)) return 'not_ours';
      const known = await context.store.getAttempt(orderId, attempt);
      if (known === undefined || known.paymentIntentId === paymentIntentId) return 'not_ours';
      if (known.paymentIntentId === undefined && !known.tombstoned) return 'pending';
      context.log.warn({ orderId, attempt, paymentIntentId }, 'cancelling a duplicate payment of an attempt');
      await cancelIntent(session, paymentIntentId);
      return 'canceled';
    });
}
