import type Stripe from 'stripe';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { SyncPaymentInput, SyncPaymentResult } from '../../../workflows/payment/ports';
import type { AttemptRecord } from '../../storage/payments/store';
import { activity, type PaymentContext } from '../context';
import { defect } from '../errors';
import { voidIntent } from './void-intent';
import { cardDetails, chargeOf, paymentStatus } from './payment-status';
import { assertOwn, type ProviderSession } from '../provider';

/** Fetches a payment fresh and records what is new: see `PaymentActivities.syncPayment`. */
export function syncPayment(context: PaymentContext, input: SyncPaymentInput): Promise<SyncPaymentResult> {
  const { orderId } = input;
  const atRisk = 'our record of the payment may be out of date; nothing was changed at the provider';
  const priority = input.customerWaits === true ? 'interactive' : 'background';
  return activity(context, { operation: 'syncPayment', orderId, atRisk, priority }, async (session) => {
    const attempt = await attemptOf(context, session, input);
    const intent = await fetchIntent(context, session, input, attempt);
    if (intent === undefined) return { payment: { status: 'none' } };
    assertOwn(intent, orderId, session.call);
    const status = paymentStatus(intent);
    if (status.status === 'none' || attempt === undefined) return { payment: status };
    const chargeId = chargeOf(intent)?.id;
    const charge = chargeId === undefined ? {} : { chargeId };
    const number = attempt.attempt;
    const recorded = await context.store.recordAttempt({
      orderId,
      attempt: number,
      status,
      card: cardDetails(intent),
      ...charge,
    });
    const facts = recorded.facts === undefined ? {} : { facts: recorded.facts };
    if (recorded.kind === 'recorded' || status.status === 'canceled') return { payment: status, ...facts };
    // The undo came first, but the payment exists: whoever finds it voids it.
    const { id: paymentIntentId } = intent;
    const ended = await voidIntent(context, session, {
      orderId,
      attempt: number,
      paymentIntentId,
      reason: 'undone_before',
    });
    const after = ended.facts === undefined ? {} : { facts: ended.facts };
    if (ended.outcome === 'captured')
      return { payment: { status: 'captured', paymentIntentId, capturedAmount: ended.capturedAmount }, ...after };
    return { payment: { status: 'canceled', paymentIntentId, reason: 'voided' }, ...after };
  });
}

/** The attempt as it is recorded: by its number, else the latest that used the PaymentIntent. */
async function attemptOf(
  context: PaymentContext,
  session: ProviderSession,
  input: SyncPaymentInput,
): Promise<AttemptRecord | undefined> {
  if (input.attempt !== undefined) return context.store.getAttempt(input.orderId, input.attempt);
  if (input.paymentIntentId !== undefined) return context.store.findAttemptByPaymentIntent(input.paymentIntentId);
  throw defect(session.call, 'the input names neither an attempt nor a PaymentIntent');
}

async function fetchIntent(
  context: PaymentContext,
  session: ProviderSession,
  input: SyncPaymentInput,
  attempt: AttemptRecord | undefined,
): Promise<Stripe.PaymentIntent | undefined> {
  const known = input.paymentIntentId ?? attempt?.paymentIntentId;
  if (known !== undefined) return session.retrieve(known);
  if (attempt === undefined) return undefined;
  return findLost(context, session, attempt);
}

/** Finds the PaymentIntent of an attempt that has none recorded. */
export async function findLost(
  context: PaymentContext,
  session: ProviderSession,
  attempt: AttemptRecord,
): Promise<Stripe.PaymentIntent | undefined> {
  const customer = attempt.customerId === undefined ? undefined : await context.cache.customer(attempt.customerId);
  return session.find({
    operationKey: operationKeys.authorize(attempt.orderId, attempt.attempt),
    startedAt: attempt.startedAt,
    ...(customer === undefined ? {} : { stripeCustomerId: customer }),
  });
}
