import type { Pool } from 'pg';
import { formatMoney } from '../../../workflows/domain/shared/money';
import type { Notice, NoticeKind } from '../../../workflows/domain/notice/notices';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { ExceptionKind } from '../../../workflows/domain/exception/exception';
import { isTerminal } from '../../../workflows/domain/order/state';
import { refundStateOf, type RefundFacts, type RefundPart } from '../../../workflows/domain/refund/refund';
import { waysOut } from '../../../workflows/domain/refund/words';
import { workflowIds } from '../../../workflows/kit/names';
import type { RefundChange } from '../../../workflows/refund/ports';
import type { StepCause } from '../audit/audit';
import { transact, type Transaction } from '../postgres/database';
import { addException, closeExceptions } from '../exceptions/exceptions';
import { notFound } from '../postgres/failures';
import { cancelNotices, queueNotice } from '../notices/notices';
import { orderRecord, type OrderRecord, type OrderRow } from '../orders/record';
import { OrderStep, type LedgerKind } from '../orders/step';
import { statement } from '../postgres/statements';

const sql = {
  lock: statement('refund-order-lock'),
  load: statement('refund-order-load'),
  write: statement('refund-write'),
  parts: statement('refund-parts-write'),
};

/** The owner of the exceptions of refunds. */
export const REFUND_OWNER = 'payments';

/** What a step on a refund reads, with its order locked. */
export interface RefundContext {
  readonly tx: Transaction;
  readonly record: OrderRecord;
  readonly refund: RefundFacts;
}

/** Locks the order of a refund and reads both. @throws ApplicationFailure `NotFound` */
export async function onRefund<T>(
  pool: Pool,
  refundId: string,
  body: (context: RefundContext) => Promise<T> | T,
): Promise<T> {
  return transact(pool, async (tx) => {
    const [, [row]] = await Promise.all([tx.query(sql.lock, [refundId]), tx.query<OrderRow>(sql.load, [refundId])]);
    const record = row && orderRecord(row.record);
    const refund = record?.facts.refunds?.find((one) => one.refundId === refundId);
    if (record === undefined || refund === undefined) throw notFound(`refund ${refundId}`);
    return body({ tx, record, refund });
  });
}

/** The result of a step that changed nothing. */
export function unchanged(refund: RefundFacts): RefundChange {
  return { refund, tell: false };
}

/**
 * The most refunds of one order that are announced in a day; the last notice says that more may follow. Nobody reads a hundred mails,
 * and mail servers treat them as spam. Refunds that need the customer or that fail are always announced.
 */
const ANNOUNCED_A_DAY = 10;

/** Counts the refunds of an order in the 24 h up to one of them, itself included. */
function refundsOfTheDay(refunds: readonly RefundFacts[], { refundId, requestedAt }: RefundFacts): number {
  const atMs = Date.parse(requestedAt);
  const isEarlier = (one: RefundFacts): boolean => {
    const beforeMs = atMs - Date.parse(one.requestedAt);
    return (
      one.refundId !== refundId && beforeMs < DAY_MS && (beforeMs > 0 || (beforeMs === 0 && one.refundId < refundId))
    );
  };
  return refunds.filter(isEarlier).length + 1;
}

const DAY_MS = 24 * 3_600_000;

/**
 * One step on one refund, within a step on its order: rows, ledger, events, notices and exceptions are written together.
 * `cause.nowIso` is the time of the workflow that follows the refund, `clock` this computer's.
 */
export class RefundStep {
  readonly order: OrderStep;
  /** Parts that failed or were canceled by this step. */
  readonly endedNow: number[] = [];
  private readonly wasOpen: boolean;
  private readonly changed = new Set<number>();

  constructor(
    private readonly tx: Transaction,
    record: OrderRecord,
    public refund: RefundFacts,
    private readonly cause: StepCause,
    private readonly clock: Date,
  ) {
    this.order = new OrderStep(tx, record, { ...cause, clock });
    this.wasOpen = !isTerminal(record.facts.state);
    // All parts of a new refund are written.
    if (!record.facts.refunds?.some((one) => one.refundId === refund.refundId)) {
      for (const { part } of refund.parts) this.changed.add(part);
    }
  }

  get nowIso(): string {
    return this.cause.nowIso;
  }

  part(number: number): RefundPart {
    const found = this.refund.parts.find((one) => one.part === number);
    if (found === undefined) throw notFound(`part ${number} of refund ${this.refund.refundId}`);
    return found;
  }

  change(changes: Partial<RefundFacts>): void {
    if (changes.parts !== undefined) for (const { part } of changes.parts) this.changed.add(part);
    this.refund = { ...this.refund, ...changes };
  }

  /** `undefined` removes a field. */
  changePart(number: number, changes: { readonly [K in keyof RefundPart]?: RefundPart[K] | undefined }): void {
    this.changed.add(number);
    const parts = this.refund.parts.map((one) => (one.part === number ? merged(one, changes) : one));
    this.refund = { ...this.refund, parts };
  }

  /** Moves money of one part in the ledger. */
  book(kind: LedgerKind, part: RefundPart): void {
    const { attempt, paymentIntentId, amount } = part;
    const operationKey = operationKeys.refund(this.refund.refundId, part.part);
    this.order.move([{ kind, attempt, paymentIntentId, amount, occurredAt: this.cause.nowIso, operationKey }]);
  }

  /** Opens an exception of this refund; replaces an open one of the same kind. */
  raise(kind: ExceptionKind, message: string, amount = this.refund.amount): void {
    const { orderId, refundId, currency } = this.refund;
    this.closeExceptions(kind);
    const workflowId = workflowIds.refund(refundId);
    const amountAtRisk = { amount, currency };
    addException(this.tx, this.order, { orderId, workflowId, kind, message, owner: REFUND_OWNER, amountAtRisk });
  }

  closeExceptions(...kinds: ExceptionKind[]): void {
    closeExceptions(this.tx, this.order, workflowIds.refund(this.refund.refundId), kinds);
  }

  /** Notifies the customer, once for each name. */
  notifyCustomer(
    name: string,
    kind: 'refund_on_its_way' | 'refund_done' | 'refund_action_needed' | 'refund_delayed',
    amount: number,
    more: { readonly until?: string } = {},
  ): void {
    const { orderId, currency } = this.refund;
    const isNews = kind === 'refund_on_its_way' || kind === 'refund_done';
    const rank = isNews ? refundsOfTheDay(this.order.facts.refunds ?? [], this.refund) : 0;
    if (rank > ANNOUNCED_A_DAY) return;
    const last = rank === ANNOUNCED_A_DAY ? { isLastToday: true } : {};
    const data = { amount: { amount, currency }, orderId, ...more, ...last };
    this.queue(name, { kind, recipient: { to: 'order_customer', orderId }, data });
  }

  /** Notifies the shop that a refund needs a person. */
  notifyShop(name: string, problem: string, amount: number, ways = waysOut(this.refund)): void {
    const { orderId, refundId, currency } = this.refund;
    const data = { refundId, orderId, amount: { amount, currency }, problem, waysOut: ways.join('\n') };
    this.queue(name, { kind: 'refund_needs_a_person', recipient: { to: 'shop' }, data });
  }

  /** Cancels notices that are not sent yet and no longer true. */
  cancelNotices(...kinds: NoticeKind[]): void {
    cancelNotices(this.tx, { type: 'refund', id: this.refund.refundId }, this.clock, kinds);
  }

  money(amount: number): string {
    return formatMoney({ amount, currency: this.refund.currency });
  }

  /** Writes everything, and returns the refund as it is now. */
  finish(): RefundChange {
    const state = refundStateOf(this.refund);
    const refund: RefundFacts = { ...this.refund, state };
    this.refund = refund;
    const others = (this.order.facts.refunds ?? []).filter((one) => one.refundId !== refund.refundId);
    this.order.patch({ refunds: [...others, refund].sort(byTime) });
    this.writeRows();
    this.order.finish();
    return { refund, tell: this.wasOpen };
  }

  private queue(
    name: string,
    notice: Pick<Extract<Notice, { kind: `refund_${string}` }>, 'kind' | 'recipient' | 'data'>,
  ): void {
    const { refundId, orderId } = this.refund;
    const subject = { type: 'refund', id: refundId, orderId } as const;
    const noticeKey = `refund:${refundId}:${name}`;
    queueNotice(this.tx, { ...notice, noticeKey, subject, dueAt: this.cause.nowIso } as Notice, this.clock);
  }

  private writeRows(): void {
    const { tx, refund, cause } = this;
    const { refundId, orderId, amount, currency, lines, reason, actor, state, requestedAt, settleBy } = refund;
    tx.write(sql.write, [
      ...[
        refundId,
        orderId,
        amount,
        currency,
        lines === undefined ? null : JSON.stringify(lines),
        reason,
        actor,
        state,
      ],
      ...[requestedAt, settleBy, refund.watchUntil ?? null],
      ...[refund.resolution === undefined ? null : JSON.stringify(refund.resolution), refund.endedReason ?? null],
      cause.nowIso,
    ]);
    const parts = refund.parts
      .filter((one) => this.changed.has(one.part))
      .map((one) => ({ ...one, operationKey: operationKeys.refund(refundId, one.part) }));
    if (parts.length > 0) tx.write(sql.parts, [refundId, orderId, JSON.stringify(parts)]);
  }
}

function merged(part: RefundPart, changes: object): RefundPart {
  const entries = Object.entries({ ...part, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as RefundPart;
}

function byTime(one: RefundFacts, other: RefundFacts): number {
  const order = one.requestedAt.localeCompare(other.requestedAt);
  return order !== 0 ? order : one.refundId < other.refundId ? -1 : 1;
}
