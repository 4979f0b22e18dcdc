import { checkMoneyInvariants } from '../../../activities/storage';
import { openExcuses } from './excuses';
import { refundViolations } from './refunds';
import type { World } from '../world';

/**
 * What must be true of money and stock once things have settled, read independently of the code under test: the simulator's
 * own state beside the rows of Postgres. Answers with every violation in words.
 */
export async function violations(world: Pick<World, 'dependencies' | 'simulator'>): Promise<string[]> {
  const { pool } = world.dependencies;
  const found = (await checkMoneyInvariants(pool)).map((one) => `database: ${JSON.stringify(one)}`);
  found.push(...(await refundViolations(world)));
  const orders = await rows<OrderRow>(pool, 'SELECT order_id, state, payment_state FROM orders');
  const ledger = await rows<LedgerRow>(
    pool,
    `SELECT payment_intent_id AS id, kind, sum(amount)::int AS amount FROM ledger_entries GROUP BY 1, 2`,
  );
  const excuses = await openExcuses(pool);
  const open = new Map(orders.map((one) => [one.order_id, one]));
  const holds = new Map<string, number>();
  for (const intent of world.simulator.state.paymentIntents()) {
    const orderId = intent.metadata['holdfast_order_id'];
    if (orderId === undefined) continue;
    const sum = (kind: string): number =>
      ledger.find((entry) => entry.id === intent.id && entry.kind === kind)?.amount ?? 0;
    const held = intent.status === 'requires_capture' ? intent.amount_capturable : 0;
    const captured = intent.amount_received;
    if (captured > intent.amount) found.push(`${intent.id}: captured ${captured} of ${intent.amount}`);
    if (captured !== sum('captured'))
      found.push(`${intent.id}: simulator captured ${captured}, ledger ${sum('captured')}`);
    const openInLedger = sum('authorized') - sum('captured') - sum('released');
    if (held !== openInLedger && !excuses.has(orderId, 'hold_differs'))
      found.push(`${intent.id}: simulator holds ${held}, ledger ${openInLedger}`);
    if (held > 0) holds.set(orderId, (holds.get(orderId) ?? 0) + 1);
    const order = open.get(orderId);
    const stillNeeded = order !== undefined && ['placed', 'allocated', 'paid'].includes(order.state);
    if (held > 0 && !stillNeeded && !excuses.has(orderId, 'hold_without_order'))
      found.push(`${intent.id}: a hold without an open order (${orderId})`);
    if (captured > 0 && order === undefined) found.push(`${intent.id}: money taken without an order (${orderId})`);
  }
  for (const [orderId, count] of holds) {
    if (count > 1 && !excuses.has(orderId, 'holds_at_once')) found.push(`${orderId}: ${count} holds at once`);
  }
  for (const order of orders) {
    const needsHold = ['placed', 'allocated'].includes(order.state) && ['authorized'].includes(order.payment_state);
    if (needsHold && !holds.has(order.order_id) && !excuses.has(order.order_id, 'order_without_money'))
      found.push(`${order.order_id}: open without a hold`);
  }
  return found;
}

interface OrderRow {
  readonly order_id: string;
  readonly state: string;
  readonly payment_state: string;
}

interface LedgerRow {
  readonly id: string;
  readonly kind: string;
  readonly amount: number;
}

async function rows<T>(pool: World['dependencies']['pool'], sql: string): Promise<T[]> {
  return (await pool.query(sql)).rows as T[];
}
