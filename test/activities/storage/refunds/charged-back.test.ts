import { createDisputeStore } from '../../../../activities/storage';
import type { DisputeSnapshot } from '../../../../workflows/domain/dispute/dispute';
import { disputeSnapshot } from '../disputes/snapshots';
import { intentOf } from '../shop';
import { after, NOW, openRefundShop, teapot, TOTAL, type RefundShop } from './shop';

const DISPUTED = 2_000;
const LEFT = TOTAL - DISPUTED;

let shop: RefundShop;
beforeAll(async () => {
  shop = await openRefundShop();
});
afterEach(async () => expect(await shop.violations()).toEqual([]));
afterAll(() => shop.close());

const at = (hours: number): string => after(hours * 3_600_000);

/** The bank charges back a part of an order's first payment. */
function dispute(orderId: string, changes: Partial<DisputeSnapshot>): Promise<unknown> {
  const disputes = createDisputeStore({ pool: shop.pool, keyring: shop.keyring });
  const about = { direction: 'withdrawn', amount: DISPUTED, fee: 0, feeCurrency: 'eur', at: NOW } as const;
  const movements = [{ ...about, balanceTransactionId: `txn_${orderId}` }];
  const snapshot = disputeSnapshot(orderId, at, { amount: DISPUTED, movements, ...changes });
  return disputes.record(snapshot, NOW);
}

const lost = { providerStatus: 'lost', fetchedAt: at(1) } as const;

describe('a payment of which a dispute took a part', () => {
  test('cannot be refunded by a provider that says so: refused at once, with the way that is left', async () => {
    const { orderId } = await shop.shipped('cb-1');
    await dispute(orderId, lost);
    for (const amount of [LEFT, TOTAL]) {
      const answer = await shop.ask({ orderId, amount });
      expect(answer).toMatchObject({ outcome: 'refused', refundable: 0 });
      if (answer.outcome !== 'refused' || amount > LEFT) continue;
      expect(answer.reason).toBe('charged_back');
      expect(answer.message).toMatch(/53\.03 EUR.*bank transfer/);
    }
    expect(await shop.ask({ orderId, lines: teapot })).toMatchObject({ outcome: 'refused', refundable: 0 });
    expect((await shop.view(orderId)).refunds ?? []).toEqual([]);
  });

  test('is refunded as far as it is left where the provider allows that, or where the dispute was won', async () => {
    const allowed = await shop.shipped('cb-2');
    await dispute(allowed.orderId, { ...lost, chargeRefundable: true });
    expect(await shop.ask({ orderId: allowed.orderId, amount: TOTAL })).toMatchObject({ refundable: LEFT });
    expect(await shop.ask({ orderId: allowed.orderId, amount: LEFT })).toMatchObject({ outcome: 'begun' });
    const won = await shop.shipped('cb-3');
    await dispute(won.orderId, { providerStatus: 'won', fetchedAt: at(1), movements: [] });
    expect(await shop.ask({ orderId: won.orderId, amount: TOTAL })).toMatchObject({ outcome: 'begun' });
  });

  test('leaves the other payments of its order as they were', async () => {
    const { orderId } = await shop.paidTwice('cb-4');
    const [first, second] = await shop.sql<{ captured: number }>(
      'SELECT captured_amount::int AS captured FROM payment_attempts WHERE order_id = $1 ORDER BY attempt',
      [orderId],
    );
    await dispute(orderId, lost);
    const other = second?.captured ?? 0;
    expect(await shop.ask({ orderId, amount: other + 1 })).toMatchObject({
      reason: 'charged_back',
      refundable: other,
    });
    expect(await shop.ask({ orderId, amount: (first?.captured ?? 0) + other })).toMatchObject({
      reason: 'exceeds_refundable',
    });
    const begun = await shop.ask({ orderId, amount: other });
    expect(begun).toMatchObject({ refund: { parts: [{ paymentIntentId: intentOf(orderId, 2), amount: other }] } });
  });

  test('does not propose another refund where one failed on it; a transfer outside is recorded', async () => {
    const { orderId } = await shop.shipped('cb-5');
    const refund = await shop.begin({ orderId, amount: 1_000 });
    await shop.refunds.recordRefusal({
      ...{ refundId: refund.refundId, part: 1, now: NOW, watchMs: 0 },
      reason: 'charge_disputed',
    });
    await dispute(orderId, lost);
    const [open] = await shop.sql<{ message: string }>(
      `SELECT message FROM exceptions WHERE order_id = $1 AND kind = 'refund_failed'`,
      [orderId],
    );
    expect(open?.message).not.toContain('Make another refund');
    expect(open?.message).toContain('manual transfer');
    const [notice] = await shop.sql<{ text: string }>(
      `SELECT data->>'waysOut' AS text FROM notices WHERE subject_id = $1 AND kind = 'refund_needs_a_person'`,
      [refund.refundId],
    );
    expect(notice?.text).not.toContain('another_refund');
    const resolution = { action: 'manual_transfer', actor: 'person', reference: 'T-1', at: NOW } as const;
    expect(await shop.refunds.resolveRefund({ refundId: refund.refundId, resolution })).toMatchObject({
      outcome: 'resolved',
    });
  });
});
