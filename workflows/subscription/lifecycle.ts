import { proxyActivities, proxyLocalActivities, workflowInfo } from '@temporalio/workflow';
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
import type { DunningPolicy, SubscriptionFacts } from '../domain/subscription/subscription';
import { isOver } from '../domain/subscription/stage';
import { localFirst } from '../kit/local-first';
import { ExceptionKeys } from '../kit/exceptions';
import { Lifecycle, type Due } from '../kit/lifecycle';
import { searchAttributes, waitingLine, type Shown } from '../kit/search-attributes';
import type { SubscriptionInput, SubscriptionStatus } from './messages';
import type {
  FollowSubscriptionResult,
  PaySubscriptionResult,
  SubscriptionActivities,
  SubscriptionExceptions,
} from './ports';
import { MovingDeadline } from '../kit/waiting';

const provider = proxyActivities<SubscriptionActivities>(LOOKUP_OPTIONS);
const firstTry = proxyLocalActivities<SubscriptionActivities>(FIRST_TRY_OPTIONS);
const exceptions = proxyLocalActivities<SubscriptionExceptions>(STORAGE_OPTIONS);

/** The first pause after a look failed permanently, and the longest: an outage of hours needs no look every minute. */
const FIRST_PAUSE_MS = 10 * 60_000;
const LONGEST_PAUSE_MS = 6 * 3_600_000;

/** What comes next, and what for. */
interface SubscriptionDue extends Due {
  readonly why: string;
}

/** What the last look found; empty until one has succeeded. All of it comes back from every look. */
type Found = Partial<FollowSubscriptionResult>;

const UNREADABLE = 'subscription_unreadable';

/** A subscription as the last look found it. Its exceptions are recorded under its own id, since it belongs to no order. */
export class SubscriptionLifecycle extends Lifecycle<Found, SubscriptionDue> {
  readonly subscriptionId: string;
  /** The provider knows no such subscription. */
  isUnknown = false;
  /** An operator ended this workflow, not the subscription. */
  isStopped = false;
  private pauseMs: number | undefined;
  private retryAtMs = 0;
  private readonly keys = new ExceptionKeys();
  private readonly raisedBy: { readonly subscriptionId: string; readonly workflowId: string };

  constructor(readonly input: SubscriptionInput) {
    // A subscription's deadlines seldom move, and then by days.
    super(`subscription ${input.subscriptionId}`, 'looking at the subscription', new MovingDeadline(false));
    this.subscriptionId = input.subscriptionId;
    this.raisedBy = { subscriptionId: this.subscriptionId, workflowId: workflowInfo().workflowId };
    this.pauseMs = input.pauseMs;
    this.known = {};
  }

  override get exists(): boolean {
    return !this.isUnknown;
  }

  override get wantsTurn(): boolean {
    return this.isHinted && !this.isStopped;
  }

  get subscription(): SubscriptionFacts | undefined {
    return this.facts.facts;
  }

  /** Looks have failed permanently, and an exception is open. */
  get isUnreadable(): boolean {
    return this.pauseMs !== undefined;
  }

  due(): SubscriptionDue | undefined {
    if (this.isUnreadable) return lookAt(this.retryAtMs, 'to look again, after looks that failed');
    const { nextDue } = this.facts;
    return nextDue && lookAt(Date.parse(nextDue.at), nextDue.why);
  }

  /** Is nothing more to come, and every notice queued? */
  get isOver(): boolean {
    if (!this.queue.idle) return false;
    if (this.isUnknown || this.isStopped) return true;
    return this.subscription !== undefined && isOver(this.subscription.stage) && this.due() === undefined;
  }

  async set(result: FollowSubscriptionResult): Promise<void> {
    this.keep(result);
    if (!this.isUnreadable) return;
    const operationKeys = [this.keys.of(UNREADABLE)];
    await exceptions.resolveSubscriptionException({ ...this.raisedBy, kinds: [UNREADABLE], operationKeys });
    this.keys.close(UNREADABLE);
    this.pauseMs = undefined;
  }

  /** A look failed permanently: the first one opens an exception, and it is repeated after longer and longer pauses. */
  async lookLater(what: string): Promise<void> {
    const isFirst = !this.isUnreadable;
    this.pauseMs = Math.min((this.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
    this.retryAtMs = Date.now() + this.pauseMs;
    this.version += 1;
    if (!isFirst) return;
    await exceptions.raiseSubscriptionException({
      ...this.raisedBy,
      kind: UNREADABLE,
      operationKey: this.keys.of(UNREADABLE),
      message: `Could not ${what}: until that succeeds, subscription ${this.subscriptionId} is not updated and its customer gets no notices.`,
      owner: 'payments',
    });
  }

  /** The input of the next run, when this one continues as new. */
  next(): SubscriptionInput {
    const { subscriptionId, policy } = this.input;
    return { subscriptionId, policy, ...(this.pauseMs !== undefined && { pauseMs: this.pauseMs }) };
  }

  status(): SubscriptionStatus {
    const { subscriptionId, step, subscription, waiting } = this;
    return { subscriptionId, step, stage: subscription?.stage ?? null, waiting };
  }

  protected show({ facts }: Found): Shown {
    const { policy } = this.input;
    return {
      waiting: facts && subscriptionWaiting(facts, policy),
      exceptionKind: this.isUnreadable ? UNREADABLE : undefined,
      attributes: [{ key: searchAttributes.paymentState, value: facts?.stage ?? null }],
      details: facts === undefined ? [this.unseenLine()] : details(facts, policy, this.isUnreadable, this.due()),
    };
  }

  private unseenLine(): string {
    return this.isUnknown
      ? `The provider knows no subscription **${this.subscriptionId}**.`
      : `Subscription **${this.subscriptionId}** has not been seen yet.`;
  }
}
/** What comes next is always a look. */
function lookAt(atMs: number, why: string): SubscriptionDue {
  return { kind: 'look', atMs, why, then: `look ${why}` };
}

/** What the Temporal UI shows, in markdown: whom it waits for and why, what is owed, which notices were sent and will be. */
function details(
  facts: SubscriptionFacts,
  policy: DunningPolicy,
  isUnreadable: boolean,
  due: SubscriptionDue | undefined,
): string[] {
  const waiting = subscriptionWaiting(facts, policy);
  const planned = planNotices(facts, Date.now(), policy).map((one) => `${one.kind} at ${one.dueAt}`);
  const told = facts.told.map((one) => `${one.kind} at ${one.at}`);
  return [
    `**Subscription ${facts.subscriptionId}** is **${facts.stage}** (trial: ${facts.trial}); its customer is ${facts.entitled ? '' : 'not '}entitled.`,
    waiting === undefined ? 'It is over.' : waitingLine(waiting),
    isUnreadable ? `**Exception ${UNREADABLE}** (owner: payments).` : '',
    due === undefined ? '' : `Looks again ${iso(due.atMs)}, ${due.why}.`,
    invoiceLine(facts),
    told.length === 0 ? '' : `Notices sent: ${told.join(', ')}.`,
    planned.length === 0 ? '' : `Notices planned: ${planned.join(', ')}.`,
  ];
}

function invoiceLine({ invoice }: SubscriptionFacts): string {
  if (invoice === undefined) return '';
  const { invoiceId, status, amountDue, currency, attemptCount, nextAttemptAt, declineClass } = invoice;
  const tries = attemptCount === 0 ? '' : `, tried ${attemptCount} times`;
  const refused = declineClass === undefined ? '' : `, refused (${declineClass})`;
  const next = nextAttemptAt === undefined ? '' : `, next ${nextAttemptAt}`;
  return `Invoice ${invoiceId} over ${formatMoney({ amount: amountDue, currency })} is ${status}${tries}${refused}${next}.`;
}

/** Looks at the provider and records what is new. */
export function follow(life: SubscriptionLifecycle): Promise<FollowSubscriptionResult> {
  const due = life.due();
  const summary = due === undefined ? 'Look at the subscription' : `Look at the subscription, ${due.why}`;
  const input = lookInput(life);
  return localFirst(
    () => firstTry.followSubscription.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
    () => provider.followSubscription.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [input]),
  );
}

/** Ends a subscription at the provider after its dunning, where the policy asks for that. */
export function end(life: SubscriptionLifecycle): Promise<FollowSubscriptionResult> {
  const summary = 'End the subscription: its invoice is tried no more';
  const input = lookInput(life);
  return localFirst(
    () => firstTry.endSubscription.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
    () => provider.endSubscription.executeWithOptions({ ...MONEY_OPTIONS, summary }, [input]),
  );
}

/** Pays with a customer's new payment method, while they wait. */
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
