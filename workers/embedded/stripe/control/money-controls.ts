import type { Account } from '../state/account';
import { writeMovement } from '../after-sale/balance';
import { addDashboardPayment, type DashboardPayment } from './dashboard';
import { changeAmount, escalateInquiry, openDispute, plan } from '../after-sale/dispute-life';
import { closeDispute, disputes, isOpen } from '../after-sale/dispute-states';
import { raiseFraudWarning } from '../after-sale/fraud-warnings';
import type { Charge, PaymentIntent } from '../state/model';
import type {
  BalanceTransaction,
  Dispute,
  DisputeOutcome,
  DisputeSpec,
  EarlyFraudWarning,
  FinalRefundStatus,
  Refund,
  RefundFailureReason,
  StoredDispute,
} from '../after-sale/money-model';
import type { MoneySettings } from './money-settings';
import { refunds, settleRefund } from '../after-sale/refund-life';
import { assertOutcome, type RefundMatch, type RefundOutcome } from '../after-sale/refund-outcomes';

/** A payment by its PaymentIntent, or by its charge. */
export interface PaymentRef {
  paymentIntent?: string;
  charge?: string;
}

/** A movement of the balance without a payment of ours. Amounts in minor units. */
export interface StrayMovement {
  amount: number;
  currency: string;
  /** `adjustment` by default. */
  type?: string;
  fee?: number;
  source?: string;
  description?: string;
  createdMs?: number;
}

/** Controls of refunds, disputes and the balance. They throw for an unknown object, or where its state does not allow the change. */
export interface MoneyControls {
  /** Sets the outcome of the next matching refunds; calls queue up. One refund by default. */
  setNextRefund(outcome: RefundOutcome, options?: { match?: RefundMatch; times?: number }): void;
  /** The bank decides a refund now, instead of its planned outcome; a success may become a failure weeks later. */
  settleRefund(refundId: string, to: FinalRefundStatus, failureReason?: RefundFailureReason): Readonly<Refund>;
  openDispute(spec: DisputeSpec & PaymentRef): Readonly<Dispute>;
  /** The bank decides a dispute now, or (`after_review`) once it has the evidence. */
  decideDispute(disputeId: string, outcome: DisputeOutcome, when?: 'now' | 'after_review'): Readonly<Dispute>;
  /** The bank changes the disputed amount, in minor units; what it has withdrawn already does not change. */
  changeDisputedAmount(disputeId: string, amount: number): Readonly<Dispute>;
  /** The bank turns an inquiry into a dispute. */
  escalateInquiry(disputeId: string, options?: { dueInMs?: number }): Readonly<Dispute>;
  raiseFraudWarning(spec: PaymentRef & { fraudType?: string }): Readonly<EarlyFraudWarning>;
  /** From now on the balance is kept in this currency; undefined ends that. A rate may differ on a payment's way back. */
  setExchange(exchange: MoneySettings['exchange']): void;
  addBalanceTransaction(movement: StrayMovement): Readonly<BalanceTransaction>;
  /** Makes a payment by hand in Stripe's dashboard. */
  addDashboardPayment(payment: DashboardPayment): Readonly<PaymentIntent>;
}

/** `changed` is called after each change, so that it is stored in the journal. */
export function moneyControls(account: Account, changed: () => void): MoneyControls {
  const after = <T>(result: T): T => {
    changed();
    return result;
  };
  return {
    setNextRefund: (outcome, { match = {}, times = 1 } = {}) => {
      assertOutcome(outcome);
      for (let time = 0; time < times; time += 1) account.refundDecisions.add({ outcome, match });
      changed();
    },
    settleRefund: (id, to, failureReason) => {
      const stored = account.of(refunds).get(id);
      if (stored === undefined) throw new Error(`No such refund: ${id}`);
      settleRefund(account, stored, to, failureReason);
      return after(stored.object);
    },
    ...disputeControls(account, after),
    raiseFraudWarning: ({ fraudType, ...payment }) =>
      after(raiseFraudWarning(account, capturedCharge(account, payment), fraudType)),
    setExchange: (exchange) => {
      account.settings.exchange = exchange;
      changed();
    },
    addBalanceTransaction: (movement) => after(writeMovement(account, asMovement(movement))),
    addDashboardPayment: (payment) => after(addDashboardPayment(account, payment)),
  };
}

function disputeControls(
  account: Account,
  after: <T>(result: T) => T,
): Pick<MoneyControls, 'openDispute' | 'decideDispute' | 'changeDisputedAmount' | 'escalateInquiry'> {
  return {
    openDispute: (spec) => after(openDispute(account, capturedCharge(account, spec), spec).object),
    decideDispute: (id, outcome, when = 'now') => {
      const stored = findDispute(account, id);
      if (when === 'now') closeDispute(account, stored, outcome);
      else decideLater(account, stored, outcome);
      return after(stored.object);
    },
    changeDisputedAmount: (id, amount) => {
      const stored = findDispute(account, id);
      changeAmount(account, stored, amount);
      return after(stored.object);
    },
    escalateInquiry: (id, { dueInMs } = {}) => {
      const stored = findDispute(account, id);
      escalateInquiry(account, stored, dueInMs);
      return after(stored.object);
    },
  };
}

function decideLater(account: Account, stored: StoredDispute, outcome: DisputeOutcome): void {
  const { object: dispute } = stored;
  if (!isOpen(dispute)) throw new Error(`${dispute.id} is closed: it is ${dispute.status}`);
  stored.decided = outcome;
  if (dispute.status.endsWith('under_review'))
    plan(account, stored, account.clock.now() + account.settings.disputeDecisionMs, outcome);
}

function findDispute(account: Account, id: string): StoredDispute {
  const stored = account.of(disputes).get(id);
  if (stored === undefined) throw new Error(`No such dispute: ${id}`);
  return stored;
}

function capturedCharge(account: Account, { paymentIntent, charge: chargeId }: PaymentRef): Charge {
  const id = chargeId ?? account.paymentIntents.get(paymentIntent ?? '')?.object.latest_charge ?? '';
  const charge = account.charges.get(id);
  if (charge === undefined) throw new Error(`No such payment: ${chargeId ?? paymentIntent ?? 'none was named'}`);
  if (charge.amount_captured === 0) throw new Error(`${charge.id} has nothing captured`);
  return charge;
}

function asMovement(movement: StrayMovement): Parameters<typeof writeMovement>[1] {
  const { amount, currency, type = 'adjustment', fee = 0, source = null, description = null, createdMs } = movement;
  if (!Number.isSafeInteger(amount) || !Number.isSafeInteger(fee))
    throw new RangeError('Amounts are whole numbers in minor units');
  return { amount, currency, type, fee, source, description, ...(createdMs === undefined ? {} : { createdMs }) };
}
