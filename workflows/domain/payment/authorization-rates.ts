/** A kind of card, from the bank's answer; null for what the answer does not contain. */
export interface CardKind {
  readonly brand: string | null;
  readonly funding: string | null;
  /** Of the bank, two letters. */
  readonly country: string | null;
}

/** Counts of the banks' answers. */
export interface AuthorizationCounts {
  readonly authorized: number;
  /** Refused by the bank. */
  readonly declined: number;
  /**
   * Not decided by the bank: never sent to it (blocked by a rule, 3-D Secure not passed), or reversed by a rule after the bank had
   * authorized it. It says nothing about banks, so it counts in no rate. Source: Stripe, `outcome.network_status`.
   */
  readonly blocked: number;
  /** The share of authorized among all answers of banks, 0 to 1; null if no bank was asked. */
  readonly rate: number | null;
}

/** How banks answered in a window of time, by kind of card. */
export interface AuthorizationReport {
  /** UTC ISO strings; `to` is exclusive. */
  readonly from: string;
  readonly to: string;
  readonly total: AuthorizationCounts;
  /** The most frequent first, at most as many as requested; `total` also counts the others. */
  readonly rates: readonly (CardKind & AuthorizationCounts)[];
}

/** See `AuthorizationCounts.rate`. */
export function authorizationRate(authorized: number, declined: number): number | null {
  return authorized + declined === 0 ? null : authorized / (authorized + declined);
}
