import Stripe from 'stripe';
import type { RefusalDetails } from '../../../workflows/domain/shared/errors';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { AuthorizationResult, AuthorizePaymentInput } from '../../../workflows/payment/ports';
import type { RecordAttemptInput } from '../../storage/payments/store';
import { activity, amountText, type PaymentContext } from '../context';
import { forgetBuyer, ownerOf, stripeCustomer } from './customers';
import { describe, refusalDetails } from '../error-kinds';
import { defect, isCardError, isKeyReused, isMissing, isRefusal, isUnexpectedState, undone } from '../errors';
import { sendKeyed } from '../keyed';
import { metadataKeys } from '../metadata';
import { cardDetails, chargeOf, idOf, paymentStatus } from './payment-status';
import { assertOwn, type LostAttempt, type ProviderSession } from '../provider';
import { voidIntent } from './void-intent';

/**
 * The provider forgets idempotency keys after 24 h, and the same key then makes a second payment. An attempt older than this is
 * looked up before it is sent again. Source: Stripe, "Idempotent requests".
 */
const KEY_TRUST_MS = 20 * 3_600_000;

/** The outcome of one try. A card error without a PaymentIntent leaves nothing to fetch. */
type Outcome =
  | { readonly kind: 'intent'; readonly intent: Stripe.PaymentIntent }
  | { readonly kind: 'declined'; readonly code: string; readonly declineCode: string }
  | { readonly kind: 'refused'; readonly details: RefusalDetails }
  | { readonly kind: 'refused_method' };

/** Holds money on a card: see `PaymentActivities.authorizePayment`. */
export function authorizePayment(context: PaymentContext, input: AuthorizePaymentInput): Promise<AuthorizationResult> {
  const { orderId, attempt, amount } = input;
  const atRisk = `a hold of ${amountText(amount.amount, amount.currency)} may stand on the customer's card (attempt ${attempt})`;
  const priority = input.offSession ? 'background' : 'interactive';
  return activity(context, { operation: 'authorizePayment', orderId, atRisk, priority }, async (session) => {
    const begun = await context.store.beginAttempt(input);
    if (begun.kind === 'existing_order') return { status: 'existing_order', facts: begun.facts };
    if (begun.kind === 'cart_changed') return { status: 'cart_changed' };
    if (begun.kind === 'out_of_stock') return { status: 'out_of_stock', sku: begun.sku, available: begun.available };
    if (begun.kind === 'invalid') return { status: 'invalid', problems: begun.problems };
    if (begun.kind === 'recorded') return begun.result;
    const outcome = await perform(context, session, input, begun);
    return record(context, session, input, outcome);
  });
}

async function perform(
  context: PaymentContext,
  session: ProviderSession,
  input: AuthorizePaymentInput,
  begun: { readonly paymentIntentId?: string; readonly startedAt: string },
): Promise<Outcome> {
  const lost = { operationKey: operationKeys.authorize(input.orderId, input.attempt), startedAt: begun.startedAt };
  if (input.paymentIntentId !== undefined) return confirm(context, session, input, input.paymentIntentId);
  if (begun.paymentIntentId !== undefined) return fetched(await session.retrieve(begun.paymentIntentId));
  if (context.now() - Date.parse(begun.startedAt) > KEY_TRUST_MS) {
    const found = await session.find(lost);
    if (found !== undefined) return fetched(found);
  }
  const first = await create(context, session, input, lost);
  if (first !== 'stale_buyer') return first;
  // The cached buyer is out of date. With another customer it is another request, which needs another key.
  await context.store.nextKey(lost.operationKey, await context.store.keyNumber(lost.operationKey));
  await forgetBuyer(context, input);
  const second = await create(context, session, input, lost);
  if (second === 'stale_buyer')
    throw defect(session.call, 'the provider does not know the customer that it has just returned');
  return second;
}

async function create(
  context: PaymentContext,
  session: ProviderSession,
  input: AuthorizePaymentInput,
  lost: LostAttempt,
): Promise<Outcome | 'stale_buyer'> {
  let customer: string | undefined;
  try {
    const stripeCustomerId = await stripeCustomer(context, session, input);
    customer = stripeCustomerId;
    const intent = await sendKeyed(context, session, {
      operationKey: lost.operationKey,
      send: (idempotencyKey) => session.create(createParams(input, stripeCustomerId), idempotencyKey),
      lookUp: () => session.find({ ...lost, stripeCustomerId }),
    });
    return fetched(intent);
  } catch (error) {
    if (isKeyReused(error)) return whyKeyReused(context, session, input, lost);
    return refusal(context, session, input, error, customer);
  }
}

/** The key was used with other parameters: by the seal of an undo, by a try with another customer, or by a bug. */
async function whyKeyReused(
  context: PaymentContext,
  session: ProviderSession,
  input: AuthorizePaymentInput,
  lost: LostAttempt,
): Promise<Outcome> {
  const known = await context.store.getAttempt(input.orderId, input.attempt);
  if (known?.tombstoned === true) throw undone(session.call);
  const found = await session.find(lost);
  if (found !== undefined) return fetched(found);
  throw defect(session.call, `attempt ${input.attempt} was sent before with other contents`);
}

/** The outcome that a refusal means; throws the error if it is not a refusal. If it has no code, the payment method's state decides. */
async function refusal(
  context: PaymentContext,
  session: ProviderSession,
  input: AuthorizePaymentInput,
  error: unknown,
  customer: string | undefined,
): Promise<Outcome | 'stale_buyer'> {
  if (isCardError(error)) return declined(session, error);
  if (isMissing(error) && error.param === 'customer') return 'stale_buyer';
  if (customer !== undefined && isAboutMethod(error)) {
    const owner = await ownerOf(context, session, input.paymentMethod);
    const isOthers = owner?.customer !== undefined && owner.customer !== customer;
    if (isOthers && input.offSession) return 'stale_buyer';
    const isUsable = owner?.customer !== undefined && !isOthers;
    if (!isUsable || isMethodParam(error)) {
      context.log.warn({ orderId: input.orderId, error: describe(error) }, 'a payment method was refused');
      await context.cache.forgetPaymentMethod(input.paymentMethod);
      return { kind: 'refused_method' };
    }
  }
  if (isRefusal(error)) return { kind: 'refused', details: refusalDetails(error) };
  throw error;
}

function isMethodParam(error: Stripe.errors.StripeError): boolean {
  return error.param === 'payment_method';
}

/** A payment method that is detached or another customer's is refused without a code, and sometimes without the parameter. */
function isAboutMethod(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) return false;
  return isMethodParam(error) || (error.code === undefined && error.param === undefined);
}

/**
 * Confirms an existing PaymentIntent with another payment method. A PaymentIntent can be held only once, so after an unknown
 * outcome the confirmation may be sent under another key, once a look shows that the first had no effect.
 */
async function confirm(
  context: PaymentContext,
  session: ProviderSession,
  input: AuthorizePaymentInput,
  id: string,
): Promise<Outcome> {
  try {
    const intent = await sendKeyed(context, session, {
      operationKey: operationKeys.authorize(input.orderId, input.attempt),
      async send(idempotencyKey) {
        // Repeated with every try: setting the same amount again does nothing, and a confirmed PaymentIntent refuses the change.
        if (input.setAmount === true) await session.setAmount(id, input.amount);
        return session.confirm(id, confirmParams(input), idempotencyKey);
      },
      async lookUp() {
        const found = await session.retrieve(id);
        return found.status === 'requires_payment_method' || found.status === 'requires_confirmation'
          ? undefined
          : found;
      },
    });
    return fetched(intent);
  } catch (error) {
    // The provider refuses a confirmation without a usable method with the code of a wrong state, too.
    if (isUnexpectedState(error) && !isMethodParam(error)) return fetched(await session.retrieve(id));
    const intent = isAboutMethod(error) ? await session.retrieve(id) : undefined;
    const refused = await refusal(context, session, input, error, idOf(intent?.customer));
    if (refused === 'stale_buyer') throw error;
    return refused;
  }
}

function fetched(intent: Stripe.PaymentIntent): Outcome {
  return { kind: 'intent', intent };
}

/** The error, which may be a replayed one, contains the PaymentIntent as it was then, so the current one is fetched. */
async function declined(session: ProviderSession, error: Stripe.errors.StripeCardError): Promise<Outcome> {
  const id = error.payment_intent?.id;
  if (id !== undefined) return fetched(await session.retrieve(id));
  const code = error.code ?? 'card_declined';
  return { kind: 'declined', code, declineCode: error.decline_code === '' ? code : (error.decline_code ?? code) };
}

async function record(
  context: PaymentContext,
  session: ProviderSession,
  input: AuthorizePaymentInput,
  outcome: Outcome,
): Promise<AuthorizationResult> {
  const { orderId, attempt } = input;
  const ended = async (status: RecordAttemptInput['status']): Promise<void> => {
    const recorded = await context.store.recordAttempt({ orderId, attempt, status });
    if (recorded.kind === 'undone') throw undone(session.call);
  };
  if (outcome.kind === 'refused_method') {
    await ended({ status: 'refused', code: 'invalid_payment_method' });
    const message = 'the payment method is unknown, already used, or belongs to another customer; nothing was charged';
    return { status: 'invalid', problems: [{ field: 'paymentMethod', message }] };
  }
  if (outcome.kind === 'refused') {
    await ended({ status: 'refused', code: outcome.details.code });
    return { status: 'refused', ...outcome.details };
  }
  if (outcome.kind === 'declined') {
    const status = { status: 'declined', code: outcome.code, declineCode: outcome.declineCode } as const;
    await ended(status);
    return status;
  }
  const { intent } = outcome;
  assertOwn(intent, orderId, session.call);
  const status = paymentStatus(intent);
  if (status.status === 'none') return status;
  const isOther = intent.amount !== input.amount.amount;
  if (isOther && status.status === 'requires_action') return voidOtherAmount(context, session, input, intent.id);
  const chargeId = chargeOf(intent)?.id;
  const recorded = await context.store.recordAttempt({
    orderId,
    attempt,
    status,
    card: cardDetails(intent),
    ...(chargeId === undefined ? {} : { chargeId }),
  });
  if (recorded.kind === 'undone') {
    if (isOther) return voidOtherAmount(context, session, input, intent.id);
    await voidIntent(context, session, { orderId, attempt, paymentIntentId: intent.id, reason: 'undone_meanwhile' });
    throw undone(session.call);
  }
  await remember(context, intent);
  return status;
}

/** The customer confirmed an earlier amount in the browser: the PaymentIntent is voided. */
async function voidOtherAmount(
  context: PaymentContext,
  session: ProviderSession,
  { orderId, attempt }: AuthorizePaymentInput,
  paymentIntentId: string,
): Promise<AuthorizationResult> {
  const ended = await voidIntent(context, session, { orderId, attempt, paymentIntentId, reason: 'another_amount' });
  if (ended.outcome === 'captured')
    return { status: 'captured', paymentIntentId, capturedAmount: ended.capturedAmount };
  return { status: 'canceled', paymentIntentId, reason: 'voided' };
}

/** Caches the saved payment method and its customer, so that a renewal needs no request to find them. */
async function remember(context: PaymentContext, intent: Stripe.PaymentIntent): Promise<void> {
  const method = idOf(intent.payment_method);
  const stripeCustomerId = idOf(intent.customer);
  if (intent.status !== 'requires_capture' || method === undefined || stripeCustomerId === undefined) return;
  const { brand, funding, country } = cardDetails(intent);
  await context.cache.keepPaymentMethod(method, {
    stripeCustomerId,
    ...(brand === undefined ? {} : { brand }),
    ...(funding === undefined ? {} : { funding }),
    ...(country === undefined ? {} : { country }),
  });
}

function createParams(input: AuthorizePaymentInput, customer: string): Stripe.PaymentIntentCreateParams {
  const { orderId, cartId, attempt, amount } = input;
  return {
    amount: amount.amount,
    currency: amount.currency,
    customer,
    payment_method: input.paymentMethod,
    capture_method: 'manual',
    confirm: true,
    // There is no page to which a redirect could return the customer; 3-D Secure uses the client secret.
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    payment_method_options: { card: { request_multicapture: 'if_available' } },
    metadata: {
      [metadataKeys.order]: orderId,
      [metadataKeys.cart]: cartId,
      [metadataKeys.operation]: operationKeys.authorize(orderId, attempt),
      [metadataKeys.attempt]: String(attempt),
    },
    ...presence(input),
  };
}

function confirmParams(input: AuthorizePaymentInput): Stripe.PaymentIntentConfirmParams {
  return { payment_method: input.paymentMethod, ...presence(input) };
}

/** With the customer present, the card is saved for renewals; otherwise the charge is marked as initiated by the merchant. */
function presence(input: AuthorizePaymentInput): { off_session: true } | { setup_future_usage: 'off_session' } {
  return input.offSession ? { off_session: true } : { setup_future_usage: 'off_session' };
}
