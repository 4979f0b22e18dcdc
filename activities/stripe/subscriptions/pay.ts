import Stripe from 'stripe';
import { owed } from '../../../workflows/domain/dunning/data';
import { collectedInvoice } from '../../../workflows/domain/subscription/facts';
import type { InvoiceSnapshot, SubscriptionSnapshot } from '../../../workflows/domain/subscription/snapshot';
import type {
  FollowSubscriptionResult,
  PaySubscriptionInput,
  PaySubscriptionResult,
} from '../../../workflows/subscription/ports';
import { activity, type PaymentContext } from '../context';
import { ownerOf } from '../payments/customers';
import { isKept } from '../error-kinds';
import { isCardError, isUnknownOutcome, retryLater } from '../errors';
import { idempotencyKey, sendKeyed } from '../keyed';
import { idOf } from '../payments/payment-status';
import type { ProviderSession } from '../provider';
import { fetchSubscription, paymentOf } from './fetch';
import { declineOf } from './mapping';

/** The outcome of one try to pay, before the subscription is fetched again. */
type PaymentTry =
  | { readonly outcome: 'paid' | 'resumed' | 'nothing_owed' }
  | { readonly outcome: 'declined'; readonly declineCode: string }
  | { readonly outcome: 'requires_action'; readonly clientSecret: string };

/** One operation key for each write of a try, so that repeating the try repeats no write. */
const keysOf = (attemptKey: string) => ({
  attach: `${attemptKey}:attach`,
  makeDefault: `${attemptKey}:default`,
  pay: (invoiceId: string): string => `${attemptKey}:pay:${invoiceId}`,
  resume: `${attemptKey}:resume`,
});

/** The provider's final statuses. */
const ENDED: ReadonlySet<string> = new Set(['canceled', 'incomplete_expired']);

/**
 * Makes a payment method the default and pays what is owed with it: see `SubscriptionActivities.paySubscription`. Every write has
 * an idempotency key of this try, so a repeated try does nothing twice. The outcome is read from the invoice.
 */
export function payWith(
  context: PaymentContext,
  input: PaySubscriptionInput,
  look: (session: ProviderSession) => Promise<FollowSubscriptionResult>,
): Promise<PaySubscriptionResult> {
  const { subscriptionId } = input;
  const atRisk = 'the customer may have been charged without an answer';
  const call = { operation: 'paySubscription', subscriptionId, atRisk, priority: 'interactive' } as const;
  return activity(context, call, async (session) => {
    const { stripe } = context;
    const snapshot = await fetchSubscription(stripe, session, subscriptionId);
    if (ENDED.has(snapshot.providerStatus)) return { outcome: 'refused', reason: 'canceled' };
    // Records the subscription first: if our tables refuse it, that must show before money is taken.
    await look(session);
    const attached = await attach(context, session, input, snapshot.stripeCustomerId);
    if (attached === undefined) return { outcome: 'refused', reason: 'unknown_payment_method' };
    const tried = 'declineCode' in attached ? attached : await pay(context, session, input, snapshot, attached.id);
    return { ...tried, follow: await look(session) };
  });
}

async function pay(
  context: PaymentContext,
  session: ProviderSession,
  input: PaySubscriptionInput,
  snapshot: SubscriptionSnapshot,
  method: string,
): Promise<PaymentTry> {
  const { subscriptionId } = snapshot;
  const keys = keysOf(input.attemptKey);
  await makeDefault(context, session, subscriptionId, method, keys.makeDefault);
  const owing = openInvoice(snapshot);
  if (owing !== undefined) return payInvoice(context, session, owing.invoiceId, method, keys.pay(owing.invoiceId));
  if (snapshot.providerStatus === 'paused') return resume(context, session, subscriptionId, keys.resume);
  const newest = collectedInvoice(snapshot.invoices);
  const isDone = newest?.status === 'paid' && newest.amountPaid > 0;
  const wasThis = isDone && (await wasPaidBy(context, session, newest.invoiceId, method, keys.pay(newest.invoiceId)));
  return { outcome: wasThis ? 'paid' : 'nothing_owed' };
}

async function makeDefault(
  context: PaymentContext,
  session: ProviderSession,
  subscriptionId: string,
  method: string,
  operationKey: string,
): Promise<void> {
  const { stripe } = context;
  const params = { default_payment_method: method };
  await sendKeyed(context, session, {
    operationKey,
    send: (idempotencyKey) =>
      session.write('subscriptions.update', () =>
        stripe.subscriptions.update(subscriptionId, params, { idempotencyKey }),
      ),
    async lookUp() {
      const found = await session.read('subscriptions.retrieve', () => stripe.subscriptions.retrieve(subscriptionId));
      return idOf(found.default_payment_method) === method ? found : undefined;
    },
  });
}

/**
 * Did this try pay the invoice, and was its answer lost? If so, its idempotency key replays the payment. Otherwise the request is
 * refused, because a paid invoice cannot be paid again.
 */
async function wasPaidBy(
  { stripe, store }: PaymentContext,
  session: ProviderSession,
  invoiceId: string,
  method: string,
  operationKey: string,
): Promise<boolean> {
  const key = idempotencyKey(operationKey, await store.keyNumber(operationKey));
  try {
    await session.write('invoices.pay', () =>
      stripe.invoices.pay(invoiceId, payParams(method), { idempotencyKey: key }),
    );
    return true;
  } catch (error) {
    // A stored failure shows that this request was sent before, and the invoice is paid.
    if (isUnknownOutcome(error) && isKept(error)) return true;
    if (isUnknownOutcome(error))
      throw retryLater(session.call, 'it is not known yet whether this try paid the invoice');
    if (!isInvalid(error)) throw error;
    return false;
  }
}

/** On session: the customer is present, so the bank may ask them. Every request under one key must have the same parameters. */
function payParams(method: string): Stripe.InvoicePayParams {
  return { payment_method: method, off_session: false };
}

function openInvoice(snapshot: SubscriptionSnapshot): InvoiceSnapshot | undefined {
  const invoice = collectedInvoice(snapshot.invoices);
  return invoice?.status === 'open' && owed(invoice) > 0 ? invoice : undefined;
}

/** Attaches the payment method to the customer; undefined if it is unknown, already used or another customer's. */
async function attach(
  context: PaymentContext,
  session: ProviderSession,
  { paymentMethod, attemptKey }: PaySubscriptionInput,
  customer: string,
): Promise<{ readonly id: string } | Extract<PaymentTry, { outcome: 'declined' }> | undefined> {
  const { stripe } = context;
  // A method that the customer already has can be charged.
  const owned = async () =>
    (await ownerOf(context, session, paymentMethod))?.customer === customer ? { id: paymentMethod } : undefined;
  try {
    return await sendKeyed(context, session, {
      operationKey: keysOf(attemptKey).attach,
      async send(idempotencyKey) {
        const answer = await session.write('payment_methods.attach', () =>
          stripe.paymentMethods.attach(paymentMethod, { customer }, { idempotencyKey }),
        );
        if (answer.object !== 'payment_method')
          throw retryLater(session.call, 'the provider’s answer is not a payment method');
        return { id: answer.id };
      },
      lookUp: owned,
    });
  } catch (error) {
    if (isCardError(error)) return { outcome: 'declined', declineCode: codeOf(error) };
    if (!isInvalid(error)) throw error;
    return owned();
  }
}

async function payInvoice(
  context: PaymentContext,
  session: ProviderSession,
  invoiceId: string,
  method: string,
  operationKey: string,
): Promise<PaymentTry> {
  const { stripe } = context;
  return sendKeyed<PaymentTry>(context, session, {
    operationKey,
    async send(idempotencyKey) {
      const request = () => stripe.invoices.pay(invoiceId, payParams(method), { idempotencyKey });
      const answer = await session.write('invoices.pay', request);
      if (answer.object !== 'invoice') throw retryLater(session.call, 'the provider’s answer is not an invoice');
      if (answer.status === 'paid') return { outcome: 'paid' };
      const tried = await outcomeOf(stripe, session, invoiceId, undefined);
      if (tried === undefined) throw retryLater(session.call, 'the payment is neither made nor refused yet');
      return tried;
    },
    // Refused, paid by somebody else meanwhile, or failed after it was begun: the invoice shows which.
    isInDoubt: (error) => isCardError(error) || isUnknownOutcome(error) || isInvalid(error),
    async lookUp(error) {
      const tried = await outcomeOf(stripe, session, invoiceId, error);
      // Another key would not change a refusal.
      if (tried === undefined && !isUnknownOutcome(error)) throw error;
      return tried;
    },
  });
}

/** The outcome of a try to pay, read from the invoice; undefined if the invoice does not show it. */
async function outcomeOf(
  stripe: Stripe,
  session: ProviderSession,
  invoiceId: string,
  refusal: unknown,
): Promise<PaymentTry | undefined> {
  const invoice = await session.read('invoices.retrieve', () => stripe.invoices.retrieve(invoiceId));
  if (invoice.status === 'paid') return { outcome: 'paid' };
  const intent = await paymentOf(stripe, session, invoiceId);
  if (intent?.status === 'requires_action' && intent.client_secret !== null) {
    return { outcome: 'requires_action', clientSecret: intent.client_secret };
  }
  if (isCardError(refusal)) return { outcome: 'declined', declineCode: codeOf(refusal) };
  if (refusal !== undefined || intent === undefined) return undefined;
  const { declineCode } = declineOf(intent);
  return declineCode === undefined ? undefined : { outcome: 'declined', declineCode };
}

/** Resumes a paused subscription. It runs again only once the invoice of its new period is paid. */
async function resume(
  context: PaymentContext,
  session: ProviderSession,
  subscriptionId: string,
  operationKey: string,
): Promise<PaymentTry> {
  const { stripe } = context;
  const params = { payment_behavior: 'resume_on_payment_success' } as const;
  const resumed = async (): Promise<PaymentTry | undefined> => {
    const after = await fetchSubscription(stripe, session, subscriptionId);
    if (after.providerStatus !== 'paused') return { outcome: 'resumed' };
    const owing = openInvoice(after);
    const tried = owing && (await outcomeOf(stripe, session, owing.invoiceId, undefined));
    return tried?.outcome === 'paid' ? { outcome: 'resumed' } : tried;
  };
  const settled = async (): Promise<PaymentTry> => {
    const tried = await resumed();
    if (tried === undefined) throw retryLater(session.call, 'the subscription is neither resumed nor refused yet');
    return tried;
  };
  return sendKeyed<PaymentTry>(context, session, {
    operationKey,
    async send(idempotencyKey) {
      await session.write('subscriptions.resume', () =>
        stripe.subscriptions.resume(subscriptionId, params, { idempotencyKey }),
      );
      return settled();
    },
    isInDoubt: (error) => isCardError(error) || isUnknownOutcome(error) || isInvalid(error),
    lookUp: (error) => (isUnknownOutcome(error) ? resumed() : settled()),
  });
}

function isInvalid(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError;
}

function codeOf(error: Stripe.errors.StripeCardError): string {
  return error.decline_code !== undefined && error.decline_code !== ''
    ? error.decline_code
    : (error.code ?? 'card_declined');
}
