import type { Pool } from 'pg';
import { run } from './database';
import { statement } from './statements';

const sql = { money: statement('money-invariants') };

/** A promise of the database that is broken; which row, and how. */
export interface Violation {
  readonly rule:
    | 'captured_exceeds_authorized'
    | 'ledger_differs_from_attempt'
    | 'refunded_exceeds_captured'
    | 'refund_differs_from_ledger'
    | 'refund_parts_differ'
    | 'refund_state_differs'
    | 'refund_without_owner'
    | 'hold_without_order'
    | 'order_without_money'
    | 'shipped_without_capture'
    | 'captured_without_shipment'
    | 'reservations_differ'
    | 'stock_differs_from_reservations'
    | 'unfinished_without_owner'
    | 'operation_unfinished'
    | 'outbox_has_gaps';
  /** Empty where the row belongs to no order. */
  readonly orderId: string;
  readonly detail: string;
}

/**
 * What is broken once things have settled: empty where all is well. Orders with an open exception have an owner, so what
 * is loose about them is not counted; what can never be right is. Reads only our own database: the comparison with the
 * payment provider is elsewhere.
 */
export async function checkMoneyInvariants(pool: Pool, now: Date = new Date()): Promise<Violation[]> {
  return run<Violation>(pool, sql.money, [now]);
}
