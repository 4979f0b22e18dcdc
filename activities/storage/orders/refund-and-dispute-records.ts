import type { DisputeFacts } from '../../../workflows/domain/dispute/dispute';
import type { RefundFacts, RefundPart } from '../../../workflows/domain/refund/refund';
import { known, utc } from '../postgres/documents';
import type { Pool } from 'pg';
import { run } from '../postgres/database';
import { statement } from '../postgres/statements';

const refundGet = statement('refund-get');

/*
 * Refunds and disputes in the document of an order. It is JSON from Postgres: absent values are null, and times are in Postgres'
 * own notation.
 */

type Nullable<T> = { readonly [K in keyof T]-?: undefined extends T[K] ? Exclude<T[K], undefined> | null : T[K] };

export type RefundDocument = Omit<Nullable<RefundFacts>, 'parts'> & {
  readonly parts: readonly Nullable<RefundPart>[] | null;
};
export type DisputeDocument = Nullable<DisputeFacts>;

export function refundFacts(row: RefundDocument): RefundFacts {
  const { parts, requestedAt, settleBy, watchUntil, lines, resolution, endedReason, ...rest } = row;
  return {
    ...rest,
    ...known({ lines, resolution, endedReason, watchUntil: watchUntil && utc(watchUntil) }),
    requestedAt: utc(requestedAt),
    settleBy: utc(settleBy),
    parts: (parts ?? []).map(partFacts),
  };
}

function partFacts(row: Nullable<RefundPart>): RefundPart {
  const { providerRefundId, failureReason, pendingReason, failureBalanceTransaction, ...others } = row;
  const { createdAt, settledAt, resolvedAt, ...rest } = others;
  const times = {
    createdAt: createdAt && utc(createdAt),
    settledAt: settledAt && utc(settledAt),
    resolvedAt: resolvedAt && utc(resolvedAt),
  };
  return { ...rest, ...known({ providerRefundId, failureReason, pendingReason, failureBalanceTransaction, ...times }) };
}

export function disputeFacts(row: DisputeDocument): DisputeFacts {
  const { openedAt, dueBy, submittedAt, closedAt, ...rest } = row;
  const times = {
    dueBy: dueBy && utc(dueBy),
    submittedAt: submittedAt && utc(submittedAt),
    closedAt: closedAt && utc(closedAt),
  };
  return { ...rest, openedAt: utc(openedAt), ...known(times) };
}

/** Reads a refund without locking anything. */
export async function readRefund(pool: Pool, refundId: string): Promise<RefundFacts | undefined> {
  const [row] = await run<{ record: RefundDocument }>(pool, refundGet, [refundId]);
  return row && refundFacts(row.record);
}
