import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import type { VoidPaymentInput, VoidPaymentResult } from '../../../workflows/payment/ports';
import type { AttemptRecord } from '../../storage/payments/store';
import { activity, recordHeartbeat, heartbeatDetails, type PaymentContext } from '../context';
import { isKept } from '../error-kinds';
import { defect, isKeyReused, isRefusal, isUnknownOutcome, retryLater } from '../errors';
import { idempotencyKey } from '../keyed';
import { cancelIntent, voidIntent, type VoidIntentResult } from './void-intent';
import { metadataKeys } from '../metadata';
import type { ProviderSession } from '../provider';
import { findLost } from './sync';

/**
 * A request runs at the provider for less than this: its SDKs give up after 80 s. A request that used a key and shows no payment
 * after this time has made none.
 */
const IN_FLIGHT_MS = 90_000;

/**
 * Voids holds: see `PaymentActivities.voidPayments`. First it writes tombstones into our own database, so that no new attempt
 * begins; then it voids every attempt at the provider, including those under way at this moment.
 */
export function voidPayments(context: PaymentContext, input: VoidPaymentInput): Promise<VoidPaymentResult> {
  const { orderId } = input;
  const atRisk = "a hold may stay on the customer's card until it expires";
  // The answer to a cancel waits for the void; nobody waits for any other void.
  const priority = input.reason === 'order_cancelled' ? 'interactive' : 'background';
  return activity(context, { operation: 'voidPayments', orderId, atRisk, priority }, async (session) => {
    const sealed = input.onlyVoided === true ? await voided(context, input) : await seal(context, session, input);
    const results: VoidIntentResult[] = [];
    for (const attempt of latestOfEach(sealed)) {
      const result = await voidAttempt(context, session, attempt, input.reason);
      if (result !== undefined) results.push(result);
    }
    return total(results);
  });
}

async function voided({ store }: PaymentContext, { orderId, attempts }: VoidPaymentInput): Promise<AttemptRecord[]> {
  const numbers = Array.from({ length: attempts }, (_, index) => index + 1);
  const all = await Promise.all(numbers.map((attempt) => store.getAttempt(orderId, attempt)));
  return all.filter((one) => one?.status === 'voided' && one.paymentIntentId !== undefined) as AttemptRecord[];
}

async function seal(
  context: PaymentContext,
  session: ProviderSession,
  input: VoidPaymentInput,
): Promise<readonly AttemptRecord[]> {
  const { orderId, attempts, onlyPaymentIntentId } = input;
  if (onlyPaymentIntentId === undefined) return context.store.sealAttempts(orderId, attempts);
  const found = await context.store.findAttemptByPaymentIntent(onlyPaymentIntentId);
  if (found === undefined || found.orderId !== orderId) {
    throw defect(session.call, `no attempt of the order is known to have made ${onlyPaymentIntentId}`);
  }
  return [await context.store.sealAttempt(orderId, found.attempt)];
}

/** Several attempts may have used one PaymentIntent (declined, then another card). It is voided once, for the last of them. */
function latestOfEach(attempts: readonly AttemptRecord[]): AttemptRecord[] {
  const byIntent = new Map<string, AttemptRecord>();
  for (const attempt of [...attempts].sort((left, right) => left.attempt - right.attempt)) {
    const key = attempt.paymentIntentId ?? attempt.operationKey;
    const before = byIntent.get(key);
    // An attempt whose hold is in the ledger takes precedence.
    if (before === undefined || before.authorizedAmount === 0) byIntent.set(key, attempt);
  }
  return [...byIntent.values()];
}

async function voidAttempt(
  context: PaymentContext,
  session: ProviderSession,
  attempt: AttemptRecord,
  reason: string,
): Promise<VoidIntentResult | undefined> {
  // A sealed attempt was never sent, and its tombstone prevents that. A captured or expired one has nothing open.
  if (attempt.status === 'sealed' || attempt.status === 'captured' || attempt.status === 'expired') return undefined;
  const { orderId, attempt: number, paymentIntentId } = attempt;
  const found = paymentIntentId ?? (await findOrSealLost(context, session, attempt));
  if (found === undefined) return undefined;
  return voidIntent(context, session, { orderId, attempt: number, paymentIntentId: found, reason });
}

/**
 * The seal's amount, which is never charged. It is far above every minimum, because a request that the provider refuses for its
 * amount or currency does not use the key up.
 */
const SEAL_AMOUNT = { amount: 1_000, currency: 'usd' } as const;

/**
 * The id of the PaymentIntent that a lost attempt made; undefined if it made none and can make none later.
 *
 * Not finding it proves nothing while its request may still be under way. So its idempotency key is sealed: a harmless
 * PaymentIntent, unconfirmed and canceled at once, is made under it. If that works, the provider refuses the late request for
 * its other parameters. If it does not, the late request was first, and its PaymentIntent can now be found. Earlier keys of the
 * attempt were all answered, so no request is under way under them.
 */
async function findOrSealLost(
  context: PaymentContext,
  session: ProviderSession,
  attempt: AttemptRecord,
): Promise<string | undefined> {
  const found = await findLost(context, session, attempt);
  if (found !== undefined) return found.id;
  const operationKey = operationKeys.authorize(attempt.orderId, attempt.attempt);
  const key = idempotencyKey(operationKey, await context.store.keyNumber(operationKey));
  if (await sealKey(session, key)) return undefined;
  context.log.warn(
    { orderId: attempt.orderId, attempt: attempt.attempt },
    'a late authorization may have used the key before the seal; looking it up',
  );
  const late = await findLost(context, session, attempt);
  if (late === undefined) awaitEnd(context, session, key);
  return late?.id;
}

/** True if the key is sealed; false if it was used before or the provider refuses the seal. */
async function sealKey(session: ProviderSession, key: string): Promise<boolean> {
  try {
    const placeholder = await session.create(
      {
        ...SEAL_AMOUNT,
        capture_method: 'manual',
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
        metadata: { [metadataKeys.sealed]: key },
      },
      key,
    );
    if (placeholder.status !== 'canceled') await cancelIntent(session, placeholder.id);
    return true;
  } catch (error) {
    // Stripe stores this failure under the key, so the key is used up, which is the purpose of a seal.
    if (isUnknownOutcome(error) && isKept(error)) return true;
    if (isUnknownOutcome(error))
      throw retryLater(session.call, 'the provider failed while an idempotency key was sealed');
    if (isKeyReused(error) || isRefusal(error)) return false;
    throw error;
  }
}

/**
 * The late request has used the key but shows no payment: it failed, or it is running at this moment; the provider may answer
 * both in the same way. Returns once the request must have ended; throws a retryable failure before.
 */
function awaitEnd(context: PaymentContext, session: ProviderSession, key: string): void {
  const known = heartbeatDetails();
  const sinceMs = known[key] ?? context.now();
  const leftMs = sinceMs + IN_FLIGHT_MS - context.now();
  if (leftMs <= 0) return;
  recordHeartbeat({ ...known, [key]: sinceMs });
  throw retryLater(
    session.call,
    'a late authorization may still be running at the provider; it is looked up again once it must have ended',
    leftMs,
  );
}

/** If anything was captured, the result is `captured`, because the caller must refund it. */
function total(results: readonly VoidIntentResult[]): VoidPaymentResult {
  const unseen = results.flatMap((one) => (one.outcome === 'voided' && one.unseen !== undefined ? [one.unseen] : []));
  const known = { ...latestFacts(results), ...(unseen.length > 0 && { unseen }) };
  const taken = results.reduce((sum, one) => sum + (one.outcome === 'captured' ? one.capturedAmount : 0), 0);
  if (taken > 0) return { outcome: 'captured', capturedAmount: taken, ...known };
  const released = results.reduce((sum, one) => sum + (one.outcome === 'voided' ? one.releasedAmount : 0), 0);
  return { outcome: 'voided', releasedAmount: released, ...known };
}

function latestFacts(results: readonly VoidIntentResult[]): { readonly facts?: OrderFacts } {
  const facts = results.findLast((one) => one.facts !== undefined)?.facts;
  return facts === undefined ? {} : { facts };
}
