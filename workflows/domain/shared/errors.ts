/** Types of the ApplicationFailures that activities throw; workflows and tests match on them. */
export const failureTypes = {
  /** The effect was undone before this late attempt, which must have no effect. */
  undone: 'OperationUndone',
  /** The provider or our own tables refuse the request: a business answer. Its `details[0]` is a `RefusalDetails`. */
  refused: 'Refused',
  /** The id is unknown. */
  notFound: 'NotFound',
  /** The provider could not be reached, was too busy or failed. */
  providerUnavailable: 'ProviderUnavailable',
  /** Our own database or cache could not be reached. */
  storageUnavailable: 'StorageUnavailable',
  /** The outcome is unknown: look it up before anything else. */
  unknownOutcome: 'UnknownOutcome',
  /** A key was used again with other contents, a rule of the domain was broken, or our code has a mistake. */
  defect: 'Defect',
} as const;

export type FailureType = (typeof failureTypes)[keyof typeof failureTypes];

/**
 * What a failure means for the caller:
 * - `refusal`: the provider or a rule says no. A business answer, never retried.
 * - `passing`: the same request, under the same key, succeeds later.
 * - `unknown`: the effect may have happened. It is looked up at the provider, then decided.
 * - `defect`: never retried automatically; an exception is opened for a person.
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

/** Errors that JavaScript itself throws for a mistake in a program. A failure of such a type is always a defect. */
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
 * The kind of a failure by its type. A failure without a type is a time-out or a lost worker: the effect may have happened. A type
 * that is not ours is an error that no activity has turned into a failure: a defect.
 */
export function failureKind(type: string | undefined): FailureKind {
  if (type === undefined) return 'unknown';
  return Object.hasOwn(KINDS, type) ? KINDS[type as FailureType] : 'defect';
}

/** Failure types that Temporal's retry policies must not retry. */
export const NEVER_RETRIED: string[] = [
  ...Object.values(failureTypes).filter((type) => failureKind(type) !== 'passing'),
  ...PROGRAM_ERRORS,
];

/** Node's codes for sockets that broke or could not be opened. Such failures pass. */
export const SOCKET_CODES: ReadonlySet<string> = new Set(
  'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT ENOTFOUND EHOSTUNREACH ENETUNREACH EAI_AGAIN'.split(' '),
);

/** Why a request was refused. No personal data: our own sentence for a code, never the provider's text. */
export interface RefusalDetails {
  /** For programs, e.g. `amount_too_small`. */
  readonly code: string;
  /** For people: what is wrong, and what to do. */
  readonly message: string;
  /** The provider's parameter or our own field at fault. */
  readonly param?: string;
}

/** One problem of a request: the field, and what is wrong with it. */
export interface FieldProblem {
  /** Path of the field, e.g. `lines.0.sku`. */
  readonly field: string;
  readonly message: string;
}
