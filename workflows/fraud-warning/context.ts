import {
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { FIRST_TRY_OPTIONS, LOOKUP_OPTIONS, STORAGE_OPTIONS } from '../kit/activity-options';
import type { FraudWarningInput, FraudWarningStatus } from './messages';
import type { FraudWarningActivities, FraudWarningProviderActivities, FraudWarningStep } from './ports';
import { iso } from '../domain/shared/deadlines';
import { fraudWarningWaiting } from '../domain/dispute/fraud-warning';
import type { FraudWarningRecord } from '../domain/dispute/fraud-warning';
import { formatMoney } from '../domain/shared/money';
import { localFirst } from '../kit/local-first';
import type { OrderActivities } from '../order/ports';
import type { RefundActivities } from '../refund/ports';
import { Decisions, ExceptionKeys } from '../kit/saga';
import type { ExceptionDesk } from '../kit/saga';
import { searchAttributes } from '../kit/search-attributes';
import { MovingDeadline, SerialQueue } from '../kit/waiting';

const provider = proxyActivities<FraudWarningProviderActivities>(LOOKUP_OPTIONS);
const firstTry = proxyLocalActivities<FraudWarningProviderActivities>(FIRST_TRY_OPTIONS);
export const records = proxyLocalActivities<FraudWarningActivities & RefundActivities & OrderActivities>(
  STORAGE_OPTIONS,
);

/** Beside webhooks the provider is asked whether the warning still matters: daily at first, then weekly. */
const FIRST_POLL_MS = 24 * 3_600_000;
const LONGEST_POLL_MS = 7 * 24 * 3_600_000;

/** What one run of a warning's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class FraudWarningContext {
  readonly warningId: string;
  readonly queue = new SerialQueue();
  readonly deadline = new MovingDeadline();
  readonly desk: ExceptionDesk;
  version = 0;
  isHinted = false;
  loaded = false;
  step = 'looking at the warning';
  private readonly keys = new ExceptionKeys();
  private known: FraudWarningRecord | undefined;
  private lookedAtMs = 0;
  private pollMs = FIRST_POLL_MS / 2;
  private shown = '';

  constructor(readonly input: FraudWarningInput) {
    this.warningId = input.warningId;
    const { workflowId } = workflowInfo();
    const order = (): string => {
      const orderId = this.known?.orderId ?? input.orderId;
      if (orderId === undefined) throw new TypeError(`the order of warning ${this.warningId} is not known yet`);
      return orderId;
    };
    this.desk = {
      raise: (kind, message) => {
        const operationKey = this.keys.of(kind);
        return records.raiseException({ orderId: order(), workflowId, kind, message, owner: 'payments', operationKey });
      },
      resolve: async (kind) => {
        const operationKeys = [this.keys.of(kind)];
        await records.resolveException({ orderId: order(), workflowId, kinds: [kind], operationKeys });
        this.keys.close(kind);
        // What the attribute shows now was not written here.
        this.shown = '';
      },
      decisions: new Decisions((command) => records.decideException({ workflowId, ...command })),
    };
  }

  /** The warning as the last step left it. Only after it was found; see `loaded`. */
  get record(): FraudWarningRecord {
    if (this.known === undefined) throw new TypeError(`warning ${this.warningId} was used before it was loaded`);
    return this.known;
  }

  get exists(): boolean {
    return this.known !== undefined;
  }

  get isOver(): boolean {
    return this.record.ended !== undefined && !this.isHinted && this.queue.idle;
  }

  get now(): FraudWarningStep {
    return { warningId: this.warningId, now: iso(Date.now()) };
  }

  get nextLookMs(): number {
    return Math.min(this.lookedAtMs + this.pollMs, Math.max(Date.parse(this.record.until), this.lookedAtMs + 1));
  }

  set(record: FraudWarningRecord): void {
    this.known = record;
    this.version += 1;
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
    this.pollMs = Math.min(this.pollMs * 2, LONGEST_POLL_MS);
    if (record === null) return false;
    this.set(record);
    return true;
  }

  status(): FraudWarningStatus {
    const { warningId, step, known } = this;
    const waiting = (known && fraudWarningWaiting(known)) ?? null;
    return { warningId, ended: known?.ended ?? null, step, waiting };
  }

  /** Search attributes (one event, only where something changed) and current details (none). */
  publish(): void {
    const { record } = this;
    const waiting = fraudWarningWaiting(record);
    setCurrentDetails(details(record));
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
}

/** What the Temporal UI shows of a warning, in markdown. */
function details(record: FraudWarningRecord): string {
  const { warningId, orderId, fraudType, refundable, currency, decision, ended, exceptions } = record;
  const waiting = fraudWarningWaiting(record);
  return [
    `**Early fraud warning ${warningId}** for order ${orderId}: ${fraudType}.`,
    waiting === undefined
      ? `Closed: **${ended ?? ''}**.`
      : `Waits for the **${waiting.on}** until ${waiting.until}: ${waiting.why}.`,
    `Could be refunded: ${formatMoney({ amount: Math.max(0, refundable), currency })}.`,
    decision === undefined ? '' : `Decided by ${decision.actor}: ${decision.action}.`,
    ...exceptions.map((one) => `**Exception ${one.kind}** (owner: ${one.owner}): ${one.message}`),
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}
