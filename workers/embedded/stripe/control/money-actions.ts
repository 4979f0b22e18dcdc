import type { Action } from './controls';
import type { DashboardPayment } from './dashboard';
import type { PaymentRef, StrayMovement } from './money-controls';
import type { MoneySettings } from './money-settings';
import type { DisputeOutcome, DisputeSpec, FinalRefundStatus, RefundFailureReason } from '../after-sale/money-model';
import type { RefundMatch, RefundOutcome } from '../after-sale/refund-outcomes';

interface NextRefund {
  outcome: RefundOutcome;
  match?: RefundMatch;
  times?: number;
}

/** The money's controls over HTTP; see `MoneyControls` for what they do. */
export const MONEY_ACTIONS: Record<string, Action> = {
  'POST /refunds/next': (simulator, { outcome, ...options }: NextRefund) => simulator.setNextRefund(outcome, options),
  'POST /refunds/:id/settle': (
    simulator,
    { to, failureReason }: { to: FinalRefundStatus; failureReason?: RefundFailureReason },
    id,
  ) => simulator.settleRefund(id, to, failureReason),
  'POST /disputes': (simulator, spec: DisputeSpec & PaymentRef) => simulator.openDispute(spec),
  'POST /disputes/:id/decide': (
    simulator,
    { outcome, when }: { outcome: DisputeOutcome; when?: 'now' | 'after_review' },
    id,
  ) => simulator.decideDispute(id, outcome, when),
  'POST /disputes/:id/amount': (simulator, { amount }: { amount: number }, id) =>
    simulator.changeDisputedAmount(id, amount),
  'POST /disputes/:id/escalate': (simulator, options: { dueInMs?: number }, id) =>
    simulator.escalateInquiry(id, options),
  'POST /fraud_warnings': (simulator, spec: PaymentRef & { fraudType?: string }) => simulator.raiseFraudWarning(spec),
  'POST /exchange': (simulator, exchange: Partial<NonNullable<MoneySettings['exchange']>>) =>
    simulator.setExchange('rate' in exchange ? (exchange as MoneySettings['exchange']) : undefined),
  'POST /balance_transactions': (simulator, movement: StrayMovement) => simulator.addBalanceTransaction(movement),
  'POST /dashboard_payments': (simulator, payment: DashboardPayment) => simulator.addDashboardPayment(payment),
};
