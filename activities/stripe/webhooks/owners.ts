import { activity, type PaymentContext } from '../context';
import { noneIfMissing } from '../errors';
import { metadataKeys } from '../metadata';
import { idOf } from '../payments/payment-status';

/** Looks up at the provider which order or payment an object belongs to, if our record does not show it. Failures are thrown. */
export interface PaymentOwners {
  /** Our order id in the metadata of a PaymentIntent; undefined if the PaymentIntent is not ours. */
  orderOf(paymentIntentId: string): Promise<string | undefined>;
  /** The PaymentIntent of a charge; undefined if it has none. */
  paymentOf(chargeId: string): Promise<string | undefined>;
  /** Does the provider have a refund with this id? */
  knowsRefund(refundId: string): Promise<boolean>;
}

const atRisk = 'nothing, because the event is tried again later';

export function createPaymentOwners(context: PaymentContext): PaymentOwners {
  const { stripe } = context;
  return {
    orderOf: (paymentIntentId) =>
      activity(context, { operation: 'findOwner', atRisk, priority: 'background' }, async (session) => {
        const request = () => stripe.paymentIntents.retrieve(paymentIntentId).catch(noneIfMissing);
        const intent = await session.read('payment_intents.retrieve', request);
        return intent?.metadata[metadataKeys.order];
      }),
    paymentOf: (chargeId) =>
      activity(context, { operation: 'findPayment', atRisk, priority: 'background' }, async (session) => {
        const request = () => stripe.charges.retrieve(chargeId).catch(noneIfMissing);
        const charge = await session.read('charges.retrieve', request);
        return idOf(charge?.payment_intent);
      }),
    knowsRefund: (refundId) =>
      activity(context, { operation: 'findRefund', atRisk, priority: 'background' }, async (session) => {
        const request = () => stripe.refunds.retrieve(refundId).catch(noneIfMissing);
        return (await session.read('refunds.retrieve', request)) !== undefined;
      }),
  };
}
