import { defineQuery, defineSignal, defineUpdate } from '../kit/define';
import type { FraudWarningEnd, FraudWarningPolicy } from '../domain/dispute/fraud-warning';
import type { RefundPolicy } from '../domain/refund/refund';
import type { Waiting } from '../domain/shared/waiting';

/** Start argument of an early fraud warning's workflow. */
export interface FraudWarningInput {
  readonly warningId: string;
  readonly policy: FraudWarningPolicy;
  /** Of the refund that a person may decide on. */
  readonly refundPolicy: RefundPolicy;
  readonly orderId?: string;
}

/** The provider says that something about a warning changed: a hint to look, never a fact. */
export const fraudWarningChanged = defineSignal('fraudWarningChanged');

export interface FraudWarningCommand {
  readonly action: 'refund' | 'ignore';
  readonly actor: string;
}

export type FraudWarningRefusalReason =
  | 'unknown_warning'
  | 'warning_closed'
  | 'already_decided'
  | 'refund_refused' // e.g. nothing is captured, or it is disputed meanwhile
  | 'outcome_unknown';

export type FraudWarningAnswer =
  | {
      readonly accepted: true;
      readonly warningId: string;
      readonly action: 'refund' | 'ignore';
      readonly refundId?: string;
      readonly ended?: FraudWarningEnd;
    }
  | { readonly accepted: false; readonly reason: FraudWarningRefusalReason; readonly message: string };

export const decideFraudWarning = defineUpdate<FraudWarningAnswer, [FraudWarningCommand]>('decide');

export interface FraudWarningStatus {
  readonly warningId: string;
  readonly ended: FraudWarningEnd | null;
  readonly step: string;
  readonly waiting: Waiting | null;
}

export const getFraudWarningStatus = defineQuery<FraudWarningStatus>('getStatus');
