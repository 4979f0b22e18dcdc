import type { PaymentActivities } from '../../../workflows/payment/ports';
import { authorizePayment } from './authorize';
import { capturePayment } from './capture';
import type { PaymentContext } from '../context';
import { syncPayment } from './sync';
import { voidPayments } from './void';

/**
 * The payment activities on Stripe: see `PaymentActivities` for the contract of each. None of them reacts to cancellation: to
 * abandon a request that moves money would only make its outcome unknown.
 */
export function createPaymentActivities(context: PaymentContext): PaymentActivities {
  return {
    authorizePayment: (input) => authorizePayment(context, input),
    syncPayment: (input) => syncPayment(context, input),
    capturePayment: (input) => capturePayment(context, input),
    voidPayments: (input) => voidPayments(context, input),
  };
}
