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

/** A workflow that is so late is not there any more, e.g. ended by hand: whoever has news of its subscription starts it anew. */
const OVERDUE_MS = 6 * 3_600_000;

/** A tenth of a month, about as long as Stripe itself goes on telling: a change of plan from years to months is beyond it. */
const MUCH_EARLIER_MS = 3 * 24 * 3_600_000;

/** What was fetched of a subscription, to be recorded. */
export interface RecordSubscriptionInput {
  readonly snapshot: SubscriptionSnapshot;
  /** What `recordedVersion` said before it was fetched. */
  readonly seenVersion: number;
  /** The clock that all planning goes by: the workflow's, or the provider's. UTC ISO string. */
  readonly now: string;
  readonly policy: DunningPolicy;
  /** By the workflow itself, which sees it and sets its timer by it; else by somebody who may have to tell the workflow. */
  readonly watching: boolean;
  /** Who looked, for the audit log. */
  readonly actor: string;
}

export type RecordSubscriptionResult =
  /** Somebody recorded something since this was fetched, which may be newer: fetch again. */
  | { readonly kind: 'outdated' }
  | {
      readonly kind: 'recorded';
      readonly follow: FollowSubscriptionResult;
      readonly version: number;
      /** The workflow would do something else if it knew. */
      readonly isNews: boolean;
    };

/**
 * The facts of subscriptions. Every method is one transaction and safe to repeat.
 *
 * @throws ApplicationFailure `StorageUnavailable` (retryable) where Postgres could not be asked
 */
export interface SubscriptionStore extends SubscriptionExceptions {
  /** Counts what was recorded of it; 0 where nothing is. */
  recordedVersion(subscriptionId: string): Promise<number>;
  /**
   * Records what is new with its events, takes back the notices that are not true any more, queues those that are due, and
   * says when something is due next.
   */
  recordSubscription(input: RecordSubscriptionInput): Promise<RecordSubscriptionResult>;
  /** The workflow was told of everything up to this version. */
  markHinted(subscriptionId: string, version: number): Promise<void>;
}

export interface SubscriptionStoreDeps {
  readonly pool: Pool;
  /** For tests; the computer's clock otherwise. */
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
    // The facts are a function of what was fetched; only the stage is needed to know since when it is so.
    const at = laterOf(input.now, record?.facts.fetchedAt);
    const { stage } = subscriptionFacts(snapshot, { now: at, policy });
    const stageSince = record?.facts.stage === stage ? (record.facts.stageSince ?? at) : at;
    const untold = subscriptionFacts(snapshot, { now: at, policy, stageSince });
    // Before what was told is read: a recovery is told only to those whose notice of the failure could not be taken back.
    const told = await takeBack(tx, untold, record, now);
    const facts = { ...untold, told };
    const operationKey = `subscription:${subscriptionId}:${seenVersion + 1}`;
    const cause = { operationKey, action: 'follow subscription', actor, nowIso: now.toISOString() };
    const invoices = snapshot.invoices.map(invoiceFacts);
    const waiting = subscriptionWaiting(facts, policy);
    const version = writeSubscription(tx, record, { facts, invoices, waiting }, cause);
    const follow = tell(tx, facts, policy, now);
    if (input.watching) watch(tx, record, follow);
    return { kind: 'recorded', follow, version, isNews: isNews(record, follow, version, policy) };
  });
}

/** Takes back what waits and is not true any more; answers with what was told, or is on its way to be. */
async function takeBack(
  tx: Transaction,
  facts: SubscriptionFacts,
  record: SubscriptionRecord | undefined,
  now: Date,
): Promise<SubscriptionFacts['told']> {
  const untrue = untrueNotices(facts);
  const told = record?.facts.told ?? [];
  const isOpen = record?.notices.some((one) => !isSettled(one.status) && untrue.includes(one.kind)) ?? false;
  if (!isOpen) return told;
  // Asked of the table itself: a relay may have taken one of them since it was read, and that one is told then.
  const overtaken = await tx.query<OvertakenRow>(sql.cancel, ['subscription', facts.subscriptionId, untrue, now]);
  const keys = new Set(overtaken.filter((one) => one.toldNobody).map((one) => one.noticeKey));
  return told.filter((one) => !keys.has(one.noticeKey));
}

interface OvertakenRow {
  readonly noticeKey: string;
  readonly toldNobody: boolean;
}

/** Can nothing that becomes true make a difference to it any more? */
function isSettled(status: NoticeStatus): boolean {
  return status === 'sent' || status === 'canceled';
}

/** Queues what is due; answers with what is told then, and when something is due next. */
function tell(tx: Transaction, facts: SubscriptionFacts, policy: DunningPolicy, now: Date): FollowSubscriptionResult {
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
 * Would the workflow do something else if it knew? Asked of what is recorded and not of what was new just now, so it comes out
 * the same for who comes next where this process dies before it has told. It is news
 * - where nobody follows the subscription, or who did is long overdue;
 * - where something is to be said well before the workflow wakes;
 * - where the stage is not the one that it shows, unless it looks by itself in some hours, or in the morning: a failure that heals within its grace,
 *   just before the look at the renewal, costs no history then;
 * - where it would look much earlier. Looks are for what nobody tells: a day or two more or less find no other thing.
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
  // The look at a renewal is so long after the period's end, or after the quiet hours that this falls into.
  const renewalMs = nowMs + policy.finalizationMs + policy.graceMs;
  const isSoon = wakeMs <= nextAllowed(renewalMs, quietHoursOf(facts, policy));
  if (record.watchedStage !== facts.stage && !isSoon) return true;
  return nextDue !== undefined && Date.parse(nextDue.at) < wakeMs - MUCH_EARLIER_MS;
}

/** Two looks may come in any order; planning never goes back. */
function laterOf(one: string, other: string | undefined): string {
  return other !== undefined && Date.parse(other) > Date.parse(one) ? other : new Date(one).toISOString();
}
