import {
  getExternalWorkflowHandle,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { SearchAttributeUpdatePair, SignalDefinition } from '@temporalio/common';
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
import type { OrderActivities } from '../order/ports';
import { refundDisputed } from '../refund/messages';
import { Decisions, ExceptionKeys } from '../kit/saga';
import type { ExceptionDesk } from '../kit/saga';
import { searchAttributes } from '../kit/search-attributes';
import { MovingDeadline, SerialQueue } from '../kit/waiting';

const provider = proxyActivities<DisputeProviderActivities>(LOOKUP_OPTIONS);
const firstTry = proxyLocalActivities<DisputeProviderActivities>(FIRST_TRY_OPTIONS);
export const records = proxyLocalActivities<DisputeActivities & OrderActivities>(STORAGE_OPTIONS);

/** How long after a failure a step is tried again: an outage of minutes passes, a person has time to look. */
const RETRY_MS = 10 * 60_000;

/** Beside webhooks the provider is asked: soon after something happened, then seldom, for a bank takes weeks to decide. */
const FIRST_POLL_MS = 3_600_000;
const LONGEST_POLL_MS = 3 * 24 * 3_600_000;

/** What one run of a dispute's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class DisputeContext {
  readonly disputeId: string;
  readonly policy: DisputePolicy;
  readonly queue = new SerialQueue();
  readonly deadline = new MovingDeadline();
  readonly desk: ExceptionDesk;
  /** Counts every change, so that the main loop wakes and looks again. */
  version = 0;
  /** Hints that were not followed yet. */
  hints = 0;
  step = 'looking at the dispute';
  loaded = false;
  toldOpen: boolean | undefined;
  private readonly keys = new ExceptionKeys();
  private readonly orderId: string | undefined;
  private known: DisputeRecord | undefined;
  private notBeforeMs = 0;
  private collectAtMs = 0;
  private lookedAtMs = 0;
  private pollMs = FIRST_POLL_MS;
  private shown = '';

  constructor(input: DisputeInput) {
    this.disputeId = input.disputeId;
    this.policy = input.policy;
    this.orderId = input.orderId;
    this.toldOpen = input.toldOpen;
    const { workflowId } = workflowInfo();
    this.desk = {
      raise: (kind, message) =>
        records.raiseException({
          ...{ orderId: this.order(), workflowId, kind, message, owner: 'payments', operationKey: this.keys.of(kind) },
          ...(this.known && { amountAtRisk: { amount: this.known.amount, currency: this.known.currency } }),
        }),
      resolve: async (kind) => {
        const operationKeys = [this.keys.of(kind)];
        await records.resolveException({ orderId: this.order(), workflowId, kinds: [kind], operationKeys });
        this.keys.close(kind);
        // What the attribute shows now was not written here.
        this.shown = '';
      },
      decisions: new Decisions((command) => records.decideException({ workflowId, ...command })),
    };
  }

  /** The dispute as the last step left it. Only after it was found; see `loaded`. */
  get record(): DisputeRecord {
    if (this.known === undefined) throw new TypeError(`dispute ${this.disputeId} was used before it was loaded`);
    return this.known;
  }

  get exists(): boolean {
    return this.known !== undefined;
  }

  get isOver(): boolean {
    return isSettled(this.record) && this.hints === 0 && this.queue.idle;
  }

  /** What every step says: which dispute, and this workflow's clock. */
  get now(): DisputeStep {
    return { disputeId: this.disputeId, now: iso(Date.now()) };
  }

  set(record: DisputeRecord): void {
    const isNews = this.known === undefined || JSON.stringify(this.known) !== JSON.stringify(record);
    // After a change more often comes than after weeks of silence.
    if (isNews) this.pollMs = FIRST_POLL_MS;
    this.known = record;
    this.version += 1;
  }

  due(): DisputeDue | undefined {
    const { notBeforeMs, collectAtMs, lookedAtMs, pollMs } = this;
    const context = { notBeforeMs, collectAtMs, lookedAtMs, pollAtMs: lookedAtMs + pollMs };
    return nextDisputeDue(this.record, this.policy, context);
  }

  /** Keeps the steps of a kind still for a while after one failed or changed nothing. */
  pause(kind: DisputeDue['kind']): void {
    const untilMs = Date.now() + RETRY_MS;
    if (kind === 'collect') this.collectAtMs = untilMs;
    else this.notBeforeMs = untilMs;
  }

  /** Asks the provider; false where it is no dispute of ours. */
  async sync(): Promise<boolean> {
    this.hints = 0;
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
    const summary = `${this.record.decision?.action ?? 'Nothing'} for ${this.disputeId}, as decided`;
    this.set(await provider.carryOutDispute.executeWithOptions({ ...MONEY_OPTIONS, summary }, [this.now]));
  }

  /**
   * Tells the order, which stops or goes on, and the refunds of the payment, which must not give back what the bank took.
   * Only after it is recorded: from then on the database refuses what they would do without knowing.
   */
  async tellOthers(): Promise<void> {
    const { record } = this;
    const open = isOpen(record);
    if (this.toldOpen === open) return;
    this.toldOpen = open;
    if (!isTerminal(record.orderState)) await tell(workflowIds.order(record.orderId), orderChanged);
    if (!open) return;
    const { disputeId } = this;
    for (const refundId of record.openRefunds) await tell(workflowIds.refund(refundId), refundDisputed, { disputeId });
  }

  status(): DisputeStatus {
    const { disputeId, step, known } = this;
    return { disputeId, stage: known?.stage ?? null, step, waiting: (known && disputeWaiting(known)) ?? null };
  }

  /** Shows where the dispute stands: search attributes (one event, only where something changed) and current details (none). */
  publish(): void {
    const { record } = this;
    const waiting = disputeWaiting(record);
    setCurrentDetails(details(record, this.policy));
    const pairs: SearchAttributeUpdatePair[] = [
      { key: searchAttributes.orderId, value: record.orderId },
      { key: searchAttributes.waitingOn, value: waiting?.on ?? null },
      { key: searchAttributes.waitingUntil, value: waiting === undefined ? null : new Date(waiting.until) },
      { key: searchAttributes.exceptionKind, value: record.exceptions[0]?.kind ?? null },
    ];
    const written = JSON.stringify(pairs.map((pair) => pair.value));
    if (written === this.shown) return;
    this.shown = written;
    upsertSearchAttributes(pairs);
  }

  private order(): string {
    const orderId = this.known?.orderId ?? this.orderId;
    if (orderId === undefined) throw new TypeError(`the order of dispute ${this.disputeId} is not known yet`);
    return orderId;
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
function details(record: DisputeRecord, policy: DisputePolicy): string {
  const { disputeId, orderId, stage, providerStatus, round, reason, decision, dueBy, submittedAt } = record;
  const money = (amount: number): string => formatMoney({ amount, currency: record.currency });
  const waiting = disputeWaiting(record);
  const what = record.isInquiry ? 'Inquiry' : 'Dispute';
  const [exception] = record.exceptions;
  const left = record.linesToShip.map((line) => `${line.quantity} × ${line.sku}`).join(', ');
  return [
    `**${what} ${disputeId}** of order ${orderId} over ${money(record.amount)} (${reason}) is **${stage}** (${providerStatus}), round ${round}.`,
    waiting === undefined
      ? 'It waits for nobody.'
      : `Waits for the **${waiting.on}** until ${waiting.until}: ${waiting.why}.`,
    exception === undefined ? '' : `**Exception ${exception.kind}** (owner: ${exception.owner}): ${exception.message}`,
    `Withdrawn ${money(record.withdrawn)}; fees ${formatMoney({ amount: Math.max(0, record.feeAmount), currency: record.feeCurrency })}.`,
    decision === undefined
      ? stage === 'evidence_due' && dueBy !== undefined
        ? `Nobody has decided. Just before ${dueBy} the policy (${policy.onDeadline}) does.`
        : ''
      : `Decided by ${decision.actor}: ${decision.action}${decision.refused === undefined ? '' : `, refused by the provider (${decision.refused})`}.`,
    submittedAt === undefined ? '' : `Evidence was submitted at ${submittedAt}.`,
    isOpen(record) && left !== '' ? `Nothing ships while it is open. Left: ${left}.` : '',
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}
