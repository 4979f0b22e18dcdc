import { DEFAULT_DISPUTE_POLICY, type DisputePolicy } from '../../../workflows/domain/dispute/plan';
import { DEFAULT_FRAUD_WARNING_POLICY, type FraudWarningPolicy } from '../../../workflows/domain/dispute/fraud-warning';
import { DEFAULT_REFUND_POLICY, type RefundPolicy } from '../../../workflows/domain/refund/refund';
import {
  decideDispute,
  decideFraudWarning,
  type DisputeAnswer,
  type DisputeInput,
  type FraudWarningAnswer,
  type FraudWarningInput,
} from '../../../workflows/dispute/messages';
import { workflowIds, workflowTypes } from '../../../workflows/messages';
import { searchAttributes } from '../../../workflows/kit/search-attributes';
import type { CallOptions } from '../client';
import {
  disputeDecisionRequest,
  disputeParams,
  fraudWarningDecisionRequest,
  fraudWarningParams,
  type DisputeDecisionBody,
  type FraudWarningDecisionBody,
} from '../../schemas/disputes';
import { withoutUndefined, type StartOptions } from '../requests';
import type { SendUpdate } from '../send-update';
import { parse } from '../../schemas/validate';

/** A dispute's own workflow, started anew where it had ended: it looks at the provider, and ends again where it is over. */
export function disputeStart(
  disputeId: string,
  { taskQueue, policy, orderId }: { taskQueue: string; policy: DisputePolicy; orderId?: string },
): StartOptions {
  const input: DisputeInput = { disputeId, policy, ...(orderId !== undefined && { orderId }) };
  return {
    workflowId: workflowIds.dispute(disputeId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Dispute ${disputeId}`,
    staticDetails: `Dispute ${disputeId}, from the bank's first word to its last`,
    ...(orderId !== undefined && { typedSearchAttributes: [{ key: searchAttributes.orderId, value: orderId }] }),
  };
}

/** An early fraud warning's own workflow, likewise. */
export function fraudWarningStart(
  warningId: string,
  options: { taskQueue: string; policy: FraudWarningPolicy; refundPolicy: RefundPolicy; orderId?: string },
): StartOptions {
  const { taskQueue, policy, refundPolicy, orderId } = options;
  const input: FraudWarningInput = { warningId, policy, refundPolicy, ...(orderId !== undefined && { orderId }) };
  return {
    workflowId: workflowIds.fraudWarning(warningId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Early fraud warning ${warningId}`,
    staticDetails: `Early fraud warning ${warningId}: refund before it is disputed, or not`,
    ...(orderId !== undefined && { typedSearchAttributes: [{ key: searchAttributes.orderId, value: orderId }] }),
  };
}

/** Holdfast's verbs for disputes and early fraud warnings. Errors are those of every verb. */
export interface DisputeVerbs {
  /** A person's decision on an open dispute: send the evidence that was collected, or accept the loss. Answered when it is done. */
  decideDispute(disputeId: string, request: DisputeDecisionBody, options?: CallOptions): Promise<DisputeAnswer>;
  /** A person's decision on an early fraud warning: refund before it is disputed, or ignore it. */
  decideFraudWarning(
    warningId: string,
    request: FraudWarningDecisionBody,
    options?: CallOptions,
  ): Promise<FraudWarningAnswer>;
}

/** Where the requests go, and under which policies what nobody follows yet is followed. */
export interface DisputeTarget {
  readonly taskQueue: string;
  readonly send: SendUpdate;
  /** The actor of requests that name none. */
  readonly defaultActor: string;
  readonly policy?: Partial<DisputePolicy> | undefined;
  readonly fraudWarningPolicy?: Partial<FraudWarningPolicy> | undefined;
  readonly refundPolicy?: Partial<RefundPolicy> | undefined;
}

/** The verbs over a Temporal client. */
export function disputeVerbs(target: DisputeTarget): DisputeVerbs {
  const { taskQueue, defaultActor, send } = target;
  const policy = { ...DEFAULT_DISPUTE_POLICY, ...target.policy };
  const warnings = {
    taskQueue,
    policy: { ...DEFAULT_FRAUD_WARNING_POLICY, ...target.fraudWarningPolicy },
    refundPolicy: { ...DEFAULT_REFUND_POLICY, ...target.refundPolicy },
  };
  return {
    async decideDispute(disputeId, body, options = {}) {
      const { disputeId: id } = parse(disputeParams, { disputeId });
      const { actor = defaultActor, action, ...texts } = parse(disputeDecisionRequest, withoutUndefined(body));
      const argument = { action, actor, ...(withoutUndefined(texts) as { note?: string; uncategorizedText?: string }) };
      const start = disputeStart(id, { taskQueue, policy });
      return send({ type: workflowTypes.dispute, start, update: decideDispute, argument }, options);
    },
    async decideFraudWarning(warningId, body, options = {}) {
      const { warningId: id } = parse(fraudWarningParams, { warningId });
      const { actor = defaultActor, action } = parse(fraudWarningDecisionRequest, withoutUndefined(body));
      const start = fraudWarningStart(id, warnings);
      const update = { type: workflowTypes.fraudWarning, start, update: decideFraudWarning };
      return send({ ...update, argument: { action, actor } }, options);
    },
  };
}
