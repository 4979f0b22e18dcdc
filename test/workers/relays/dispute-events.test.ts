import { disputeEvents } from '../../../workers/relays/dispute-events';
import { DEFAULT_DISPUTE_POLICY } from '../../../workflows/domain/dispute/plan';
import { DEFAULT_FRAUD_WARNING_POLICY } from '../../../workflows/domain/dispute/fraud-warning';
import { DEFAULT_REFUND_POLICY } from '../../../workflows/domain/refund/refund';
import { workflowIds } from '../../../workflows/kit/names';
import { Disputes, FraudWarnings } from '../../support/disputes';
import { shopForThisFile } from '../../support/shop';
import { heard, rest } from '../../support/time/workflow-clocks';
import { eventOf, heardOf, inboxOf } from './inbox-of';

const { world, shop } = shopForThisFile();
const disputes = new Disputes(world, shop);
const warnings = new FraudWarnings(world);
const inbox = inboxOf(world);

/** What the provider knows and no webhook tells of. */
function unheard(act: () => string): string {
  world().simulator.setWebhookFaults({ dropTypes: ['*'] });
  const id = act();
  world().simulator.setWebhookFaults({});
  return id;
}

const unheardDispute = (orderId: string): string => unheard(() => disputes.open(orderId));
const unheardWarning = (orderId: string): string =>
  unheard(() => world().simulator.raiseFraudWarning({ paymentIntent: disputes.paymentOf(orderId) }).id);
const objectOf = (disputeId: string) =>
  world()
    .simulator.state.disputes()
    .find((one) => one.id === disputeId);
const runOf = async (workflowId: string): Promise<string> =>
  (await world().client.workflow.getHandle(workflowId).describe()).runId;

describe('the events of a dispute', () => {
  it.each(['created', 'updated', 'closed', 'funds_withdrawn', 'funds_reinstated'])(
    '%s may be the first that comes: the dispute is followed',
    async (what) => {
      const orderId = await disputes.shippedOrder('all');
      const disputeId = unheardDispute(orderId);
      await inbox.receive(`charge.dispute.${what}`, { object: 'dispute', ...objectOf(disputeId) });
      const view = await disputes.until(disputeId, 'the dispute', (one) => one.evidenceCollectedAt !== undefined);
      expect(view).toMatchObject({ orderId, stage: 'evidence_due', withdrawn: 7_970 });
      world().simulator.decideDispute(disputeId, 'won');
      await disputes.endOf(disputeId);
    },
  );

  it('that are due together are looked at together and cause one signal', async () => {
    const { client, taskQueue, dependencies } = world();
    const disputeId = unheardDispute(await disputes.shippedOrder('all'));
    const handler = disputeEvents({
      ...{ client, taskQueue, policy: DEFAULT_DISPUTE_POLICY, refundPolicy: DEFAULT_REFUND_POLICY },
      fraudWarningPolicy: DEFAULT_FRAUD_WARNING_POLICY,
      findPayment: dependencies.findPayment,
      findDispute: (id) => dependencies.disputes.findDispute(id),
      isOurs: dependencies.queries.isOurs,
      owners: dependencies.paymentOwners,
    });
    const object = { object: 'dispute', ...objectOf(disputeId) };
    const kinds = ['updated', 'funds_withdrawn', 'created'].map((what) => `charge.dispute.${what}`);
    const events = kinds.map((type) => ({ ...eventOf(type, object), attempts: 1 }));
    expect(new Set(events.map((one) => handler.keyOf(one))).size).toBe(1);
    // Evidence that is staged makes the provider tell of the dispute again: here only these events are to count.
    world().simulator.setWebhookFaults({ dropTypes: ['*'] });
    expect(await handler.handle(events)).toBe('done');
    await disputes.until(disputeId, 'the dispute', (one) => one.evidenceCollectedAt !== undefined);
    const history = await client.workflow.getHandle(workflowIds.dispute(disputeId)).fetchHistory();
    expect(history.events?.filter((one) => one.workflowExecutionSignaledEventAttributes)).toHaveLength(1);
    world().simulator.setWebhookFaults({});
    world().simulator.decideDispute(disputeId, 'won');
    await disputes.endOf(disputeId);
  });

  it('that are recorded already start no workflow again after its end; any other is looked at', async () => {
    const disputeId = await disputes.opened(await disputes.shippedOrder('all'));
    const old = { object: 'dispute', ...structuredClone(objectOf(disputeId)) };
    world().simulator.decideDispute(disputeId, 'lost');
    const workflowId = workflowIds.dispute(disputeId);
    await disputes.endOf(disputeId);
    await heard(world());
    const runId = await runOf(workflowId);
    const before = await disputes.view(disputeId);
    await inbox.receive('charge.dispute.closed', { object: 'dispute', ...objectOf(disputeId) });
    await heard(world());
    expect(await runOf(workflowId)).toBe(runId);
    await inbox.receive('charge.dispute.created', old);
    await rest(world(), [workflowId]);
    expect(await runOf(workflowId)).not.toBe(runId);
    expect(await disputes.view(disputeId)).toEqual(before);
  });
});

describe('the events of an early fraud warning', () => {
  it.each(['created', 'updated'])('%s may be the first that comes', async (what) => {
    const orderId = await disputes.shippedOrder('all');
    const warningId = unheardWarning(orderId);
    const told = { id: warningId, object: 'radar.early_fraud_warning', payment_intent: disputes.paymentOf(orderId) };
    await inbox.receive(`radar.early_fraud_warning.${what}`, told);
    await warnings.until(warningId, 'the warning', (one) => one.orderId === orderId && one.exceptions.length === 1);
    await warnings.decide(warningId, 'ignore');
    await warnings.endOf(warningId);
  });

  it('that name no payment are matched by their charge', async () => {
    const orderId = await disputes.shippedOrder('all');
    const warningId = unheardWarning(orderId);
    const [charge] = world().simulator.state.chargesOf(disputes.paymentOf(orderId));
    const told = { id: warningId, object: 'radar.early_fraud_warning', charge: charge?.id };
    await inbox.receive('radar.early_fraud_warning.created', told);
    await warnings.until(warningId, 'the warning', (one) => one.orderId === orderId);
    await warnings.decide(warningId, 'ignore');
    await warnings.endOf(warningId);
  });
});

const KINDS = ['charge.dispute.created', 'charge.dispute.closed', 'radar.early_fraud_warning.created'];

describe.each(KINDS)('%s', (type) => {
  let orderId: string;
  beforeAll(async () => void (orderId = await disputes.shippedOrder('all')));

  it.each<[string, (payment: string) => object]>([
    ['without an id', (payment) => ({ object: 'dispute', payment_intent: payment })],
    ['with an id that is no text', (payment) => ({ id: 7, payment_intent: payment })],
    ['without a payment or a charge', () => ({ id: 'du_bare' })],
    ['of a charge without a shape', () => ({ id: 'du_shapeless', charge: { amount: 1 } })],
    ['of a charge that nobody knows', () => ({ id: 'du_stray', charge: 'ch_nobody' })],
    ['of a payment that nobody knows', () => ({ id: 'du_nobody', payment_intent: 'pi_nobody' })],
    ['that is empty', () => ({})],
  ])('%s is stored, and wakes no workflow', async (_name, object) => {
    const eventId = await inbox.receive(type, object(disputes.paymentOf(orderId)));
    await inbox.until(eventId, 'ignored');
    expect(await heardOf(world(), eventId)).toMatchObject({ attempts: 1 });
    expect((await shop.view(orderId)).disputes ?? []).toEqual([]);
  });

  it('of a foreign payment is ignored; of an order that is not recorded yet waits for the order, but not for ever', async () => {
    const { stripe } = world().dependencies;
    const intent = (metadata: Record<string, string>) =>
      stripe.paymentIntents.create({ amount: 100, currency: 'eur', metadata });
    const foreign = await intent({});
    const ignored = await inbox.receive(type, { id: 'du_foreign', payment_intent: foreign.id });
    await inbox.until(ignored, 'ignored');
    const early = await intent({ holdfast_order_id: `ord_early_${type}` });
    const waits = await inbox.receive(type, { id: 'du_early', payment_intent: early.id });
    await inbox.until(waits, 'waiting');
    expect(await heardOf(world(), waits)).toMatchObject({ last_error: 'its order is not known yet' });
    await inbox.age(waits, 9);
    await inbox.until(waits, 'ignored');
    expect(await heardOf(world(), waits)).toMatchObject({ attempts: 10, last_error: 'its order is not known here' });
  });
});
