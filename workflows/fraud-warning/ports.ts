import type { FraudWarningRecord } from '../domain/dispute/fraud-warning';

/** A step on a fraud warning: which one, and the workflow's clock as a UTC ISO string. */
export interface FraudWarningStep {
  readonly warningId: string;
  readonly now: string;
}

export interface DecideFraudWarningInput extends FraudWarningStep {
  readonly action: 'refund' | 'ignore';
  readonly actor: string;
  /** The refund that was begun. */
  readonly refundId?: string;
}

/** Called as local activities: one short transaction each. */
export interface FraudWarningActivities {
  /** Records the decision, which ends the warning; the first decision stays, and so does another end that came first. */
  decideFraudWarning(input: DecideFraudWarningInput): Promise<FraudWarningRecord>;
}

/** Called as local activities first, as regular ones where those fail. */
export interface FraudWarningProviderActivities {
  /**
   * Fetches a warning fresh and records what is new. One without a decision ends `limitMs` after it was first recorded.
   * Null for one that is not about a payment of ours, or that neither the provider nor our record knows.
   * @throws ApplicationFailure `NotFound` for one that is recorded and that the provider does not know
   */
  syncFraudWarning(input: FraudWarningStep & { readonly limitMs: number }): Promise<FraudWarningRecord | null>;
}
