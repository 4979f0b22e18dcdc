import { Disputes, FraudWarnings } from '../../support/disputes';
import { eventually } from '../../support/time/eventually';
import { parcel, shopForThisFile } from '../../support/shop';

const DAY_MS = 24 * 3_600_000;

const { world, shop } = shopForThisFile();
const disputes = new Disputes(world, shop);
const warnings = new FraudWarnings(world);

const noticesOf = async (orderId: string): Promise<string[]> => {
  const { rows } = await world().dependencies.pool.query<{ kind: string }>(
    `SELECT kind FROM notices WHERE order_id = $1 AND kind = 'fraud_warning'`,
    [orderId],
  );
  return rows.map((row) => row.kind);
};

describe('an early fraud warning', () => {
  it('becomes an exception that says what is left to ship, and its payment is refunded in full when a person decides so', async () => {
    const orderId = await disputes.shippedOrder();
    const warningId = await warnings.raised(disputes.paymentOf(orderId), 'made_with_lost_card');
    const view = await warnings.until(warningId, 'the warning', (one) => one.exceptions.length > 0);
    expect(view).toMatchObject({ orderId, fraudType: 'made_with_lost_card', waitingOn: 'approver' });
    expect(view.exceptions[0]?.message).toContain('TEAPOT-1L');
    expect(await noticesOf(orderId)).toHaveLength(1);
    const [answer, same] = await Promise.all([
      warnings.decide(warningId, 'refund'),
      warnings.decide(warningId, 'refund'),
    ]);
    expect(answer).toMatchObject({ accepted: true, refundId: `fraud-${warningId}`, ended: 'refunded' });
    expect(same).toEqual(answer);
    expect(await warnings.endOf(warningId)).toEqual({ warningId, ended: 'refunded' });
    const order = await eventually('the money to be given back', async () => {
      const found = await shop.view(orderId);
      return found.amounts.refunded + found.amounts.refundPending === view.refundable && found;
    });
    expect(order).not.toHaveProperty('exception');
    expect(order.refunds).toMatchObject([{ refundId: `fraud-${warningId}`, actor: 'op-1', reason: 'fraudulent' }]);
  });

  it('of one payment of an order is refunded without the money that the bank charged back on another', async () => {
    const orderId = await disputes.shippedOrder();
    const { dependencies, holdfast } = world();
    const first = disputes.paymentOf(orderId);
    expect(await holdfast.ship(orderId, parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]))).toMatchObject({ accepted: true });
    const payment = shop.intentsOf(orderId).find((one) => one.id !== first);
    const disputeId = await disputes.opened(orderId);
    world().simulator.decideDispute(disputeId, 'lost');
    await disputes.endOf(disputeId);
    const left = payment?.amount_received ?? 0;
    expect(left).toBeGreaterThan(0);
    const warningId = await warnings.raised(payment?.id ?? '');
    const view = await warnings.until(warningId, 'the warning', (one) => one.exceptions.length > 0);
    expect(view.refundable).toBe(left);
    const open = await dependencies.queries.listExceptions(undefined, orderId);
    expect(open).toMatchObject([{ kind: 'fraud_warning', amountAtRisk: left }]);
    expect(await warnings.decide(warningId, 'refund')).toMatchObject({ accepted: true, ended: 'refunded' });
  });

  it('is closed when a person ignores it, and can be decided only once', async () => {
    const orderId = await disputes.shippedOrder('all');
    const warningId = await warnings.raised(disputes.paymentOf(orderId));
    expect(await warnings.decide(warningId, 'ignore')).toMatchObject({ accepted: true, ended: 'ignored' });
    expect(await warnings.endOf(warningId)).toEqual({ warningId, ended: 'ignored' });
    expect(await warnings.find(warningId)).toMatchObject({ exceptions: [], decision: { actor: 'op-1' } });
    expect(await shop.view(orderId)).not.toHaveProperty('exception');
  });

  it('ends by itself when the payment is disputed', async () => {
    const orderId = await disputes.shippedOrder('all');
    const warningId = await warnings.raised(disputes.paymentOf(orderId));
    const disputeId = await disputes.opened(orderId);
    expect(await warnings.endOf(warningId)).toEqual({ warningId, ended: 'disputed' });
    world().simulator.decideDispute(disputeId, 'won');
    await disputes.endOf(disputeId);
    expect(await shop.view(orderId)).not.toHaveProperty('exception');
  });

  it('ends by itself when the payment was fully refunded elsewhere', async () => {
    const orderId = await disputes.shippedOrder('all');
    const payment = disputes.paymentOf(orderId);
    const warningId = await warnings.raised(payment);
    await world().dependencies.stripe.refunds.create({ payment_intent: payment });
    expect(await warnings.endOf(warningId)).toEqual({ warningId, ended: 'refunded' });
  });

  it('lapses after a month without a decision', async () => {
    const orderId = await disputes.shippedOrder('all');
    const warningId = await warnings.raised(disputes.paymentOf(orderId));
    await warnings.forward(warningId, 31 * DAY_MS);
    expect(await warnings.endOf(warningId)).toEqual({ warningId, ended: 'lapsed' });
    expect(await shop.view(orderId)).not.toHaveProperty('exception');
    const handle = world().client.workflow.getHandle(`fraud-warning-${warningId}`);
    const { events = [] } = await handle.fetchHistory();
    expect(events?.length).toBeLessThan(80);
  });

  it('whose webhooks are all lost is found by polling the provider', async () => {
    const orderId = await disputes.shippedOrder('all');
    world().simulator.setWebhookFaults({ dropTypes: ['radar.early_fraud_warning.created'] });
    const { id } = world().simulator.raiseFraudWarning({ paymentIntent: disputes.paymentOf(orderId) });
    world().simulator.setWebhookFaults({});
    const { eventLister, inbox } = world().dependencies;
    for await (const event of eventLister.listUndelivered(new Date(Date.now() - DAY_MS))) {
      await inbox.receive({ ...event, provider: 'stripe' });
    }
    await warnings.until(id, 'the warning', (one) => one.exceptions.length === 1);
    await warnings.decide(id, 'ignore');
    await warnings.endOf(id);
  });
});
