import { planNotices, type PlannedNotice } from '../../workflows/domain/dunning/dunning';
import { nextLook } from '../../workflows/domain/dunning/look';
import { untrueNotices } from '../../workflows/domain/dunning/rules';
import { subscriptionFacts } from '../../workflows/domain/subscription/facts';
import { isOver } from '../../workflows/domain/subscription/stage';
import type { DunningPolicy, SubscriptionStage, QueuedNotice } from '../../workflows/domain/subscription/subscription';
import type { InvoiceSnapshot, SubscriptionSnapshot } from '../../workflows/domain/subscription/snapshot';
import { at, DAY_MS, HOUR_MS, invoiceSnapshot, MINUTE_MS, snapshot } from './facts/subscription';

/** One planned try of an invoice. After a hard decline the provider counts it and makes none. */
export interface Try {
  readonly atMs: number;
  readonly declineCode: string;
}

/** What happens to one renewal, told by nobody or by some events. */
export interface Story {
  readonly madeMs: number;
  /** In order; the first one is the first failure. */
  readonly tries: readonly Try[];
  /** The money comes: by a try that succeeds, or by the customer. */
  readonly paidMs?: number;
  /** What the provider does after the last try. */
  readonly outcome: 'canceled' | 'unpaid' | 'past_due';
  /** Times at which an event wakes the follower. */
  readonly heardMs: readonly number[];
  readonly timeZone: string;
  readonly isTrial: boolean;
  readonly policy: DunningPolicy;
  /** A next try is planned this long after one failed: until then it is absent, as in the first event. */
  readonly plannedAfterMs: number;
}

export interface Told {
  readonly ms: number;
  readonly notice: PlannedNotice;
  readonly stage: SubscriptionStage;
}

export interface Played {
  readonly told: readonly Told[];
  /** How often somebody looked, and why. */
  readonly looks: readonly { readonly ms: number; readonly why: string }[];
}

const HARD: ReadonlySet<string> = new Set(['lost_card', 'authentication_required']);

/** The provider at a moment: objects as they would be fetched. */
export function providerAt(story: Story, ms: number): SubscriptionSnapshot {
  const { madeMs, tries, paidMs = Infinity, isTrial } = story;
  const before = tries.filter((one) => one.atMs <= ms && one.atMs < paidMs);
  const lastTry = tries.at(-1)?.atMs ?? Infinity;
  const base = {
    timeZone: story.timeZone,
    currentPeriodEnd: at(ms < madeMs ? madeMs : madeMs + 60 * DAY_MS),
    ...(isTrial && { trialEndsAt: at(madeMs) }),
  };
  const start = invoiceSnapshot({
    invoiceId: 'in_0',
    status: 'paid',
    amountDue: 0,
    attemptCount: 0,
    createdAt: at(madeMs - 14 * DAY_MS),
  });
  if (ms < madeMs) {
    return snapshot({
      ...base,
      providerStatus: isTrial ? 'trialing' : 'active',
      everPaid: !isTrial,
      invoices: [start],
    });
  }
  const invoice = invoiceAt(story, before, ms);
  const everPaid = !isTrial || ms >= paidMs;
  const isLost = ms >= lastTry && paidMs > lastTry;
  const status = invoice.status === 'paid' || before.length === 0 ? 'active' : isLost ? story.outcome : 'past_due';
  const ended = status === 'canceled' ? { endedAt: at(lastTry), endReason: 'payment_failed' } : {};
  return snapshot({ ...base, ...ended, everPaid, providerStatus: status, invoices: [invoice, start] });
}

function invoiceAt(
  { madeMs, tries, plannedAfterMs, paidMs = Infinity }: Story,
  before: readonly Try[],
  ms: number,
): InvoiceSnapshot {
  const { nextAttemptAt: _n, failedAt: _f, declineCode: _d, ...blank } = invoiceSnapshot({ createdAt: at(madeMs) });
  if (ms >= paidMs) return { ...blank, status: 'paid', amountPaid: blank.amountDue, attemptCount: before.length };
  if (before.length === 0) return { ...blank, status: 'draft', attemptCount: 0 };
  const made = before.filter((_one, index) => !before.slice(0, index).some((one) => HARD.has(one.declineCode)));
  const last = made.at(-1);
  const next = tries[before.length];
  const isPlanned = next !== undefined && ms >= (before.at(-1)?.atMs ?? 0) + plannedAfterMs;
  return {
    ...blank,
    attemptCount: before.length,
    ...(last && { failedAt: at(last.atMs), declineCode: last.declineCode }),
    ...(isPlanned && { nextAttemptAt: at(next.atMs) }),
  };
}

/** Failures that a bank made: those that are only counted are none. */
export function failuresOf({ tries, paidMs = Infinity }: Story): readonly Try[] {
  const firstHard = tries.findIndex((one) => HARD.has(one.declineCode));
  return tries.filter((one, index) => one.atMs < paidMs && (firstHard === -1 || index <= firstHard));
}

/** Follows a story as the workflow does: looks, takes back, tells what is due, sleeps until the next look. */
export function follow(story: Story): Played {
  const told: Told[] = [];
  const looks: { ms: number; why: string }[] = [];
  const endMs = story.madeMs + 65 * DAY_MS;
  let why = 'start';
  for (let ms = story.madeMs - 5 * DAY_MS; ms < endMs;) {
    looks.push({ ms, why });
    const context = { now: at(ms), policy: story.policy };
    const said: QueuedNotice[] = told.map((one) => ({ ...one.notice, at: at(one.ms) }));
    const facts = { ...subscriptionFacts(providerAt(story, ms), context), told: said };
    const planned = planNotices(facts, ms, story.policy);
    const due = planned.filter((one) => Date.parse(one.dueAt) <= ms);
    if (due.some((one) => untrueNotices(facts).includes(one.kind))) throw new Error('planned and untrue at once');
    told.push(...due.map((notice) => ({ ms, notice, stage: facts.stage })));
    const next = nextLook(facts, ms, story.policy);
    const heard = isOver(facts.stage) ? undefined : story.heardMs.find((one) => one > ms);
    if (next !== undefined && Date.parse(next.at) <= ms) throw new Error(`a look that is not later: ${next.why}`);
    const nextMs = Math.min(next === undefined ? Infinity : Date.parse(next.at), heard ?? Infinity);
    why = nextMs === heard ? 'heard' : (next?.why ?? '');
    ms = nextMs;
  }
  return { told, looks };
}

/** Looks between the first failure and the end: what a cycle costs. */
export function looksOfCycle(
  story: Story,
  { looks }: Played,
): readonly { readonly ms: number; readonly why: string }[] {
  const [first] = story.tries;
  const endMs = Math.min(story.paidMs ?? Infinity, story.tries.at(-1)?.atMs ?? Infinity) + DAY_MS;
  return looks.filter((one) => first !== undefined && one.ms >= first.atMs && one.ms <= endMs);
}

/** Eight tries in two weeks, closer together at first, as Smart Retries like to have them. Renewed at ten in the morning. */
export function usualStory(policy: DunningPolicy, declineCode: string, changes: Partial<Story> = {}): Story {
  const madeMs = Date.parse('2026-03-02T09:00:00.000Z');
  const firstMs = madeMs + HOUR_MS;
  const days = [0, 1, 3, 5, 7, 9, 11, 13];
  const tries = days.map((day) => ({ atMs: firstMs + day * DAY_MS, declineCode }));
  return {
    madeMs,
    tries,
    outcome: 'canceled',
    heardMs: [firstMs],
    timeZone: 'UTC',
    isTrial: false,
    policy,
    plannedAfterMs: MINUTE_MS,
    ...changes,
  };
}
