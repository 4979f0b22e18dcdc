import { workflowIds } from '../../../workflows/kit/names';
import { Breaking } from '../../support/breaking';
import { eventually } from '../../support/time/eventually';
import { everything, shopForThisFile } from '../../support/shop';
import { inboxOf } from '../../workers/relays/inbox-of';

// A refund made in Stripe's dashboard that a mistake of our own keeps out of the ledger.
const breaking = new Breaking();
const { world, shop } = shopForThisFile({ interceptors: breaking.interceptors });
afterEach(() => breaking.mend('adoptRefund'));

const open = async (workflowId: string) =>
  (await world().dependencies.queries.listExceptions()).filter((one) => one.workflowId === workflowId);

async function keptOut() {
  breaking.break('adoptRefund');
  const orderId = await shop.place();
  await world().holdfast.ship(orderId, everything());
  const payment = shop.intentsOf(orderId)[0]?.id ?? '';
  const { id } = await world().dependencies.stripe.refunds.create({ payment_intent: payment, amount: 500 });
  const workflowId = workflowIds.refund(id);
  await eventually('a person to get the case', async () => (await open(workflowId)).length === 1);
  return { orderId, payment, id, workflowId, handle: world().client.workflow.getHandle(workflowId) };
}

describe('a refund made elsewhere that cannot be recorded', () => {
  it('is an exception with an owner at once, which the first successful attempt closes', async () => {
    const { orderId, workflowId, handle } = await keptOut();
    expect(await open(workflowId)).toMatchObject([{ kind: 'refund_mismatch', owner: 'operations', orderId }]);
    await eventually('the order to show it', async () => (await shop.view(orderId)).exception !== undefined);
    breaking.mend('adoptRefund');
    await handle.signal('refundChanged');
    await eventually('the case to be closed', async () => (await open(workflowId)).length === 0);
    await eventually('it to be booked', async () => (await shop.view(orderId)).amounts.refunded === 500);
  });

  it('is not tried again after a person has resolved it by hand', async () => {
    const { orderId, payment, id, workflowId, handle } = await keptOut();
    const command = { kind: 'refund_mismatch', action: 'dismiss', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    expect(await handle.result()).toMatchObject({ state: 'not_ours' });
    expect(await open(workflowId)).toEqual([]);
    // What tells of it again begins anew.
    breaking.mend('adoptRefund');
    await inboxOf(world).receive('refund.updated', { object: 'refund', id, payment_intent: payment });
    await eventually('it to be booked', async () => (await shop.view(orderId)).amounts.refunded === 500);
  });
});
