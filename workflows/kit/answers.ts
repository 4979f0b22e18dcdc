/** The answer to a command that was refused: nothing was changed. */
export interface Refused<Reason extends string> {
  readonly accepted: false;
  readonly reason: Reason;
  readonly message: string;
}

export function refusal<Reason extends string>(reason: Reason, message: string): Refused<Reason> {
  return { accepted: false, reason, message };
}

/** For a caller whose command failed in between: it may have been recorded. */
export const OUTCOME_UNKNOWN = 'It is not known whether this was recorded; send the same again to ask.';
