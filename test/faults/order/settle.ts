import type { Play } from './play';
import { RETRY_PAUSE_MS } from '../workflow-play';

/** Pauses between the tries of a step that must succeed double from 10 minutes on: five of them are over five hours. */
const MAX_PAUSES = 5;

/** Waits until nothing of a case is under way: its workflows have ended or wait, and every webhook has arrived. */
export async function settle(play: Play): Promise<void> {
  const { checkout, order } = play.workflowIds;
  await play.quiet(checkout);
  await play.quiet(order);
}

/** Moves a case on over the pauses of its retries, until it has no exception left and its checkout has ended. */
export async function heal(play: Play): Promise<void> {
  const { checkout, order } = play.workflowIds;
  for (let pauses = 0; pauses < MAX_PAUSES; pauses += 1) {
    const checkoutOpen = (await play.describe(checkout))?.status.name === 'RUNNING';
    const troubled = (await openExceptions(play)).length > 0;
    if (!checkoutOpen && !troubled) return;
    if (checkoutOpen) await play.forward(checkout, RETRY_PAUSE_MS * 2 ** pauses);
    else await play.forward(order, RETRY_PAUSE_MS * 2 ** pauses);
    await settle(play);
  }
}

/** Lets the attempts that were given up land now; that some of them are refused is what tombstones are for. */
export async function landLate(play: Play): Promise<void> {
  for (const attempt of play.plan.late.splice(0)) await attempt().catch(() => undefined);
  await settle(play);
}

/**
 * What was refused, asked for in another way, as a shop would: it must get through, or a person must have a case that says why
 * it does not.
 */
export async function corrected(play: Play): Promise<string[]> {
  const isPersons = async (): Promise<boolean> => (await openExceptions(play)).some((one) => one.owner !== '');
  const before = play.checkoutAnswer?.state;
  if (before !== undefined && !['placed', 'out_of_stock'].includes(before) && !(await isPersons())) {
    // It becomes an order of its own: what this case is about stays the first try.
    const unmet = play.plan.missed.length;
    let after = await play.checkoutAgain();
    await settle(play);
    // The story's own fault may only now have been met.
    if (after !== 'placed' && play.plan.missed.length < unmet) {
      after = await play.checkoutAgain();
      await settle(play);
    }
    // Where the last piece went meanwhile, that is the answer.
    if (after !== 'placed' && after !== 'out_of_stock' && !(await isPersons()))
      return [`the same cart again is answered ${after} after ${before}, and nobody has a case`];
  }
  const refused = play.shipAnswers.at(-1);
  if (refused === undefined || refused.answer.accepted || (await isPersons())) return [];
  const { request } = refused;
  await play.ship({ ...request, trackingNumber: `${request.trackingNumber}-corrected` });
  await settle(play);
  const { answer } = play.shipAnswers.at(-1) ?? refused;
  // A customer who is asked for another payment has it until a deadline.
  return answer.accepted || answer.reason === 'payment_needed' || (await isPersons())
    ? []
    : [`a corrected shipment is refused for ${answer.reason}, and nobody has a case`];
}

export interface OpenException {
  readonly kind: string;
  readonly owner: string;
}

export async function openExceptions(play: Play): Promise<OpenException[]> {
  if (play.plan.orderId === undefined) return [];
  const { rows } = await play.world.dependencies.pool.query(
    'SELECT kind, owner FROM exceptions WHERE order_id = $1 AND resolved_at IS NULL',
    [play.plan.orderId],
  );
  return rows as OpenException[];
}
