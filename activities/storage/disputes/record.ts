import type { Pool } from 'pg';
import type { DisputeDecision, DisputeFacts, DisputeRecord } from '../../../workflows/domain/dispute/dispute';
import type { LineQuantity } from '../../../workflows/domain/order/lines';
import type { OrderException } from '../../../workflows/domain/exception/exception';
import type { OrderState } from '../../../workflows/domain/order/state';
import { run, type Transaction } from '../postgres/database';
import { known, utc } from '../postgres/documents';
import { statement } from '../postgres/statements';

type Nullable<T> = { readonly [K in keyof T]-?: undefined extends T[K] ? Exclude<T[K], undefined> | null : T[K] };

/** A row of dispute-load.sql. It is JSON, so times are in Postgres' own notation. */
interface DisputeDocument extends Nullable<DisputeFacts> {
  readonly attempt: number;
  readonly chargeId: string;
  readonly round: number;
  readonly roundBeganAt: string;
  readonly submissionCount: number;
  readonly chargeRefundable: boolean;
  readonly roundSubmissions: number;
  readonly feeAmount: number;
  readonly feeCurrency: string;
  readonly evidenceCollectedAt: string | null;
  readonly warnedMs: readonly number[];
  readonly decision: DisputeDecision | null;
  readonly fetchedAt: string;
  readonly movements: readonly string[] | null;
  readonly orderState: OrderState;
  readonly linesToShip: readonly LineQuantity[] | null;
  readonly openRefunds: readonly string[] | null;
  readonly exceptions: readonly OrderException[] | null;
}

/** A recorded dispute: the part that workflows see, and what only the steps need. */
export interface KeptDispute {
  readonly record: DisputeRecord;
  readonly attempt: number;
  readonly chargeId: string;
  readonly submissionCount: number;
  readonly chargeRefundable: boolean;
  readonly roundSubmissions: number;
  readonly fetchedAt: string;
  /** Operation keys of the movements that are in the ledger. */
  readonly movements: readonly string[];
}

export interface DisputeRow {
  readonly record: DisputeDocument;
}

export const disputeLoad = statement('dispute-load');

/** Reads a dispute in a transaction. To change it, lock its order first. */
export async function loadDispute(tx: Transaction, disputeId: string): Promise<KeptDispute | undefined> {
  const [row] = await tx.query<DisputeRow>(disputeLoad, [disputeId]);
  return row && keptDispute(row);
}

/** Reads a dispute without locking anything. */
export async function readDispute(pool: Pool, disputeId: string): Promise<KeptDispute | undefined> {
  const [row] = await run<DisputeRow>(pool, disputeLoad, [disputeId]);
  return row && keptDispute(row);
}

export function keptDispute({ record: row }: DisputeRow): KeptDispute {
  const { attempt, chargeId, submissionCount, chargeRefundable, roundSubmissions, fetchedAt, movements, ...rest } = row;
  const { openedAt, dueBy, submittedAt, closedAt, roundBeganAt, evidenceCollectedAt, decision, ...others } = rest;
  const times = {
    dueBy: dueBy && utc(dueBy),
    submittedAt: submittedAt && utc(submittedAt),
    closedAt: closedAt && utc(closedAt),
    evidenceCollectedAt: evidenceCollectedAt && utc(evidenceCollectedAt),
  };
  return {
    record: {
      ...others,
      openedAt: utc(openedAt),
      roundBeganAt: utc(roundBeganAt),
      ...known({ decision, ...times }),
      warnedMs: [...others.warnedMs].sort((one, other) => other - one),
      linesToShip: others.linesToShip ?? [],
      openRefunds: others.openRefunds ?? [],
      exceptions: (others.exceptions ?? []).map((one) => ({ ...one, raisedAt: utc(one.raisedAt) })),
    },
    attempt,
    chargeId,
    submissionCount,
    chargeRefundable,
    roundSubmissions,
    fetchedAt: utc(fetchedAt),
    movements: movements ?? [],
  };
}

/** The part of a record that an order shows. */
export function factsOf(record: DisputeRecord): DisputeFacts {
  const { disputeId, orderId, paymentIntentId, stage, providerStatus, isInquiry, amount, currency, reason } = record;
  const { openedAt, dueBy, withdrawn, submittedAt, closedAt } = record;
  return {
    ...{ disputeId, orderId, paymentIntentId, stage, providerStatus, isInquiry, amount, currency, reason },
    openedAt,
    withdrawn,
    ...known({ dueBy, submittedAt, closedAt }),
  };
}
