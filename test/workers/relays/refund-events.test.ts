import { collectMissedEvents } from '../../../workers/relays/missed-events';
import { workflowIds } from '../../../workflows/kit/names';
import { eventually } from '../../support/time/eventually';
import { forwardRefund, providerRefundsOf, refundIn } from '../../support/refunds';
import { everything, shopForThisFile } from '../../support/shop';
import { heard, rest } from '../../support/time/workflow-clocks';
import { eventOf, heardOf, inboxOf } from './inbox-of';

const DAY_MS = 24 * 3_600_000;
const reason = 'requested_by_customer';

const { world, shop } = shopForThisFile();
const inbox = inboxOf(world);

/** An order of which everything has shipped, and its payment. */
async function shipped(): Promise<{ orderId: string; payment: string }> {
  const orderId = await shop.place();
  const answer = await world().holdfast.ship(orderId, everything());
  if (!answer.accepted) throw new Error(JSON.stringify(answer));
  return { orderId, payment: shop.intentsOf(orderId)[0]?.id ?? '' };
}

async function refund(orderId: string, amount: number): Promise<string> {
  const answer = await world().holdfast.refund(orderId, { amount, reason });
  if (!answer.accepted || answer.state === 'voided') throw new Error(JSON.stringify(answer));
  await eventually('the provider to have it', () => providerRefundsOf(world(), orderId).length === 1);
  return answer.refundId;
}

/** A refund as an event carries it. */
const objectOf = (providerRefundId: string) => ({
  object: 'refund',
  ...structuredClone(
    world()
      .simulator.state.refunds()
      .find((one) => one.id === providerRefundId),
  ),
});
const providerIdOf = (orderId: string): string => providerRefundsOf(world(), orderId)[0]?.id ?? '';
const historyOf = async (refundId: string): Promise<{ runId: string; historyLength: number }> => {
  const { runId, historyLength } = await world().client.workflow.getHandle(workflowIds.refund(refundId)).describe();
  return { runId, historyLength };
};

/** Somebody gives money back in the provider's dashboard, and no webhook tells of it. */
async function madeElsewhere(payment: string): Promise<string> {
  const { simulator, dependencies } = world();
  simulator.setNextRefund({ kind: 'pending', then: 'stay' }, { match: { paymentIntent: payment } });
  const { id } = await dependencies.stripe.refunds.create({ payment_intent: payment, amount: 500 });
  return id;
}

const KINDS = ['refund.created', 'refund.updated', 'refund.failed', 'charge.refund.updated'];

afterEach(() => world().simulator.setWebhookFaults({}));

describe('the events of a refund that was made elsewhere', () => {
  it.each(KINDS)('%s may be the only one that arrives: the refund is recorded', async (type) => {
    const { orderId, payment } = await shipped();
    world().simulator.setWebhookFaults({ dropTypes: ['*'] });
    const id = await madeElsewhere(payment);
    await inbox.receive(type, objectOf(id));
    expect(await refundIn(world(), id, 'pending')).toMatchObject({ orderId, actor: 'elsewhere', amount: 500 });
    world().simulator.settleRefund(id, 'succeeded');
    await inbox.receive(type, objectOf(id));
    await refundIn(world(), id, 'succeeded');
  });

  it('charge.refunded does not name the refund: the look for missed events finds it', async () => {
    const { payment } = await shipped();
    world().simulator.setWebhookFaults({ dropTypes: ['*'] });
    const id = await madeElsewhere(payment);
    const eventId = await inbox.receive('charge.refunded', { object: 'charge', id: 'ch_1', payment_intent: payment });
    await inbox.until(eventId, 'done');
    expect(await world().dependencies.refunds.getRefund(id)).toBeUndefined();
    world().simulator.setWebhookFaults({});
    const { eventLister, inbox: all } = world().dependencies;
    await collectMissedEvents(eventLister, all);
    await refundIn(world(), id, 'pending');
    world().simulator.settleRefund(id, 'succeeded');
    await refundIn(world(), id, 'succeeded');
  });
});

describe('a refund made elsewhere of an order that is not recorded yet', () => {
  it('waits for the order, as a dispute does, but not for ever', async () => {
    const { id } = await world().dependencies.stripe.paymentIntents.create({
      amount: 900,
      currency: 'eur',
      metadata: { holdfast_order_id: 'ord_that_comes_later' },
    });
    const early = { object: 'refund', id: 're_early', payment_intent: id, status: 'pending' };
    const eventId = await inbox.receive('refund.created', early);
    await inbox.until(eventId, 'waiting');
    expect(await heardOf(world(), eventId)).toMatchObject({ last_error: 'its order is not known yet' });
    await inbox.age(eventId, 900);
    await inbox.until(eventId, 'ignored');
  });
});

describe('the events of our own refund', () => {
  it('charge.refunded causes a look at the refund when all others are lost', async () => {
    const { orderId, payment } = await shipped();
    world().simulator.setWebhookFaults({ dropTypes: ['*'] });
    const refundId = await refund(orderId, 700);
    await refundIn(world(), refundId, 'pending');
    const eventId = await inbox.receive('charge.refunded', { object: 'charge', id: 'ch_1', payment_intent: payment });
    // Its own events mostly come within moments, and are waited for first.
    await refundIn(world(), refundId, 'succeeded');
    expect(await heardOf(world(), eventId)).toMatchObject({ attempts: 2 });
  });

  it('that repeat the recorded status or an earlier one wake no workflow', async () => {
    const { orderId, payment } = await shipped();
    const refundId = await refund(orderId, 800);
    await refundIn(world(), refundId, 'succeeded');
    await rest(world(), [workflowIds.refund(refundId)]);
    const before = await historyOf(refundId);
    const object = objectOf(providerIdOf(orderId));
    for (const type of KINDS) {
      await inbox.receive(type, object);
      await inbox.receive(type, { ...object, status: 'pending' });
    }
    await inbox.receive('charge.refunded', { object: 'charge', id: 'ch_1', payment_intent: payment });
    await heard(world());
    expect(await historyOf(refundId)).toEqual(before);
  });

  it.each(['refund.failed', 'charge.refund.updated'])(
    '%s after the workflow has ended starts it again',
    async (type) => {
      const { orderId } = await shipped();
      const refundId = await refund(orderId, 900);
      await refundIn(world(), refundId, 'succeeded');
      expect(await forwardRefund(refundId, 61 * DAY_MS)).toBe('ended');
      const before = await historyOf(refundId);
      world().simulator.setWebhookFaults({ dropTypes: ['*'] });
      world().simulator.settleRefund(providerIdOf(orderId), 'failed', 'lost_or_stolen_card');
      await inbox.receive(type, objectOf(providerIdOf(orderId)));
      await refundIn(world(), refundId, 'failed');
      expect((await historyOf(refundId)).runId).not.toBe(before.runId);
    },
  );
});

describe.each([...KINDS, 'charge.refunded'])('%s', (type) => {
  let payment: string;
  let orderId: string;
  beforeAll(async () => void ({ orderId, payment } = await shipped()));

  it.each<[string, (payment: string) => object]>([
    ['without an id or a payment', () => ({ object: 'refund' })],
    ['with ids that are no text', () => ({ id: 7, payment_intent: 8 })],
    ['without a payment', () => ({ id: 're_bare', status: 'succeeded' })],
    ['that is empty', () => ({})],
  ])('%s is stored, and wakes no workflow', async (_name, object) => {
    const eventId = await inbox.receive(type, object(payment));
    await inbox.until(eventId, 'ignored');
    expect(await heardOf(world(), eventId)).toMatchObject({ attempts: 1 });
    expect((await shop.view(orderId)).refunds).toEqual([]);
  });

  it('of a payment that is not ours, or of a refund of another database, wakes no workflow', async () => {
    const elsewhere = { holdfast_refund_id: 'rf_of_another_database' };
    for (const object of [
      { id: 're_foreign', payment_intent: 'pi_foreign', status: 'succeeded' },
      { id: 're_other', payment_intent: payment, status: 'succeeded', metadata: elsewhere },
    ]) {
      const event = eventOf(type, object);
      await world().dependencies.inbox.receive(event);
      await inbox.until(event.eventId, type === 'charge.refunded' ? 'done' : 'ignored');
    }
    expect((await shop.view(orderId)).refunds).toEqual([]);
  });
});
