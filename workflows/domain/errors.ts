/** Types of the ApplicationFailures that activities end in; workflows and tests match on them. */
export const failureTypes = {
  /** The effect was undone before this late attempt: it must not land any more. Never retried. */
  undone: 'OperationUndone',
  /** The same key with another meaning, a rule of the domain broken, a request the provider calls malformed. Never retried. */
  defect: 'Defect',
  /** The provider could not be reached, was too busy or failed. Retried. */
  providerUnavailable: 'ProviderUnavailable',
  /** The outcome is not known: look it up before anything else. Never retried blindly. */
  unknownOutcome: 'UnknownOutcome',
  /** Our own database or cache could not be reached. Retried. */
  storageUnavailable: 'StorageUnavailable',
  /** Nothing is known of this id. Never retried. */
  notFound: 'NotFound',
} as const;

export type FailureType = (typeof failureTypes)[keyof typeof failureTypes];

/** One thing wrong with a request: where, and what. */
export interface FieldProblem {
  /** Path of the field, e.g. `lines.0.sku`. */
  readonly field: string;
  readonly message: string;
}
