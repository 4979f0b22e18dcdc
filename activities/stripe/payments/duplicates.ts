import { activity, type PaymentContext } from '../context';
import { cancelIntent } from './void-intent';
import { noneIfMissing } from '../errors';
import { metadataKeys } from '../metadata';

/** What an unrecorded PaymentIntent turned out to be. */
export type UnrecordedPayment =
  | 'canceled' // it came late: its attempt has another PaymentIntent by now, or was undone
  | 'pending' // its attempt has none yet, and may be about to record this one
  | 'not_ours';

/**
 * Cancels a PaymentIntent that comes to light after its attempt went on without it. The provider may carry out a request later
 * that it answered with a failure, and the attempt was sent under a next key by then: two holds would stand for one order.
 */
export function createDuplicateCanceller(
  context: PaymentContext,
): (paymentIntentId: string) => Promise<UnrecordedPayment> {
  const atRisk = 'a second hold for one order may stand on the card of its customer';
  return (paymentIntentId) =>
    activity(context, { operation: 'cancelDuplicate', atRisk, priority: 'background' }, async (session) => {
      const request = () => context.stripe.paymentIntents.retrieve(paymentIntentId).catch(noneIfMissing);
      const intent = await session.read('payment_intents.retrieve', request);
      // The event that named it was of another account.
      if (intent === undefined) return 'not_ours';
      const { metadata } = intent;
      const orderId = metadata[metadataKeys.order];
      const attempt = Number(metadata[metadataKeys.attempt]);
      if (orderId === undefined || !Number.isSafeInteger(attempt)) return 'not_ours';
      const known = await context.store.getAttempt(orderId, attempt);
      if (known === undefined || known.paymentIntentId === paymentIntentId) return 'not_ours';
      if (known.paymentIntentId === undefined && !known.tombstoned) return 'pending';
      context.log.warn({ orderId, attempt, paymentIntentId }, 'a payment came to light after its attempt went on');
      await cancelIntent(session, paymentIntentId);
      return 'canceled';
    });
}
