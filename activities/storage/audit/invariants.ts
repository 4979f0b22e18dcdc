import type { Pool } from 'pg';
import { EXCUSE_PAIRS, type ExcusableCheck } from '../../../workflows/domain/exception/excuses';
import { run } from '../postgres/database';
import { statement } from '../postgres/statements';

const sql = { money: statement('money-invariants') };

/** A broken invariant: which rule, which row, and how. */
export interface Violation {
  readonly rule:
    // domain/exception/excuses.ts defines which kinds of open exceptions excuse these; nothing excuses the others.
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
  /** Empty if the row belongs to no order. */
  readonly orderId: string;
  readonly detail: string;
}

/**
 * Checks the invariants of the money, once nothing is under way: returns an empty list if all hold. A violation that an open
 * exception of the order excuses is left out, because it has an owner. Reads only our own database; the comparison with the payment
 * provider is separate.
 */
export async function checkMoneyInvariants(pool: Pool, now: Date = new Date()): Promise<Violation[]> {
  return run<Violation>(pool, sql.money, [now, JSON.stringify(EXCUSE_PAIRS)]);
}
