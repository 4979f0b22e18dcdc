/** A kind of card, as far as the bank's answer told; null where it did not. */
export interface CardKind {
  readonly brand: string | null;
  readonly funding: string | null;
  /** Of the bank, two letters. */
  readonly country: string | null;
}

/** How often banks said yes. */
export interface AuthorizationCounts {
  readonly authorized: number;
  /** The bank's no. */
  readonly declined: number;
  /**
   * The provider's or the customer's no: never sent to a bank (a block by rules, 3-D Secure not passed), or taken back by rules
   * after the bank's yes. It says nothing about banks, so it is in no rate. Source: Stripe, `outcome.network_status`.
   */
  readonly blocked: number;
  /** Authorized of all that a bank answered, 0 to 1; null where no bank was asked. */
  readonly rate: number | null;
}

/** How banks answered in a window of time, by kind of card. */
export interface AuthorizationReport {
  /** UTC ISO strings; the end is not in it. */
  readonly from: string;
  readonly to: string;
  readonly total: AuthorizationCounts;
  /** The most frequent first, at most as many as were asked for; `total` counts the others, too. */
  readonly rates: readonly (CardKind & AuthorizationCounts)[];
}

/** See `AuthorizationCounts.rate`. */
export function authorizationRate(authorized: number, declined: number): number | null {
  return authorized + declined === 0 ? null : authorized / (authorized + declined);
}
