import { defineQuery, defineSignal, defineUpdate } from '../kit/define';
import type { DisputeStage } from '../domain/dispute/dispute';
import type { DisputePolicy } from '../domain/dispute/plan';
import type { Waiting } from '../domain/shared/waiting';

/* Messages of a dispute's workflow. Its id and type are in kit/names.ts. */

/** Start argument: everything else is at the provider and in Postgres. */
export interface DisputeInput {
  readonly disputeId: string;
  readonly policy: DisputePolicy;
  /** Where it is known: the exception of a dispute that cannot be fetched needs an order. */
  readonly orderId?: string;
  /** Set by a run that continues as new: whether the order and the refunds were last signalled that it is open. */
  readonly toldOpen?: boolean;
}

/** The provider says that something about a dispute changed: a hint to look, never a fact. */
export const disputeChanged = defineSignal('disputeChanged');

/** A person's decision on an open dispute. */
export interface DisputeCommand {
  readonly action: 'submit' | 'accept';
  /** Who decides, for the audit log: an id, no name. */
  readonly actor: string;
  /** Why; kept encrypted with the evidence and not sent. */
  readonly note?: string;
  /**
   * What the bank reads in place of the summary made by Holdfast, e.g. with what the customer wrote. Payloads are encrypted, and
   * the text is stored only in the encrypted evidence.
   */
  readonly uncategorizedText?: string;
}

/** Why nothing was done. `outcome_unknown`: it may have been recorded; send the same again to ask. */
export type DisputeRefusalReason =
  | 'unknown_dispute'
  | 'dispute_closed'
  | 'already_decided' // another way, in this round
  | 'nothing_to_decide' // the bank is deciding, or takes no answer
  | 'refused_by_provider' // e.g. the deadline has passed
  | 'outcome_unknown';

export type DisputeAnswer =
  | {
      readonly accepted: true;
      readonly disputeId: string;
      readonly stage: DisputeStage;
      readonly action: 'submit' | 'accept';
      /** When the provider confirmed it. */
      readonly doneAt: string;
    }
  | { readonly accepted: false; readonly reason: DisputeRefusalReason; readonly message: string };

/** An update, not a signal: the person who decides waits for the answer. */
export const decideDispute = defineUpdate<DisputeAnswer, [DisputeCommand]>('decide');

/** What the workflow is doing and whom the dispute waits for. */
export interface DisputeStatus {
  readonly disputeId: string;
  readonly stage: DisputeStage | null;
  readonly step: string;
  readonly waiting: Waiting | null;
}

export const getDisputeStatus = defineQuery<DisputeStatus>('getStatus');
