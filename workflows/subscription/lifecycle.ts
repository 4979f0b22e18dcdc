import {
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import {
  AUTHORIZE_OPTIONS,
  FIRST_TRY_OPTIONS,
  LOOKUP_OPTIONS,
  MONEY_OPTIONS,
  STORAGE_OPTIONS,
} from '../kit/activity-options';
import { iso } from '../domain/shared/deadlines';
import { planNotices } from '../domain/dunning/dunning';
import { subscriptionWaiting } from '../domain/dunning/look';
import { formatMoney } from '../domain/shared/money';
import type { SubscriptionFacts } from '../domain/subscription/subscription';
import { isOver } from '../domain/subscription/stage';
import type { Waiting } from '../domain/shared/waiting';
import { localFirst } from '../kit/local-first';
import { ExceptionKeys } from '../kit/exceptions';
import { searchAttributes } from '../kit/search-attributes';
import type { SubscriptionInput, SubscriptionStatus } from './messages';
import type {
  FollowSubscriptionResult,
  PaySubscriptionResult,
  SubscriptionActivities,
  SubscriptionDesk,
} from './ports';
import { MovingDeadline, SerialQueue } from '../kit/waiting';

const provider = proxyActivities<SubscriptionActivities>(LOOKUP_OPTIONS);
const firstTry = proxyLocalActivities<SubscriptionActivities>(FIRST_TRY_OPTIONS);
const desk = proxyLocalActivities<SubscriptionDesk>(STORAGE_OPTIONS);

/** The first pause after a look failed for good, and the longest: an outage of hours needs no look every minute. */
const FIRST_PAUSE_MS = 10 * 60_000;
const LONGEST_PAUSE_MS = 6 * 3_600_000;

/** What one run of a subscription's workflow holds in memory; all facts come back from every look. */
export class SubscriptionLifecycle {
  readonly subscriptionId: string;
  readonly queue = new SerialQueue();
  /** A subscription's deadlines seldom move, and then by days. */
  readonly deadline = new MovingDeadline(false);
  /** Something may have changed: look before waiting on. */
  wantsLook = true;
  /** The first look is over, whatever came of it. */
  loaded = false;
  /** The provider knows no such subscription. */
  unknown = false;
  /** An operator has ended the following. */
  stopped = false;
  step = 'looking at the subscription';
  /** Counts every change of the facts, so that the main loop wakes and waits for what is due now. */
  version = 0;
  private last: FollowSubscriptionResult | undefined;
  private pauseMs: number | undefined;
  private retryAtMs = 0;
  private readonly keys = new ExceptionKeys();
  private shown = '';

  constructor(readonly input: SubscriptionInput) {
    this.subscriptionId = input.subscriptionId;
    this.pauseMs = input.pauseMs;
  }

  get facts(): SubscriptionFacts | undefined {
    return this.last?.facts;
  }

  /** Looks have failed for good, and a person was told. */
  get troubled(): boolean {
    return this.pauseMs !== undefined;
  }

  /** What comes next by itself, and when; undefined where nothing does. */
  get due(): { readonly atMs: number; readonly why: string } | undefined {
    if (this.troubled) return { atMs: this.retryAtMs, why: 'to look again, after looks that failed' };
    const nextDue = this.last?.nextDue;
    return nextDue && { atMs: Date.parse(nextDue.at), why: nextDue.why };
  }

  /** Nothing more can come, and everything that was to be said is queued. */
  get isDone(): boolean {
    if (!this.queue.idle) return false;
    if (this.unknown || this.stopped) return true;
    return this.facts !== undefined && isOver(this.facts.stage) && this.due === undefined;
  }

  async set(result: FollowSubscriptionResult): Promise<void> {
    this.last = result;
    this.version += 1;
    if (!this.troubled) return;
    const { workflowId } = workflowInfo();
    const { subscriptionId, keys } = this;
    const kinds = ['subscription_unreadable'] as const;
    const operationKeys = [keys.of(kinds[0])];
    await desk.resolveSubscriptionException({ subscriptionId, workflowId, kinds, operationKeys });
    keys.close(kinds[0]);
    this.pauseMs = undefined;
  }

  /** A look failed for good: a person is told once, and it is tried again at widening distances. */
  async trouble(what: string): Promise<void> {
    const isFirst = !this.troubled;
    this.pauseMs = Math.min((this.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
    this.retryAtMs = Date.now() + this.pauseMs;
    this.version += 1;
    if (!isFirst) return;
    const { workflowId } = workflowInfo();
    const kind = 'subscription_unreadable';
    await desk.raiseSubscriptionException({
      subscriptionId: this.subscriptionId,
      workflowId,
      kind,
      operationKey: this.keys.of(kind),
      message: `Could not ${what}: subscription ${this.subscriptionId} stands still, and its customer is told nothing, until it can.`,
      owner: 'payments',
    });
  }

  /** What a run that continues as new hands to the next. */
  next(): SubscriptionInput {
    const { subscriptionId, policy } = this.input;
    return { subscriptionId, policy, ...(this.pauseMs !== undefined && { pauseMs: this.pauseMs }) };
  }

  status(): SubscriptionStatus {
    const { subscriptionId, step, facts } = this;
    return { subscriptionId, step, stage: facts?.stage ?? null, waiting: this.waiting ?? null };
  }

  /** Shows where the subscription stands: search attributes (one event, only where something changed) and details (none). */
  publish(): void {
    const { facts, waiting } = this;
    setCurrentDetails(this.details());
    const pairs: SearchAttributeUpdatePair[] = [
      { key: searchAttributes.paymentState, value: facts?.stage ?? null },
      { key: searchAttributes.waitingOn, value: waiting?.on ?? null },
      { key: searchAttributes.waitingUntil, value: waiting === undefined ? null : new Date(waiting.until) },
      { key: searchAttributes.exceptionKind, value: this.troubled ? 'subscription_unreadable' : null },
    ];
    const written = JSON.stringify(pairs.map((pair) => pair.value));
    if (written === this.shown) return;
    this.shown = written;
    upsertSearchAttributes(pairs);
  }

  private get waiting(): Waiting | undefined {
    return this.facts && subscriptionWaiting(this.facts, this.input.policy);
  }

  /** What the Temporal UI shows, in markdown: whom it waits for and why, what is owed, what was said and what is going to be. */
  private details(): string {
    const { facts, waiting, due } = this;
    if (facts === undefined) {
      return this.unknown
        ? `The provider knows no subscription **${this.subscriptionId}**.`
        : `Subscription **${this.subscriptionId}** has not been seen yet.`;
    }
    const planned = planNotices(facts, Date.now(), this.input.policy).map((one) => `${one.kind} at ${one.dueAt}`);
    const told = facts.told.map((one) => `${one.kind} at ${one.at}`);
    return [
      `**Subscription ${facts.subscriptionId}** is **${facts.stage}** (trial: ${facts.trial}); its customer is ${facts.entitled ? '' : 'not '}entitled.`,
      waiting === undefined ? 'It is over.' : `Waits for the **${waiting.on}** until ${waiting.until}: ${waiting.why}.`,
      this.troubled ? '**Exception subscription_unreadable** (owner: payments).' : '',
      due === undefined ? '' : `Looks again ${iso(due.atMs)}, ${due.why}.`,
      invoiceLine(facts),
      told.length === 0 ? '' : `Said: ${told.join(', ')}.`,
      planned.length === 0 ? '' : `To be said: ${planned.join(', ')}.`,
    ]
      .filter((line) => line !== '')
      .join('\n\n');
  }
}

function invoiceLine({ invoice }: SubscriptionFacts): string {
  if (invoice === undefined) return '';
  const { invoiceId, status, amountDue, currency, attemptCount, nextAttemptAt, declineClass } = invoice;
  const tries = attemptCount === 0 ? '' : `, tried ${attemptCount} times`;
  const refused = declineClass === undefined ? '' : `, refused (${declineClass})`;
  const next = nextAttemptAt === undefined ? '' : `, next ${nextAttemptAt}`;
  return `Invoice ${invoiceId} over ${formatMoney({ amount: amountDue, currency })} is ${status}${tries}${refused}${next}.`;
}

/** One look at the provider, recorded. */
export function follow(life: SubscriptionLifecycle): Promise<FollowSubscriptionResult> {
  const summary = life.due === undefined ? 'Look at the subscription' : `Look at the subscription, ${life.due.why}`;
  const input = lookInput(life);
  return localFirst(
    () => firstTry.followSubscription.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
    () => provider.followSubscription.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [input]),
  );
}

/** Dunning is over and the policy says that it ends. */
export function end(life: SubscriptionLifecycle): Promise<FollowSubscriptionResult> {
  const summary = 'End the subscription: its invoice is tried no more';
  const input = lookInput(life);
  return localFirst(
    () => firstTry.endSubscription.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
    () => provider.endSubscription.executeWithOptions({ ...MONEY_OPTIONS, summary }, [input]),
  );
}

/** A customer's new payment method, while they wait. */
export function payNow(
  life: SubscriptionLifecycle,
  paymentMethod: string,
  attemptKey: string,
): Promise<PaySubscriptionResult> {
  const summary = 'Pay with a new payment method';
  const input = { ...lookInput(life), paymentMethod, attemptKey };
  return localFirst(
    () => firstTry.paySubscription.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
    () => provider.paySubscription.executeWithOptions({ ...AUTHORIZE_OPTIONS, summary }, [input]),
  );
}

function lookInput({ subscriptionId, input: { policy } }: SubscriptionLifecycle) {
  return { subscriptionId, policy, now: iso(Date.now()) };
}
