import { eventually } from '../support/eventually';
import { everything, mugs, shopForThisFile, twoLines } from '../support/shop';
import {
  forwardRefund,
  providerRefundsOf,
  refundExceptions,
  refundIn,
  refundNotices,
  refundOf,
} from '../support/refunds';

const DAY_MS = 24 * 3_600_000;
const reason = 'requested_by_customer';

const { world, shop } = shopForThisFile();

/** An order that has shipped whole: 7970 captured. */
async function shipped(): Promise<string> {
  const orderId = await shop.place();
  expect(await world().holdfast.ship(orderId, everything())).toMatchObject({ accepted: true, state: 'shipped' });
  return orderId;
}

async function refunded(orderId: string, amount: number): Promise<string> {
  const answer = await world().holdfast.refund(orderId, { amount, reason });
  if (!answer.accepted || answer.state === 'voided') throw new Error(JSON.stringify(answer));
  return answer.refundId;
}

async function kinds(refundId: string): Promise<string[]> {
  return (await refundNotices(world(), refundId)).map((one) => `${one.kind} ${one.status}`);
}

describe('a refund', () => {
  it('is answered once it is reserved, confirmed by the provider, and shown by the order', async () => {
    const orderId = await shipped();
    const answer = await world().holdfast.refund(orderId, { amount: 1000, reason });
    expect(answer).toMatchObject({
      accepted: true,
      state: 'pending',
      amount: 1000,
      currency: 'eur',
      parts: [{ amount: 1000 }],
    });
    const refundId = 'refundId' in answer ? answer.refundId : '';
    const refund = await refundIn(world(), refundId, 'succeeded');
    const [made] = providerRefundsOf(world(), orderId);
    expect(made).toMatchObject({
      id: refund.parts[0]?.providerRefundId,
      amount: 1000,
      metadata: {
        holdfast_order_id: orderId,
        holdfast_refund_id: refundId,
        holdfast_operation_key: `refund:${refundId}:1`,
      },
    });
    expect(await shop.view(orderId)).toMatchObject({
      amounts: { captured: 7970, refundPending: 0, refunded: 1000 },
      refunds: [{ refundId, state: 'succeeded' }],
    });
    expect(await kinds(refundId)).toEqual(['refund_done queued']);
    const description = await world().client.workflow.getHandle(`refund-${refundId}`).describe();
    expect(description.searchAttributes['OrderId']).toEqual([orderId]);
    expect(description.searchAttributes['WaitingOn']).toEqual(['provider']);
  });
});
