import type { Pool } from 'pg';
import { readRefund } from '../orders/refund-and-dispute-records';
import { run } from '../postgres/database';
import { notFound } from '../postgres/failures';
import { statement } from '../postgres/statements';
import { adoptRefund } from './adopt';
import { beginRefund } from './begin';
import { flagRefund, resolveRefund, withdrawRefund } from './person';
import { beginSend, recordAnswer, recordRefusal } from './progress';
import type { BeginSendResult, PartInput, ProviderRefund } from './provider-refund';
import type { RefundFacts, RefundPolicy } from '../../../workflows/domain/refund/refund';
import type { AdoptRefundResult, RefundActivities, RefundChange } from '../../../workflows/refund/ports';

const sql = {
  ofPayment: statement('refunds-of-payment'),
  byProviderId: statement('refund-by-provider-id'),
};

/**
 * The record of refunds. Each method is one transaction under the order's lock, and safe to repeat.
 *
 * @throws ApplicationFailure `NotFound` for an unknown refund, `Defect` for a broken rule, `StorageUnavailable` (retryable)
 */
export interface RefundStore extends RefundActivities {
  /** Called before the provider: records that the part is being sent. During a dispute the part is given up instead. */
  beginSend(input: PartInput): Promise<BeginSendResult>;
  /** Records the provider's answer for a part. `confirmed`: it was fetched, so a success in it counts. */
  recordAnswer(input: PartInput & { readonly confirmed: boolean }, refund: ProviderRefund): Promise<RefundChange>;
  /** Records that the provider refused this refund. */
  recordRefusal(input: PartInput & { readonly reason: string }): Promise<RefundChange>;
  /** Records a refund that was made outside of Holdfast. */
  recordElsewhere(refund: ProviderRefund, now: string, policy: RefundPolicy): Promise<AdoptRefundResult>;
  getRefund(refundId: string): Promise<RefundFacts | undefined>;
  /** @throws ApplicationFailure `NotFound` */
  known(refundId: string): Promise<RefundFacts>;
  /** Ids of the refunds of a payment that are not over. */
  openRefundsOf(paymentIntentId: string): Promise<string[]>;
  /** Our refund that has this id at the provider. */
  findByProviderId(providerRefundId: string): Promise<string | undefined>;
}

export interface RefundStoreDeps {
  readonly pool: Pool;
  /** Default: the system's clock. */
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
