import type { RefundRefusalReason, RefundRequest } from './request';
import { openDispute } from '../dispute/dispute';
import { currencyRules } from '../shared/currencies';
import { amountProblem, formatMoney } from '../shared/money';
import { remainingLines, type OrderFacts } from '../order/order';
import { linesAmount, paidPieces, refundablePieces, withUnshipped } from './amount';
import { refundable, type RefundLine, type RefundPolicy } from './refund';

/** A captured payment of an order. Minor units. */
export interface CapturedPayment {
  readonly attempt: number;
  readonly paymentIntentId: string;
  readonly captured: number;
  readonly refundPending: number;
  readonly refunded: number;
  readonly refundedOutside: number;
  readonly disputed: number;
  /** A dispute of it was lost, so the provider refunds nothing of what is left. */
  readonly chargedBack: boolean;
  /** UTC ISO string of its last capture. */
  readonly capturedAt: string;
}

/** Everything that the decision on a refund depends on. */
export interface RefundSituation {
  readonly facts: OrderFacts;
  readonly payments: readonly CapturedPayment[];
  /** Minor units of captures that were begun and have no recorded outcome. */
  readonly captureUnderWay: number;
  /** Minor units that are held and not captured. */
  readonly held: number;
}

export interface PlannedPart {
  readonly attempt: number;
  readonly paymentIntentId: string;
  readonly amount: number;
}

export type RefundPlan =
  | {
      readonly kind: 'refund';
      readonly amount: number;
      readonly lines?: readonly RefundLine[];
      readonly parts: readonly PlannedPart[];
    }
  /** The refund may become possible once the outcome of a capture is known. */
  | { readonly kind: 'wait'; readonly amount: number }
  | {
      readonly kind: 'refused';
      readonly reason: RefundRefusalReason;
      readonly message: string;
      readonly refundable: number;
      readonly held?: number;
      readonly coversHeld?: true;
    };

/** Does a refund of this many minor units need a person's approval? Only this function decides it. */
export function needsApproval(amount: number, policy: Pick<RefundPolicy, 'approvalAbove'>): boolean {
  return policy.approvalAbove !== undefined && amount > policy.approvalAbove;
}

/** Decides a request for a refund. Pure; called under the order's lock. */
export function planRefund(
  situation: RefundSituation,
  request: Pick<RefundRequest, 'amount' | 'currency' | 'lines'>,
  policy: Pick<RefundPolicy, 'approvalAbove'>,
): RefundPlan {
  const { facts, payments, held } = situation;
  const left = leftOf(situation);
  const refuse = (reason: RefundRefusalReason, message: string): RefundPlan => {
    return { kind: 'refused', reason, message, refundable: left, ...(held > 0 && { held }) };
  };
  const money = (amount: number): string => formatMoney({ amount, currency: facts.currency });
  if (request.currency !== undefined && request.currency !== facts.currency) {
    return refuse(
      'wrong_currency',
      `Order ${facts.orderId} was paid in ${facts.currency}, not in ${request.currency}.`,
    );
  }
  const amount = request.amount ?? linesAmount(facts, request.lines ?? []);
  const problem = amountProblem(amount, facts.currency);
  if (problem !== undefined) return refuse('not_a_multiple', `The amount of a refund ${problem}.`);
  const strange = request.lines?.find(({ sku }) => !facts.lines.some((line) => line.sku === sku));
  if (strange !== undefined) return refuse('unknown_line', `Order ${facts.orderId} has no line ${strange.sku}.`);
  const dispute = openDispute(facts);
  if (dispute !== undefined) {
    return refuse(
      'disputed',
      `Nothing can be refunded while dispute ${dispute.disputeId} is open, because the bank decides.`,
    );
  }
  const tooMany = request.lines?.find(({ sku, quantity }) => quantity > refundablePieces(facts, sku).pieces);
  const isThere = tooMany === undefined && amount <= left;
  if (!isThere && amount > 0 && mayBeThere(situation, request, amount)) {
    return needsApproval(amount, policy)
      ? refuse('needs_approval', approvalText(money(amount)))
      : { kind: 'wait', amount };
  }
  if (payments.length === 0) return refuseHeld(situation, request);
  if (tooMany !== undefined) {
    const { pieces } = refundablePieces(facts, tooMany.sku);
    const left = `${pieces} of ${tooMany.sku} are left to refund, not ${tooMany.quantity}.`;
    const isRefunded = pieces === 0 && paidPieces(facts, tooMany.sku) > 0;
    return refuse('exceeds_line', isRefunded ? `All paid pieces of ${tooMany.sku} have been refunded already.` : left);
  }
  if (amount === 0)
    return refuse(
      'worth_nothing',
      'These lines are free or have been refunded already, so there is nothing to refund.',
    );
  const stuck = chargedBackOf(payments);
  if (amount > left && amount <= left + stuck) return refuse('charged_back', chargedBackText(money(stuck)));
  if (amount > left) {
    return refuse(
      'exceeds_refundable',
      `Only ${money(left)} are left to refund of order ${facts.orderId}, not ${money(amount)}.`,
    );
  }
  if (needsApproval(amount, policy)) return refuse('needs_approval', approvalText(money(amount)));
  const lines = request.lines && withUnshipped(facts, request.lines);
  return { kind: 'refund', amount, ...(lines && { lines }), parts: splitRefund(payments, amount, facts.currency) };
}

/** Nothing was captured: what is only held is released by a cancel. */
function refuseHeld(
  { facts, held }: RefundSituation,
  { amount, lines }: Pick<RefundRequest, 'amount' | 'lines'>,
): RefundPlan {
  const nothing = { kind: 'refused', reason: 'nothing_captured', refundable: 0 } as const;
  const begin = `Nothing was captured for order ${facts.orderId}`;
  if (held === 0) return { ...nothing, message: `${begin}.` };
  const money = formatMoney({ amount: held, currency: facts.currency });
  const left = remainingLines(facts);
  const coversHeld =
    amount === held ||
    (lines?.length === left.length &&
      left.every((line) => lines.some((one) => one.sku === line.sku && one.quantity === line.quantity)));
  const message = `${begin} yet: cancel the order to release the ${money} that are held.`;
  return { ...nothing, message, held, ...(coversHeld && { coversHeld }) };
}

/** Minor units that the shop still has of charged-back payments, which the provider does not refund. */
function chargedBackOf(payments: readonly CapturedPayment[]): number {
  return payments.filter((one) => one.chargedBack).reduce((sum, one) => sum + refundable(one), 0);
}

function chargedBackText(left: string): string {
  return `The customer's bank charged back a part in a dispute that was lost, so the payment provider does not refund the ${left} that are left: refund them in another way, e.g. by bank transfer.`;
}

function approvalText(amount: string): string {
  return `A refund of ${amount} needs a person's approval.`;
}

/** Could a capture under way make the refund possible? Counts pieces as if the capture ships everything that is left. */
function mayBeThere(situation: RefundSituation, { lines }: Pick<RefundRequest, 'lines'>, amount: number): boolean {
  const { facts, captureUnderWay } = situation;
  if (captureUnderWay === 0) return false;
  const toShip = new Map(remainingLines(facts).map((line) => [line.sku, line.quantity]));
  const fits = (lines ?? []).every(({ sku, quantity }) => {
    const unpaid = facts.paymentState === 'captured' ? 0 : (toShip.get(sku) ?? 0);
    return quantity <= refundablePieces(facts, sku).pieces + unpaid;
  });
  return fits && amount <= leftOf(situation) + captureUnderWay;
}

function leftOf({ facts, payments }: RefundSituation): number {
  return payments.reduce((sum, payment) => sum + payable(payment, facts.currency), 0);
}

/** Minor units of a payment that the provider can refund, rounded down to the currency's multiple: a chargeback may leave a fraction of it. */
function payable(payment: CapturedPayment, currency: string | undefined): number {
  const left = refundable(payment);
  if (currency === undefined) return left;
  return payment.chargedBack ? 0 : left - (left % currencyRules(currency).multiple);
}

/**
 * Splits an amount over payments, the newest capture first.
 * @param currency given if the provider refunds the parts: each is then a multiple that the provider accepts
 * @throws RangeError if the payments do not have the amount
 */
export function splitRefund(payments: readonly CapturedPayment[], amount: number, currency?: string): PlannedPart[] {
  const newestFirst = [...payments].sort(
    (one, other) => Date.parse(other.capturedAt) - Date.parse(one.capturedAt) || other.attempt - one.attempt,
  );
  const parts: PlannedPart[] = [];
  let missing = amount;
  for (const payment of newestFirst) {
    const taken = Math.min(missing, payable(payment, currency));
    if (taken === 0) continue;
    parts.push({ attempt: payment.attempt, paymentIntentId: payment.paymentIntentId, amount: taken });
    missing -= taken;
  }
  if (missing > 0) throw new RangeError(`${missing} of ${amount} minor units are missing for the refund`);
  return parts;
}
