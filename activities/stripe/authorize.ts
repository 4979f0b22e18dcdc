import type Stripe from 'stripe';
import { operationKeys } from '../../workflows/domain/operation-keys';
import type { AuthorizationResult, AuthorizePaymentInput } from '../../workflows/ports';
import { activity, amountText, type PaymentContext } from './context';
import { stripeCustomer } from './customers';
import {
  defect,
  isCardError,
  isKeyReused,
  isRefusedParam,
  isUnexpectedState,
  isUnknownOutcome,
  undone,
} from './errors';
import { metadataKeys } from './metadata';
import { cardDetails, chargeOf, idOf, paymentStatus } from './payment-status';
import { assertOwn, type ProviderSession } from './provider';
import { letGo } from './let-go';

/**
 * The provider forgets keys after 24 h. From some hours before that on, the same key could make a second payment, so an
 * attempt that old is looked up before it is sent again. Source: Stripe, "Idempotent requests".
 */
const KEY_TRUST_MS = 20 * 3_600_000;

/** A confirmation that failed at the provider is tried again under so many keys; the PaymentIntent's state guards it. */
const CONFIRM_KEYS = 3;

/** What one try at the provider came to; a card error without a PaymentIntent leaves nothing to fetch. */
type Outcome =
  | { readonly kind: 'intent'; readonly intent: Stripe.PaymentIntent }
  | { readonly kind: 'declined'; readonly code: string; readonly declineCode: string }
  | { readonly kind: 'none' }
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
  if (input.paymentIntentId !== undefined) return confirm(session, input, input.paymentIntentId);
  if (begun.paymentIntentId !== undefined) return fetched(await session.retrieve(begun.paymentIntentId));
  const lost = { operationKey: operationKeys.authorize(input.orderId, input.attempt), startedAt: begun.startedAt };
  if (context.now() - Date.parse(begun.startedAt) > KEY_TRUST_MS) {
    const found = await session.find(lost);
    if (found !== undefined) return fetched(found);
  }
  const customer = await stripeCustomer(context.stripe, context.cache, session, input);
  try {
    return fetched(await session.create(createParams(input, customer), lost.operationKey));
  } catch (error) {
    if (isCardError(error)) return declined(session, error);
    if (isRefusedParam(error, 'payment_method')) return { kind: 'refused_method' };
    if (isKeyReused(error)) throw await whyKeyReused(context, session, input);
    if (!isUnknownOutcome(error)) throw error;
    context.log.warn(
      { orderId: input.orderId, attempt: input.attempt },
      'an authorization failed at the provider; looking it up',
    );
    const found = await session.find({ ...lost, stripeCustomerId: customer });
    return found === undefined ? { kind: 'none' } : fetched(found);
  }
}

/** The key is used up with other parameters: by the seal of an undo, or by a bug. */
async function whyKeyReused(
  context: PaymentContext,
  session: ProviderSession,
  input: AuthorizePaymentInput,
): Promise<Error> {
  const known = await context.store.getAttempt(input.orderId, input.attempt);
  if (known?.tombstoned === true) return undone(session.call);
  return defect(session.call, `attempt ${input.attempt} was sent before with other contents`);
}

/**
 * Confirms an existing PaymentIntent with another payment method. One PaymentIntent can be held only once, so an answer lost
 * at the provider may be asked for again under another key, once a look at it shows that nothing came of the first.
 */
async function confirm(session: ProviderSession, input: AuthorizePaymentInput, id: string): Promise<Outcome> {
  const key = operationKeys.authorize(input.orderId, input.attempt);
  const params = confirmParams(input);
  for (let index = 1; ; index += 1) {
    try {
      // Set again with every try: it does nothing twice, and an attempt that went through is beyond being changed.
      if (input.setAmount === true) await session.setAmount(id, input.amount);
      return fetched(await session.confirm(id, params, index === 1 ? key : `${key}:${index}`));
    } catch (error) {
      if (isCardError(error)) return declined(session, error);
      // Before the state: a confirmation without a usable method is refused with the same code.
      if (isRefusedParam(error, 'payment_method')) return { kind: 'refused_method' };
      if (isUnexpectedState(error)) return fetched(await session.retrieve(id));
      if (!isUnknownOutcome(error)) throw error;
      const intent = await session.retrieve(id);
      const open = intent.status === 'requires_payment_method' || intent.status === 'requires_confirmation';
      if (!open) return fetched(intent);
      if (index >= CONFIRM_KEYS) throw error;
    }
  }
}

function fetched(intent: Stripe.PaymentIntent): Outcome {
  return { kind: 'intent', intent };
}

/** The error quotes the PaymentIntent as it was then, and a replayed one quotes old times: what is true now is fetched. */
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
  if (outcome.kind === 'refused_method') {
    const message = 'the payment method is unknown, used up or another customer’s; nothing was charged';
    return { status: 'invalid', problems: [{ field: 'paymentMethod', message }] };
  }
  if (outcome.kind === 'none') return { status: 'none' };
  if (outcome.kind === 'declined') {
    const status = { status: 'declined', code: outcome.code, declineCode: outcome.declineCode } as const;
    const recorded = await context.store.recordAttempt({ orderId, attempt, status });
    if (recorded.kind === 'undone') throw undone(session.call);
    return status;
  }
  const { intent } = outcome;
  assertOwn(intent, orderId, session.call);
  const status = paymentStatus(intent);
  if (status.status === 'none') return status;
  const chargeId = chargeOf(intent)?.id;
  const recorded = await context.store.recordAttempt({
    orderId,
    attempt,
    status,
    card: cardDetails(intent),
    ...(chargeId === undefined ? {} : { chargeId }),
  });
  if (recorded.kind === 'undone') {
    await letGo(context, session, { orderId, attempt, paymentIntentId: intent.id, reason: 'undone_meanwhile' });
    throw undone(session.call);
  }
  await remember(context, intent);
  return status;
}

/** A saved method and its owner, so that a renewal needs no request to find them. */
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
    // No page of ours takes a customer back from a redirect: 3-D Secure is done with the client secret.
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

/** With the customer there the card is saved for renewals; without, the charge is marked as the merchant's own. */
function presence(input: AuthorizePaymentInput): { off_session: true } | { setup_future_usage: 'off_session' } {
  return input.offSession ? { off_session: true } : { setup_future_usage: 'off_session' };
}
