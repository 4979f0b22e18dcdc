import type { RefundRefusalReason, RefundRequest } from './request';
import { openDispute } from '../dispute/dispute';
import { currencyRules } from '../shared/currencies';
import { amountProblem, formatMoney } from '../shared/money';
import { remainingLines, type OrderFacts } from '../order/order';
import { linesAmount, paidPieces, refundablePieces, withUnshipped } from './amount';
import { refundable, type RefundLine, type RefundPolicy } from './refund';

/** A payment of an order that was captured. Minor units. */
export interface CapturedPayment {
  readonly attempt: number;
  readonly paymentIntentId: string;
  readonly captured: number;
  readonly refundPending: number;
  readonly refunded: number;
  readonly refundedOutside: number;
  readonly disputed: number;
  /** A dispute of it was lost, and the provider refunds nothing of what is left. */
  readonly chargedBack: boolean;
  /** UTC ISO string of its last capture. */
  readonly capturedAt: string;
}

/** Everything that a refund is decided on. */
export interface RefundSituation {
  readonly facts: OrderFacts;
  readonly payments: readonly CapturedPayment[];
  /** Minor units of captures that were begun and whose outcome is not recorded. */
  readonly captureUnderWay: number;
  /** Minor units that are held and not taken. */
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
  /** What is asked for may be there once a capture's outcome is known. */
  | { readonly kind: 'wait'; readonly amount: number }
  | {
      readonly kind: 'refused';
      readonly reason: RefundRefusalReason;
      readonly message: string;
      readonly refundable: number;
      readonly held?: number;
      readonly coversHeld?: true;
    };

/** Must a person approve of a refund of so many minor units before it is made? The one place that says so. */
export function needsApproval(amount: number, policy: Pick<RefundPolicy, 'approvalAbove'>): boolean {
  return policy.approvalAbove !== undefined && amount > policy.approvalAbove;
}

/** What becomes of a request for a refund. Pure; decided under the order's lock. */
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
    return refuse('disputed', `Nothing is refunded while dispute ${dispute.disputeId} is open: the bank decides.`);
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
    return refuse('exceeds_line', isRefunded ? `All that was paid of ${tooMany.sku} has been refunded already.` : left);
  }
  if (amount === 0) return refuse('worth_nothing', 'Nothing is left of what these lines cost.');
  const stuck = chargedBackOf(payments);
  if (amount > left && amount <= left + stuck) return refuse('charged_back', chargedBackText(money(stuck)));
  if (amount > left) {
    return refuse(
      'exceeds_refundable',
      `${money(left)} are left to refund of order ${facts.orderId}, not ${money(amount)}.`,
    );
  }
  if (needsApproval(amount, policy)) return refuse('needs_approval', approvalText(money(amount)));
  const lines = request.lines && withUnshipped(facts, request.lines);
  return { kind: 'refund', amount, ...(lines && { lines }), parts: splitRefund(payments, amount, facts.currency) };
}

/** Nothing was taken: letting go of what is held is a cancel. */
function refuseHeld(
  { facts, held }: RefundSituation,
  { amount, lines }: Pick<RefundRequest, 'amount' | 'lines'>,
): RefundPlan {
  const nothing = { kind: 'refused', reason: 'nothing_captured', refundable: 0 } as const;
  const begin = `Nothing was taken for order ${facts.orderId}`;
  if (held === 0) return { ...nothing, message: `${begin}.` };
  const money = formatMoney({ amount: held, currency: facts.currency });
  const left = remainingLines(facts);
  const coversHeld =
    amount === held ||
    (lines?.length === left.length &&
      left.every((line) => lines.some((one) => one.sku === line.sku && one.quantity === line.quantity)));
  const message = `${begin} yet: letting go of the ${money} held is a cancel of the order.`;
  return { ...nothing, message, held, ...(coversHeld && { coversHeld }) };
}

/** Minor units that the shop still has of payments that the provider refunds nothing of. */
function chargedBackOf(payments: readonly CapturedPayment[]): number {
  return payments.filter((one) => one.chargedBack).reduce((sum, one) => sum + refundable(one), 0);
}

function chargedBackText(left: string): string {
  return `The customer's bank took a part back in a dispute that was lost, so the payment provider refunds nothing of what is left, ${left}: give it back in another way, e.g. by bank transfer.`;
}

function approvalText(amount: string): string {
  return `A refund of ${amount} needs a person's approval.`;
}

/** Could a capture that is under way make this possible? Pieces are counted as if it ships all that is left. */
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

/** Minor units of a payment that the provider can give back: what a bank took may leave a part of the smallest unit. */
function payable(payment: CapturedPayment, currency: string | undefined): number {
  const left = refundable(payment);
  if (currency === undefined) return left;
  return payment.chargedBack ? 0 : left - (left % currencyRules(currency).multiple);
}

/**
 * Splits an amount over payments, the newest capture first. The amount must be there.
 * @param currency where the provider gives it back: then each part is a multiple that it takes
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
  if (missing > 0) throw new RangeError(`${missing} of ${amount} minor units are not there to be refunded`);
  return parts;
}
