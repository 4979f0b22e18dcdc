import { log } from '@temporalio/workflow';
import { iso } from '../domain/shared/deadlines';
import { isRaised, RELEASED_FOR_ANOTHER } from '../domain/order/order';
import { formatMoney } from '../domain/shared/money';
import { owedAmount } from '../domain/order/owed';
import { isDefect } from '../kit/failures';
import { records } from './lifecycle';
import type { OrderLifecycle } from './lifecycle';
import { authorizeLater, syncPaymentSoon, voidPaymentSoon } from '../payment/activities';
import type { AuthorizationPurpose, AuthorizationResult, AuthorizePaymentInput, PaymentStatus } from '../payment/ports';

/*
 * An order's card hold: renewed, replaced, lost. A renewal is a new payment attempt with a new key; the old hold is voided only
 * once the new one is authorized.
 */

/** Makes sure that a hold covers what is left to ship; false where the customer must act first or the outcome is not known. */
export async function ensureHold(life: OrderLifecycle): Promise<boolean> {
  if (life.facts.hold !== undefined) return true;
  if (life.facts.paymentState === 'payment_needed' || isRaised(life.facts, 'hold_cancelled', 'hold_stopped'))
    return false;
  const purpose = life.facts.amounts.captured > 0 ? 'remainder' : 'reauthorization';
  await renewHold(life, purpose);
  return life.facts.hold !== undefined;
}

/** Authorizes a new hold off-session for what is left to ship; the order's next step voids the old one. */
export async function renewHold(life: OrderLifecycle, purpose: AuthorizationPurpose): Promise<void> {
  const { facts } = life;
  // A bank holds no amount of zero, and lines that cost nothing need no hold.
  if (life.unfinished.authorization === undefined && owedAmount(facts) === 0) return;
  life.step = 'renewing the card hold';
  const input: AuthorizePaymentInput = life.unfinished.authorization ?? {
    orderId: facts.orderId,
    cartId: facts.cartId,
    attempt: facts.paymentAttempts + 1,
    purpose,
    amount: { amount: owedAmount(facts), currency: facts.currency },
    customer: { id: facts.customerId },
    paymentMethod: facts.paymentMethodId,
    offSession: true,
  };
  const status = await authorize(life, input);
  if (status === undefined) return;
  if (status.status === 'authorized') return adoptHold(life);
  if (!(await stopForAmount(life, status))) await askForPayment(life, status);
}

/** Refusals that no other card mends, e.g. a rest below the smallest charge after a parcel: a person has to decide. */
const OF_THE_AMOUNT: ReadonlySet<string> = new Set(['amount_too_small', 'amount_too_large']);

/** True where the bank refused the amount itself: the customer is not asked, since no card can pay for it. */
async function stopForAmount(life: OrderLifecycle, status: PaymentStatus | undefined): Promise<boolean> {
  if (status?.status !== 'declined' || !OF_THE_AMOUNT.has(status.code)) return false;
  const rest = { amount: owedAmount(life.facts), currency: life.facts.currency };
  const message = `Stripe holds no ${formatMoney(rest)} (${status.code}), whatever the card: settle what is left with the customer, then cancel it here.`;
  await life.exceptions.raise('hold_stopped', message, 'payments', rest);
  return true;
}

/** Somebody gave all captured money of the order back: its card is not held again by itself. */
export async function stopForRefund(life: OrderLifecycle): Promise<void> {
  const message = `All that was taken for order ${life.orderId} has gone back, so its card is not held again: cancel what has not shipped.`;
  await life.exceptions.raise('hold_stopped', message, 'payments');
}

/** Tries the customer's new payment method; the answer is the bank's. */
export async function renewWith(life: OrderLifecycle, paymentMethod: string): Promise<PaymentStatus | undefined> {
  const { facts } = life;
  const pending = facts.pendingPaymentIntentId;
  const status = await authorize(life, {
    orderId: facts.orderId,
    cartId: facts.cartId,
    attempt: facts.paymentAttempts + 1,
    purpose: 'reauthorization',
    amount: { amount: owedAmount(facts), currency: facts.currency },
    customer: { id: facts.customerId },
    paymentMethod,
    // It may have been asked for when more was owed.
    ...(pending === undefined ? {} : { paymentIntentId: pending, setAmount: true }),
    offSession: false,
  });
  if (status?.status === 'authorized') await adoptHold(life);
  // The attempt counts now, whatever came of it: the next one must have a number and a key of its own.
  else await life.reload();
  await stopForAmount(life, status);
  if (status?.status === 'requires_action') life.startPolling();
  return status;
}

/** One attempt. An unknown outcome is looked up; where that fails too, the attempt stays open and is tried again. */
async function authorize(life: OrderLifecycle, input: AuthorizePaymentInput): Promise<PaymentStatus | undefined> {
  let status: PaymentStatus | undefined;
  let isOurs = false;
  try {
    status = renewalStatus(await authorizeLater(input));
  } catch (error) {
    log.warn('the outcome of a renewal is not known: looking it up', { orderId: life.orderId, error: String(error) });
    isOurs = isDefect(error);
    status = await lookUpAttempt(life, input);
  }
  if (status === undefined || status.status === 'processing' || status.status === 'none') {
    const isLate = life.retryRenewalLater(input);
    // The same request is wrong the next time, too: no reason to wait for that.
    if (!isLate && !isOurs) return undefined;
    await life.exceptions.report(
      'reauthorization_unknown',
      `It is not known whether ${formatMoney(input.amount)} is held again (attempt ${input.attempt}); it is being asked for.`,
      'payments',
      input.amount,
    );
    return undefined;
  }
  await life.conclude('authorization', 'reauthorization_unknown');
  return status;
}

/** A method or an amount that the provider refuses is a decline for a renewal: the customer may try another method. */
function renewalStatus(result: AuthorizationResult): PaymentStatus | undefined {
  if (result.status === 'refused') return { status: 'declined', code: result.code, declineCode: result.code };
  if (result.status === 'invalid')
    return { status: 'declined', code: 'invalid_payment_method', declineCode: 'invalid_payment_method' };
  // Answers to a checkout only.
  if (result.status === 'existing_order' || result.status === 'cart_changed' || result.status === 'out_of_stock')
    return undefined;
  return result;
}

async function lookUpAttempt(life: OrderLifecycle, input: AuthorizePaymentInput): Promise<PaymentStatus | undefined> {
  try {
    const { payment } = await syncPaymentSoon({ orderId: life.orderId, attempt: input.attempt });
    return payment;
  } catch (error) {
    log.warn('a payment could not be looked up', { orderId: life.orderId, error: String(error) });
    return undefined;
  }
}

/** Takes the new hold over. The next step voids the one it replaces, which Postgres lists until then. */
async function adoptHold(life: OrderLifecycle): Promise<void> {
  await life.reload();
  await endHoldDecision(life);
}

/** Closes the exceptions that asked a person about the hold: the person decided, or a new hold is open. */
export async function endHoldDecision(life: OrderLifecycle): Promise<void> {
  const open = (['hold_decision', 'hold_cancelled', 'hold_stopped'] as const).filter((kind) =>
    isRaised(life.facts, kind),
  );
  if (open.length > 0) await life.exceptions.resolve(...open);
}

/** Voids holds that were replaced; where that fails, a person gets a case and it is tried again. */
export async function voidReplacedHolds(life: OrderLifecycle): Promise<void> {
  const { orderId, facts } = life;
  const { paymentAttempts, supersededHolds } = facts;
  const unseen: string[] = [];
  try {
    for (const onlyPaymentIntentId of supersededHolds) {
      const input = { orderId, attempts: paymentAttempts, onlyPaymentIntentId, reason: 'hold_replaced' };
      unseen.push(...((await voidPaymentSoon(input)).unseen ?? []));
    }
  } catch (error) {
    life.voidLater();
    log.error('a replaced hold could not be voided', { orderId, error: String(error) });
    const holds = supersededHolds.join(', ');
    const message = `The replaced hold ${holds} could not be voided; the customer's card may be held twice.`;
    return life.exceptions.report('void_failed', message, 'payments');
  }
  // One that Stripe does not know counts as released, and stays a person's case.
  if (life.voidFailed && unseen.length === 0) await life.exceptions.resolve('void_failed');
  life.voidFailed = false;
  await life.reload();
}

/** Voids at the provider the holds that count as released already. @returns those that the provider still does not know */
export async function voidUnseen(life: OrderLifecycle): Promise<readonly string[]> {
  const { orderId, facts } = life;
  const input = { orderId, attempts: facts.paymentAttempts, onlyVoided: true, reason: 'hold_not_known' };
  const { unseen = [] } = await voidPaymentSoon(input);
  await life.reload();
  return unseen;
}

/** Voids the hold first, so that a card with the money once can hold it again; the order's next step asks for the new one. */
export async function releaseForAnother(life: OrderLifecycle): Promise<void> {
  const { orderId, facts } = life;
  const { hold, paymentAttempts: attempts } = facts;
  if (hold === undefined) return;
  life.step = 'releasing the card hold for a new one';
  const { paymentIntentId: onlyPaymentIntentId } = hold;
  await voidPaymentSoon({ orderId, attempts, onlyPaymentIntentId, reason: RELEASED_FOR_ANOTHER });
  await life.reload();
}

/**
 * Asks the customer, with a link and a deadline, since the bank did not renew the hold by itself. Nothing ships without a hold.
 * While the old one is open, shipping goes on, and the customer's time begins when it ends.
 */
export async function askForPayment(life: OrderLifecycle, status: PaymentStatus): Promise<void> {
  const reasons: Partial<Record<PaymentStatus['status'], string>> = {
    requires_action: 'authentication_required',
    canceled: 'hold_expired',
  };
  const reason = status.status === 'declined' ? status.declineCode : (reasons[status.status] ?? status.status);
  // A cancelled PaymentIntent cannot be paid: the customer's next try makes a new one.
  const paymentIntentId =
    status.status === 'requires_action' || status.status === 'declined' ? status.paymentIntentId : undefined;
  life.startPolling();
  const holdEndMs = Date.parse(life.facts.hold?.captureBefore ?? life.facts.placedAt);
  life.set(
    await records.requestPayment({
      orderId: life.orderId,
      reason,
      ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
      deadline: iso(Math.max(Date.now(), holdEndMs) + life.facts.policy.paymentDeadlineMs),
    }),
  );
}

/** Looks at a payment afresh: after a webhook's hint, after a hold's end, while a customer acts. */
export async function syncPayment(life: OrderLifecycle, paymentIntentId: string): Promise<PaymentStatus> {
  const { payment } = await syncPaymentSoon({ orderId: life.orderId, paymentIntentId });
  await life.reload();
  return payment;
}
