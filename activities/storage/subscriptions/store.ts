import type { Pool } from 'pg';
import { nextLook, subscriptionWaiting } from '../../../workflows/domain/dunning/look';
import { planNotices } from '../../../workflows/domain/dunning/dunning';
import { quietHoursOf, untrueNotices } from '../../../workflows/domain/dunning/rules';
import type { NoticeStatus } from '../../../workflows/domain/notice/notices';
import { nextAllowed } from '../../../workflows/domain/notice/quiet-hours';
import { iso } from '../../../workflows/domain/shared/deadlines';
import type { DunningPolicy, SubscriptionFacts } from '../../../workflows/domain/subscription/subscription';
import { invoiceFacts, subscriptionFacts } from '../../../workflows/domain/subscription/facts';
import type { SubscriptionSnapshot } from '../../../workflows/domain/subscription/snapshot';
import { isOver } from '../../../workflows/domain/subscription/stage';
import type { FollowSubscriptionResult } from '../../../workflows/subscription/ports';
import { run, transact, type Transaction } from '../postgres/database';
import { queueNotice } from '../notices/notices';
import { statement } from '../postgres/statements';
import { raiseSubscriptionException, resolveSubscriptionException } from './exceptions';
import type { SubscriptionRecord } from './record';
import { loadSubscription, lockSubscription, withoutPage, writeSubscription } from './step';
import type { SubscriptionExceptions } from '../../../workflows/subscription/ports';

const sql = {
  version: statement('subscription-version'),
  cancel: statement('notices-cancel'),
  watch: statement('subscription-watch'),
  hinted: statement('subscription-hinted'),
};

/** A workflow that is this late has ended, e.g. terminated by hand; the next event of its subscription starts it again. */
const OVERDUE_MS = 6 * 3_600_000;

/** A tenth of a month, about as long as Stripe retries its webhooks. A change of plan from years to months moves the next look by more. */
const MUCH_EARLIER_MS = 3 * 24 * 3_600_000;

/** A fetched subscription that is to be recorded. */
export interface RecordSubscriptionInput {
  readonly snapshot: SubscriptionSnapshot;
  /** The result of `recordedVersion` before the subscription was fetched. */
  readonly seenVersion: number;
  /** The time that all planning uses: the workflow's, or the provider's. UTC ISO string. */
  readonly now: string;
  readonly policy: DunningPolicy;
  /** Is the caller the workflow itself, which sets its timer by the result? Others may have to send the workflow a hint. */
  readonly watching: boolean;
  /** Who looked, for the audit log. */
  readonly actor: string;
}

export type RecordSubscriptionResult =
  /** Somebody else has recorded since the fetch, possibly something newer: fetch again. */
  | { readonly kind: 'outdated' }
  | {
      readonly kind: 'recorded';
      readonly follow: FollowSubscriptionResult;
      readonly version: number;
      /** Would the workflow act differently if it knew? */
      readonly isNews: boolean;
    };

/**
 * The record of subscriptions. Every method is one transaction and safe to repeat.
 *
 * @throws ApplicationFailure `StorageUnavailable` (retryable) if Postgres cannot be reached
 */
export interface SubscriptionStore extends SubscriptionExceptions {
  /** Counts the records of a subscription; 0 if there is none. */
  recordedVersion(subscriptionId: string): Promise<number>;
  /**
   * Records the changes with their events, cancels notices that are no longer true, queues those that are due, and returns when
   * something is due next.
   */
  recordSubscription(input: RecordSubscriptionInput): Promise<RecordSubscriptionResult>;
  /** Records that the workflow got a hint about everything up to this version. */
  markHinted(subscriptionId: string, version: number): Promise<void>;
}

export interface SubscriptionStoreDeps {
  readonly pool: Pool;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

export function createSubscriptionStore(deps: SubscriptionStoreDeps): SubscriptionStore {
  const { pool } = deps;
  const now = deps.now ?? (() => new Date());
  return {
    async recordedVersion(subscriptionId) {
      const [row] = await run<{ version: number }>(pool, sql.version, [subscriptionId]);
      return row?.version ?? 0;
    },
    recordSubscription: (input) => recordSubscription(pool, now(), input),
    async markHinted(subscriptionId, version) {
      await run(pool, sql.hinted, [subscriptionId, version]);
    },
    raiseSubscriptionException: (input) => raiseSubscriptionException(pool, now(), input),
    resolveSubscriptionException: (input) => resolveSubscriptionException(pool, now(), input),
  };
}

async function recordSubscription(
  pool: Pool,
  now: Date,
  input: RecordSubscriptionInput,
): Promise<RecordSubscriptionResult> {
  const { snapshot, policy, seenVersion, actor } = input;
  const { subscriptionId } = snapshot;
  return transact(pool, async (tx) => {
    lockSubscription(tx, subscriptionId);
    const record = await loadSubscription(tx, subscriptionId);
    if ((record?.version ?? 0) !== seenVersion) return { kind: 'outdated' };
    // The facts depend only on the snapshot; the record is needed only to know since when the stage has been the same.
    const at = laterOf(input.now, record?.facts.fetchedAt);
    const { stage } = subscriptionFacts(snapshot, { now: at, policy });
    const stageSince = record?.facts.stage === stage ? (record.facts.stageSince ?? at) : at;
    const untold = subscriptionFacts(snapshot, { now: at, policy, stageSince });
    // Cancels first: a recovery is announced only if the notice of the failure could not be cancelled.
    const told = await cancelUntrueNotices(tx, untold, record, now);
    const facts = { ...untold, told };
    const operationKey = `subscription:${subscriptionId}:${seenVersion + 1}`;
    const cause = { operationKey, action: 'follow subscription', actor, nowIso: now.toISOString() };
    const invoices = snapshot.invoices.map(invoiceFacts);
    const waiting = subscriptionWaiting(facts, policy);
    const version = writeSubscription(tx, record, { facts, invoices, waiting }, cause);
    const follow = queueDueNotices(tx, facts, policy, now);
    if (input.watching) watch(tx, record, follow);
    return { kind: 'recorded', follow, version, isNews: isNews(record, follow, version, policy) };
  });
}

/** Cancels waiting notices that are no longer true; returns those that were sent or will be. */
async function cancelUntrueNotices(
  tx: Transaction,
  facts: SubscriptionFacts,
  record: SubscriptionRecord | undefined,
  now: Date,
): Promise<SubscriptionFacts['told']> {
  const untrue = untrueNotices(facts);
  const told = record?.facts.told ?? [];
  const isOpen = record?.notices.some((one) => !isFinal(one.status) && untrue.includes(one.kind)) ?? false;
  if (!isOpen) return told;
  // The table decides, because a relay may have begun to send one of them since the record was read.
  const overtaken = await tx.query<OvertakenRow>(sql.cancel, ['subscription', facts.subscriptionId, untrue, now]);
  const keys = new Set(overtaken.filter((one) => one.neverSent).map((one) => one.noticeKey));
  return told.filter((one) => !keys.has(one.noticeKey));
}

interface OvertakenRow {
  readonly noticeKey: string;
  readonly neverSent: boolean;
}

/** Is it too late to cancel the notice? */
function isFinal(status: NoticeStatus): boolean {
  return status === 'sent' || status === 'canceled';
}

/** Queues the notices that are due; returns the facts with them, and when something is due next. */
function queueDueNotices(
  tx: Transaction,
  facts: SubscriptionFacts,
  policy: DunningPolicy,
  now: Date,
): FollowSubscriptionResult {
  const nowMs = Date.parse(facts.fetchedAt);
  const due = planNotices(facts, nowMs, policy).filter((one) => Date.parse(one.dueAt) <= nowMs);
  for (const notice of due) queueNotice(tx, { ...notice, dueAt: facts.fetchedAt }, now);
  const nextDue = nextLook(facts, nowMs, policy);
  const told = [...facts.told, ...due.map(({ noticeKey, kind }) => ({ noticeKey, kind, at: iso(nowMs) }))];
  const { invoice, ...rest } = facts;
  return {
    facts: { ...rest, ...(invoice && { invoice: withoutPage(invoice) }), told },
    ...(nextDue && { nextDue }),
  };
}

function watch(
  tx: Transaction,
  record: SubscriptionRecord | undefined,
  { facts, nextDue }: FollowSubscriptionResult,
): void {
  const isKnown =
    record?.watchedStage === facts.stage && record.wakeAt === nextDue?.at && record.wakeWhy === nextDue?.why;
  if (isKnown) return;
  const { subscriptionId, stage, fetchedAt } = facts;
  tx.write(sql.watch, [subscriptionId, stage, nextDue?.at ?? null, nextDue?.why ?? null, fetchedAt]);
}

/**
 * Would the workflow act differently if it knew? The answer depends on the record and not on what changed just now, so that it is
 * the same for the next caller if this process dies before it has sent the hint. It is news if
 * - no workflow follows the subscription, or the workflow is long overdue;
 * - a notice is due well before the workflow wakes;
 * - the workflow shows another stage and does not look by itself within hours or the next morning: a failure that heals within its
 *   grace, just before the look at the renewal, then costs no history events;
 * - the workflow would look much earlier. Looks only cover lost webhooks, so a day or two make no difference.
 */
function isNews(
  record: SubscriptionRecord | undefined,
  { facts, nextDue }: FollowSubscriptionResult,
  version: number,
  policy: DunningPolicy,
): boolean {
  if (record !== undefined && record.hintedVersion >= version) return false;
  if (record?.watchedStage === undefined) return !isOver(facts.stage) || nextDue !== undefined;
  const nowMs = Date.parse(facts.fetchedAt);
  const wakeMs = record.wakeAt === undefined ? Infinity : Date.parse(record.wakeAt);
  const sayMs = Math.min(...planNotices(facts, nowMs, policy).map((one) => Date.parse(one.dueAt)));
  if (nowMs > wakeMs + OVERDUE_MS || sayMs + policy.settlingMs < wakeMs) return true;
  // When the look at a renewal happens: this long after the period's end, or after the quiet hours.
  const renewalMs = nowMs + policy.finalizationMs + policy.graceMs;
  const isSoon = wakeMs <= nextAllowed(renewalMs, quietHoursOf(facts, policy));
  if (record.watchedStage !== facts.stage && !isSoon) return true;
  return nextDue !== undefined && Date.parse(nextDue.at) < wakeMs - MUCH_EARLIER_MS;
}

/** Looks may be recorded in any order, but the time for planning never goes back. */
function laterOf(one: string, other: string | undefined): string {
  return other !== undefined && Date.parse(other) > Date.parse(one) ? other : new Date(one).toISOString();
}
