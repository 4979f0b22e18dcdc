import type { RefundFacts, RefundPolicy, RefundResolution } from '../domain/refund/refund';
import type { RefundRefusalReason, RefundRequest } from '../domain/refund/request';

/** A refund as a step left it. */
export interface RefundChange {
  readonly refund: RefundFacts;
  /** The order was changed and is not done: its workflow is to be told. */
  readonly tell: boolean;
}

export interface RefundRefused {
  readonly outcome: 'refused';
  readonly reason: RefundRefusalReason;
  readonly message: string;
  /** Minor units that could be refunded now. */
  readonly refundable: number;
  /** Minor units that are only held; letting them go is a cancel, not a refund. */
  readonly held?: number;
  /** The request is for everything that is held, and nothing was taken. */
  readonly coversHeld?: true;
  /** Where it had waited for a capture: it is given up now, and a person is told. */
  readonly given?: RefundChange;
}

export interface BeginRefundInput {
  readonly request: RefundRequest;
  readonly policy: RefundPolicy;
  /** The workflow's clock. UTC ISO string. */
  readonly now: string;
}

export type BeginRefundResult =
  /** Recorded and reserved: no other refund can promise the same money. Told again, the same answer. */
  | ({ readonly outcome: 'begun' } & RefundChange)
  /** Recorded as `waiting`: whether a capture of the order was made is not known yet. */
  | ({ readonly outcome: 'capture_unsettled' } & RefundChange)
  | RefundRefused;

/** Which refund, and the workflow's clock as a UTC ISO string. */
export interface RefundStepInput {
  readonly refundId: string;
  readonly now: string;
}

export interface WithdrawRefundInput extends RefundStepInput {
  /** E.g. `disputed`, `capture_unknown`; `canceled_by_person` where somebody asked for it and needs no telling. */
  readonly reason: string;
  readonly actor: string;
}

/** What keeps a refund from being settled, for the person who gets it. */
export interface FlagRefundInput extends RefundStepInput {
  /** `unreadable`: the provider was asked for it, or its answer was to be recorded, and that fails again and again. */
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
  /** Reserves what is asked for, newest capture first. Asked again for one that waits, it looks whether it may go on. */
  beginRefund(input: BeginRefundInput): Promise<BeginRefundResult>;
  /** The refund as it is recorded; null where none is. */
  loadRefund(input: { readonly refundId: string }): Promise<RefundFacts | null>;
  /** Gives up what was never sent; parts that were sent stay as they are. A late send of what was given up does not land. */
  withdrawRefund(input: WithdrawRefundInput): Promise<RefundChange>;
  /** Tells a person what is not settled; a no-op where it is settled by now. */
  flagRefund(input: FlagRefundInput): Promise<RefundChange>;
  /** A person's settlement of what failed. */
  resolveRefund(input: {
    readonly refundId: string;
    readonly resolution: RefundResolution;
  }): Promise<ResolveRefundResult>;
}

/** As RefundStepInput; `watchMs`: how long after its success a refund is watched for coming back. */
export interface FollowRefundInput extends RefundStepInput {
  readonly watchMs: number;
}

export type AdoptRefundResult =
  | ({ readonly outcome: 'adopted' } & RefundChange)
  /** Our ledger has not so much left, mostly since a refund of ours reserves it: to be tried again. A person is told. */
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
  /** Cancels what the provider lets be canceled (`requires_action`) and records how all parts stand. */
  cancelRefund(input: FollowRefundInput): Promise<RefundChange>;
  /** Adopts a refund that was made at the provider without us. */
  adoptRefund(input: {
    readonly providerRefundId: string;
    readonly now: string;
    readonly policy: RefundPolicy;
  }): Promise<AdoptRefundResult>;
}
