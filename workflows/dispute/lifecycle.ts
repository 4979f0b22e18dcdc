import {
  getExternalWorkflowHandle,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { SignalDefinition } from '@temporalio/common';
import { FIRST_TRY_OPTIONS, LOOKUP_OPTIONS, MONEY_OPTIONS, STORAGE_OPTIONS } from '../kit/activity-options';
import type { DisputeInput, DisputeStatus } from './messages';
import type { DisputeActivities, DisputeProviderActivities, DisputeStep } from './ports';
import { iso } from '../domain/shared/deadlines';
import { isOpen, isSettled } from '../domain/dispute/dispute';
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
import { exceptionLine, Lifecycle, waitingLine, type Shown } from '../kit/lifecycle';
import { searchAttributes } from '../kit/search-attributes';

const provider = proxyActivities<DisputeProviderActivities>(LOOKUP_OPTIONS);
const firstTry = proxyLocalActivities<DisputeProviderActivities>(FIRST_TRY_OPTIONS);
export const records = proxyLocalActivities<DisputeActivities>(STORAGE_OPTIONS);

/** How long after a failure a step is tried again: an outage of minutes passes, a person has time to look. */
const RETRY_MS = 10 * 60_000;

/** Beside webhooks the provider is asked: soon after something happened, then seldom, for a bank takes weeks to decide. */
const FIRST_POLL_MS = 3_600_000;
const LONGEST_POLL_MS = 3 * 24 * 3_600_000;

/** What one run of a dispute's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class DisputeLifecycle extends Lifecycle<DisputeRecord, DisputeDue> {
  readonly disputeId: string;
  readonly policy: DisputePolicy;
  readonly exceptions: OrderExceptions;
  toldOpen: boolean | undefined;
  private notBeforeMs = 0;
  private collectAtMs = 0;
  private lookedAtMs = 0;
  private pollMs = FIRST_POLL_MS;

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
    return isSettled(this.facts) && !this.isHinted && this.queue.idle;
  }

  /** What every step says: which dispute, and this workflow's clock. */
  get now(): DisputeStep {
    return { disputeId: this.disputeId, now: iso(Date.now()) };
  }

  set(record: DisputeRecord): void {
    const isNews = this.known === undefined || JSON.stringify(this.known) !== JSON.stringify(record);
    // After a change more often comes than after weeks of silence.
    if (isNews) this.pollMs = FIRST_POLL_MS;
    this.keep(record);
  }

  due(): DisputeDue | undefined {
    const { notBeforeMs, collectAtMs, lookedAtMs, pollMs } = this;
    const context = { notBeforeMs, collectAtMs, lookedAtMs, pollAtMs: lookedAtMs + pollMs };
    return nextDisputeDue(this.facts, this.policy, context);
  }

  /** Keeps the steps of a kind still for a while after one failed or changed nothing. */
  pause(kind: DisputeDue['kind']): void {
    const untilMs = Date.now() + RETRY_MS;
    if (kind === 'collect') this.collectAtMs = untilMs;
    else this.notBeforeMs = untilMs;
  }

  /** Asks the provider; false where it is no dispute of ours. */
  async sync(): Promise<boolean> {
    this.isHinted = false;
    const summary = `Ask Stripe how ${this.disputeId} stands`;
    const { now } = this;
    const record = await localFirst(
      () => firstTry.syncDispute.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [now]),
      () => provider.syncDispute.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [now]),
    );
    this.lookedAtMs = Date.now();
    if (record === null) return false;
    this.pollMs = Math.min(this.pollMs * 2, LONGEST_POLL_MS);
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
   * Tells the order, which stops or goes on, and the refunds of the payment, which must not give back what the bank took.
   * Only after it is recorded: from then on the database refuses what they would do without knowing.
   */
  async tellOthers(): Promise<void> {
    const record = this.facts;
    const open = isOpen(record);
    if (this.toldOpen === open) return;
    this.toldOpen = open;
    if (!isTerminal(record.orderState)) await tell(workflowIds.order(record.orderId), orderChanged);
    if (!open) return;
    const { disputeId } = this;
    for (const refundId of record.openRefunds) await tell(workflowIds.refund(refundId), refundDisputed, { disputeId });
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

/** A workflow that has ended loads its facts anew when it is started again. */
async function tell<Args extends unknown[]>(
  workflowId: string,
  signal: SignalDefinition<Args>,
  ...args: Args
): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(signal, ...args);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.info('a workflow that a dispute concerns does not run', { workflowId, signal: signal.name });
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
        ? `Nobody has decided. Just before ${dueBy} the policy (${policy.onDeadline}) does.`
        : ''
      : `Decided by ${decision.actor}: ${decision.action}${decision.refused === undefined ? '' : `, refused by the provider (${decision.refused})`}.`,
    submittedAt === undefined ? '' : `Evidence was submitted at ${submittedAt}.`,
    isOpen(record) && left !== '' ? `Nothing ships while it is open. Left: ${left}.` : '',
  ];
}
