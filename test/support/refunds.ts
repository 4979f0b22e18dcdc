import type { RefundFacts } from '../../workflows/domain/refund/refund';
import { workflowIds } from '../../workflows/kit/names';
import { getConnection, testEnvironment } from './environment';
import { eventually } from './time/eventually';
import { fastForward, type FastForwardResult } from './time/time';
import type { World } from './world';

/** The refund as Postgres has it. @throws Error where none is recorded */
export async function refundOf(world: World, refundId: string): Promise<RefundFacts> {
  const refund = await world.dependencies.refunds.getRefund(refundId);
  if (refund === undefined) throw new Error(`no refund ${refundId}`);
  return refund;
}

/** Waits until a refund is in this state; answers with it. */
export async function refundIn(
  world: World,
  refundId: string,
  ...states: RefundFacts['state'][]
): Promise<RefundFacts> {
  let found: RefundFacts | undefined;
  await eventually(`refund ${refundId} to be ${states.join(' or ')}`, async () => {
    found = await world.dependencies.refunds.getRefund(refundId);
    return found !== undefined && states.includes(found.state);
  });
  return found as RefundFacts;
}

/** Moves the clock of a refund's workflow, and with its looks the simulator's. */
export async function forwardRefund(refundId: string, ms: number): Promise<FastForwardResult> {
  const { temporalNamespace } = testEnvironment();
  return fastForward(await getConnection(), temporalNamespace, workflowIds.refund(refundId), ms);
}

/** Notices about a refund, in the order in which they were queued. */
export async function refundNotices(
  world: World,
  refundId: string,
): Promise<{ readonly kind: string; readonly status: string; readonly data: Record<string, unknown> }[]> {
  const text = `SELECT kind, status, data FROM notices WHERE subject_type = 'refund' AND subject_id = $1
    ORDER BY queued_at, kind DESC`;
  return (await world.dependencies.pool.query(text, [refundId])).rows as never;
}

/** Open exceptions of a refund's workflow. */
export async function refundExceptions(world: World, refundId: string): Promise<{ kind: string; message: string }[]> {
  const text = `SELECT kind, message FROM exceptions WHERE workflow_id = $1 AND resolved_at IS NULL ORDER BY exception_id`;
  return (await world.dependencies.pool.query(text, [workflowIds.refund(refundId)])).rows as never;
}

/** The simulator's refunds of one order's payments, oldest first. */
export function providerRefundsOf(world: World, orderId: string) {
  return world.simulator.state.refunds().filter((one) => one.metadata?.['holdfast_order_id'] === orderId);
}
