import { log } from '@temporalio/workflow';
import { iso } from '../domain/shared/deadlines';
import { failureKind } from '../domain/shared/errors';
import { isRaised, RELEASED_FOR_ANOTHER } from '../domain/order/order';
import { formatMoney } from '../domain/shared/money';
import { owedAmount } from '../domain/order/owed';
import { failureTypeOf } from '../kit/failures';
import { records } from './lifecycle';
import type { OrderContext } from './lifecycle';
import { authorizeLater, syncPaymentSoon, voidPaymentSoon } from '../payment/activities';
import type { AuthorizationPurpose, AuthorizationResult, AuthorizePaymentInput, PaymentStatus } from '../payment/ports';

/*
 * The life of an order's card hold: warned of, renewed, replaced, lost. A renewal is a new payment attempt with a new key;
 * the new hold is got before the old one is let go.
 */

/** Makes sure that a hold covers what is left to ship; false where the customer must act first or the outcome is not known. */
export async function ensureHold(order: OrderContext): Promise<boolean> {
  if (order.facts.hold !== undefined) return true;
  if (order.facts.paymentState === 'payment_needed' || isRaised(order.facts, 'hold_cancelled', 'hold_stopped'))
    return false;
  const purpose = order.facts.amounts.captured > 0 ? 'remainder' : 'reauthorization';
  await renewHold(order, purpose);
  return order.facts.hold !== undefined;
}

/** Gets a new hold off-session for what is left to ship, then lets the old one go. */
export async function renewHold(order: OrderContext, purpose: AuthorizationPurpose): Promise<void> {
  const { facts } = order;
  // A bank holds no amount of zero, and lines that cost nothing need no hold.
  if (order.unsettled.authorization === undefined && owedAmount(facts) === 0) return;
  order.step = 'renewing the card hold';
  const input: AuthorizePaymentInput = order.unsettled.authorization ?? {
    orderId: facts.orderId,
    cartId: facts.cartId,
    attempt: facts.paymentAttempts + 1,
    purpose,
    amount: { amount: owedAmount(facts), currency: facts.currency },
    customer: { id: facts.customerId },
    paymentMethod: facts.paymentMethodId,
    offSession: true,
  };
  const status = await authorize(order, input);
  if (status === undefined) return;
  if (status.status === 'authorized') return adoptHold(order);
  if (!(await stopForAmount(order, status))) await askForPayment(order, status);
}

/** Refusals that no other card mends, e.g. a rest below the smallest charge after a parcel: a person has to settle it. */
const OF_THE_AMOUNT: ReadonlySet<string> = new Set(['amount_too_small', 'amount_too_large']);

/** True where the bank refused the amount itself: the customer is not asked, since no card can pay for it. */
async function stopForAmount(order: OrderContext, status: PaymentStatus | undefined): Promise<boolean> {
  if (status?.status !== 'declined' || !OF_THE_AMOUNT.has(status.code)) return false;
  const rest = { amount: owedAmount(order.facts), currency: order.facts.currency };
  const message = `Stripe holds no ${formatMoney(rest)} (${status.code}), whatever the card: settle what is left with the customer, then cancel it here.`;
  await order.raise('hold_stopped', message, 'payments', rest);
  return true;
}

/** What was taken for the order has gone back, which somebody decided: its card is not held again by itself. */
export async function stopForRefund(order: OrderContext): Promise<void> {
  const message = `All that was taken for order ${order.orderId} has gone back, so its card is not held again: cancel what has not shipped.`;
  await order.raise('hold_stopped', message, 'payments');
}

/** Tries the customer's new payment method; the answer is the bank's. */
export async function renewWith(order: OrderContext, paymentMethod: string): Promise<PaymentStatus | undefined> {
  const { facts } = order;
  const pending = facts.pendingPaymentIntentId;
  const status = await authorize(order, {
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
  if (status?.status === 'authorized') await adoptHold(order);
  // The attempt counts now, whatever came of it: the next one must have a number and a key of its own.
  else await order.reload();
  await stopForAmount(order, status);
  if (status?.status === 'requires_action') order.startPolling();
  return status;
}

/** One attempt; an unknown outcome is looked up, and where that fails too the attempt stays open and is asked for again. */
async function authorize(order: OrderContext, input: AuthorizePaymentInput): Promise<PaymentStatus | undefined> {
  let status: PaymentStatus | undefined;
  let isDefect = false;
  try {
    status = renewalStatus(await authorizeLater(input));
  } catch (error) {
    log.warn('the outcome of a renewal is not known: looking it up', { orderId: order.orderId, error: String(error) });
    isDefect = failureKind(failureTypeOf(error)) === 'defect';
    status = await lookUpAttempt(order, input);
  }
  if (status === undefined || status.status === 'processing' || status.status === 'none') {
    const isLate = order.unsettleRenewal(input);
    // The same request is wrong the next time, too: no reason to wait for that.
    if (!isLate && !isDefect) return undefined;
    await order.report(
      'reauthorization_unknown',
      `It is not known whether ${formatMoney(input.amount)} is held again (attempt ${input.attempt}); it is being asked for.`,
      'payments',
      input.amount,
    );
    return undefined;
  }
  await order.conclude('authorization', 'reauthorization_unknown');
  return status;
}

/** What the provider does not take (a detached method, an amount) is a decline for a renewal: the customer may bring another method. */
function renewalStatus(result: AuthorizationResult): PaymentStatus | undefined {
  if (result.status === 'refused') return { status: 'declined', code: result.code, declineCode: result.code };
  if (result.status === 'invalid')
    return { status: 'declined', code: 'invalid_payment_method', declineCode: 'invalid_payment_method' };
  // Answers to a checkout only.
  if (result.status === 'existing_order' || result.status === 'cart_changed' || result.status === 'out_of_stock')
    return undefined;
  return result;
}

async function lookUpAttempt(order: OrderContext, input: AuthorizePaymentInput): Promise<PaymentStatus | undefined> {
  try {
    const { payment } = await syncPaymentSoon({ orderId: order.orderId, attempt: input.attempt });
    return payment;
  } catch (error) {
    log.warn('a payment could not be looked up', { orderId: order.orderId, error: String(error) });
    return undefined;
  }
}

/** The new hold stands. The one it replaces is let go next: whatever happens in between, Postgres knows that it stands. */
async function adoptHold(order: OrderContext): Promise<void> {
  await order.reload();
  await endHoldDecision(order);
}

/** Closes what asked a person about the order's hold: it was decided, or a new hold stands. */
export async function endHoldDecision(order: OrderContext): Promise<void> {
  const open = (['hold_decision', 'hold_cancelled', 'hold_stopped'] as const).filter((kind) =>
    isRaised(order.facts, kind),
  );
  if (open.length > 0) await order.resolve(...open);
}

/** Lets holds go that were replaced; where that fails a person is told, and it is tried again. */
export async function letReplacedHoldsGo(order: OrderContext): Promise<void> {
  const { orderId, facts } = order;
  const { paymentAttempts, supersededHolds } = facts;
  const unseen: string[] = [];
  try {
    for (const onlyPaymentIntentId of supersededHolds) {
      const input = { orderId, attempts: paymentAttempts, onlyPaymentIntentId, reason: 'hold_replaced' };
      unseen.push(...((await voidPaymentSoon(input)).unseen ?? []));
    }
  } catch (error) {
    order.letGoLater();
    log.error('a replaced hold could not be let go', { orderId, error: String(error) });
    const holds = supersededHolds.join(', ');
    const message = `The replaced hold ${holds} could not be let go; the customer's card may be held twice.`;
    return order.report('void_failed', message, 'payments');
  }
  // One that Stripe does not know counts as released, and stays a person's case.
  if (order.letGoFailed && unseen.length === 0) await order.resolve('void_failed');
  order.letGoFailed = false;
  await order.reload();
}

/** Voids at the provider what counts as released already; answers with what the provider still does not know. */
export async function voidUnseen(order: OrderContext): Promise<readonly string[]> {
  const { orderId, facts } = order;
  const input = { orderId, attempts: facts.paymentAttempts, onlyVoided: true, reason: 'hold_not_known' };
  const { unseen = [] } = await voidPaymentSoon(input);
  await order.reload();
  return unseen;
}

/** Voids the hold first, so that a card with the money once can hold it again; the order's next step asks for the new one. */
export async function releaseForAnother(order: OrderContext): Promise<void> {
  const { orderId, facts } = order;
  const { hold, paymentAttempts: attempts } = facts;
  if (hold === undefined) return;
  order.step = 'releasing the card hold for a new one';
  const { paymentIntentId: onlyPaymentIntentId } = hold;
  await voidPaymentSoon({ orderId, attempts, onlyPaymentIntentId, reason: RELEASED_FOR_ANOTHER });
  await order.reload();
}

/**
 * The bank did not renew the hold by itself: the customer gets a link and a deadline. Nothing ships without a hold; under one that
 * still stands shipping goes on, and the customer's time begins when that ends.
 */
export async function askForPayment(order: OrderContext, status: PaymentStatus): Promise<void> {
  const reasons: Partial<Record<PaymentStatus['status'], string>> = {
    requires_action: 'authentication_required',
    canceled: 'hold_expired',
  };
  const reason = status.status === 'declined' ? status.declineCode : (reasons[status.status] ?? status.status);
  // A PaymentIntent that is cancelled can not be paid any more: the customer's next try makes a new one.
  const paymentIntentId =
    status.status === 'requires_action' || status.status === 'declined' ? status.paymentIntentId : undefined;
  order.startPolling();
  const holdEndMs = Date.parse(order.facts.hold?.captureBefore ?? order.facts.placedAt);
  order.set(
    await records.requestPayment({
      orderId: order.orderId,
      reason,
      ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
      deadline: iso(Math.max(Date.now(), holdEndMs) + order.facts.policy.paymentDeadlineMs),
    }),
  );
}

/** Looks at a payment afresh: after a webhook's hint, after a hold's end, while a customer acts. */
export async function syncPayment(order: OrderContext, paymentIntentId: string): Promise<PaymentStatus> {
  const { payment } = await syncPaymentSoon({ orderId: order.orderId, paymentIntentId });
  await order.reload();
  return payment;
}
