/** Types of the ApplicationFailures that activities end in; workflows and tests match on them. */
export const failureTypes = {
  /** The effect was undone before this late attempt: it must not land any more. */
  undone: 'OperationUndone',
  /** The provider or our own tables say no to what was asked for: a business answer. Its `details[0]` is a `RefusalDetails`. */
  refused: 'Refused',
  /** Nothing is known of this id. */
  notFound: 'NotFound',
  /** The provider could not be reached, was too busy or failed. */
  providerUnavailable: 'ProviderUnavailable',
  /** Our own database or cache could not be reached. */
  storageUnavailable: 'StorageUnavailable',
  /** The outcome is not known: look it up before anything else. */
  unknownOutcome: 'UnknownOutcome',
  /** The same key with another meaning, a rule of the domain broken, a mistake of our own code. */
  defect: 'Defect',
} as const;

export type FailureType = (typeof failureTypes)[keyof typeof failureTypes];

/**
 * What a failure means for whoever called:
 * - `refusal`: the provider or a rule says no. A business answer, never retried.
 * - `passing`: the same request goes through later, under the same key.
 * - `unknown`: the effect may have happened. It is looked up at the provider, then decided.
 * - `defect`: never retried blindly; a person gets an exception.
 */
export type FailureKind = 'refusal' | 'passing' | 'unknown' | 'defect';

const KINDS = {
  OperationUndone: 'refusal',
  Refused: 'refusal',
  NotFound: 'refusal',
  ProviderUnavailable: 'passing',
  StorageUnavailable: 'passing',
  UnknownOutcome: 'unknown',
  Defect: 'defect',
} as const satisfies Record<FailureType, FailureKind>;

/** What JavaScript itself throws at a mistake of the program. A failure of such a type is a defect wherever it comes from. */
export const PROGRAM_ERRORS: readonly string[] = [
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'URIError',
  'EvalError',
  'AssertionError',
];

/**
 * The kind of a failure by its type. No type at all is a time-out or a lost worker: the effect may have happened. A type that
 * is not ours is an error that no activity has made into a failure: a defect.
 */
export function failureKind(type: string | undefined): FailureKind {
  if (type === undefined) return 'unknown';
  return Object.hasOwn(KINDS, type) ? KINDS[type as FailureType] : 'defect';
}

/** Failures that the same request again cannot mend, as Temporal's retry policies take them. */
export const NEVER_RETRIED: string[] = [
  ...Object.values(failureTypes).filter((type) => failureKind(type) !== 'passing'),
  ...PROGRAM_ERRORS,
];

/** Codes of sockets that could not be opened or broke, as Node names them. What failed so passes. */
export const SOCKET_CODES: ReadonlySet<string> = new Set(
  'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT ENOTFOUND EHOSTUNREACH ENETUNREACH EAI_AGAIN'.split(' '),
);

/** Why something was refused. No personal data: our own sentence for a code, never what the provider quotes. */
export interface RefusalDetails {
  /** For programs, e.g. `amount_too_small`. */
  readonly code: string;
  /** For people: what is wrong and what to do. */
  readonly message: string;
  /** The provider's parameter or our own field at fault. */
  readonly param?: string;
}

/** One thing wrong with a request: where, and what. */
export interface FieldProblem {
  /** Path of the field, e.g. `lines.0.sku`. */
  readonly field: string;
  readonly message: string;
}
