import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import { nextAllowed } from '../../../workflows/domain/notice/quiet-hours';
import { waitFor } from '../../../workers/dependencies/poll';
import { violations } from '../../support/invariants/invariants';
import type { AfterSalePlay } from './play';
import { RETRY_PAUSE_MS, LIMIT_MS } from '../workflow-play';

/** Pauses between the tries of a step that must succeed double from 10 minutes on: five of them are over five hours. */
const MAX_PAUSES = 5;

/** A violation counts only where it stays for this long. */
const GRACE_MS = 8_000;

/** What nobody must be told once it is paid. */
const OF_FAILURES = ['payment_failed', 'trial_payment_failed', 'payment_last_try', 'card_needed'];

/** What a case comes to: as our database has it, as the caller was answered, and what was said. */
export interface AfterSaleOutcome {
  readonly ends: string;
  readonly answers: readonly string[];
  readonly notices: readonly string[];
}

interface Notice {
  readonly kind: string;
  readonly status: string;
  readonly data: string;
  readonly due_at: Date;
  readonly subject_type: string;
}

/** Has a person a case of it, with an owner? */
export async function isAPersons(play: AfterSalePlay): Promise<boolean> {
  return (await openExceptions(play)).some((one) => one.owner !== '');
}

/** Waits until nothing of a case is under way, and what it says is said: whether a notice can be taken back must not depend on haste. */
export async function rest(play: AfterSalePlay): Promise<void> {
  for (const workflowId of play.workflows) await play.quiet(workflowId);
  await waitFor(`the notices of ${play.name}`, LIMIT_MS, async () =>
    (await noticesOf(play)).some((one) => ['queued', 'sending'].includes(one.status)) ? undefined : true,
  );
}

/** Moves a case on over the pauses of its retries, until it has ended as it should and nothing of it is a person's. */
export async function healed(play: AfterSalePlay, ends: string): Promise<void> {
  for (let pauses = 0; pauses < MAX_PAUSES; pauses += 1) {
    if ((await endOf(play)) === ends && (await openExceptions(play)).length === 0) return;
    for (const workflowId of play.workflows) await play.forward(workflowId, RETRY_PAUSE_MS * 2 ** pauses);
    await rest(play);
  }
}

/** What is wrong with a case at rest; with `ends`: its retries are over too, so it must have ended so and leave nothing open. */
export async function wrongsAfterSale(play: AfterSalePlay, when: string, ends?: string): Promise<string[]> {
  let found: string[] = [];
  await waitFor('the money to agree', GRACE_MS, async () => {
    found = await look(play, ends);
    return found.length === 0 ? true : undefined;
  }).catch(() => undefined);
  return found.map((one) => `${when}: ${one}`);
}

async function look(play: AfterSalePlay, ends: string | undefined): Promise<string[]> {
  const mine = [play.orderId, ...play.intents().map((one) => one.id), ...play.subjects].filter((one) => one !== '');
  const found = (await violations(play.world)).filter((one) => mine.some((id) => one.includes(id)));
  found.push(...(await refundWrongs(play, ends !== undefined)), ...(await disputeWrongs(play)));
  found.push(...(await noticeWrongs(play)), ...(await workflowWrongs(play)));
  if (ends === undefined) return found;
  for (const one of await openExceptions(play)) found.push(`the exception ${one.kind} (${one.owner}) stays open`);
  const end = await endOf(play);
  if (end !== ends) found.push(`it ends as ${end}, not ${ends}`);
  return found;
}

/** At most one refund a part, told as it is, and none of a disputed payment. */
async function refundWrongs(play: AfterSalePlay, isHealed: boolean): Promise<string[]> {
  const found: string[] = [];
  const made = play.providerRefunds();
  const keys = made.map((one) => String(one.metadata?.['holdfast_operation_key']));
  for (const key of new Set(keys)) {
    const count = keys.filter((one) => one === key).length;
    if (count > 1) found.push(`${count} refunds at the provider for ${key}`);
  }
  if (play.disputeId !== '' && made.length > 0) found.push(`${made.length} refunds of a disputed payment`);
  for (const refundId of play.refundIds) {
    const refund = await play.world.dependencies.refunds.getRefund(refundId);
    if (!isHealed) continue;
    for (const part of refund?.parts ?? []) {
      const there = made.find((one) => one.id === part.providerRefundId);
      if (there !== undefined && there.status !== part.status)
        found.push(`${refundId}/${part.part} is ${part.status}, at the provider ${there.status}`);
    }
  }
  return found;
}

/** Its money in our ledger beside the provider's balance transactions. */
async function disputeWrongs(play: AfterSalePlay): Promise<string[]> {
  if (play.disputeId === '') return [];
  const dispute = play.world.simulator.state.disputes().find((one) => one.id === play.disputeId);
  const moved = (dispute?.balance_transactions ?? []).reduce((sum, one) => sum - one.amount, 0);
  const { rows } = await play.world.dependencies.pool.query<{ withdrawn: number }>(
    `SELECT coalesce(sum(CASE kind WHEN 'dispute_withdrawn' THEN amount ELSE -amount END), 0)::int AS withdrawn
     FROM ledger_entries WHERE kind IN ('dispute_withdrawn', 'dispute_reinstated')
       AND starts_with(operation_key, 'dispute:' || $1 || ':')`,
    [play.disputeId],
  );
  const view = await play.world.dependencies.disputes.getDispute(play.disputeId);
  const isKnown = view !== undefined && view.providerStatus === dispute?.status;
  const ours = rows[0]?.withdrawn ?? 0;
  // What the provider did since the last look is found by the next one.
  return isKnown && ours !== moved
    ? [`${play.disputeId}: ${moved} withdrawn by the provider, ${ours} in our ledger`]
    : [];
}

/** None twice, none at night, none of a failure after it was paid. */
async function noticeWrongs(play: AfterSalePlay): Promise<string[]> {
  const found: string[] = [];
  const notices = await noticesOf(play);
  const said = notices.map((one) => `${one.kind} ${one.data}`);
  for (const one of new Set(said)) {
    const count = said.filter((other) => other === one).length;
    if (count > 1) found.push(`told ${count} times: ${one}`);
  }
  if (play.subscriptionId === '') return found;
  const { timeZone } = play;
  const { data } = await play.world.dependencies.stripe.invoices.list({ subscription: play.subscriptionId });
  const paidAt =
    Math.max(...data.map((one) => (one.amount_due > 0 ? (one.status_transitions.paid_at ?? 0) : 0))) * 1000;
  const owing = data.some((one) => one.status === 'open');
  for (const { kind, due_at: at } of notices) {
    if (nextAllowed(at.getTime(), { ...DEFAULT_DUNNING_POLICY.quietHours, timeZone }) !== at.getTime())
      found.push(`${kind} in quiet hours: ${at.toISOString()}`);
    if (OF_FAILURES.includes(kind) && !owing && at.getTime() > paidAt)
      found.push(`${kind} at ${at.toISOString()}, paid at ${new Date(paidAt).toISOString()}`);
  }
  return found;
}

async function workflowWrongs(play: AfterSalePlay): Promise<string[]> {
  const found: string[] = [];
  for (const workflowId of play.workflows) {
    const status = (await play.describe(workflowId))?.status.name;
    if (status !== undefined && status !== 'RUNNING' && status !== 'COMPLETED')
      found.push(`${workflowId} is ${status}`);
  }
  return found;
}

export async function afterSaleOutcome(play: AfterSalePlay): Promise<AfterSaleOutcome> {
  const notices = await noticesOf(play);
  return {
    ends: await endOf(play),
    answers: play.answers.map(({ accepted, reason = '', outcome = '' }) => `${accepted} ${reason}${outcome}`),
    notices: notices.map((one) => `${one.kind} ${one.status}`).sort(),
  };
}

async function endOf({ world, refundIds, disputeId, subscriptionId }: AfterSalePlay): Promise<string> {
  const { refunds, disputes, subscriptions } = world.dependencies;
  const ends: string[] = [];
  for (const refundId of refundIds) {
    const refund = await refunds.getRefund(refundId);
    ends.push(refund === undefined ? 'no refund' : `refund ${refund.state}`);
  }
  if (refundIds.length === 0 && disputeId !== '')
    ends.push(`dispute ${(await disputes.getDispute(disputeId))?.stage ?? 'not recorded'}`);
  if (subscriptionId !== '')
    ends.push(`subscription ${(await subscriptions.getSubscription(subscriptionId))?.stage ?? 'not recorded'}`);
  return ends.join(', ');
}

async function noticesOf(play: AfterSalePlay): Promise<Notice[]> {
  const text = `SELECT kind, status, data::text AS data, due_at, subject_type FROM notices
    WHERE subject_id = ANY($1) ORDER BY due_at, notice_key`;
  return (await play.world.dependencies.pool.query(text, [play.subjects])).rows as Notice[];
}

async function openExceptions(play: AfterSalePlay): Promise<{ kind: string; owner: string }[]> {
  const text = `SELECT kind, owner FROM exceptions
    WHERE resolved_at IS NULL AND (workflow_id = ANY($1) OR order_id = $2)`;
  return (await play.world.dependencies.pool.query(text, [play.workflows, play.orderId])).rows as never;
}

/** Refunds that are reserved, not sent, and no person's: nobody would ever ask why. */
export async function untold(play: AfterSalePlay): Promise<string[]> {
  // Where it could not be recorded, the search attribute shows it.
  if (play.plan.faults.some((one) => one.activity === 'flagRefund')) return [];
  const { rows } = await play.world.dependencies.pool.query<{ refund_id: string }>(
    `SELECT refund_id FROM refund_parts WHERE refund_id = ANY($1) AND status = 'begun'
       AND NOT EXISTS (SELECT FROM exceptions WHERE workflow_id = 'refund-' || refund_id AND resolved_at IS NULL)`,
    [play.refundIds],
  );
  return rows.map((one) => `step ${play.plan.step}: ${one.refund_id} is not sent and nobody is told`);
}
