import type { Pool } from 'pg';
import type { RefundFacts, RefundPolicy } from '../../../workflows/domain/refund/refund';
import type {
  AdoptRefundResult,
  RefundActivities,
  RefundChange,
  RefundStepInput,
} from '../../../workflows/refund/ports';
import { run } from '../postgres/database';
import { notFound } from '../postgres/failures';
import { refundFacts, type RefundDocument } from '../orders/money-back-record';
import { adoptRefund } from './adopt';
import { beginRefund } from './begin';
import { flagRefund, resolveRefund, withdrawRefund } from './person';
import { beginSend, recordAnswer, recordRefusal } from './progress';
import { statement } from '../postgres/statements';

const sql = {
  get: statement('refund-get'),
  ofPayment: statement('refunds-of-payment'),
  byProviderId: statement('refund-by-provider-id'),
};

/** A refund as the provider shows it, in our own words. Amounts in minor units, times as UTC ISO strings. */
export interface ProviderRefund {
  readonly providerRefundId: string;
  readonly paymentIntentId: string;
  readonly amount: number;
  readonly currency: string;
  /** A word that is not known here counts as pending: what is true is told by a later look. */
  readonly status: 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled';
  readonly failureReason?: string;
  readonly pendingReason?: string;
  readonly failureBalanceTransaction?: string;
  readonly createdAt: string;
  /** Until when the customer may act. */
  readonly actBefore?: string;
}

export type BeginSendResult =
  | {
      readonly kind: 'send';
      readonly orderId: string;
      readonly operationKey: string;
      readonly paymentIntentId: string;
      readonly amount: number;
      readonly currency: string;
      readonly reason: string;
      /** It was sent before, and what came of it is not recorded. */
      readonly isAgain: boolean;
    }
  /** Nothing is to be sent: it was taken before, given up, or the payment is disputed meanwhile. */
  | { readonly kind: 'done'; readonly change: RefundChange };

/** One part of a refund, and by when it is to be told. */
export interface PartInput extends RefundStepInput {
  readonly part: number;
  readonly watchMs: number;
}

/**
 * The facts of refunds: one transaction each, under the order's lock, safe to repeat.
 *
 * @throws ApplicationFailure `NotFound` for an unknown refund, `Defect` for a broken rule, `StorageUnavailable` (retryable)
 */
export interface RefundStore extends RefundActivities {
  /** Before the provider is asked: writes down that the part is sent. During a dispute it is given up in place of that. */
  beginSend(input: PartInput): Promise<BeginSendResult>;
  /** Records what the provider says of a part. `confirmed`: it was fetched, so that its success may be believed. */
  recordAnswer(input: PartInput & { readonly confirmed: boolean }, refund: ProviderRefund): Promise<RefundChange>;
  /** Records that the provider does not make this refund. */
  recordRefusal(input: PartInput & { readonly reason: string }): Promise<RefundChange>;
  /** Takes a refund in that was made without us. */
  recordElsewhere(refund: ProviderRefund, now: string, policy: RefundPolicy): Promise<AdoptRefundResult>;
  getRefund(refundId: string): Promise<RefundFacts | undefined>;
  /** @throws ApplicationFailure `NotFound` */
  known(refundId: string): Promise<RefundFacts>;
  /** Ids of the refunds of a payment that are not over. */
  openRefundsOf(paymentIntentId: string): Promise<string[]>;
  /** The refund of ours that the provider knows under this id. */
  findByProviderId(providerRefundId: string): Promise<string | undefined>;
}

export interface RefundStoreDeps {
  readonly pool: Pool;
  /** For tests; the computer's clock otherwise. */
  readonly now?: () => Date;
}

export function createRefundStore({ pool, now = () => new Date() }: RefundStoreDeps): RefundStore {
  const getRefund: RefundStore['getRefund'] = (refundId) => readRefund(pool, refundId);
  return {
    getRefund,
    async known(refundId) {
      const refund = await getRefund(refundId);
      if (refund === undefined) throw notFound(`refund ${refundId}`);
      return refund;
    },
    beginRefund: (input) => beginRefund(pool, now(), input),
    loadRefund: async ({ refundId }) => (await getRefund(refundId)) ?? null,
    withdrawRefund: (input) => withdrawRefund(pool, now(), input),
    flagRefund: (input) => flagRefund(pool, now(), input),
    resolveRefund: (input) => resolveRefund(pool, now(), input),
    beginSend: (input) => beginSend(pool, now(), input),
    recordAnswer: (input, refund) => recordAnswer(pool, now(), input, refund),
    recordRefusal: (input) => recordRefusal(pool, now(), input),
    recordElsewhere: (refund, at, policy) => adoptRefund(pool, now(), refund, at, policy),
    async openRefundsOf(paymentIntentId) {
      const rows = await run<{ refundId: string }>(pool, sql.ofPayment, [paymentIntentId, now()]);
      return rows.map((row) => row.refundId);
    },
    async findByProviderId(providerRefundId) {
      const [row] = await run<{ refundId: string }>(pool, sql.byProviderId, [providerRefundId]);
      return row?.refundId;
    },
  };
}

/** A refund as its order's document has it, without locking anything. */
export async function readRefund(pool: Pool, refundId: string): Promise<RefundFacts | undefined> {
  const [row] = await run<{ record: RefundDocument }>(pool, sql.get, [refundId]);
  return row && refundFacts(row.record);
}
