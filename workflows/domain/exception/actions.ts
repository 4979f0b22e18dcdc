import type { ExceptionKind } from './exception';

/**
 * What a person may ask of the workflow that raised an exception:
 * - `retry`: try the failed step again now.
 * - `give_up`: do not try the failed step again; money that it captured stays recorded.
 * - `dismiss`: a person has resolved the problem by hand; nothing is tried again.
 */
export type ResolutionAction = 'retry' | 'give_up' | 'dismiss';

/** An exception as it is shown to people. */
export interface ExceptionView {
  readonly exceptionId: string;
  /** Null if the exception belongs to no order, e.g. for a subscription. */
  readonly orderId: string | null;
  /** What it is about if not only an order: `subscription`, … */
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
  /** A person's last decision. Null beside a `resolvedAt`: the exception ended without one. */
  readonly resolution: ResolutionAction | null;
  readonly decidedBy: string | null;
  readonly note: string | null;
  /** Null while it is open. */
  readonly resolvedAt: string | null;
}

/** How a person can end an exception. */
export interface ExceptionActions {
  readonly actions: readonly ResolutionAction[];
  /** Another way, instead of the actions or beside them: a route, or what ends the exception without a person. */
  readonly elsewhere?: string;
}

const REFUND = 'POST /v1/refunds/{refundId}/resolution or /cancel';
const AGAIN = 'The exception ends by itself with the next look at the provider that succeeds.';

const ACTIONS: Readonly<Record<ExceptionKind, ExceptionActions>> = {
  void_failed: { actions: ['retry', 'dismiss'] },
  release_failed: { actions: ['retry', 'dismiss'] },
  withdraw_failed: { actions: ['retry'] },
  order_unreadable: { actions: ['retry'] },
  capture_unknown: { actions: ['retry', 'give_up'], elsewhere: 'POST /v1/orders/{orderId}/shipments, corrected' },
  // After a dismissal, the order's automatic captures (of all its money at once, or before a hold ends) are tried again.
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
  settlement_difference: {
    actions: ['dismiss'],
    elsewhere: 'The exception ends by itself with the next comparison that agrees.',
  },
};

type Subject = Pick<ExceptionView, 'kind' | 'orderId' | 'workflowId'>;

/** An id in a route, and the prefix of the workflow id that contains it. */
const ID_PREFIXES: readonly (readonly [name: string, prefix: string])[] = [
  ['{refundId}', 'refund-'],
  ['{disputeId}', 'dispute-'],
  ['{warningId}', 'fraud-warning-'],
];

/**
 * What a person can do about one exception now, with its ids filled in.
 * @param isRunning is the workflow that raised it still running? If not, the exception can only be dismissed
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

/** A kind that only a newer version knows has no actions. */
export function exceptionActions(kind: string): ExceptionActions {
  return Object.hasOwn(ACTIONS, kind) ? ACTIONS[kind as ExceptionKind] : { actions: [] };
}
