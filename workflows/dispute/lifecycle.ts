import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import { FIRST_TRY_OPTIONS, LOOKUP_OPTIONS, MONEY_OPTIONS, STORAGE_OPTIONS } from '../kit/activity-options';
import type { DisputeInput, DisputeStatus } from './messages';
import type { DisputeActivities, DisputeProviderActivities, DisputeStep } from './ports';
import { iso } from '../domain/shared/deadlines';
import { isOpen, isDisputeOver } from '../domain/dispute/dispute';
import type { DisputeRecord } from '../domain/dispute/dispute';
import { disputeWaiting, nextDisputeDue } from '../domain/dispute/plan';
import type { DisputeDue, DisputePolicy } from '../domain/dispute/plan';
import { formatMoney } from '../domain/shared/money';
import { isTerminal } from '../domain/order/state';
import { localFirst } from '../kit/local-first';
import { orderChanged } from '../order/messages';
import { workflowIds } from '../kit/names';
import { refundDisputed } from '../refund/messages';
import { OrderExceptions } from '../kit/exceptions';
import { Lifecycle, RETRY_MS } from '../kit/lifecycle';
import { exceptionLine, searchAttributes, waitingLine, type Shown } from '../kit/search-attributes';
import { signalIfRunning } from '../kit/signal';
import { Backoff } from '../kit/waiting';

const provider = proxyActivities<DisputeProviderActivities>(LOOKUP_OPTIONS);
const firstTry = proxyLocalActivities<DisputeProviderActivities>(FIRST_TRY_OPTIONS);
export const records = proxyLocalActivities<DisputeActivities>(STORAGE_OPTIONS);

/** Beside webhooks the provider is asked: soon after a change, then seldom, since a bank takes weeks to decide. */
const FIRST_POLL_MS = 3_600_000;
const LONGEST_POLL_MS = 3 * 24 * 3_600_000;

/** What one run of a dispute's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class DisputeLifecycle extends Lifecycle<DisputeRecord, DisputeDue> {
  readonly disputeId: string;
  readonly policy: DisputePolicy;
  readonly exceptions: OrderExceptions;
  toldOpen: boolean | undefined;
  private collectAtMs = 0;
  private lookedAtMs = 0;
  private readonly poll = new Backoff(FIRST_POLL_MS, LONGEST_POLL_MS);

  constructor(private readonly input: DisputeInput) {
    super(`dispute ${input.disputeId}`, 'looking at the dispute');
    this.disputeId = input.disputeId;
    this.policy = input.policy;
    this.toldOpen = input.toldOpen;
    this.exceptions = new OrderExceptions(
      () => this.known?.orderId ?? input.orderId,
      () => this.forgetShown(),
      () => this.known && { amount: this.known.amount, currency: this.known.currency },
    );
  }

  get isOver(): boolean {
    return isDisputeOver(this.facts) && !this.isHinted && this.queue.idle;
  }

  /** The input of every step: which dispute, and this workflow's clock. */
  get now(): DisputeStep {
    return { disputeId: this.disputeId, now: iso(Date.now()) };
  }

  set(record: DisputeRecord): void {
    const isNews = this.known === undefined || JSON.stringify(this.known) !== JSON.stringify(record);
    // The next change is more likely soon after one than after weeks of silence.
    if (isNews) this.poll.restart();
    this.keep(record);
  }

  due(): DisputeDue | undefined {
    const { notBeforeMs, collectAtMs, lookedAtMs, poll } = this;
    const context = { notBeforeMs, collectAtMs, lookedAtMs, pollAtMs: lookedAtMs + poll.ms };
    return nextDisputeDue(this.facts, this.policy, context);
  }

  /** Collecting has a pause of its own: one that fails must not delay the decision. */
  override pause(kind?: DisputeDue['kind']): void {
    if (kind === 'collect') this.collectAtMs = Date.now() + RETRY_MS;
    else super.pause(kind);
  }

  /** Asks the provider; false where it is no dispute of ours. */
  async sync(): Promise<boolean> {
    this.isHinted = false;
    const summary = `Ask Stripe about ${this.disputeId}`;
    const { now } = this;
    const record = await localFirst(
      () => firstTry.syncDispute.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [now]),
      () => provider.syncDispute.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [now]),
    );
    this.lookedAtMs = Date.now();
    if (record === null) return false;
    this.poll.lengthen();
    this.set(record);
    return true;
  }

  async collect(): Promise<void> {
    const summary = `Collect the evidence for ${this.disputeId}`;
    this.set(await provider.collectEvidence.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [this.now]));
  }

  async carryOut(): Promise<void> {
    const summary = `${this.facts.decision?.action ?? 'Nothing'} for ${this.disputeId}, as decided`;
    this.set(await provider.carryOutDispute.executeWithOptions({ ...MONEY_OPTIONS, summary }, [this.now]));
  }

  /**
   * Signals the order, which stops or resumes shipping, and the refunds of the payment, which must not give back what the bank
   * took. Only after the dispute is recorded: from then on the database refuses what they would do without knowing of it.
   */
  async signalOthers(): Promise<void> {
    const record = this.facts;
    const open = isOpen(record);
    if (this.toldOpen === open) return;
    this.toldOpen = open;
    if (!isTerminal(record.orderState)) await signalIfRunning(workflowIds.order(record.orderId), orderChanged);
    if (!open) return;
    const { disputeId } = this;
    for (const refundId of record.openRefunds)
      await signalIfRunning(workflowIds.refund(refundId), refundDisputed, { disputeId });
  }

  status(): DisputeStatus {
    const { disputeId, step, known, waiting } = this;
    return { disputeId, stage: known?.stage ?? null, step, waiting };
  }

  protected show(record: DisputeRecord): Shown {
    const waiting = disputeWaiting(record);
    const [exception] = record.exceptions;
    return {
      waiting,
      exceptionKind: exception?.kind,
      attributes: [{ key: searchAttributes.orderId, value: record.orderId }],
      details: details(record, this.policy),
    };
  }
}

/** What the Temporal UI shows of a dispute, in markdown. */
function details(record: DisputeRecord, policy: DisputePolicy): string[] {
  const { disputeId, orderId, stage, providerStatus, round, reason, decision, dueBy, submittedAt } = record;
  const money = (amount: number): string => formatMoney({ amount, currency: record.currency });
  const what = record.isInquiry ? 'Inquiry' : 'Dispute';
  const left = record.linesToShip.map((line) => `${line.quantity} × ${line.sku}`).join(', ');
  return [
    `**${what} ${disputeId}** of order ${orderId} over ${money(record.amount)} (${reason}) is **${stage}** (${providerStatus}), round ${round}.`,
    waitingLine(disputeWaiting(record)),
    exceptionLine(record.exceptions[0]),
    `Withdrawn ${money(record.withdrawn)}; fees ${formatMoney({ amount: Math.max(0, record.feeAmount), currency: record.feeCurrency })}.`,
    decision === undefined
      ? stage === 'evidence_due' && dueBy !== undefined
        ? `No person has decided. Just before ${dueBy} the policy (${policy.onDeadline}) decides.`
        : ''
      : `Decided by ${decision.actor}: ${decision.action}${decision.refused === undefined ? '' : `, refused by the provider (${decision.refused})`}.`,
    submittedAt === undefined ? '' : `Evidence was submitted at ${submittedAt}.`,
    isOpen(record) && left !== '' ? `Nothing ships while it is open. Left: ${left}.` : '',
  ];
}
