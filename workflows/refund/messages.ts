import { defineQuery, defineSignal, defineUpdate } from '../kit/define';
import type { RefundPart, RefundPolicy, RefundResolution, RefundState } from '../domain/refund/refund';
import type { Waiting } from '../domain/shared/waiting';
import type { RefundRefusalReason, RefundRequest } from '../domain/refund/request';

/* Messages of a refund's workflow. Its id and type are in kit/names.ts. */

/** A refund that somebody made at the provider, by its id there, and the order whose payment it gives back. */
export interface AdoptedRefund {
  readonly adopt: string;
  readonly orderId?: string;
  readonly policy?: RefundPolicy;
}

/** Start argument: a request, or a refund that somebody made at the provider, or one that is recorded already. */
export type RefundInput =
  | { readonly request: RefundRequest; readonly policy: RefundPolicy }
  | AdoptedRefund
  | { readonly resume: string; readonly policy?: RefundPolicy };

export interface RefundAccepted {
  readonly accepted: true;
  readonly refundId: string;
  readonly orderId: string;
  readonly state: RefundState;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  readonly parts: readonly RefundPart[];
}

/** Why nothing is refunded; nothing was changed. */
export interface RefundRefusal {
  readonly accepted: false;
  readonly reason: RefundRefusalReason;
  readonly message: string;
  /** Minor units that could be refunded now. */
  readonly refundable: number;
  /** Minor units that are only held. */
  readonly held?: number;
  /** The request is for everything that is held, and nothing was captured: cancel the order instead. */
  readonly coversHeld?: true;
}

export type RefundAnswer = RefundAccepted | RefundRefusal;

/**
 * An update, not a signal: the caller needs the answer, which comes as soon as the refund is recorded and its money reserved.
 * Started together with the workflow (update-with-start).
 */
export const requestRefund = defineUpdate<RefundAnswer, [RefundRequest]>('requested');

/** A person's way out of a refund that failed. */
export interface ResolveRefundCommand {
  readonly action: RefundResolution['action'];
  /** Who decides: an id, no name. */
  readonly actor: string;
  /** Finds a manual transfer, e.g. at the bank. */
  readonly reference?: string;
}

export interface CancelRefundCommand {
  readonly actor: string;
}

export type RefundCommandAnswer =
  | (RefundAccepted & { readonly resolution?: RefundResolution })
  | {
      readonly accepted: false;
      readonly reason:
        | 'unknown_refund'
        | 'nothing_to_resolve'
        /** The provider no longer allows a cancel. */
        | 'too_late'
        | 'outcome_unknown'
        | RefundRefusalReason;
      readonly message: string;
    };

export const resolveFailedRefund = defineUpdate<RefundCommandAnswer, [ResolveRefundCommand]>('resolve');
export const cancelRefund = defineUpdate<RefundCommandAnswer, [CancelRefundCommand]>('cancel');

/** The provider says that something about the refund changed: a hint to look, never a fact. */
export const refundChanged = defineSignal('refundChanged');

/** The payment is disputed: parts that were not sent are withdrawn, and parts that can be canceled are. */
export const refundDisputed = defineSignal<[{ readonly disputeId: string }]>('refundDisputed');

/** What the workflow is doing and whom the refund waits for. */
export interface RefundStatus {
  readonly refundId: string;
  readonly state: RefundState | null;
  readonly step: string;
  readonly waiting: Waiting | null;
}

export const getRefundStatus = defineQuery<RefundStatus>('getStatus');
