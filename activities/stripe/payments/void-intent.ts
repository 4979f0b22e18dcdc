import type Stripe from 'stripe';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import type { PaymentContext } from '../context';
import { isDefiniteRefusal, isMissing, isUnexpectedState, isUnknownOutcome, retryLater } from '../errors';
import { cardDetails, paymentStatus } from './payment-status';
import { assertOwn, type ProviderSession } from '../provider';

/** One payment that is to be let go. */
export interface VoidIntentInput {
  readonly orderId: string;
  readonly attempt: number;
  readonly paymentIntentId: string;
  readonly reason: string;
}

/**
 * So often a request is sent that the provider refuses because of a state which a fresh look does not show: its first answer may have
 * been older than the look.
 */
export const MAX_CONTRADICTIONS = 2;

/** What letting go came to; amounts in minor units. */
export type VoidIntentResult =
  | {
      readonly outcome: 'voided';
      readonly releasedAmount: number;
      readonly facts?: OrderFacts;
      /** The provider does not know it. */
      readonly unseen?: string;
    }
  | { readonly outcome: 'captured'; readonly capturedAmount: number; readonly facts?: OrderFacts };

/** Cancels a payment at the provider, whatever state it is in, and records what was true: let go, or taken before. */
export async function voidIntent(
  context: PaymentContext,
  session: ProviderSession,
  input: VoidIntentInput,
): Promise<VoidIntentResult> {
  const { orderId, attempt, paymentIntentId, reason } = input;
  const intent = await cancelIntent(session, paymentIntentId);
  if (intent === undefined) {
    context.log.warn({ orderId, paymentIntentId }, 'a payment that is to be released is not known to the provider');
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

/** What a multicapture hold paid for before stays taken and is in our ledger: cancelling the rest took nothing more. */
async function restWasCancelled({ store }: PaymentContext, intent: Stripe.PaymentIntent): Promise<boolean> {
  if (intent.status !== 'canceled') return false;
  const known = await store.findAttemptByPaymentIntent(intent.id);
  return known !== undefined && intent.amount_received <= known.capturedAmount;
}

/**
 * The payment after it was canceled, or after it proved to be taken or canceled already; undefined where the provider knows none.
 *
 * @throws what the provider refuses it with, where it does so for good while the payment is open; a retryable failure where it is
 *   open after an unknown outcome, or is being processed
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
