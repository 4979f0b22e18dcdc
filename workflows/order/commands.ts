import { isCancellation, log } from '@temporalio/workflow';
import { WHOLE_ORDER, shipmentId } from '../domain/shared/operation-keys';
import { sameLines } from '../domain/order/lines';
import { heldNow, isRaised, remainingLines } from '../domain/order/order';
import type { Hold, OrderFacts } from '../domain/order/order';
import { failureTypes } from '../domain/shared/errors';
import { refusal } from '../kit/answers';
import { failureTypeOf, isLasting, refusedMessage } from '../kit/failures';
import { owedAmount, owedFor, paidAhead } from '../domain/order/owed';
import {
  holdStopped,
  paymentCancelled,
  refuseCancel,
  refuseDelivery,
  refuseGivenBack,
  refuseRenewal,
  refuseShipment,
  sameShipment,
  stopShipping,
} from '../domain/order/shipping-rules';
import type { RefusalCause } from '../domain/order/shipping-rules';
import type { CancelAnswer, DeliverAnswer, HoldDecision, RenewPaymentAnswer, ShipAnswer } from './messages';
import type { CancelCommand, DeliverCommand, Refusal, ShipCommand, CommandAnswer } from '../domain/order/commands';
import { records } from './lifecycle';
import type { OrderLifecycle } from './lifecycle';
import { endHoldDecision, ensureHold, renewHold, renewWith } from './holds';
import { capturePayment, voidPaymentSoon } from '../payment/activities';
import type { CapturePaymentInput, ShipmentRecord } from '../payment/ports';
import { endRefusal, refuseCapture } from './refused-captures';

/*
 * The commands of an order. They run one after another; each either happens as answered or is
 * refused with a reason and changes nothing.
 */

/** Ships lines: captures their price and records the parcel, in one activity. */
export async function ship(life: OrderLifecycle, command: ShipCommand): Promise<ShipAnswer> {
  const known = sameShipment(life.facts, command);
  if (known !== undefined) return shipped(life, known.shipmentId, known.amount);
  const id = shipmentId(command.carrier, command.trackingNumber);
  if (life.unfinished.cancel !== undefined) return refusal('order_cancelled', 'The order is being cancelled.');
  // A capture with other contents is finished first, with its own: the corrected command begins where that ended.
  if (!isUnderWayFor(life, id, command) && !(await finishCapture(life))) return unknownCapture();
  const open = life.unfinished.capture;
  const cause = refuseShipment(life.facts, command);
  // A capture that is under way may have succeeded: it is finished first, whatever was recorded since.
  const isUnderWay = open !== undefined && cause?.reason === stopShipping(life.facts)?.reason;
  if (cause !== undefined && !isUnderWay) return { accepted: false, ...cause };
  life.step = `shipping ${command.trackingNumber}`;
  const shipment = {
    shipmentId: id,
    lines: command.lines,
    carrier: command.carrier,
    trackingNumber: command.trackingNumber,
    ...(command.warehouseId === undefined ? {} : { warehouseId: command.warehouseId }),
  };
  const captured = await pay(life, shipment, open);
  if (typeof captured === 'number') return shipped(life, id, captured);
  if (typeof captured === 'object') return { accepted: false, ...captured };
  if (captured === 'stopped') return stopped(life);
  if (captured === 'unrecorded')
    return refusal(
      'needs_person',
      'The money was taken and the parcel could not be recorded; send it again, corrected. A person was notified.',
    );
  if (captured === 'payment_needed')
    return refusal('payment_needed', 'The card hold is gone and could not be renewed; the customer was asked.');
  if (captured === 'unknown')
    return refusal(
      'outcome_unknown',
      'It is not known yet whether the money was taken; send the same shipment again to ask.',
    );
  return refusal('outcome_unknown', 'What the order owes changed a moment ago; send the same shipment again.');
}

/**
 * The outcome of a capture. `unrecorded`: its money is booked, but not its parcel. `gone`: its hold was gone, or somebody else
 * captured first; what is owed now is captured next. A cause where our own record would refuse it, so nothing was begun, or where
 * the provider refused the capture.
 */
type Captured = 'captured' | 'unrecorded' | 'gone' | 'payment_needed' | 'stopped' | 'unknown' | RefusalCause;

/** A new hold does not expire at once, and somebody else captures once: a command does not wait for a third change. */
const MAX_CAPTURES = 3;

/**
 * Captures what a parcel costs and records the parcel. Returns the minor units captured with it, or why nothing was recorded.
 * A capture that is under way is finished first; if its hold is gone, the amount is captured from a new hold.
 */
async function pay(
  life: OrderLifecycle,
  shipment: ShipmentRecord,
  underWay: CapturePaymentInput | undefined,
): Promise<number | Exclude<Captured, 'captured'>> {
  let input = underWay;
  for (let tries = 1; tries <= MAX_CAPTURES; tries += 1) {
    const amount = input?.amount ?? owedFor(life.facts, shipment.lines);
    if (amount === 0) return recordPaid(life, shipment);
    const captured = input === undefined ? await captureOnHold(life, amount, shipment) : await capture(life, input);
    if (captured === 'captured') return amount;
    if (captured !== 'gone') return captured;
    input = undefined;
  }
  return 'gone';
}

/** Records a parcel for which nothing is owed. */
async function recordPaid(life: OrderLifecycle, shipment: ShipmentRecord): Promise<0 | 'stopped' | RefusalCause> {
  const result = await records.recordShipment({ orderId: life.orderId, shipment });
  life.set('outcome' in result ? result.facts : result);
  if (!('outcome' in result)) {
    await endRefusal(life, shipment);
    return 0;
  }
  return result.outcome === 'stopped' ? 'stopped' : result.cause;
}

/** A dispute or a refund came between the command and its record. */
function stopped(life: OrderLifecycle): ShipAnswer {
  const cause = stopShipping(life.facts);
  if (cause === undefined) return refusal('outcome_unknown', 'Shipping was stopped a moment ago; try again.');
  return { accepted: false, ...cause };
}

/** Captures from the open hold, or from a new one where none is open. */
async function captureOnHold(life: OrderLifecycle, amount: number, shipment: ShipmentRecord): Promise<Captured> {
  if (!(await ensureHold(life))) {
    if (isRaised(life.facts, 'hold_cancelled')) return paymentCancelled(life.facts);
    const stopped = holdStopped(life.facts);
    if (stopped !== undefined) return stopped;
    return life.facts.paymentState === 'payment_needed' ? 'payment_needed' : 'unknown';
  }
  const { hold } = life.facts;
  // What is owed may have changed while the new hold was got.
  if (hold === undefined || amount !== owedFor(life.facts, shipment.lines)) return 'gone';
  const { paymentIntentId, multicapture } = hold;
  const final = !multicapture || owedAmount(life.facts) === amount || isLastCapture(life.facts, hold);
  const after = paidAhead(life.facts) > 0 ? { after: life.facts.amounts.captured } : {};
  return capture(life, { orderId: life.orderId, paymentIntentId, amount, final, shipment, ...after });
}

/** Stripe captures a PaymentIntent 50 times at most; the last one releases the rest, which is held anew. */
const MAX_CAPTURES_OF_A_HOLD = 50;

/** Parcels since the hold was got: as many as it was captured for, or some more that were paid ahead. */
function isLastCapture({ shipments }: OrderFacts, { authorizedAt }: Hold): boolean {
  return shipments.filter((one) => one.shippedAt >= authorizedAt).length + 1 >= MAX_CAPTURES_OF_A_HOLD;
}

/** One capture. One that fails permanently is remembered and tried again, so that no parcel leaves without its money. */
export async function capture(life: OrderLifecycle, input: CapturePaymentInput): Promise<Captured> {
  try {
    const result = await capturePayment(input, life.unfinished.capture !== undefined);
    life.set(result.facts);
    await life.conclude('capture', 'capture_unknown');
    if (result.outcome === 'refused') return result.cause;
    if (result.outcome === 'payment_refused') return await refuseCapture(life, input, result.refusal);
    if (result.outcome === 'captured') await endRefusal(life, input.shipment);
    if (result.outcome === 'captured' && !isRecorded(life.facts, input)) return 'unrecorded';
    return result.outcome === 'hold_expired' || result.outcome === 'changed' ? 'gone' : result.outcome;
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (failureTypeOf(error) === failureTypes.undone) {
      // Its hold was voided or the order cancelled first: it captured nothing and never will.
      await life.reload();
      await life.conclude('capture', 'capture_unknown');
      return 'gone';
    }
    log.error('the outcome of a capture is not known', { orderId: life.orderId, error: String(error) });
    life.retryLater({ capture: input });
    await life.exceptions.report(
      'capture_unknown',
      `It is not known whether the capture on ${input.paymentIntentId} for ${input.shipment?.trackingNumber ?? 'the whole order'} was made; it is being tried again.`,
      'payments',
      { amount: input.amount, currency: life.facts.currency },
    );
    return 'unknown';
  }
}

function isRecorded(facts: OrderFacts, { shipment }: CapturePaymentInput): boolean {
  return shipment === undefined || facts.shipments.some((one) => one.shipmentId === shipment.shipmentId);
}

/** Is the capture of unknown outcome for just this parcel, with just these lines? */
function isUnderWayFor(life: OrderLifecycle, id: string, { lines }: ShipCommand): boolean {
  const shipment = life.unfinished.capture?.shipment;
  return shipment?.shipmentId === id && sameLines(shipment.lines, lines);
}

/** Finishes a capture of unknown outcome before anything else is begun on the order; false where it stays unknown. */
async function finishCapture(life: OrderLifecycle): Promise<boolean> {
  const open = life.unfinished.capture;
  return open === undefined || (await capture(life, open)) !== 'unknown';
}

function unknownCapture(): Refusal {
  return refusal(
    'outcome_unknown',
    'An earlier capture is not settled yet. Try again later, or resolve its exception (capture_unknown).',
  );
}

/** Captures the price of everything that is left, before it ships. */
export async function captureAll(life: OrderLifecycle): Promise<Captured> {
  const { hold, orderId } = life.facts;
  if (hold === undefined) return 'gone';
  const input = { orderId, paymentIntentId: hold.paymentIntentId, amount: owedAmount(life.facts), final: true };
  life.step = `taking the money of the ${WHOLE_ORDER}`;
  return capture(life, input);
}

function shipped(life: OrderLifecycle, id: string, capturedAmount: number): ShipAnswer {
  const { state, paymentState } = life.facts;
  return { accepted: true, shipmentId: id, capturedAmount, state, paymentState };
}

/** Cancels what has not shipped: the hold is voided first, then state and stock change in one transaction. */
export async function cancel(life: OrderLifecycle, command: CancelCommand): Promise<CancelAnswer> {
  let before = life.facts;
  if (before.state === 'cancelled') {
    await life.conclude('cancel', 'cancel_unknown');
    return cancelled(life, before);
  }
  if (!(await finishCapture(life))) return unknownCapture();
  before = life.facts;
  const cause = refuseCancel(before);
  if (cause !== undefined) {
    await life.conclude('cancel', 'cancel_unknown');
    return { accepted: false, ...cause };
  }
  life.step = 'cancelling what has not shipped';
  try {
    if (await voidHolds(life, before)) {
      await life.conclude('cancel', 'cancel_unknown');
      return refusal(
        'captured_needs_refund',
        'Money was taken before the order could be cancelled; it needs a refund.',
      );
    }
    life.set(await records.cancelOrder({ orderId: life.orderId, reason: command.reason, actor: command.actor }));
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.error('an order could not be cancelled yet', { orderId: life.orderId, error: String(error) });
    return cancelLater(life, command, error);
  }
  await life.conclude('cancel', 'cancel_unknown');
  await life.conclude('authorization', 'reauthorization_unknown');
  return cancelled(life, before);
}

/** The cancel could not be made: it is tried again, and a person has a case. */
async function cancelLater(life: OrderLifecycle, command: CancelCommand, error: unknown): Promise<Refusal> {
  life.retryLater({ cancel: command });
  const { amounts, currency } = life.facts;
  const held = heldNow(amounts);
  const atRisk = held > 0 ? { amount: held, currency } : undefined;
  if (isLasting(error)) {
    const message = `${refusedMessage('The cancel of the order', error)}. No more parcels ship, and the cancel is being retried`;
    await life.exceptions.report('cancel_unknown', `${message}.`, 'payments', atRisk);
    return refusal('needs_person', `${message}. A person was notified.`);
  }
  const message =
    'The order is being cancelled but its hold or its stock could not be released yet; it is being tried again.';
  await life.exceptions.report('cancel_unknown', message, 'payments', atRisk);
  return refusal(
    'outcome_unknown',
    'The cancel is not complete yet: no more parcels ship; send the same request again to ask.',
  );
}

/**
 * Voids every attempt of an order that captured nothing, those of unknown outcome too; of an order that shipped in part, the
 * open hold and the pending payment. True where money turned out to be captured.
 */
async function voidHolds(life: OrderLifecycle, facts: OrderFacts): Promise<boolean> {
  const { orderId, paymentAttempts } = facts;
  const attempts = Math.max(paymentAttempts, life.unfinished.authorization?.attempt ?? 0);
  const result = await voidPaymentSoon({ orderId, attempts, reason: 'order_cancelled' });
  if (result.outcome === 'captured') await life.reload();
  return result.outcome === 'captured';
}

function cancelled(life: OrderLifecycle, before: OrderFacts): CancelAnswer {
  const { state, amounts } = life.facts;
  return {
    accepted: true,
    state,
    releasedAmount: amounts.released - before.amounts.released,
    cancelledLines: remainingLines(before),
  };
}

export async function deliver(life: OrderLifecycle, command: DeliverCommand): Promise<DeliverAnswer> {
  const cause = refuseDelivery(life.facts, command);
  if (cause !== undefined) return { accepted: false, ...cause };
  if (life.facts.state !== 'delivered') {
    life.step = 'recording a delivery';
    life.set(await records.recordDelivery({ orderId: life.orderId, ...command }));
    if (isRaised(life.facts, 'delivery_overdue')) await life.exceptions.resolve('delivery_overdue');
  }
  return { accepted: true, state: life.facts.state };
}

/** Another payment method for an order whose hold the bank did not renew. */
export async function renew(life: OrderLifecycle, paymentMethod: string): Promise<RenewPaymentAnswer> {
  const stopped = refuseRenewal(life.facts);
  if (stopped !== undefined) return { accepted: false, ...stopped };
  const isAsked = life.facts.paymentDeadline !== undefined || isRaised(life.facts, 'hold_cancelled');
  if (!isAsked || owedAmount(life.facts) === 0)
    return refusal('no_payment_needed', 'The payment of this order needs nothing.');
  if (life.unfinished.authorization !== undefined) {
    return refusal('outcome_unknown', 'An earlier try to renew the payment is not settled yet; try again later.');
  }
  const status = await renewWith(life, paymentMethod);
  const refused = holdStopped(life.facts);
  if (refused !== undefined) return { accepted: false, ...refused };
  const retryUntil = life.facts.paymentDeadline ?? life.facts.placedAt;
  switch (status?.status) {
    case 'authorized':
      return { accepted: true, state: 'authorized', captureBefore: status.hold.captureBefore };
    case 'requires_action':
      return { accepted: true, state: 'requires_action', clientSecret: status.clientSecret };
    case 'declined':
      return { accepted: true, state: 'declined', declineCode: status.declineCode, retryUntil };
    default:
      return refusal('outcome_unknown', 'It is not known yet whether the payment was renewed; it is being looked up.');
  }
}

/** A person's decision on a hold that expires soon (policy `ask`), or on an order whose hold somebody cancelled. */
export async function decide(
  life: OrderLifecycle,
  decision: HoldDecision,
): Promise<CommandAnswer<{ state: OrderFacts['state'] }>> {
  if (!isRaised(life.facts, 'hold_decision', 'hold_cancelled', 'hold_stopped'))
    return refusal('nothing_to_decide', 'No decision on a card hold is open.');
  if (decision.action === 'capture' && life.facts.hold === undefined)
    return refusal('nothing_to_decide', 'No card hold is open that could be captured: reauthorize, or cancel.');
  const refunded = decision.action === 'cancel' ? undefined : refuseGivenBack(life.facts);
  if (refunded !== undefined) return { accepted: false, ...refunded };
  if (decision.action === 'cancel') {
    const answer = await cancel(life, { reason: 'hold_decision', actor: decision.actor });
    if (!answer.accepted) return answer;
  } else if (decision.action === 'capture') {
    const captured = await captureAll(life);
    if (typeof captured === 'object') return { accepted: false, ...captured };
  } else {
    const wasStopped = isRaised(life.facts, 'hold_stopped');
    await renewHold(life, 'reauthorization');
    // Refused again for the same reason: it stays the person's case.
    const stopped = wasStopped && life.facts.paymentState !== 'payment_needed' ? holdStopped(life.facts) : undefined;
    if (stopped !== undefined) return { accepted: false, ...stopped };
  }
  await endHoldDecision(life);
  return { accepted: true, state: life.facts.state };
}
