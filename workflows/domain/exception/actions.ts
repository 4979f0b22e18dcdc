import type { ExceptionKind } from './exception';

/**
 * What a person may tell the workflow that raised an exception:
 * - `retry`: what failed is tried again now.
 * - `give_up`: what failed is not wanted any more; money that it took stays recorded.
 * - `dismiss`: a person has settled it by hand; nothing is tried any more.
 */
export type ResolutionAction = 'retry' | 'give_up' | 'dismiss';

/** An exception as people see it. */
export interface ExceptionView {
  readonly exceptionId: string;
  /** Null for what belongs to no order, e.g. a subscription. */
  readonly orderId: string | null;
  /** What it is about where that is not an order alone: `subscription`, … */
  readonly subjectType: string | null;
  readonly subjectId: string | null;
  readonly workflowId: string;
  readonly kind: string;
  readonly message: string;
  readonly owner: string;
  /** Minor units of `currency`. */
  readonly amountAtRisk: number | null;
  readonly currency: string | null;
  readonly raisedAt: string;
  /** What a person decided last; null with `resolvedAt` where it ended by itself. */
  readonly resolution: ResolutionAction | null;
  readonly decidedBy: string | null;
  readonly note: string | null;
  /** Null while it is open. */
  readonly resolvedAt: string | null;
}

/** How an exception is ended by a person. */
export interface ExceptionActions {
  readonly actions: readonly ResolutionAction[];
  /** Where it is decided in place of that, or besides: a route, or what ends it by itself. */
  readonly elsewhere?: string;
}

const REFUND = 'POST /v1/refunds/{refundId}/resolution or /cancel';
const AGAIN = 'It ends by itself with the next look that succeeds.';

const ACTIONS: Readonly<Record<ExceptionKind, ExceptionActions>> = {
  void_failed: { actions: ['retry', 'dismiss'] },
  release_failed: { actions: ['retry', 'dismiss'] },
  withdraw_failed: { actions: ['retry'] },
  order_unreadable: { actions: ['retry'] },
  capture_unknown: { actions: ['retry', 'give_up'], elsewhere: 'POST /v1/orders/{orderId}/shipments, corrected' },
  // Dismissed, what the order does by itself (its policy takes all money at once, or before a hold's end) is tried again.
  capture_refused: { actions: ['dismiss'], elsewhere: 'POST /v1/orders/{orderId}/shipments or /cancel' },
  reauthorization_unknown: { actions: ['retry'] },
  hold_decision: { actions: [], elsewhere: 'POST /v1/orders/{orderId}/hold-decision' },
  hold_cancelled: { actions: [], elsewhere: 'POST /v1/orders/{orderId}/hold-decision or /cancel' },
  hold_stopped: { actions: [], elsewhere: 'POST /v1/orders/{orderId}/cancel or /hold-decision' },
  cancel_unknown: { actions: ['retry', 'give_up'] },
  external_capture: { actions: ['dismiss'], elsewhere: 'POST /v1/orders/{orderId}/shipments or /refunds' },
  step_failed: { actions: ['dismiss'] },
  shipment_overdue: { actions: [], elsewhere: 'POST /v1/orders/{orderId}/shipments or /cancel' },
  delivery_overdue: { actions: [], elsewhere: 'POST /v1/orders/{orderId}/deliveries' },
  refund_failed: { actions: [], elsewhere: REFUND },
  refund_action_needed: { actions: [], elsewhere: REFUND },
  refund_overdue: { actions: [], elsewhere: REFUND },
  refund_unknown: { actions: ['retry'], elsewhere: REFUND },
  refund_mismatch: { actions: ['dismiss'], elsewhere: AGAIN },
  dispute_evidence_due: { actions: [], elsewhere: 'POST /v1/disputes/{disputeId}/decision' },
  dispute_unsettled: { actions: ['retry', 'dismiss'] },
  dispute_lost: { actions: [], elsewhere: 'POST /v1/orders/{orderId}/shipments or /cancel' },
  fraud_warning: { actions: [], elsewhere: 'POST /v1/fraud-warnings/{warningId}/decision' },
  subscription_unreadable: { actions: [], elsewhere: AGAIN },
  settlement_difference: { actions: ['dismiss'], elsewhere: 'It ends by itself with a comparison that agrees.' },
};

type Subject = Pick<ExceptionView, 'kind' | 'orderId' | 'workflowId'>;

/** An id in a route, and the workflow whose id names it. */
const ID_PREFIXES: readonly (readonly [name: string, prefix: string])[] = [
  ['{refundId}', 'refund-'],
  ['{disputeId}', 'dispute-'],
  ['{warningId}', 'fraud-warning-'],
];

/**
 * What is possible for one exception now, its ids filled in.
 * @param isRunning does what raised it still run? Where it does not, nobody tries again: it can only be dismissed in the record
 */
export function possibleActions({ kind, orderId, workflowId }: Subject, isRunning: boolean): ExceptionActions {
  const { actions, elsewhere } = exceptionActions(kind);
  const filled = ID_PREFIXES.reduce(
    (text, [name, prefix]) => text?.replaceAll(name, encodeURIComponent(workflowId.slice(prefix.length))),
    elsewhere?.replaceAll('{orderId}', encodeURIComponent(orderId ?? '')),
  );
  const isOver = !isRunning && actions.length > 0;
  const isThere = filled !== undefined && !(isOver && filled === AGAIN);
  return { actions: isOver ? ['dismiss'] : actions, ...(isThere && { elsewhere: filled }) };
}

/** A kind that this version does not know (a newer one raised it) has no actions. */
export function exceptionActions(kind: string): ExceptionActions {
  return Object.hasOwn(ACTIONS, kind) ? ACTIONS[kind as ExceptionKind] : { actions: [] };
}
