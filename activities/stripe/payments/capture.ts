import type Stripe from 'stripe';
import { captureKey } from '../../../workflows/domain/shared/operation-keys';
import type { RefusalDetails } from '../../../workflows/domain/shared/errors';
import type { CapturePaymentInput, CapturePaymentResult } from '../../../workflows/payment/ports';
import { activity, type PaymentContext } from '../context';
import { refusalDetails } from '../error-kinds';
import {
  defect,
  isDefiniteRefusal,
  isKeyReused,
  isUnexpectedState,
  isUnknownOutcome,
  unknownOutcome,
  retryLater,
} from '../errors';
import type { BeginCaptureResult } from '../../storage/payments/store';
import { sendKeyed } from '../keyed';
import { cancelIntent, MAX_CONTRADICTIONS } from './void-intent';
import { captureMark, hasCaptureMark } from '../metadata';
import { cardDetails, paymentStatus } from './payment-status';
import { assertOwn, type ProviderSession } from '../provider';

/** What a freshly fetched PaymentIntent shows about one capture of ours. `elsewhere`: somebody else has captured it. */
type CaptureState = 'captured' | 'gone' | 'elsewhere' | 'open';

type LookedUp =
  | { readonly settled: Exclude<CaptureState, 'open'>; readonly intent: Stripe.PaymentIntent }
  | { readonly settled: 'refused'; readonly refusal: RefusalDetails };

/** Takes money from a hold: see `PaymentActivities.capturePayment`. */
export function capturePayment(context: PaymentContext, input: CapturePaymentInput): Promise<CapturePaymentResult> {
  const { orderId, paymentIntentId, amount } = input;
  const atRisk = `${amount} minor units of ${paymentIntentId} may be taken and not recorded, or shipped and not taken`;
  return activity(
    context,
    { operation: 'capturePayment', orderId, atRisk, priority: 'interactive' },
    async (session) => {
      const begun = await context.store.beginCapture(input);
      if (begun.kind === 'recorded') return { outcome: 'captured', facts: begun.facts };
      if (begun.kind === 'stopped') return { outcome: 'stopped', facts: begun.facts };
      if (begun.kind === 'refused') return { outcome: 'refused', facts: begun.facts, cause: begun.cause };
      if (begun.kind === 'changed') return { outcome: 'changed', facts: begun.facts };
      return capture(context, session, input, begun);
    },
  );
}

async function capture(
  context: PaymentContext,
  session: ProviderSession,
  input: CapturePaymentInput,
  { knownAmount, begunBefore = false }: Extract<BeginCaptureResult, { kind: 'begun' }>,
): Promise<CapturePaymentResult> {
  const key = captureKey(input);
  let metadata: Stripe.Metadata = {};
  if (knownAmount !== undefined || !input.final) {
    // The hold may stay open after a capture. Once the provider has forgotten the key, only the mark prevents a second capture
    // of the same money. Somebody else may also have captured part of it.
    // If the provider does not know the PaymentIntent, the capture is sent anyway, and the refusal is the answer.
    const intent = await session.retrieveIfKnown(input.paymentIntentId);
    if (intent === undefined && begunBefore) throw unknownPayment(session, input);
    if (intent !== undefined) {
      if (hasCaptureMark(intent.metadata, key)) return record(context, session, input, intent);
      if (knownAmount !== undefined && intent.amount_received > knownAmount)
        return capturedElsewhere(context, input, intent);
      metadata = intent.metadata;
    }
  }
  const settle = captureLookUp(session, input, key, { knownAmount, begunBefore });
  const looked = await sendKeyed<LookedUp>(context, session, {
    operationKey: key,
    async send(idempotencyKey) {
      const taken = await session.capture(input.paymentIntentId, captureParams(input, key, metadata), idempotencyKey);
      return { intent: taken, settled: 'captured' };
    },
    isInDoubt: (error) =>
      isUnknownOutcome(error) || isUnexpectedState(error) || isKeyReused(error) || isDefiniteRefusal(error),
    lookUp: settle,
  });
  if (looked.settled === 'refused') return refused(context, input, key, looked.refusal);
  const { settled, intent } = looked;
  if (settled === 'gone') return gone(context, session, input, intent);
  if (settled === 'elsewhere') return capturedElsewhere(context, input, intent);
  return record(context, session, input, intent);
}

/** Looks up the outcome of a capture that was answered with an error; undefined if the capture may be sent again. */
function captureLookUp(
  session: ProviderSession,
  input: CapturePaymentInput,
  key: string,
  { knownAmount, begunBefore }: { readonly knownAmount: number | undefined; readonly begunBefore: boolean },
): (error: unknown) => Promise<LookedUp | undefined> {
  const { paymentIntentId } = input;
  let contradictions = 0;
  return async (error) => {
    const intent = await session.retrieveIfKnown(paymentIntentId);
    if (intent === undefined && (begunBefore || !isDefiniteRefusal(error))) throw unknownPayment(session, input);
    if (intent !== undefined) {
      const settled = captureState(intent, key, knownAmount, error as { readonly code?: string });
      if (settled !== 'open') return { settled, intent };
      if (intent.status === 'processing') throw retryLater(session.call, `${paymentIntentId} is being processed`);
    }
    if (isUnexpectedState(error)) contradictions += 1;
    const isFinal = isDefiniteRefusal(error) || contradictions >= MAX_CONTRADICTIONS;
    return isFinal ? { settled: 'refused', refusal: refusalDetails(error as Stripe.errors.StripeError) } : undefined;
  };
}

/** That the provider does not know a payment proves nothing once a capture of it may have been made. */
function unknownPayment({ call }: ProviderSession, { paymentIntentId }: CapturePaymentInput): Error {
  return unknownOutcome(
    call,
    `the provider does not know ${paymentIntentId}, but an earlier request may have captured it`,
  );
}

function captureState(
  intent: Stripe.PaymentIntent,
  key: string,
  knownAmount: number | undefined,
  error: { readonly code?: string | undefined },
): CaptureState {
  if (hasCaptureMark(intent.metadata, key) && intent.amount_received > 0) return 'captured';
  if (intent.status === 'canceled') return 'gone';
  if (intent.status === 'succeeded') return 'elsewhere';
  if (knownAmount !== undefined && intent.amount_received > knownAmount) return 'elsewhere';
  // The bank's deadline has passed; the provider cancels the PaymentIntent only later.
  const expired = error.code === 'charge_expired_for_capture' || error.code === 'capture_charge_authorization_expired';
  return expired ? 'gone' : 'open';
}

async function record(
  context: PaymentContext,
  session: ProviderSession,
  input: CapturePaymentInput,
  intent: Stripe.PaymentIntent,
): Promise<CapturePaymentResult> {
  assertOwn(intent, input.orderId, session.call);
  if (intent.amount_received < input.amount) {
    throw defect(
      session.call,
      `${input.amount} minor units were to be captured, but only ${intent.amount_received} were captured in all`,
    );
  }
  const facts = await context.store.recordCapture(input, {
    capturedAmount: input.amount,
    receivedAmount: intent.amount_received,
    // Only the last capture releases the rest: it ends the PaymentIntent.
    releasedAmount: intent.status === 'succeeded' && input.final ? intent.amount - intent.amount_received : 0,
    at: new Date(context.now()).toISOString(),
  });
  return { outcome: 'captured', facts };
}

/** Nothing was captured. The same parcel may be tried again under another key, because the provider replays its refusal under this one. */
async function refused(
  { log, store }: PaymentContext,
  { orderId, paymentIntentId }: CapturePaymentInput,
  key: string,
  refusal: RefusalDetails,
): Promise<CapturePaymentResult> {
  log.warn({ orderId, paymentIntentId, code: refusal.code }, 'a capture was refused; its hold is still open');
  await store.nextKey(key, await store.keyNumber(key));
  return { outcome: 'payment_refused', refusal, facts: await store.abandonCapture({ orderId, paymentIntentId }) };
}

/** The hold is gone: it expired, or somebody cancelled it, which stops the order until a person decides. */
async function gone(
  context: PaymentContext,
  session: ProviderSession,
  input: CapturePaymentInput,
  intent: Stripe.PaymentIntent,
): Promise<CapturePaymentResult> {
  if (intent.status === 'canceled') await recordElsewhere(context, input, intent);
  else {
    // Only its deadline has passed. It is cancelled before another hold is requested, so that the card is never held twice.
    const ended = await cancelIntent(session, intent.id);
    if (ended?.status === 'succeeded') return capturedElsewhere(context, input, ended);
  }
  const { orderId, paymentIntentId } = input;
  return { outcome: 'hold_expired', facts: await context.store.recordHoldExpired({ orderId, paymentIntentId }) };
}

/** Somebody else captured money, e.g. in the provider's dashboard: it counts towards what the order owes. */
async function capturedElsewhere(
  context: PaymentContext,
  input: CapturePaymentInput,
  intent: Stripe.PaymentIntent,
): Promise<CapturePaymentResult> {
  context.log.warn(
    { orderId: input.orderId, paymentIntentId: input.paymentIntentId },
    'money of an order was captured by somebody else',
  );
  await recordElsewhere(context, input, intent);
  const { orderId, paymentIntentId } = input;
  return { outcome: 'changed', facts: await context.store.abandonCapture({ orderId, paymentIntentId }) };
}

async function recordElsewhere(
  context: PaymentContext,
  { orderId, paymentIntentId }: CapturePaymentInput,
  intent: Stripe.PaymentIntent,
): Promise<void> {
  const attempt = await context.store.findAttemptByPaymentIntent(paymentIntentId);
  if (attempt === undefined) return;
  await context.store.recordAttempt({
    orderId,
    attempt: attempt.attempt,
    status: paymentStatus(intent),
    card: cardDetails(intent),
    // The amount may equal what our own capture would take. Only the missing mark shows that somebody else captured it.
    capturedElsewhere: true,
  });
}

/** The mark is part of the capture request, so neither exists without the other. */
function captureParams(
  input: CapturePaymentInput,
  key: string,
  known: Stripe.Metadata,
): Stripe.PaymentIntentCaptureParams {
  return {
    amount_to_capture: input.amount,
    metadata: captureMark(key, input.amount, known),
    // The parameter, true by default, may be sent only if the charge allows several captures.
    ...(input.final ? {} : { final_capture: false }),
  };
}
