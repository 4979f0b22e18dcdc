import type Stripe from 'stripe';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import type { PaymentContext } from '../context';
import { isDefiniteRefusal, isMissing, isUnexpectedState, isUnknownOutcome, retryLater } from '../errors';
import { cardDetails, paymentStatus } from './payment-status';
import { assertOwn, type ProviderSession } from '../provider';

export interface VoidIntentInput {
  readonly orderId: string;
  readonly attempt: number;
  readonly paymentIntentId: string;
  readonly reason: string;
}

/**
 * How often a request is sent that the provider refuses for a state which a fresh look does not show: its first answer may have
 * been older than the look.
 */
export const MAX_CONTRADICTIONS = 2;

/** Amounts in minor units. */
export type VoidIntentResult =
  | {
      readonly outcome: 'voided';
      readonly releasedAmount: number;
      readonly facts?: OrderFacts;
      /** The id of a PaymentIntent that the provider does not know. */
      readonly unseen?: string;
    }
  | { readonly outcome: 'captured'; readonly capturedAmount: number; readonly facts?: OrderFacts };

/** Cancels a payment at the provider, whatever its state, and records the outcome: voided, or captured before. */
export async function voidIntent(
  context: PaymentContext,
  session: ProviderSession,
  input: VoidIntentInput,
): Promise<VoidIntentResult> {
  const { orderId, attempt, paymentIntentId, reason } = input;
  const intent = await cancelIntent(session, paymentIntentId);
  if (intent === undefined) {
    context.log.warn({ orderId, paymentIntentId }, 'the provider does not know a payment that is to be voided');
    const recorded = await context.store.recordVoid({ orderId, attempt, paymentIntentId, reason, isUnknown: true });
    return { outcome: 'voided', ...recorded, unseen: paymentIntentId };
  }
  assertOwn(intent, orderId, session.call);
  const status = paymentStatus(intent);
  if (status.status === 'captured' && !(await restWasCancelled(context, intent))) {
    const recorded = await context.store.recordAttempt({ orderId, attempt, status, card: cardDetails(intent) });
    return { outcome: 'captured', capturedAmount: status.capturedAmount, ...factsOf(recorded) };
  }
  const recorded = await context.store.recordVoid({ orderId, attempt, paymentIntentId, reason });
  return { outcome: 'voided', ...recorded };
}

/** Earlier captures of a multicapture hold are already in the ledger; was only the rest cancelled? */
async function restWasCancelled({ store }: PaymentContext, intent: Stripe.PaymentIntent): Promise<boolean> {
  if (intent.status !== 'canceled') return false;
  const known = await store.findAttemptByPaymentIntent(intent.id);
  return known !== undefined && intent.amount_received <= known.capturedAmount;
}

/**
 * Cancels a payment and returns it; also if it was captured or canceled before. Undefined if the provider does not know it.
 *
 * @throws the provider's refusal if it is permanent while the payment is open; a retryable failure if the payment is open after
 *   an unknown outcome, or is being processed
 */
export async function cancelIntent(session: ProviderSession, id: string): Promise<Stripe.PaymentIntent | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await session.cancel(id);
    } catch (error) {
      if (!isUnexpectedState(error) && !isUnknownOutcome(error) && !isDefiniteRefusal(error)) throw error;
      const intent = isMissing(error) ? await session.retrieveIfKnown(id) : await session.retrieve(id);
      if (intent === undefined) return undefined;
      if (intent.status === 'canceled' || intent.status === 'succeeded') return intent;
      if (isUnknownOutcome(error) || intent.status === 'processing')
        throw retryLater(session.call, `${id} could not be canceled while it is ${intent.status}`);
      if (isDefiniteRefusal(error) || tries >= MAX_CONTRADICTIONS) throw error;
    }
  }
}

function factsOf(value: { readonly facts?: OrderFacts }): { readonly facts?: OrderFacts } {
  return value.facts === undefined ? {} : { facts: value.facts };
}
