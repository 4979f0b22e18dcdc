import { waitFor } from '../../../workers/dependencies/poll';
import { openExcuses } from '../../support/invariants/excuses';
import { violations } from '../../support/invariants/invariants';
import type { FaultWorld } from '../fault-world';
import type { Play } from './play';
import { openExceptions } from './settle';

/** What a story comes to, as the database and the provider say. */
export interface Outcome {
  readonly answer: string | undefined;
  readonly state: string | undefined;
  readonly paymentState: string | undefined;
  readonly captured: number;
  readonly held: number;
  readonly shipments: number;
}

interface OrderRow {
  readonly state: string;
  readonly payment_state: string;
  readonly waiting_on: string | null;
  readonly shipments: number;
}

/**
 * A webhook may be looked at a few times, seconds apart, before what it tells is done, so a violation counts only where it
 * stays for this long.
 */
const GRACE_MS = 12_000;

/** What is wrong with a case that has settled; `healed`: its retries are over too, so nothing may be left open. */
export async function wrongs(play: Play, when: string, healed: boolean): Promise<string[]> {
  const found = await lasting(() => look(play, healed));
  return found.map((one) => `${when}: ${one}`);
}

/**
 * What is wrong with the world once all its cases have been judged. They share the provider's clock: the last one may have moved
 * it past the end of another order's hold, whose webhook is still on its way.
 */
export function wrongsAtTheEnd(world: FaultWorld): Promise<string[]> {
  return lasting(() => violations(world));
}

async function lasting(find: () => Promise<string[]>): Promise<string[]> {
  let found: string[] = [];
  await waitFor('the money to agree', GRACE_MS, async () => {
    found = await find();
    return found.length === 0 ? true : undefined;
  }).catch(() => undefined);
  return found;
}

async function look(play: Play, healed: boolean): Promise<string[]> {
  const mine = [play.orderId, ...play.intents().map((one) => one.id)];
  const found = (await violations(play.world)).filter((one) => mine.some((id) => one.includes(id)));
  found.push(...(await answersThatLie(play)), ...(await unfinished(play)));
  if (!healed) return found;
  for (const one of await openExceptions(play)) found.push(`the exception ${one.kind} (${one.owner}) stays open`);
  const checkout = await play.describe(play.workflowIds.checkout);
  if (checkout?.status.name === 'RUNNING') found.push('the checkout does not end');
  return found;
}

/** What was said to the caller beside what is true. */
async function answersThatLie(play: Play): Promise<string[]> {
  const found: string[] = [];
  const order = await orderOf(play);
  const answer = play.checkoutAnswer;
  const excuses = await openExcuses(play.world.dependencies.pool);
  if (answer?.state === 'placed') {
    if (order === undefined) found.push('answered placed, and there is no order');
    if (answer.orderId !== play.orderId) found.push(`answered with order ${answer.orderId}`);
  } else {
    if (order !== undefined) found.push(`answered ${answer?.state}, and there is an order`);
    const held = heldBy(play);
    if (held > 0 && !excuses.has(play.orderId, 'hold_without_order'))
      found.push(`answered ${answer?.state}, and ${held} are held`);
  }
  for (const { request, answer: shipped } of play.shipAnswers) {
    const amount = await shipmentAmount(play, request.trackingNumber);
    if (shipped.accepted && amount !== shipped.capturedAmount)
      found.push(`answered shipped for ${shipped.capturedAmount}, recorded ${amount ?? 'nothing'}`);
    if (!shipped.accepted && shipped.reason !== 'outcome_unknown' && amount !== undefined)
      found.push(`answered ${shipped.reason}, and the parcel is recorded`);
  }
  const cancelled = play.cancelAnswer?.accepted === true ? play.cancelAnswer.state : undefined;
  const asAnswered = order?.state === cancelled || (cancelled === 'shipped' && order?.state === 'delivered');
  if (cancelled !== undefined && (!asAnswered || heldBy(play) > 0))
    found.push(`answered ${cancelled} after a cancel, and the order is ${order?.state}, ${heldBy(play)} held`);
  if (play.deliverAnswer?.accepted === true && order?.state !== play.deliverAnswer.state)
    found.push(`answered ${play.deliverAnswer.state}, and the order is ${order?.state}`);
  return found;
}

/** What goes on without anybody who sees to it. */
async function unfinished(play: Play): Promise<string[]> {
  const found: string[] = [];
  const { pool } = play.world.dependencies;
  const order = await orderOf(play);
  const excuses = await openExcuses(pool);
  const ended = order === undefined || ['delivered', 'cancelled'].includes(order.state);
  for (const id of [play.workflowIds.checkout, play.workflowIds.order]) {
    const status = (await play.describe(id))?.status.name;
    if (status !== undefined && status !== 'RUNNING' && status !== 'COMPLETED') found.push(`${id} is ${status}`);
    const isOrder = id === play.workflowIds.order;
    if (isOrder && !ended && status !== 'RUNNING') found.push(`the order is ${order.state}, its workflow ${status}`);
  }
  if (
    order !== undefined &&
    !ended &&
    order.waiting_on === null &&
    !excuses.has(play.orderId, 'unfinished_without_owner')
  )
    found.push('the order waits for nobody');
  const open = await pool.query(
    `SELECT attempt FROM payment_attempts
     WHERE order_id = $1 AND status IN ('begun', 'processing') AND tombstoned_at IS NULL`,
    [play.orderId],
  );
  if ((open.rowCount ?? 0) > 0 && !excuses.has(play.orderId, 'attempt_unfinished'))
    found.push('a payment attempt is unfinished without an owner');
  const silent = await pool.query('SELECT type FROM outbox WHERE order_id = $1 AND published_at IS NULL', [
    play.orderId,
  ]);
  if ((silent.rowCount ?? 0) > 0) found.push('an event is not published');
  return found;
}

/** What the story came to; a fault that is tried again must leave no trace in it. */
export async function outcomeOf(play: Play): Promise<Outcome> {
  const order = await orderOf(play);
  return {
    answer: play.checkoutAnswer?.state,
    state: order?.state,
    paymentState: order?.payment_state,
    captured: play.intents().reduce((sum, one) => sum + one.amount_received, 0),
    held: heldBy(play),
    shipments: order?.shipments ?? 0,
  };
}

function heldBy(play: Play): number {
  return play.intents().reduce((sum, one) => sum + (one.status === 'requires_capture' ? one.amount_capturable : 0), 0);
}

async function orderOf(play: Play): Promise<OrderRow | undefined> {
  const { rows } = await play.world.dependencies.pool.query(
    `SELECT state, payment_state, waiting_on,
       (SELECT count(*)::int FROM shipments s WHERE s.order_id = o.order_id) AS shipments
     FROM orders o WHERE order_id = $1`,
    [play.orderId],
  );
  return (rows as OrderRow[])[0];
}

async function shipmentAmount(play: Play, trackingNumber: string): Promise<number | undefined> {
  const { rows } = await play.world.dependencies.pool.query(
    'SELECT amount FROM shipments WHERE order_id = $1 AND tracking_number = $2',
    [play.orderId, trackingNumber],
  );
  return (rows as { amount: number }[])[0]?.amount;
}
