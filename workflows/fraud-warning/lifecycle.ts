import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import { FIRST_TRY_OPTIONS, LOOKUP_OPTIONS, STORAGE_OPTIONS } from '../kit/activity-options';
import type { FraudWarningInput, FraudWarningStatus } from './messages';
import type { FraudWarningActivities, FraudWarningProviderActivities, FraudWarningStep } from './ports';
import { iso } from '../domain/shared/deadlines';
import { fraudWarningWaiting } from '../domain/dispute/fraud-warning';
import type { FraudWarningRecord } from '../domain/dispute/fraud-warning';
import { formatMoney } from '../domain/shared/money';
import { localFirst } from '../kit/local-first';
import type { RefundActivities } from '../refund/ports';
import { OrderExceptions } from '../kit/exceptions';
import { Lifecycle, type Due } from '../kit/lifecycle';
import { exceptionLine, searchAttributes, waitingLine, type Shown } from '../kit/search-attributes';
import { Backoff } from '../kit/waiting';

const provider = proxyActivities<FraudWarningProviderActivities>(LOOKUP_OPTIONS);
const firstTry = proxyLocalActivities<FraudWarningProviderActivities>(FIRST_TRY_OPTIONS);
export const records = proxyLocalActivities<FraudWarningActivities & RefundActivities>(STORAGE_OPTIONS);

/** Beside webhooks the provider is asked whether the warning still matters: daily at first, then weekly. */
const FIRST_POLL_MS = 24 * 3_600_000;
const LONGEST_POLL_MS = 7 * 24 * 3_600_000;

/** What one run of a warning's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class FraudWarningLifecycle extends Lifecycle<FraudWarningRecord> {
  readonly warningId: string;
  readonly exceptions: OrderExceptions;
  private lookedAtMs = 0;
  // The first look lengthens it.
  private readonly poll = new Backoff(FIRST_POLL_MS / 2, LONGEST_POLL_MS);

  constructor(readonly input: FraudWarningInput) {
    super(`early fraud warning ${input.warningId}`, 'looking at the warning');
    this.warningId = input.warningId;
    this.exceptions = new OrderExceptions(
      () => this.known?.orderId ?? input.orderId,
      () => this.forgetShown(),
    );
  }

  get isOver(): boolean {
    return this.facts.ended !== undefined && !this.isHinted && this.queue.idle;
  }

  get now(): FraudWarningStep {
    return { warningId: this.warningId, now: iso(Date.now()) };
  }

  due(): Due | undefined {
    if (this.isOver) return undefined;
    const { lookedAtMs, poll } = this;
    const atMs = Math.min(lookedAtMs + poll.ms, Math.max(Date.parse(this.facts.until), lookedAtMs + 1));
    return { kind: 'look', atMs, then: 'ask Stripe whether it still matters' };
  }

  set(record: FraudWarningRecord): void {
    this.keep(record);
  }

  /** Asks the provider; false where it is no warning of ours. */
  async sync(): Promise<boolean> {
    this.isHinted = false;
    const summary = `Ask Stripe about ${this.warningId}`;
    const input = { ...this.now, limitMs: this.input.policy.limitMs };
    const record = await localFirst(
      () => firstTry.syncFraudWarning.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
      () => provider.syncFraudWarning.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [input]),
    );
    this.lookedAtMs = Date.now();
    this.poll.lengthen();
    if (record === null) return false;
    this.set(record);
    return true;
  }

  status(): FraudWarningStatus {
    const { warningId, step, known, waiting } = this;
    return { warningId, ended: known?.ended ?? null, step, waiting };
  }

  protected show(record: FraudWarningRecord): Shown {
    const { warningId, orderId, fraudType, refundable, currency, decision, ended, exceptions } = record;
    const waiting = fraudWarningWaiting(record);
    return {
      waiting,
      exceptionKind: exceptions[0]?.kind,
      attributes: [{ key: searchAttributes.orderId, value: orderId }],
      details: [
        `**Early fraud warning ${warningId}** for order ${orderId}: ${fraudType}.`,
        waiting === undefined ? `Closed: **${ended ?? ''}**.` : waitingLine(waiting),
        `Could be refunded: ${formatMoney({ amount: Math.max(0, refundable), currency })}.`,
        decision === undefined ? '' : `Decided by ${decision.actor}: ${decision.action}.`,
        ...exceptions.map(exceptionLine),
      ],
    };
  }
}
