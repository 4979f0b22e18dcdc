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
 * A request runs at the provider for less than this: its SDKs give up after 80 s. One that used a key and shows no payment
 * after that long has made none.
 */
const IN_FLIGHT_MS = 90_000;

/**
 * Lets holds go: see `PaymentActivities.voidPayments`. First the tombstones in our own database, so that no attempt begins any
 * more; then every attempt at the provider, those included that are under way at this moment.
 */
export function voidPayments(context: PaymentContext, input: VoidPaymentInput): Promise<VoidPaymentResult> {
  const { orderId } = input;
  const atRisk = "a hold may stay on the customer's card until the bank lets go of it";
  // A cancellation is answered after it; what else is let go, nobody waits for.
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

/** Several attempts may have used one PaymentIntent (declined, then another card): it is let go once, by the last of them. */
function latestOfEach(attempts: readonly AttemptRecord[]): AttemptRecord[] {
  const byIntent = new Map<string, AttemptRecord>();
  for (const attempt of [...attempts].sort((left, right) => left.attempt - right.attempt)) {
    const key = attempt.paymentIntentId ?? attempt.operationKey;
    const before = byIntent.get(key);
    // The one whose hold is in the ledger speaks for it.
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
  // Never begun here, so never sent: the tombstone in our database keeps it so. Taken or expired: nothing is open.
  if (attempt.status === 'sealed' || attempt.status === 'captured' || attempt.status === 'expired') return undefined;
  const { orderId, attempt: number, paymentIntentId } = attempt;
  const found = paymentIntentId ?? (await findOrSealLost(context, session, attempt));
  if (found === undefined) return undefined;
  return voidIntent(context, session, { orderId, attempt: number, paymentIntentId: found, reason });
}

/**
 * The seal's own amount, which is never charged: far above every minimum, whatever the attempt asked for. What the provider
 * refuses for its amount or currency leaves the key free.
 */
const SEAL_AMOUNT = { amount: 1_000, currency: 'usd' } as const;

/**
 * The id of what a lost attempt made; undefined where it made nothing and can make nothing any more.
 *
 * Not finding it proves nothing while its request may still be on the way. So its idempotency key is taken out of use: a
 * harmless PaymentIntent, unconfirmed and canceled at once, is made under it. If that works, the late request is refused
 * for its other parameters. If it does not, the late request was first, and what it made can be found now. Keys that were
 * retired before have been answered: nothing is on its way under them.
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
    'a late authorization may have been first; looking it up',
  );
  const late = await findLost(context, session, attempt);
  if (late === undefined) awaitEnd(context, session, key);
  return late?.id;
}

/** True where the key is out of use; false where it was used before, or the provider takes no such seal. */
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
    // Stripe keeps this failure under the key, so the key is used up, which is all that a seal is for.
    if (isUnknownOutcome(error) && isKept(error)) return true;
    if (isUnknownOutcome(error)) throw retryLater(session.call, 'the provider failed while a key was taken out of use');
    if (isKeyReused(error) || isRefusal(error)) return false;
    throw error;
  }
}

/**
 * The late request has used the key and shows no payment: it failed, or it is running at this moment (a key in use with other
 * parameters need not be told apart from one that is used up). Returns once it must have ended; throws a retryable failure
 * before.
 */
function awaitEnd(context: PaymentContext, session: ProviderSession, key: string): void {
  const known = heartbeatDetails();
  const sinceMs = known[key] ?? context.now();
  const leftMs = sinceMs + IN_FLIGHT_MS - context.now();
  if (leftMs <= 0) return;
  recordHeartbeat({ ...known, [key]: sinceMs });
  throw retryLater(
    session.call,
    'a late authorization may be running at the provider; it is looked up again when it must have ended',
    leftMs,
  );
}

/** Taken money outweighs what was let go: the caller must give it back. */
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
