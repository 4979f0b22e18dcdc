import type { DisputeRecord } from '../domain/dispute/dispute';
import type { FraudWarningActivities, FraudWarningProviderActivities } from '../fraud-warning/ports';

/** Every step on a dispute: which one, and the workflow's clock as a UTC ISO string. */
export interface DisputeStep {
  readonly disputeId: string;
  readonly now: string;
}

export interface WarnOfDisputeInput extends DisputeStep {
  /** The warnings given by this step: milliseconds before the deadline. */
  readonly warnedMs: readonly number[];
  /** False where the notice that opened the round names the deadline already. */
  readonly notify: boolean;
}

export interface DecideDisputeInput extends DisputeStep {
  /** The round that is decided: a decision that comes late must not apply to the next one. */
  readonly round: number;
  readonly action: 'submit' | 'accept' | 'leave';
  readonly actor: string;
  /** Kept with the decision and not sent. Personal. */
  readonly note?: string;
  /** What the bank reads in place of the summary made by Holdfast. Personal. */
  readonly uncategorizedText?: string;
}

/** Called as local activities: one short transaction each. */
export interface DisputeActivities {
  /** The dispute as it is recorded; null where none is. */
  loadDispute(input: { readonly disputeId: string }): Promise<DisputeRecord | null>;
  /** Opens the exception of a deadline that is near, and notifies the shop. A no-op where the dispute is decided or over. */
  warnOfDispute(input: WarnOfDisputeInput): Promise<DisputeRecord>;
  /** Records the decision before anything is sent. Where this round is decided already, that decision stays. */
  decideDispute(input: DecideDisputeInput): Promise<DisputeRecord>;
}

/** Called as regular activities, looks as local ones first. Evidence stays within them. */
export interface DisputeProviderActivities {
  /**
   * Fetches a dispute fresh and records what is new, with its money, its events and its notices. Null for one that is not
   * about a payment of ours, or that neither the provider nor our record knows.
   * @throws ApplicationFailure `NotFound` for one that is recorded and that the provider does not know
   */
  syncDispute(input: DisputeStep): Promise<DisputeRecord | null>;
  /** Puts the evidence together, keeps it encrypted and stages it at the provider, unsent. */
  collectEvidence(input: DisputeStep): Promise<DisputeRecord>;
  /**
   * Sends what was decided: the evidence as it is at this moment, or that the dispute is accepted. A refusal of the provider
   * is recorded with the decision, and a person is notified.
   */
  carryOutDispute(input: DisputeStep): Promise<DisputeRecord>;
}

/** Everything that a worker offers for disputes and early fraud warnings. */
export type AllDisputeActivities = DisputeActivities &
  DisputeProviderActivities &
  FraudWarningActivities &
  FraudWarningProviderActivities;
