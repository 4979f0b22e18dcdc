import type { SettlementDifference } from '../domain/settlement/settlement';

/** The result of a day's comparison. */
export interface SettlementReport {
  /** A day in UTC, `YYYY-MM-DD`. */
  readonly date: string;
  readonly providerMovements: number;
  readonly matched: number;
  readonly differences: readonly SettlementDifference[];
  readonly ranAt: string;
}

export interface SettlementActivities {
  /**
   * Compares a day's ledger with the provider's balance transactions, records every difference with its cause, and opens an
   * exception for what no cause explains. The same day again replaces what was found before.
   */
  compareSettlement(input: { readonly date: string; readonly workflowId: string }): Promise<SettlementSummary>;
}

/** Small enough for a history; the rows are in Postgres. */
export interface SettlementSummary {
  readonly date: string;
  readonly providerMovements: number;
  readonly matched: number;
  readonly explained: number;
  readonly unexplained: number;
}
