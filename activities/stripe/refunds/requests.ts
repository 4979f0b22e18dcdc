import Stripe from 'stripe';
import type { ProviderRefund } from '../../storage/refunds/provider-refund';
import { isDefiniteRefusal, isUnknownOutcome, retryLater } from '../errors';
import { metadataKeys } from '../metadata';
import { chargeOf, idOf } from '../payments/payment-status';
import type { ProviderSession } from '../provider';

/** One payment has few refunds; more pages than this would be an endless loop. */
const MAX_PAGES = 20;
const PAGE_SIZE = 100;

/** The parameters of one refund at the provider. */
export interface RefundParams {
  readonly refundId: string;
  readonly orderId: string;
  readonly operationKey: string;
  readonly paymentIntentId: string;
  /** Minor units. */
  readonly amount: number;
  readonly reason: string;
}

/** Reasons that the provider knows, too. `fraudulent` also puts the card on the provider's block lists. */
const PROVIDER_REASONS: ReadonlySet<string> = new Set(['duplicate', 'fraudulent', 'requested_by_customer']);

/** Requests a refund. A replayed answer shows an earlier state, so the refund is then fetched fresh. */
export async function createRefund(
  stripe: Stripe,
  session: ProviderSession,
  refund: RefundParams,
  idempotencyKey: string,
): Promise<{ readonly refund: Stripe.Refund; readonly fetched: boolean }> {
  const { refundId, orderId, operationKey, paymentIntentId, amount, reason } = refund;
  const params: Stripe.RefundCreateParams = {
    payment_intent: paymentIntentId,
    amount,
    metadata: {
      [metadataKeys.order]: orderId,
      [metadataKeys.refund]: refundId,
      [metadataKeys.operation]: operationKey,
    },
    ...(PROVIDER_REASONS.has(reason) && { reason: reason as Stripe.RefundCreateParams.Reason }),
  };
  const answer = await session.write('refunds.create', () => stripe.refunds.create(params, { idempotencyKey }));
  const made = checked(session, answer);
  if (answer.lastResponse?.headers['idempotent-replayed'] !== 'true') return { refund: made, fetched: false };
  return { refund: await retrieveRefund(stripe, session, made.id), fetched: true };
}

export async function retrieveRefund(stripe: Stripe, session: ProviderSession, id: string): Promise<Stripe.Refund> {
  return checked(session, await session.read('refunds.retrieve', () => stripe.refunds.retrieve(id)));
}

/** Cancels a refund and returns it; if the provider refuses the cancel, the refund as it is. */
export async function cancelRefund(stripe: Stripe, session: ProviderSession, id: string): Promise<Stripe.Refund> {
  try {
    return checked(session, await session.write('refunds.cancel', () => stripe.refunds.cancel(id)));
  } catch (error) {
    const isRefused = error instanceof Stripe.errors.StripeInvalidRequestError && isDefiniteRefusal(error);
    if (!isRefused && !isUnknownOutcome(error)) throw error;
    const refund = await retrieveRefund(stripe, session, id);
    // There is no idempotency key, so the next try is a new request.
    if (!isRefused && refund.status === 'requires_action')
      throw retryLater(session.call, `${id} could not be canceled`);
    return refund;
  }
}

/** The refund of a payment that carries this key; undefined if there is none. Lists show a write at once. */
export async function findRefund(
  stripe: Stripe,
  session: ProviderSession,
  paymentIntentId: string,
  operationKey: string,
): Promise<Stripe.Refund | undefined> {
  for await (const refund of refundsOf(stripe, session, paymentIntentId)) {
    if (refund.metadata?.[metadataKeys.operation] === operationKey) return checked(session, refund);
  }
  return undefined;
}

/**
 * Throws a retryable failure if the charge shows more refunded than the listed refunds add up to: then there is a refund that
 * the list does not show yet.
 */
export async function assertAllListed(
  stripe: Stripe,
  session: ProviderSession,
  paymentIntentId: string,
): Promise<void> {
  const charge = chargeOf(await session.retrieve(paymentIntentId));
  let listed = 0;
  for await (const { status, amount } of refundsOf(stripe, session, paymentIntentId)) {
    if (status !== 'failed' && status !== 'canceled') listed += amount;
  }
  if (charge !== undefined && charge.amount_refunded > listed) {
    throw retryLater(
      session.call,
      `${paymentIntentId} has a refund that is not listed yet; the next request waits until it is`,
    );
  }
}

async function* refundsOf(
  stripe: Stripe,
  session: ProviderSession,
  paymentIntentId: string,
): AsyncGenerator<Stripe.Refund> {
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const cursor = after === undefined ? {} : { starting_after: after };
    const params = { payment_intent: paymentIntentId, limit: PAGE_SIZE, ...cursor };
    const answer = await session.read('refunds.list', () => stripe.refunds.list(params));
    if (answer.object !== 'list' || !Array.isArray(answer.data))
      throw retryLater(session.call, 'the provider’s answer is not a list');
    yield* answer.data;
    after = answer.data.at(-1)?.id;
    if (!answer.has_more || after === undefined) return;
  }
  throw retryLater(session.call, `${paymentIntentId} has more than ${MAX_PAGES * PAGE_SIZE} refunds`);
}

/** Maps Stripe's refund. */
export function providerRefund(refund: Stripe.Refund): ProviderRefund {
  const actBefore = refund.next_action?.display_details?.expires_at;
  const failureBalanceTransaction = idOf(refund.failure_balance_transaction);
  return {
    providerRefundId: refund.id,
    paymentIntentId: idOf(refund.payment_intent) ?? '',
    amount: refund.amount,
    currency: refund.currency,
    status: statusOf(refund.status),
    ...(refund.failure_reason !== undefined && { failureReason: refund.failure_reason }),
    ...(refund.pending_reason !== undefined && { pendingReason: refund.pending_reason }),
    ...(failureBalanceTransaction !== undefined && { failureBalanceTransaction }),
    createdAt: seconds(refund.created),
    ...(typeof actBefore === 'number' && { actBefore: seconds(actBefore) }),
  };
}

function statusOf(status: string | null): ProviderRefund['status'] {
  switch (status) {
    case 'requires_action':
    case 'succeeded':
    case 'failed':
    case 'canceled':
      return status;
    default:
      return 'pending';
  }
}

function seconds(value: number): string {
  return new Date(value * 1000).toISOString();
}

/** Why the provider refused the refund; undefined if the error is not such a refusal. After a refusal no money has moved. */
export function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError) || !isDefiniteRefusal(error)) return undefined;
  // An amount above what is left is refused without a code.
  return error.code ?? (error.param === 'amount' ? 'amount_too_large' : 'invalid_request');
}

/** The SDK treats any JSON without an `error` as a success, whatever its status. */
function checked<R extends Stripe.Refund>(session: ProviderSession, refund: R): R {
  if (refund.object !== 'refund' || typeof refund.id !== 'string' || refund.id === '') {
    throw retryLater(session.call, 'the answer is not the provider’s: the body is not a refund');
  }
  return refund;
}
