import type { Pool } from 'pg';
import { EXCUSE_PAIRS, type ExcusableCheck } from '../../../workflows/domain/exception/excuses';
import { run } from '../postgres/database';
import { statement } from '../postgres/statements';

const sql = { money: statement('money-invariants') };

/** A promise of the database that is broken; which row, and how. */
export interface Violation {
  readonly rule:
    // Which of the first an exception of which kind excuses, exception-excuses.ts says; nothing excuses the others.
    | Exclude<ExcusableCheck, 'holds_at_once' | 'hold_differs' | 'attempt_unfinished' | 'refund_differs'>
    | 'captured_exceeds_authorized'
    | 'ledger_differs_from_attempt'
    | 'refunded_exceeds_captured'
    | 'refund_differs_from_ledger'
    | 'refund_parts_differ'
    | 'refund_state_differs'
    | 'refund_without_owner'
    | 'shipped_without_capture'
    | 'stock_differs_from_reservations'
    | 'outbox_has_gaps';
  /** Empty where the row belongs to no order. */
  readonly orderId: string;
  readonly detail: string;
}

/**
 * What is broken once things have settled: empty where all is well. What an open exception of an order is about has an owner and
 * is not counted; everything else of that order is. Reads only our own database: the comparison with the
 * payment provider is elsewhere.
 */
export async function checkMoneyInvariants(pool: Pool, now: Date = new Date()): Promise<Violation[]> {
  return run<Violation>(pool, sql.money, [now, JSON.stringify(EXCUSE_PAIRS)]);
}
