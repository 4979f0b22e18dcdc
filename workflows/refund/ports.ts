import type { RefundFacts, RefundPolicy, RefundResolution } from '../domain/refund/refund';
import type { RefundRefusalReason, RefundRequest } from '../domain/refund/request';

/** A refund as a step left it. */
export interface RefundChange {
  readonly refund: RefundFacts;
  /** The order was changed and is not done: its workflow is to be signalled. */
  readonly tell: boolean;
}

export interface RefundRefused {
  readonly outcome: 'refused';
  readonly reason: RefundRefusalReason;
  readonly message: string;
  /** Minor units that could be refunded now. */
  readonly refundable: number;
  /** Minor units that are only held; to void them, cancel the order. */
  readonly held?: number;
  /** The request is for everything that is held, and nothing was captured. */
  readonly coversHeld?: true;
  /** Where the refund had waited for a capture: it is withdrawn now, and a person is notified. */
  readonly given?: RefundChange;
}

export interface BeginRefundInput {
  readonly request: RefundRequest;
  readonly policy: RefundPolicy;
  /** The workflow's clock. UTC ISO string. */
  readonly now: string;
}

export type BeginRefundResult =
  /** Recorded and reserved: no other refund can promise the same money. Sent again, the answer is the same. */
  | ({ readonly outcome: 'begun' } & RefundChange)
  /** Recorded as `waiting`: it is not known yet whether a capture of the order was made. */
  | ({ readonly outcome: 'capture_unsettled' } & RefundChange)
  | RefundRefused;

/** Which refund, and the workflow's clock as a UTC ISO string. */
export interface RefundStepInput {
  readonly refundId: string;
  readonly now: string;
}

export interface WithdrawRefundInput extends RefundStepInput {
  /** E.g. `disputed`, `capture_unknown`; `canceled_by_person` where a person asked for it and needs no notice. */
  readonly reason: string;
  readonly actor: string;
}

/** Why a refund does not become final, for the person who gets the case. */
export interface FlagRefundInput extends RefundStepInput {
  /** `unreadable`: asking the provider, or recording its answer, fails again and again. */
  readonly problem: 'overdue' | 'unknown' | 'unreadable';
}

export type ResolveRefundResult =
  | ({ readonly outcome: 'resolved' } & RefundChange)
  | {
      readonly outcome: 'refused';
      readonly reason: 'nothing_to_resolve' | 'exceeds_refundable' | 'disputed';
      readonly message: string;
    };

/** Called as local activities: one short transaction each, with ledger, events, notices and audit in it. */
export interface RefundActivities {
  /** Reserves the amount, newest capture first. For a refund that waits for a capture, checks whether it may go on. */
  beginRefund(input: BeginRefundInput): Promise<BeginRefundResult>;
  /** The refund as it is recorded; null where none is. */
  loadRefund(input: { readonly refundId: string }): Promise<RefundFacts | null>;
  /** Withdraws parts that were never sent; parts that were sent stay. A late send of a withdrawn part does nothing. */
  withdrawRefund(input: WithdrawRefundInput): Promise<RefundChange>;
  /** Opens the exception of a refund that does not become final; a no-op where it is final by now. */
  flagRefund(input: FlagRefundInput): Promise<RefundChange>;
  /** Records how a person resolved a refund that failed. */
  resolveRefund(input: {
    readonly refundId: string;
    readonly resolution: RefundResolution;
  }): Promise<ResolveRefundResult>;
}

/** As RefundStepInput; `watchMs`: how long after its success a refund may still fail at the customer's bank. */
export interface FollowRefundInput extends RefundStepInput {
  readonly watchMs: number;
}

export type AdoptRefundResult =
  | ({ readonly outcome: 'adopted' } & RefundChange)
  /** Our ledger has less left, mostly since a refund of ours reserves it: to be tried again. A person is notified. */
  | { readonly outcome: 'mismatch'; readonly orderId: string; readonly tell: boolean }
  /** Not about a payment of ours, or a refund of our own. */
  | { readonly outcome: 'not_ours' };

/** Called as regular activities: each is a row in the Temporal UI. */
export interface RefundProviderActivities {
  /**
   * Asks the provider for one part and records its answer; `succeeded` at once is recorded as pending, until it is confirmed.
   * A refusal is recorded as `failed` with the reason.
   */
  sendRefund(input: FollowRefundInput & { readonly part: number }): Promise<RefundChange>;
  /** Fetches all parts fresh and records what is new: the second way beside webhooks. */
  syncRefund(input: FollowRefundInput): Promise<RefundChange>;
  /** Cancels the parts that the provider allows to cancel (`requires_action`) and records the state of all parts. */
  cancelRefund(input: FollowRefundInput): Promise<RefundChange>;
  /** Adopts a refund that was made at the provider without us. */
  adoptRefund(input: {
    readonly providerRefundId: string;
    readonly now: string;
    readonly policy: RefundPolicy;
  }): Promise<AdoptRefundResult>;
}
