import { WorkflowNotFoundError } from '@temporalio/common';
import { workflowIds } from '../../../workflows/kit/names';
import { Disputes, FraudWarnings } from '../../support/disputes';
import { eventually } from '../../support/time/eventually';
import { providerRefundsOf, refundIn } from '../../support/refunds';
import { shopForThisFile } from '../../support/shop';
import { heardOf, inboxOf } from './inbox-of';

// Events about objects that Stripe does not know: of another account, or another mode.
const { world, shop } = shopForThisFile();
const disputes = new Disputes(world, shop);
const warnings = new FraudWarnings(world);
const inbox = inboxOf(world);

afterEach(() => {
  world().simulator.setWebhookFaults({});
  world().simulator.faults.clear();
});

const casesOf = async (workflowId: string) =>
  (await world().dependencies.queries.listExceptions()).filter((one) => one.workflowId === workflowId);

/** From now on Stripe answers for this object that it knows none. */
function forget(path: string): void {
  const action = { kind: 'refusal', code: 'resource_missing', param: 'id' } as const;
  world().simulator.faults.add({ match: { method: 'GET', pathPattern: `${path}$` }, action, times: Infinity });
}

async function hasOneCase(workflowId: string, like: { kind: string; orderId: string }): Promise<void> {
  await eventually('a person to get the case', async () => (await casesOf(workflowId)).length === 1);
  expect(await casesOf(workflowId)).toMatchObject([{ ...like, owner: 'payments' }]);
}

const isClosed = (workflowId: string) =>
  eventually('the case to be closed', async () => (await casesOf(workflowId)).length === 0);

describe('a refund that Stripe does not know', () => {
  it('and that none of our records refers to is looked up for some minutes, then ignored as foreign', async () => {
    const orderId = await disputes.shippedOrder('all');
    const payment = disputes.paymentOf(orderId);
    const object = { object: 'refund', id: 're_of_another_account', payment_intent: payment, status: 'pending' };
    const eventId = await inbox.receive('refund.created', object);
    await inbox.until(eventId, 'waiting');
    await inbox.age(eventId, 9);
    await inbox.until(eventId, 'ignored');
    expect(await heardOf(world(), eventId)).toMatchObject({ last_error: 'the provider does not know its refund' });
    const handle = world().client.workflow.getHandle(workflowIds.refund('re_of_another_account'));
    await expect(handle.describe()).rejects.toThrow(WorkflowNotFoundError);
    expect((await shop.view(orderId)).exception).toBeUndefined();
  });

  it('and that our record has raises an exception at once, which a look that finds the refund closes', async () => {
    const orderId = await disputes.shippedOrder('all');
    world().simulator.setNextRefund(
      { kind: 'pending', then: 'stay' },
      { match: { paymentIntent: disputes.paymentOf(orderId) } },
    );
    const answer = await world().holdfast.refund(orderId, { amount: 700, reason: 'requested_by_customer' });
    if (!answer.accepted || answer.state === 'voided') throw new Error(JSON.stringify(answer));
    const { refundId } = answer;
    await eventually('the provider’s answer to be recorded', async () =>
      (await refundIn(world(), refundId, 'pending')).parts.every((part) => part.providerRefundId !== undefined),
    );
    const [refund] = providerRefundsOf(world(), orderId);
    const id = refund?.id ?? '';
    forget(`/v1/refunds/${id}`);
    const news = { ...structuredClone(refund), object: 'refund', status: 'succeeded' };
    await inbox.until(await inbox.receive('refund.updated', news), 'done');
    const workflowId = workflowIds.refund(refundId);
    await hasOneCase(workflowId, { kind: 'refund_unknown', orderId });
    world().simulator.faults.clear();
    const command = { kind: 'refund_unknown', action: 'retry', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    await isClosed(workflowId);
    world().simulator.settleRefund(id, 'succeeded');
    await refundIn(world(), refundId, 'succeeded');
  });
});

describe('a dispute that Stripe does not know', () => {
  it('and that we do not know ends without an exception', async () => {
    const orderId = await disputes.shippedOrder('all');
    const object = { object: 'dispute', id: 'du_of_another_account', payment_intent: disputes.paymentOf(orderId) };
    await inbox.until(await inbox.receive('charge.dispute.created', object), 'done');
    expect(await disputes.endOf('du_of_another_account')).toMatchObject({ stage: 'unknown' });
    expect((await shop.view(orderId)).exception).toBeUndefined();
  });

  it('and that our record has raises an exception at once, even when its workflow starts anew', async () => {
    const orderId = await disputes.shippedOrder('all');
    const disputeId = await disputes.opened(orderId);
    const workflowId = workflowIds.dispute(disputeId);
    const object = {
      ...structuredClone(
        world()
          .simulator.state.disputes()
          .find((one) => one.id === disputeId),
      ),
    };
    await world().client.workflow.getHandle(workflowId).terminate('a worker of another account');
    forget(`/v1/disputes/${disputeId}`);
    await inbox.receive('charge.dispute.updated', { ...object, object: 'dispute' });
    await eventually('a person to get the case', async () =>
      (await casesOf(workflowId)).some((one) => one.kind === 'dispute_unsettled'),
    );
    world().simulator.faults.clear();
    const command = { kind: 'dispute_unsettled', action: 'retry', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    world().simulator.decideDispute(disputeId, 'won');
    await disputes.endOf(disputeId);
    await isClosed(workflowId);
  });
});

describe('an early fraud warning that Stripe does not know', () => {
  it('and that our record has raises an exception at once', async () => {
    const orderId = await disputes.shippedOrder('all');
    const payment = disputes.paymentOf(orderId);
    const warningId = await warnings.raised(payment);
    const workflowId = workflowIds.fraudWarning(warningId);
    forget(`/v1/radar/early_fraud_warnings/${warningId}`);
    const object = { object: 'radar.early_fraud_warning', id: warningId, payment_intent: payment };
    await inbox.receive('radar.early_fraud_warning.updated', object);
    await eventually('a person to get the case', async () =>
      (await casesOf(workflowId)).some((one) => one.kind === 'dispute_unsettled'),
    );
    world().simulator.faults.clear();
    const command = { kind: 'dispute_unsettled', action: 'retry', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    await warnings.decide(warningId, 'ignore');
    await warnings.endOf(warningId);
    await isClosed(workflowId);
  });
});
