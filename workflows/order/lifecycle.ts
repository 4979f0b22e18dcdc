import { proxyLocalActivities } from '@temporalio/workflow';
import type { OrderFacts } from '../domain/order/order';
import { nextDue, type Due, type DueContext } from '../domain/order/next-due';
import type { ExceptionKind } from '../domain/exception/exception';
import { isTerminal } from '../domain/order/state';
import { STORAGE_OPTIONS } from '../kit/activity-options';
import { OrderExceptions } from '../kit/exceptions';
import { Lifecycle, RETRY_MS } from '../kit/lifecycle';
import type { Shown } from '../kit/search-attributes';
import type { WorkflowStatus } from '../kit/messages';
import { Backoff } from '../kit/waiting';
import type { AuthorizePaymentInput } from '../payment/ports';
import type { OrderInput, RefusedCapture, UnfinishedSteps } from './messages';
import type { OrderActivities } from './ports';
import { shownOrder } from './shown';

export const records = proxyLocalActivities<OrderActivities>(STORAGE_OPTIONS);

/** The first tries follow each other soon: an order may be without a hold meanwhile, and an outage of minutes is no case. */
const SOON_MS = 60_000;
const TRIES_BEFORE_A_PERSON = 5;

/** The first question after the customer was asked to act, and the longest pause between two. */
const FIRST_POLL_MS = 60_000;
const LONGEST_POLL_MS = 6 * 3_600_000;

/** What one run of an order's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class OrderLifecycle extends Lifecycle<OrderFacts, Due> implements DueContext {
  readonly orderId: string;
  readonly exceptions: OrderExceptions;
  /** Steps whose outcome is not known, and when they are tried again; undefined where there are none. */
  unfinished: { -readonly [K in keyof UnfinishedSteps]: UnfinishedSteps[K] };
  retryAtMs: number | undefined;
  pollAtMs = 0;
  voidAtMs = 0;
  /** A replaced hold could not be voided and a person was asked; kept across runs, so that the exception is closed one day. */
  voidFailed: boolean;
  /** What the provider refused to capture, and has not captured since. */
  refusedCaptures: readonly RefusedCapture[];
  /** The step that failed on a mistake of our own. */
  failedStep: string | undefined;
  /** Automatic steps that failed in a row. */
  private failures = 0;
  private renewalTries = 0;
  private readonly poll = new Backoff(FIRST_POLL_MS, LONGEST_POLL_MS);

  constructor({ orderId, unsettled, letGoFailed, refusedCaptures }: OrderInput) {
    super(`order ${orderId}`, 'loading the order');
    this.orderId = orderId;
    this.exceptions = new OrderExceptions(
      () => orderId,
      undefined,
      undefined,
      (facts) => this.set(facts),
    );
    this.unfinished = { ...unsettled };
    this.voidFailed = letGoFailed ?? false;
    this.refusedCaptures = refusedCaptures ?? [];
    if (this.hasUnfinished) this.retryAtMs = Date.now();
  }

  due(): Due | undefined {
    return nextDue(this.facts, this);
  }

  get isOver(): boolean {
    return isTerminal(this.facts.state) && this.due() === undefined && this.queue.idle;
  }

  set(facts: OrderFacts): void {
    this.keep(facts);
  }

  /** Loads the order as Postgres has it now. */
  async reload(): Promise<OrderFacts> {
    this.set(await records.allocateOrder({ orderId: this.orderId }));
    return this.facts;
  }

  private get hasUnfinished(): boolean {
    return Object.values(this.unfinished).some((step) => step !== undefined);
  }

  /** Remembers a step whose outcome is not known; it is tried again after a pause until its outcome is known. */
  retryLater(steps: UnfinishedSteps): void {
    Object.assign(this.unfinished, steps);
    this.postponeRetry();
    this.version += 1;
  }

  /** Remembers a renewal of unknown outcome. True once it has been tried for so long that a person should look. */
  retryRenewalLater(authorization: AuthorizePaymentInput): boolean {
    this.renewalTries += 1;
    this.retryLater({ authorization });
    if (this.renewalTries >= TRIES_BEFORE_A_PERSON) return true;
    this.retryAtMs = Date.now() + SOON_MS;
    return false;
  }

  postponeRetry(): void {
    this.retryAtMs = Date.now() + RETRY_MS;
  }

  /** Forgets a step: its outcome is known. */
  finish(step: keyof UnfinishedSteps): void {
    delete this.unfinished[step];
    if (step === 'authorization') this.renewalTries = 0;
    if (!this.hasUnfinished) this.retryAtMs = undefined;
    this.version += 1;
  }

  /** As `finish`, with the step's exception. That is closed first: once the step is forgotten, nothing closes it. */
  async conclude(step: keyof UnfinishedSteps, kind: ExceptionKind): Promise<void> {
    if (this.unfinished[step] === undefined) return;
    await this.exceptions.resolve(kind);
    this.finish(step);
  }

  voidLater(): void {
    this.voidFailed = true;
    this.voidAtMs = Date.now() + RETRY_MS;
  }

  /** Counts a step that failed; its pause is short at first. True once so many have failed in a row that a person should look. */
  countFailure(): boolean {
    this.failures += 1;
    if (this.failures >= TRIES_BEFORE_A_PERSON) return true;
    this.pause(undefined, SOON_MS);
    return false;
  }

  /** An automatic step succeeded. */
  endFailures(): void {
    this.failures = 0;
  }

  startPolling(): void {
    this.poll.restart();
    this.pollAtMs = Date.now() + this.poll.ms;
  }

  pollLater(): void {
    this.poll.lengthen();
    this.pollAtMs = Date.now() + this.poll.ms;
  }

  /** What the next run begins with. The names of its fields are those of recorded histories. */
  next(): OrderInput {
    const { orderId, unfinished, voidFailed, refusedCaptures } = this;
    return {
      ...{ orderId, unsettled: unfinished, ...(voidFailed && { letGoFailed: voidFailed }) },
      ...(refusedCaptures.length > 0 && { refusedCaptures }),
    };
  }

  status(): WorkflowStatus {
    const { orderId, step, waiting } = this;
    return { orderId, step, waiting };
  }

  protected show(facts: OrderFacts): Shown {
    return shownOrder(facts);
  }
}
