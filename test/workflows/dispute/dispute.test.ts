import { createWorld } from '../../support/world';
import type { World } from '../../support/world';
import { Disputes } from '../../support/disputes';
import { eventually } from '../../support/time/eventually';
import { parcel, shopForThisFile } from '../../support/shop';
import { disputeChanged } from '../../../workflows/dispute/messages';
import { workflowIds } from '../../../workflows/kit/names';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const { world, shop } = shopForThisFile();
const disputes = new Disputes(world, shop);
const teapot = () => parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]);
const noticesOf = async (disputeId: string, where = world()): Promise<string[]> => {
  const { rows } = await where.dependencies.pool.query<{ kind: string }>(
    `SELECT kind FROM notices WHERE subject_type = 'dispute' AND subject_id = $1 ORDER BY due_at, kind`,
    [disputeId],
  );
  return rows.map((row) => row.kind);
};

describe('a dispute', () => {
  it('stops what has not shipped, collects the evidence, is submitted by a person, won, and the order goes on', async () => {
    const orderId = await disputes.shippedOrder();
    const disputeId = await disputes.opened(orderId);
    expect(await disputes.view(disputeId)).toMatchObject({
      stage: 'evidence_due',
      waitingOn: 'approver',
      evidenceFields: expect.arrayContaining(['customer_email_address', 'uncategorized_text']) as string[],
    });
    expect(await world().holdfast.ship(orderId, teapot())).toMatchObject({ accepted: false, reason: 'disputed' });
    const answer = await disputes.decide(disputeId, { uncategorizedText: 'winning_evidence' });
    expect(answer).toMatchObject({ accepted: true, stage: 'under_review', action: 'submit' });
    await disputes.forward(disputeId, HOUR_MS);
    expect(await disputes.endOf(disputeId)).toEqual({ disputeId, stage: 'won' });
    expect(await disputes.view(disputeId)).toMatchObject({ stage: 'won', withdrawn: 0, exceptions: [] });
    expect(await world().holdfast.ship(orderId, teapot())).toMatchObject({ accepted: true });
    expect(await noticesOf(disputeId)).toEqual(['dispute_opened', 'dispute_closed']);
  });

  it('without a decision raises two warnings and is then submitted under the policy, as the record states', async () => {
    const orderId = await disputes.shippedOrder('all');
    const disputeId = await disputes.opened(orderId);
    await disputes.forwardToDeadline(disputeId, 71 * HOUR_MS);
    expect(await disputes.view(disputeId)).toMatchObject({
      exceptions: [{ kind: 'dispute_evidence_due', owner: 'payments' }],
    });
    expect(await noticesOf(disputeId)).toEqual(['dispute_opened', 'dispute_evidence_due']);
    await disputes.forwardToDeadline(disputeId, 23 * HOUR_MS);
    expect(await noticesOf(disputeId)).toEqual(['dispute_opened', 'dispute_evidence_due', 'dispute_evidence_due']);
    await disputes.forwardToDeadline(disputeId, HOUR_MS);
    expect(await disputes.view(disputeId)).toMatchObject({
      stage: 'under_review',
      decision: { action: 'submit', actor: 'holdfast' },
      exceptions: [],
    });
    world().simulator.decideDispute(disputeId, 'lost');
    expect(await disputes.endOf(disputeId)).toEqual({ disputeId, stage: 'lost' });
  });

  it('that is accepted is lost, and a person decides about the lines that are left', async () => {
    const orderId = await disputes.shippedOrder();
    const disputeId = await disputes.opened(orderId);
    expect(await disputes.decide(disputeId, { action: 'accept' })).toMatchObject({ accepted: true, stage: 'lost' });
    expect(await disputes.endOf(disputeId)).toEqual({ disputeId, stage: 'lost' });
    expect(await shop.view(orderId)).toMatchObject({ exception: { kind: 'dispute_lost', owner: 'payments' } });
    expect(await world().holdfast.cancel(orderId, { reason: 'dispute lost' })).toMatchObject({ accepted: true });
    expect(await shop.view(orderId)).not.toHaveProperty('exception');
  });

  it('is decided once: the same decision gets the same answer, another one is refused, and so is any after the end', async () => {
    const orderId = await disputes.shippedOrder('all');
    const disputeId = await disputes.opened(orderId);
    const [first, same] = await Promise.all([
      disputes.decide(disputeId),
      disputes.decide(disputeId, { actor: 'op-2' }),
    ]);
    expect(first).toMatchObject({ accepted: true });
    expect(same).toEqual(first);
    expect(await disputes.decide(disputeId, { action: 'accept' })).toMatchObject({
      accepted: false,
      reason: 'already_decided',
    });
    world().simulator.decideDispute(disputeId, 'won');
    await disputes.endOf(disputeId);
    await disputes.wake(disputeId);
    expect(await disputes.decide(disputeId)).toMatchObject({ accepted: true, stage: 'won' });
    expect((await disputes.view(disputeId)).decision).toMatchObject({ action: 'submit', attempt: 1 });
  });

  it('whose evidence cannot be collected, since Stripe refuses it, has an owner', async () => {
    const orderId = await disputes.shippedOrder('all');
    const charge = { method: 'GET', pathPattern: '^/v1/charges/' };
    const action = { kind: 'refusal', code: 'resource_missing' } as const;
    const fault = world().simulator.faults.add({ match: charge, action, times: Infinity });
    const disputeId = disputes.open(orderId);
    const { exceptions } = await disputes.until(disputeId, 'a case to be open', (one) =>
      one.exceptions.some(({ kind }) => kind === 'dispute_unsettled'),
    );
    expect(exceptions.find(({ kind }) => kind === 'dispute_unsettled')).toMatchObject({ owner: 'payments' });
    world().simulator.faults.clear(fault);
    await disputes.forward(disputeId, HOUR_MS);
    await disputes.until(disputeId, 'evidence to be collected', (one) => one.evidenceCollectedAt !== undefined);
  });

  it.each<{ code?: string; param?: string }>([
    { code: 'parameter_invalid_string', param: 'evidence[uncategorized_text]' },
    {},
  ])('whose answer is refused (%j) waits for a corrected one, which is accepted', async (named) => {
    const orderId = await disputes.shippedOrder('all');
    const disputeId = await disputes.opened(orderId);
    world().simulator.faults.add({
      match: { method: 'POST', pathPattern: `/v1/disputes/${disputeId}$` },
      action: { kind: 'refusal', ...named },
    });
    const first = await disputes.decide(disputeId, { uncategorizedText: 'what cannot be sent' });
    expect(first).toMatchObject({ accepted: false, reason: 'refused_by_provider' });
    expect(await disputes.view(disputeId)).toMatchObject({
      stage: 'evidence_due',
      waitingOn: 'approver',
      exceptions: [{ kind: 'dispute_unsettled', owner: 'payments' }],
    });
    const corrected = await disputes.decide(disputeId, { actor: 'op-2', uncategorizedText: 'winning_evidence' });
    expect(corrected).toMatchObject({ accepted: true, stage: 'under_review', action: 'submit' });
    expect(await disputes.view(disputeId)).toMatchObject({ decision: { actor: 'op-2', attempt: 2 }, exceptions: [] });
    await disputes.forward(disputeId, HOUR_MS);
    expect(await disputes.endOf(disputeId)).toEqual({ disputeId, stage: 'won' });
  });

  it('that was only an inquiry closes without money; one that escalates is a round of its own', async () => {
    const orderId = await disputes.shippedOrder();
    const disputeId = await disputes.opened(orderId, { kind: 'inquiry' });
    expect(await disputes.view(disputeId)).toMatchObject({ isInquiry: true, withdrawn: 0 });
    expect(await world().holdfast.ship(orderId, teapot())).toMatchObject({ accepted: false, reason: 'disputed' });
    await disputes.decide(disputeId);
    world().simulator.escalateInquiry(disputeId);
    const second = await disputes.until(
      disputeId,
      'the second round',
      (one) => one.round === 2 && one.evidenceCollectedAt !== undefined,
    );
    expect(second).toMatchObject({ isInquiry: false, stage: 'evidence_due', waitingOn: 'approver' });
    expect(second.withdrawn).toBeGreaterThan(0);
    expect(await disputes.decide(disputeId)).toMatchObject({ accepted: true, stage: 'under_review' });
    world().simulator.decideDispute(disputeId, 'won');
    await disputes.endOf(disputeId);
    const quiet = await disputes.shippedOrder('all');
    const inquiry = await disputes.opened(quiet, { kind: 'inquiry' });
    await disputes.decide(inquiry);
    world().simulator.decideDispute(inquiry, 'warning_closed');
    expect(await disputes.endOf(inquiry)).toEqual({ disputeId: inquiry, stage: 'warning_closed' });
  });

  it('whose amount grows reinstates no more than was withdrawn; anything beyond becomes an exception', async () => {
    const orderId = await disputes.shippedOrder('all');
    const disputeId = await disputes.opened(orderId);
    const { amount } = await disputes.view(disputeId);
    world().simulator.changeDisputedAmount(disputeId, amount + 1_000);
    world().simulator.decideDispute(disputeId, 'won');
    expect(await disputes.endOf(disputeId)).toEqual({ disputeId, stage: 'won' });
    const message = expect.stringContaining('10.00 EUR more than') as string;
    expect(await disputes.view(disputeId)).toMatchObject({
      stage: 'won',
      withdrawn: 0,
      amount: amount + 1_000,
      exceptions: [{ kind: 'dispute_unsettled', message }],
    });
    expect((await shop.view(orderId)).amounts.disputed ?? 0).toBe(0);
  });

  it('whose amount grows or shrinks under a balance in another currency is reinstated as a whole', async () => {
    const { simulator } = world();
    simulator.setExchange({ currency: 'usd', rate: 1.08 });
    for (const change of [1_000, -1_000]) {
      const orderId = await disputes.shippedOrder('all');
      const disputeId = await disputes.opened(orderId);
      const { amount } = await disputes.view(disputeId);
      simulator.changeDisputedAmount(disputeId, amount + change);
      simulator.decideDispute(disputeId, 'won');
      await disputes.until(disputeId, 'its money to be back', (one) => one.withdrawn === 0);
      expect(await disputes.endOf(disputeId)).toEqual({ disputeId, stage: 'won' });
      expect(await disputes.view(disputeId)).toMatchObject({ amount: amount + change, exceptions: [] });
    }
    simulator.setExchange(undefined);
  });

  it('of a payment that is not ours, or that is unknown, ends at once', async () => {
    await disputes.wake('du_nobody');
    expect(await disputes.endOf('du_nobody')).toEqual({ disputeId: 'du_nobody', stage: 'unknown' });
  });

  it('shows in its details and search attributes who must act next, and nothing personal', async () => {
    const orderId = await disputes.shippedOrder('all');
    const disputeId = await disputes.opened(orderId);
    const handle = world().client.workflow.getHandle(workflowIds.dispute(disputeId));
    const described = await eventually('the search attributes', async () => {
      const { typedSearchAttributes } = await handle.describe();
      const found = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
      return found['WaitingOn'] === 'approver' && found;
    });
    expect(described).toMatchObject({ OrderId: orderId });
    const history = JSON.stringify(await handle.fetchHistory());
    for (const personal of ['buyer@example.com', 'uncategorized_text', 'customer_email_address']) {
      expect(history).not.toContain(personal);
    }
    world().simulator.decideDispute(disputeId, 'won');
    await disputes.endOf(disputeId);
  });
});

describe('under a policy that leaves undecided disputes alone', () => {
  it('nothing is submitted, the record states it, and a late answer that the provider refuses is reported', async () => {
    const leaving = await createWorld({ disputes: { onDeadline: 'leave' } });
    try {
      const there = new Disputes(() => leaving, shop);
      const orderId = await there.shippedOrder('all');
      const lost = await there.opened(orderId);
      await there.forwardToDeadline(lost, -HOUR_MS);
      expect(await there.endOf(lost)).toMatchObject({ stage: 'lost' });
      expect((await there.view(lost)).decision).toBeUndefined();
      const inquiry = await there.opened(await there.shippedOrder('all'), { kind: 'inquiry' });
      await there.forwardToDeadline(inquiry, -HOUR_MS);
      expect(await there.view(inquiry)).toMatchObject({
        decision: { action: 'leave', actor: 'holdfast' },
        waitingOn: 'provider',
      });
      expect(await there.decide(inquiry)).toMatchObject({ accepted: false, reason: 'refused_by_provider' });
      expect(await there.view(inquiry)).toMatchObject({ exceptions: [{ kind: 'dispute_unsettled' }] });
      leaving.simulator.decideDispute(inquiry, 'warning_closed');
      expect(await there.endOf(inquiry)).toMatchObject({ stage: 'warning_closed' });
      expect((await there.view(inquiry)).exceptions).toEqual([]);
    } finally {
      await leaving.close();
    }
  });
});

describe('with a deadline of another length', () => {
  let alone: World;
  let there: Disputes;
  beforeEach(async () => {
    alone = await createWorld();
    there = new Disputes(() => alone, shop);
  });
  afterEach(() => alone.close());

  it('a dispute shorter than the warnings raises an exception at once and is submitted after three quarters of its time', async () => {
    const orderId = await there.shippedOrder('all');
    const disputeId = await there.opened(orderId, { dueInMs: 4 * HOUR_MS });
    await there.until(disputeId, 'a person to be told', (one) => one.exceptions.length > 0);
    expect(await noticesOf(disputeId, alone)).toEqual(['dispute_opened']);
    await there.forwardToDeadline(disputeId, 0.9 * HOUR_MS);
    expect(await there.view(disputeId)).toMatchObject({ stage: 'under_review', decision: { actor: 'holdfast' } });
    alone.simulator.decideDispute(disputeId, 'won');
    await there.endOf(disputeId);
  });

  it('a dispute woken by many hints looks a few times and keeps a short history', async () => {
    const orderId = await there.shippedOrder('all');
    const disputeId = await there.opened(orderId);
    const handle = alone.client.workflow.getHandle(workflowIds.dispute(disputeId));
    await Promise.all(Array.from({ length: 10 }, () => handle.signal(disputeChanged)));
    await there.decide(disputeId);
    await there.forward(disputeId, 65 * DAY_MS);
    expect(await there.endOf(disputeId)).toMatchObject({ stage: 'lost' });
    const { events = [] } = await handle.fetchHistory();
    process.stdout.write(`a dispute reviewed for 60 days: ${events?.length ?? 0} events\n`);
    expect(events?.length).toBeLessThan(300);
  });
});
