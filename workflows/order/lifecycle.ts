import {
  isCancellation,
  log,
  proxyLocalActivities,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { STORAGE_OPTIONS } from '../kit/activity-options';
import { formatMoney, type Money } from '../domain/shared/money';
import { heldNow, remainingLines } from '../domain/order/order';
import type { ExceptionKind } from '../domain/exception/exception';
import type { OrderFacts } from '../domain/order/order';
import { isTerminal } from '../domain/order/state';
import { waitingFor } from '../domain/shared/waiting';
import type { OrderInput, RefusedCapture, UnsettledSteps } from './messages';
import type { Refusal } from '../domain/order/commands';
import type { WorkflowStatus } from '../kit/messages';
import type { AuthorizePaymentInput } from '../payment/ports';
import type { OrderActivities } from './ports';
import { OrderExceptions } from '../kit/exceptions';
import type { ExceptionDesk } from '../kit/exceptions';
import { searchAttributes } from '../kit/search-attributes';
import { MovingDeadline, SerialQueue } from '../kit/waiting';

export const records = proxyLocalActivities<OrderActivities>(STORAGE_OPTIONS);

/** How long after a failure an automatic step is tried again: an outage of minutes passes, a person has time to look. */
const RETRY_MS = 10 * 60_000;

/** The first tries follow each other soon: an order may be without a hold meanwhile, and an outage of minutes is no case. */
const SOON_MS = 60_000;
const TRIES_BEFORE_A_PERSON = 5;

/** The first question after the customer was asked to act, and the longest pause between two. */
const FIRST_POLL_MS = 60_000;
const LONGEST_POLL_MS = 6 * 3_600_000;

/** What one run of an order's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class OrderContext {
  readonly orderId: string;
  readonly queue = new SerialQueue();
  readonly deadline = new MovingDeadline();
  readonly exceptions = new OrderExceptions(() => this.orderId);
  readonly desk: ExceptionDesk;
  unsettled: { -readonly [K in keyof UnsettledSteps]: UnsettledSteps[K] };
  settleAtMs: number | undefined;
  notBeforeMs = 0;
  pollAtMs = 0;
  letGoAtMs = 0;
  /** A replaced hold could not be voided and a person was asked; kept across runs, or nobody would close the exception. */
  letGoFailed: boolean;
  private renewalTries = 0;
  /** What the provider refused to capture, and has not captured since. */
  refusedCaptures: readonly RefusedCapture[];
  /** Automatic steps that failed in a row. */
  private failures = 0;
  /** Counts every change, so that the main loop wakes and looks again. */
  version = 0;
  step = 'loading the order';
  loaded = false;
  /** The step that failed on a mistake of our own. */
  failedStep: string | undefined;
  private known: OrderFacts | undefined;
  private pollMs: number = FIRST_POLL_MS;
  private shown = '';

  constructor(input: OrderInput) {
    this.orderId = input.orderId;
    this.unsettled = { ...input.unsettled };
    this.letGoFailed = input.letGoFailed ?? false;
    this.refusedCaptures = input.refusedCaptures ?? [];
    if (this.hasUnsettled()) this.settleAtMs = Date.now();
    this.desk = {
      raise: (kind, message) => this.raise(kind, message, 'payments'),
      resolve: (kind) => this.resolve(kind),
      decisions: this.exceptions.decisions,
    };
  }

  /** The order as the last step left it. Only after it was found; see `loaded`. */
  get facts(): OrderFacts {
    if (this.known === undefined) throw new TypeError(`order ${this.orderId} was used before it was loaded`);
    return this.known;
  }

  get exists(): boolean {
    return this.known !== undefined;
  }

  set(facts: OrderFacts): void {
    this.known = facts;
    this.version += 1;
  }

  /** Loads the order as Postgres has it now. */
  async reload(): Promise<OrderFacts> {
    this.set(await records.allocateOrder({ orderId: this.orderId }));
    return this.facts;
  }

  hasUnsettled(): boolean {
    const { capture, cancel, authorization } = this.unsettled;
    return capture !== undefined || cancel !== undefined || authorization !== undefined;
  }

  /** Remembers a step whose outcome is not known; it is tried again after a pause until it is settled. */
  unsettle(steps: UnsettledSteps): void {
    Object.assign(this.unsettled, steps);
    this.settleAtMs = Date.now() + RETRY_MS;
    this.version += 1;
  }

  /** Remembers a renewal of unknown outcome. True once it has been tried for so long that a person should look. */
  unsettleRenewal(authorization: AuthorizePaymentInput): boolean {
    this.renewalTries += 1;
    this.unsettle({ authorization });
    if (this.renewalTries >= TRIES_BEFORE_A_PERSON) return true;
    this.settleAtMs = Date.now() + SOON_MS;
    return false;
  }

  postponeSettling(): void {
    this.settleAtMs = Date.now() + RETRY_MS;
  }

  settled(step: keyof UnsettledSteps): void {
    delete this.unsettled[step];
    if (step === 'authorization') this.renewalTries = 0;
    if (!this.hasUnsettled()) this.settleAtMs = undefined;
    this.version += 1;
  }

  /** Ends a step whose outcome is known now. Its exception is closed first: a step that is forgotten closes none any more. */
  async conclude(step: keyof UnsettledSteps, kind: ExceptionKind): Promise<void> {
    if (this.unsettled[step] === undefined) return;
    await this.resolve(kind);
    this.settled(step);
  }

  letGoLater(): void {
    this.letGoFailed = true;
    this.letGoAtMs = Date.now() + RETRY_MS;
  }

  /** Keeps automatic steps still for a while after one did not help. */
  pause(): void {
    this.notBeforeMs = Date.now() + RETRY_MS;
  }

  /** As `pause`, after a failure: briefly at first. True once steps have failed so often in a row that a person should look. */
  pauseAfterFailure(): boolean {
    this.failures += 1;
    const isLasting = this.failures >= TRIES_BEFORE_A_PERSON;
    this.notBeforeMs = Date.now() + (isLasting ? RETRY_MS : SOON_MS);
    return isLasting;
  }

  /** An automatic step went through. */
  endFailures(): void {
    this.failures = 0;
  }

  startPolling(): void {
    this.pollMs = FIRST_POLL_MS;
    this.pollAtMs = Date.now() + this.pollMs;
  }

  pollLater(): void {
    this.pollMs = Math.min(this.pollMs * 2, LONGEST_POLL_MS);
    this.pollAtMs = Date.now() + this.pollMs;
  }

  async raise(
    kind: ExceptionKind,
    message: string,
    owner: string,
    amountAtRisk?: Money,
    replacesText = false,
  ): Promise<void> {
    const facts = await this.exceptions.raise(kind, message, owner, amountAtRisk, replacesText);
    if (facts !== null) this.set(facts);
  }

  /**
   * Raises the exception of a step that failed and is tried again. Where that cannot be recorded, the step's own answer stands all
   * the same: its next failure raises it.
   */
  async report(...raised: Parameters<OrderContext['raise']>): Promise<void> {
    try {
      await this.raise(...raised);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.error('an exception could not be recorded', {
        orderId: this.orderId,
        kind: raised[0],
        error: String(error),
      });
    }
  }

  async resolve(...kinds: ExceptionKind[]): Promise<void> {
    const facts = await this.exceptions.resolve(...kinds);
    if (facts !== null) this.set(facts);
  }

  refusal(reason: Refusal['reason'], message: string): Refusal {
    return { accepted: false, reason, message };
  }

  status(): WorkflowStatus {
    return { orderId: this.orderId, step: this.step, waiting: (this.known && waitingFor(this.known)) ?? null };
  }

  /** Shows where the order stands: search attributes (one event, only where something changed) and current details (none). */
  publish(): void {
    if (this.known === undefined) return;
    const facts = this.known;
    const waiting = waitingFor(facts);
    setCurrentDetails(details(facts));
    const pairs: SearchAttributeUpdatePair[] = [
      { key: searchAttributes.orderState, value: facts.state },
      { key: searchAttributes.paymentState, value: facts.paymentState },
      { key: searchAttributes.waitingOn, value: waiting?.on ?? null },
      { key: searchAttributes.waitingUntil, value: waiting === undefined ? null : new Date(waiting.until) },
      { key: searchAttributes.exceptionKind, value: facts.exception?.kind ?? null },
      // A command that starts the order anew does not know it.
      { key: searchAttributes.channel, value: facts.channel },
    ];
    const written = JSON.stringify(pairs.map((pair) => pair.value));
    if (written === this.shown) return;
    this.shown = written;
    upsertSearchAttributes(pairs);
  }
}

/** What the Temporal UI shows of an order, in markdown. */
function details(facts: OrderFacts): string {
  const amount = (value: number): string => formatMoney({ amount: value, currency: facts.currency });
  const waiting = waitingFor(facts);
  const open = remainingLines(facts).map((line) => `${line.quantity} × ${line.sku}`);
  return [
    `**Order ${facts.orderId}** is **${facts.state}**, its payment **${facts.paymentState}**.`,
    waiting === undefined
      ? 'It waits for nobody.'
      : `Waits for the **${waiting.on}** until ${waiting.until}: ${waiting.why}.`,
    facts.exception === undefined
      ? ''
      : `**Exception ${facts.exception.kind}** (owner: ${facts.exception.owner}): ${facts.exception.message}`,
    `Held now ${amount(heldNow(facts.amounts))}, captured ${amount(facts.amounts.captured)}, released ${amount(facts.amounts.released)}.`,
    facts.hold === undefined
      ? 'No card hold is open.'
      : `Card hold ${facts.hold.paymentIntentId} must be captured before ${facts.hold.captureBefore}.`,
    open.length === 0 || isTerminal(facts.state) ? '' : `To ship: ${open.join(', ')}.`,
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}
