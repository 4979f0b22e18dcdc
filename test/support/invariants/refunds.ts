import { openExcuses } from './excuses';
import type { World } from '../world';

interface GivenBack {
  readonly id: string;
  readonly pending: number;
  readonly refunded: number;
  /** Promised in our ledger and not asked for yet, or not known to be. */
  readonly unsent: number;
}

/**
 * What was given back, by payment: our ledger beside the simulator's refunds. Read from plain rows and from the simulator's own
 * state; no code of refunds takes part in it.
 */
export async function refundViolations(world: Pick<World, 'dependencies' | 'simulator'>): Promise<string[]> {
  const { pool } = world.dependencies;
  const { rows } = await pool.query<GivenBack>(
    `SELECT payment_intent_id AS id,
       coalesce(sum(CASE kind WHEN 'refund_pending' THEN amount WHEN 'refunded' THEN -amount WHEN 'refund_failed'
         THEN -amount END), 0)::int AS pending,
       coalesce(sum(CASE kind WHEN 'refunded' THEN amount WHEN 'refund_reversed' THEN -amount END), 0)::int AS refunded,
       coalesce((SELECT sum(p.amount) FROM refund_parts p
         WHERE p.payment_intent_id = l.payment_intent_id AND p.status = 'begun'), 0)::int AS unsent
     FROM ledger_entries l GROUP BY payment_intent_id`,
  );
  const excuses = await openExcuses(pool);
  const found: string[] = [];
  for (const intent of world.simulator.state.paymentIntents()) {
    const orderId = intent.metadata['holdfast_order_id'];
    if (orderId === undefined || excuses.has(orderId, 'refund_differs')) continue;
    const refunds = world.simulator.state.refunds().filter((one) => one.payment_intent === intent.id);
    const sum = (...statuses: string[]): number =>
      refunds.reduce((total, one) => total + (statuses.includes(one.status ?? '') ? one.amount : 0), 0);
    const there = sum('succeeded', 'pending', 'requires_action');
    const ours = rows.find((one) => one.id === intent.id) ?? { pending: 0, refunded: 0, unsent: 0 };
    if (there > intent.amount_received) found.push(`${intent.id}: ${there} given back of ${intent.amount_received}`);
    const here = ours.pending + ours.refunded;
    if (here !== there && here - ours.unsent !== there)
      found.push(`${intent.id}: simulator gives ${there} back, our ledger ${here}`);
    if (ours.refunded > sum('succeeded'))
      found.push(`${intent.id}: ${ours.refunded} called refunded, of which ${sum('succeeded')} succeeded`);
  }
  return found;
}
