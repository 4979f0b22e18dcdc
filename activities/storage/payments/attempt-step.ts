import type { Pool } from 'pg';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import { isTerminal } from '../../../workflows/domain/order/state';
import { workflowIds } from '../../../workflows/kit/names';
import { openAmount, type AttemptRow } from './attempts';
import { attemptSummary, writeEntry, type AttemptSummary, type StepCause } from '../audit/audit';
import { transact, type Transaction } from '../postgres/database';
import { addException } from '../exceptions/exceptions';
import type { OrderRecord } from '../orders/record';
import { lockOrder, OrderStep, writeLedger, type LedgerMovement } from '../orders/step';
import type { AttemptStatus } from './store';
import { statement } from '../postgres/statements';

const sql = {
  attempts: statement('attempts-lock'),
  pending: statement('captures-pending'),
  update: statement('attempt-update'),
  undoCaptures: statement('captures-undo'),
  exists: statement('order-exists'),
};

export interface PendingCapture {
  readonly paymentIntentId: string;
  readonly amount: number;
}

/** Everything that a step on a payment attempt reads, locked. */
export interface AttemptContext {
  readonly tx: Transaction;
  readonly record: OrderRecord | undefined;
  readonly attempts: readonly AttemptRow[];
  readonly pendingCaptures: readonly PendingCapture[];
}

/** Money that is held, captured or released. Refunds and disputes have their own movements. */
export type HoldMovement = LedgerMovement & { readonly kind: 'authorized' | 'captured' | 'released' };

/** Changes of an attempt; fields that are left out stay as they are. */
export interface AttemptChange {
  readonly status: AttemptStatus;
  readonly paymentIntentId?: string | undefined;
  readonly chargeId?: string | undefined;
  readonly paymentMethodId?: string | undefined;
  readonly authorizedAt?: string;
  readonly captureBefore?: string;
  readonly multicapture?: boolean;
  readonly code?: string;
  readonly declineCode?: string;
  readonly tombstone?: boolean;
}

/**
 * After this many holds of an order were lost in a row, a person decides. The default policy renews for 30 days, and the shortest
 * card hold lasts nearly 5: more losses than that have another cause than time.
 */
export const MAX_LOST_HOLDS = 6;

const PLACED_MEANWHILE = Symbol('the order was placed while this step waited for the lock on its attempts');

/** Locks an order, if it is recorded, and all its attempts. Orders are locked before attempts everywhere. */
export async function onAttempts<T>(
  pool: Pool,
  orderId: string,
  body: (context: AttemptContext) => Promise<T> | T,
): Promise<T> {
  for (;;) {
    const result = await transact(pool, async (tx) => {
      const [record, attempts, pendingCaptures, placed] = await Promise.all([
        lockOrder(tx, orderId),
        tx.query<AttemptRow>(sql.attempts, [orderId]),
        tx.query<PendingCapture>(sql.pending, [orderId]),
        tx.query(sql.exists, [orderId]),
      ]);
      if (record === undefined && placed.length > 0) return PLACED_MEANWHILE;
      return body({ tx, record, attempts, pendingCaptures });
    });
    if (result !== PLACED_MEANWHILE) return result;
  }
}

/** Writes changes of one attempt and of its order. */
export class AttemptStep {
  readonly order: OrderStep | undefined;
  private readonly before: AttemptSummary;
  private after: AttemptSummary;

  constructor(
    private readonly context: AttemptContext,
    readonly row: AttemptRow,
    private readonly cause: StepCause,
  ) {
    const { tx, record } = context;
    this.order = record && new OrderStep(tx, record, cause);
    this.before = attemptSummary(row);
    this.after = this.before;
  }

  get key(): string {
    return this.cause.operationKey;
  }

  /** Is this the order's open hold? */
  get isCurrent(): boolean {
    return this.order?.currentAttempt === this.row.attempt;
  }

  /** Does the order need no further hold? */
  get orderNeedsNoHold(): boolean {
    if (this.order === undefined) return false;
    const { state, paymentState } = this.order.facts;
    return isTerminal(state) || paymentState === 'captured' || paymentState === 'voided';
  }

  /** Must be called before `move`: a constraint wants the dates of a hold before its money. */
  change(change: AttemptChange): void {
    const { row, cause, context, after } = this;
    this.after = {
      ...after,
      status: change.status,
      paymentIntentId: change.paymentIntentId ?? after.paymentIntentId,
      captureBefore: change.captureBefore ?? after.captureBefore,
      code: change.code ?? after.code,
      declineCode: change.declineCode ?? after.declineCode,
      tombstoned: after.tombstoned || change.tombstone === true,
    };
    context.tx.write(sql.update, [
      row.orderId,
      row.attempt,
      change.status,
      change.paymentIntentId ?? null,
      change.chargeId ?? null,
      change.paymentMethodId ?? null,
      change.authorizedAt ?? null,
      change.captureBefore ?? null,
      change.multicapture ?? null,
      change.code ?? null,
      change.declineCode ?? null,
      change.tombstone ?? false,
      cause.nowIso,
    ]);
  }

  move(movements: readonly HoldMovement[]): void {
    const moved = movements.filter((one) => one.amount !== 0);
    for (const { kind, amount } of moved) this.after = { ...this.after, [kind]: this.after[kind] + amount };
    if (this.order !== undefined) this.order.move(moved);
    else if (moved.length > 0) writeLedger(this.context.tx, this.row.orderId, this.row.currency ?? '', moved);
  }

  /** Tombstones the captures of this PaymentIntent, so that no late one is recorded. */
  undoCaptures(paymentIntentId: string): void {
    this.context.tx.write(sql.undoCaptures, [this.row.orderId, paymentIntentId, this.cause.nowIso]);
  }

  /** Records that the order's open hold is gone. A running deadline of the customer stays. */
  loseHold(reason: string): void {
    const { order, row } = this;
    if (order === undefined) return;
    if (row.paymentIntentId !== null && order.facts.pendingPaymentIntentId === row.paymentIntentId) {
      order.patch({ pendingPaymentIntentId: undefined });
    }
    if (!this.isCurrent) return;
    order.dropHold();
    if (order.facts.paymentState !== 'payment_needed') order.setPayment('expired');
    order.emit('HoldExpired', { paymentIntentId: row.paymentIntentId, reason });
    const losses = this.lossesInARow();
    if (reason === 'expired' && losses >= MAX_LOST_HOLDS)
      this.stopForPerson(`was lost, the ${losses}th in a row from which nothing was captured`);
  }

  /** Counts the holds that ended at the provider since the last capture, this one included. */
  private lossesInARow(): number {
    const { attempts } = this.context;
    const since = attempts.slice(attempts.findLastIndex((one) => one.capturedAmount > 0) + 1);
    const isLost = ({ attempt, status, authorizedAmount }: AttemptRow): boolean =>
      attempt === this.row.attempt || (authorizedAmount > 0 && (status === 'expired' || status === 'canceled'));
    return since.filter(isLost).length;
  }

  /** Opens an exception for the lost hold: nothing ships and no new hold is requested until a person decides. */
  stopForPerson(what: string): void {
    const { context, order, row } = this;
    if (order === undefined) return;
    addException(context.tx, order, {
      orderId: row.orderId,
      workflowId: workflowIds.order(row.orderId),
      kind: 'hold_cancelled',
      message: `The card hold ${row.paymentIntentId} ${what}: hold the money again, or cancel the order`,
      owner: 'payments',
      amountAtRisk: { amount: openAmount(row), currency: row.currency ?? '' },
    });
  }

  /** Writes a step that changed the attempt and its order, if there is one. */
  finish(): OrderFacts | undefined {
    if (this.order !== undefined) return this.order.finish();
    this.finishAttempt();
    return undefined;
  }

  /** Writes the audit entry of a step that left the order unchanged; none if the attempt did not change either. */
  finishAttempt(): void {
    const { context, row, cause, before, after } = this;
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    writeEntry(context.tx, row.orderId, cause, before, after);
  }
}
