import type Stripe from 'stripe';
import { readProviderRefunds } from '../../../../activities/stripe';
import type { RefundShop } from '../../storage/refunds/shop';

interface Row {
  readonly id: string;
  readonly pending: number;
  readonly refunded: number;
}

/** Payments of which our ledger and the provider say different sums of refunds; minor units. */
export async function refundDifferences(shop: RefundShop, stripe: Stripe): Promise<readonly object[]> {
  const { rows } = await shop.pool.query<Row>(
    `SELECT payment_intent_id AS id, refund_pending_amount AS pending, refunded_amount AS refunded FROM payment_attempts
     WHERE captured_amount > 0 AND order_id NOT IN (SELECT order_id FROM refund_parts WHERE status = 'begun')`,
  );
  const provider = await readProviderRefunds(
    stripe,
    rows.map((row) => row.id),
  );
  return provider.flatMap(({ paymentIntentId, pending, refunded }) => {
    const own = rows.find((row) => row.id === paymentIntentId);
    const [ours, theirs] = [(own?.pending ?? 0) + (own?.refunded ?? 0), pending + refunded];
    return ours === theirs ? [] : [{ paymentIntentId, ours, theirs }];
  });
}
