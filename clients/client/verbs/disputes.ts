import type { CallOptions } from '../options';
import { withoutUndefined } from '../requests';
import type { SendUpdate } from '../send-update';
import {
  disputeDecisionRequest,
  disputeParams,
  fraudWarningDecisionRequest,
  fraudWarningParams,
} from '../../schemas/disputes';
import type { DisputeDecisionBody, FraudWarningDecisionBody } from '../../schemas/disputes';
import { parse } from '../../schemas/validate';
import { decideDispute } from '../../../workflows/dispute/messages';
import type { DisputeAnswer } from '../../../workflows/dispute/messages';
import { disputeStart } from '../../../workflows/dispute/start';
import { DEFAULT_FRAUD_WARNING_POLICY } from '../../../workflows/domain/dispute/fraud-warning';
import type { FraudWarningPolicy } from '../../../workflows/domain/dispute/fraud-warning';
import { DEFAULT_DISPUTE_POLICY } from '../../../workflows/domain/dispute/plan';
import type { DisputePolicy } from '../../../workflows/domain/dispute/plan';
import { DEFAULT_REFUND_POLICY } from '../../../workflows/domain/refund/refund';
import type { RefundPolicy } from '../../../workflows/domain/refund/refund';
import { decideFraudWarning } from '../../../workflows/fraud-warning/messages';
import type { FraudWarningAnswer } from '../../../workflows/fraud-warning/messages';
import { fraudWarningStart } from '../../../workflows/fraud-warning/start';
import { workflowTypes } from '../../../workflows/kit/names';

/** Holdfast's verbs for disputes and early fraud warnings. Errors are those of every verb. */
export interface DisputeVerbs {
  /** A person's decision on an open dispute: send the collected evidence, or accept the loss. Answers when it is done. */
  decideDispute(disputeId: string, request: DisputeDecisionBody, options?: CallOptions): Promise<DisputeAnswer>;
  /** A person's decision on an early fraud warning: refund before it is disputed, or ignore it. */
  decideFraudWarning(
    warningId: string,
    request: FraudWarningDecisionBody,
    options?: CallOptions,
  ): Promise<FraudWarningAnswer>;
}

/** The client for the requests, and the policies for disputes and warnings that no workflow follows yet. */
export interface DisputeTarget {
  readonly taskQueue: string;
  readonly send: SendUpdate;
  /** The actor of requests without one. */
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
