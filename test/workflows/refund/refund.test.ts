import { isDeepStrictEqual } from 'node:util';
import type { HoldfastClient } from '../../../clients/client';
import { eventually } from '../../support/time/eventually';
import { everything, mugs, parcel, shopForThisFile } from '../../support/shop';
import {
  forwardRefund,
  providerRefundsOf,
  refundExceptions,
  refundIn,
  refundNotices,
  refundOf,
} from '../../support/refunds';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const reason = 'requested_by_customer';

const { world, shop } = shopForThisFile();

/** An order that has shipped whole: 7970 captured. */
async function shipped(): Promise<string> {
  const orderId = await shop.place();
  expect(await world().holdfast.ship(orderId, everything())).toMatchObject({ accepted: true, state: 'shipped' });
  return orderId;
}

async function refund(orderId: string, amount: number): Promise<string> {
  const answer = await world().holdfast.refund(orderId, { amount, reason });
  if (!answer.accepted || answer.state === 'voided') throw new Error(JSON.stringify(answer));
  return answer.refundId;
}

async function told(refundId: string): Promise<string[]> {
  return (await refundNotices(world(), refundId)).map((one) => one.kind);
}

function setNext(
  orderId: string,
  outcome: Parameters<ReturnType<typeof world>['simulator']['setNextRefund']>[0],
): void {
  world().simulator.setNextRefund(outcome, { match: { metadata: { holdfast_order_id: orderId } } });
}

/** Written by the workflow a moment after the step that changed the refund. */
async function shows(refundId: string, expected: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const handle = world().client.workflow.getHandle(`refund-${refundId}`);
  await eventually(`the search attributes ${JSON.stringify(expected)}`, async () => {
    const { searchAttributes } = await handle.describe();
    return Object.entries(expected).every(([name, values]) => isDeepStrictEqual(searchAttributes[name], values));
  });
}

describe('a refund', () => {
  it('is answered once it is reserved, confirmed by the provider, and shown by the order', async () => {
    const orderId = await shipped();
    const answer = await world().holdfast.refund(orderId, { amount: 1000, reason });
    const accepted = { accepted: true, state: 'pending', amount: 1000, currency: 'eur', parts: [{ amount: 1000 }] };
    expect(answer).toMatchObject(accepted);
    const refundId = 'refundId' in answer ? answer.refundId : '';
    const done = await refundIn(world(), refundId, 'succeeded');
    const metadata = {
      holdfast_order_id: orderId,
      holdfast_refund_id: refundId,
      holdfast_operation_key: `refund:${refundId}:1`,
    };
    const made = { id: done.parts[0]?.providerRefundId, amount: 1000, metadata };
    expect(providerRefundsOf(world(), orderId)).toMatchObject([made]);
    expect(await shop.view(orderId)).toMatchObject({
      amounts: { captured: 7970, refundPending: 0, refunded: 1000 },
      refunds: [{ refundId, state: 'succeeded' }],
    });
    expect(await told(refundId)).toEqual(['refund_done']);
    await shows(refundId, { OrderId: [orderId], WaitingOn: ['provider'] });
  });

  it('asked for twice under one key is one refund; with another content it is refused', async () => {
    const orderId = await shipped();
    const call = { idempotencyKey: `k-${orderId}` };
    const ask = (amount: number) => world().holdfast.refund(orderId, { amount, reason }, call);
    const [one, other] = await Promise.all([ask(500), ask(500)]);
    expect(one).toMatchObject({ accepted: true });
    expect('refundId' in one && 'refundId' in other && one.refundId === other.refundId).toBe(true);
    await refundIn(world(), 'refundId' in one ? one.refundId : '', 'succeeded');
    expect(providerRefundsOf(world(), orderId)).toHaveLength(1);
    const again = await world().holdfast.refund(orderId, { amount: 501, reason }, { idempotencyKey: `k-${orderId}` });
    expect(again).toMatchObject({ accepted: false, reason: 'refund_id_used' });
  });

  it('requested while the outcome of the capture is unknown waits, and is made once the outcome is known', async () => {
    const { faults } = world().simulator;
    const orderId = await shop.place();
    const held = faults.add({ match: { pathPattern: '/capture$' }, action: { kind: 'hold', when: 'after' } });
    const shipping = world().holdfast.ship(orderId, everything());
    await faults.untilHeld(held);
    const answer = await world().holdfast.refund(orderId, { amount: 900, reason });
    expect(answer).toMatchObject({ accepted: true, state: 'waiting' });
    const refundId = 'refundId' in answer ? answer.refundId : '';
    expect(providerRefundsOf(world(), orderId)).toEqual([]);
    expect(await told(refundId)).toEqual([]);
    faults.release(held);
    expect(await shipping).toMatchObject({ accepted: true, state: 'shipped' });
    await forwardRefund(refundId, HOUR_MS);
    await refundIn(world(), refundId, 'succeeded');
    expect(providerRefundsOf(world(), orderId)).toMatchObject([{ amount: 900 }]);
  });

  it('that is pending is announced as on its way, and announced as done once, when the provider confirms it', async () => {
    const orderId = await shipped();
    setNext(orderId, { kind: 'pending', then: 'stay', pendingReason: 'processing' });
    const refundId = await refund(orderId, 700);
    await eventually('the customer to hear of it', async () => (await told(refundId)).length === 1);
    expect(await told(refundId)).toEqual(['refund_on_its_way']);
    expect((await shop.view(orderId)).amounts).toMatchObject({ refundPending: 700, refunded: 0 });
    const { parts } = await refundOf(world(), refundId);
    world().simulator.settleRefund(parts[0]?.providerRefundId ?? '', 'succeeded');
    await refundIn(world(), refundId, 'succeeded');
    expect(await told(refundId)).toEqual(['refund_on_its_way', 'refund_done']);
  });

  it('that fails becomes an exception with the reason and the ways out; a new refund of the same money succeeds', async () => {
    const orderId = await shipped();
    setNext(orderId, { kind: 'pending', then: 'fail', failureReason: 'expired_or_canceled_card' });
    const refundId = await refund(orderId, 900);
    const [{ providerRefundId = '' } = {}] = (await refundIn(world(), refundId, 'pending')).parts;
    await eventually('the provider to have it', async () => providerRefundsOf(world(), orderId).length === 1);
    await forwardRefund(refundId, HOUR_MS);
    const failed = await refundIn(world(), refundId, 'failed');
    expect(failed.parts).toMatchObject([
      {
        failureReason: 'expired_or_canceled_card',
        failureBalanceTransaction: expect.stringMatching(/^txn_/) as string,
      },
    ]);
    expect(providerRefundId === '' || providerRefundId.startsWith('re_')).toBe(true);
    const [{ message = '' } = {}] = await refundExceptions(world(), refundId);
    expect(message).toContain('the card is expired or canceled');
    expect((await shop.view(orderId)).amounts).toMatchObject({ refundPending: 0, refunded: 0 });
    await shows(refundId, { ExceptionKind: ['refund_failed'], WaitingOn: ['approver'] });
    const answer = await world().holdfast.resolveRefund(refundId, { action: 'another_refund', actor: 'op-1' });
    expect(answer).toMatchObject({ accepted: true, state: 'resolved', resolution: { reference: `${refundId}-2` } });
    await refundIn(world(), `${refundId}-2`, 'succeeded');
    expect(await refundExceptions(world(), refundId)).toEqual([]);
    await world().client.workflow.getHandle(`refund-${refundId}`).result();
    expect((await shop.view(orderId)).amounts).toMatchObject({ refundPending: 0, refunded: 900 });
  });

  it('that fails weeks after it succeeded is reversed in the ledger, and a person gets an exception', async () => {
    const orderId = await shipped();
    const refundId = await refund(orderId, 800);
    const done = await refundIn(world(), refundId, 'succeeded');
    await forwardRefund(refundId, 40 * DAY_MS);
    world().simulator.settleRefund(done.parts[0]?.providerRefundId ?? '', 'failed', 'lost_or_stolen_card');
    const failed = await refundIn(world(), refundId, 'failed');
    expect(failed).toMatchObject({ parts: [{ failureReason: 'lost_or_stolen_card' }] });
    expect((await shop.view(orderId)).amounts).toMatchObject({ refunded: 0, refundPending: 0 });
    expect(await told(refundId)).toEqual(expect.arrayContaining(['refund_delayed', 'refund_needs_a_person']));
    const transfer = { action: 'manual_transfer', reference: 'SEPA-1', actor: 'op-1' } as const;
    const answer = await world().holdfast.resolveRefund(refundId, transfer);
    expect(answer).toMatchObject({ accepted: true, state: 'resolved', resolution: { reference: 'SEPA-1' } });
    expect((await shop.view(orderId)).amounts).toMatchObject({ refundedOutside: 800 });
    const again = await world().holdfast.resolveRefund(refundId, { action: 'dismiss', actor: 'op-1' });
    expect(again).toMatchObject({ accepted: false, reason: 'nothing_to_resolve' });
  });

  it('is watched for 60 days with few wake-ups, then its workflow ends', async () => {
    const orderId = await shipped();
    const refundId = await refund(orderId, 100);
    await refundIn(world(), refundId, 'succeeded');
    expect(await forwardRefund(refundId, 61 * DAY_MS)).toBe('ended');
    const handle = world().client.workflow.getHandle(`refund-${refundId}`);
    expect(await handle.result()).toEqual({ refundId, state: 'succeeded' });
    const { historyLength } = await handle.describe();
    expect(historyLength).toBeLessThanOrEqual(110);
  });

  it('that waits for the customer is an exception; once canceled, its amount can be refunded again', async () => {
    const orderId = await shipped();
    setNext(orderId, { kind: 'requires_action', then: 'stay' });
    const refundId = await refund(orderId, 600);
    await refundIn(world(), refundId, 'requires_action');
    expect(await refundExceptions(world(), refundId)).toMatchObject([{ kind: 'refund_action_needed' }]);
    expect(await told(refundId)).toEqual(expect.arrayContaining(['refund_action_needed']));
    await shows(refundId, { WaitingOn: ['customer'] });
    expect(await world().holdfast.cancelRefund(refundId)).toMatchObject({ accepted: true, state: 'canceled' });
    expect((await shop.view(orderId)).amounts).toMatchObject({ refundPending: 0 });
    expect(await world().holdfast.resolveRefund(refundId, { action: 'dismiss' })).toMatchObject({ state: 'resolved' });
    expect(await world().holdfast.cancelRefund(refundId)).toMatchObject({ accepted: false, reason: 'too_late' });
  });

  it('pending beyond its limit becomes an exception, which closes by itself when the refund completes', async () => {
    const orderId = await shipped();
    setNext(orderId, { kind: 'pending', then: 'stay' });
    const refundId = await refund(orderId, 400);
    await eventually('the provider to have it', async () => providerRefundsOf(world(), orderId).length === 1);
    await forwardRefund(refundId, 10 * DAY_MS + HOUR_MS);
    expect(await refundExceptions(world(), refundId)).toMatchObject([{ kind: 'refund_overdue' }]);
    await shows(refundId, { ExceptionKind: ['refund_overdue'] });
    const { parts } = await refundOf(world(), refundId);
    world().simulator.settleRefund(parts[0]?.providerRefundId ?? '', 'succeeded');
    await refundIn(world(), refundId, 'succeeded');
    expect(await refundExceptions(world(), refundId)).toEqual([]);
  });
});

describe('what is not a refund', () => {
  it('of an order of which nothing was captured, a refund in full cancels it and the answer says so; a partial one is refused', async () => {
    const orderId = await shop.place();
    expect(await world().holdfast.refund(orderId, { amount: 100, reason })).toMatchObject({
      accepted: false,
      reason: 'nothing_captured',
      held: 7970,
      refundable: 0,
    });
    const answer = await world().holdfast.refund(orderId, { amount: 7970, reason });
    expect(answer).toMatchObject({ accepted: true, state: 'voided', releasedAmount: 7970 });
    expect(await shop.endOf(orderId)).toMatchObject({ state: 'cancelled' });
  });

  it('of goods that have not shipped cancels their lines, which can no longer ship', async () => {
    const orderId = await shop.place({ captureOn: 'order' });
    await eventually('the money to be taken', async () => (await shop.view(orderId)).paymentState === 'captured');
    const lines = [{ sku: 'TEAPOT-1L', quantity: 1 }];
    expect(await world().holdfast.refund(orderId, { lines, reason })).toMatchObject({
      accepted: true,
      state: 'pending',
    });
    const parcelOf = parcel(lines);
    expect(await world().holdfast.ship(orderId, parcelOf)).toMatchObject({
      accepted: false,
      reason: 'exceeds_remaining',
    });
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true, state: 'shipped' });
    const [{ refundId = '' } = {}] = (await shop.view(orderId)).refunds;
    await refundIn(world(), refundId, 'succeeded');
  });

  it('an order that was refunded in full ships nothing and may be cancelled', async () => {
    const orderId = await shop.place({ captureOn: 'order' });
    await eventually('the money to be taken', async () => (await shop.view(orderId)).paymentState === 'captured');
    const refundId = await refund(orderId, 7970);
    expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: false, reason: 'refunded' });
    await refundIn(world(), refundId, 'succeeded');
    const cancelled = await world().holdfast.cancel(orderId, { reason: 'refunded' });
    expect(cancelled).toMatchObject({ accepted: true, state: 'cancelled', releasedAmount: 0 });
    expect(await shop.endOf(orderId)).toMatchObject({ state: 'cancelled' });
  });

  it.each<[string, Parameters<HoldfastClient['refund']>[1], object]>([
    ['too much', { amount: 7971, reason }, { reason: 'exceeds_refundable', refundable: 7970 }],
    ['another currency', { amount: 100, currency: 'usd', reason }, { reason: 'wrong_currency' }],
    ['a line that it has not', { lines: [{ sku: 'CAP', quantity: 1 }], reason }, { reason: 'unknown_line' }],
    ['more pieces than were sold', { lines: [{ sku: 'MUG-BLUE', quantity: 3 }], reason }, { reason: 'exceeds_line' }],
  ])('%s is refused, and nothing is changed', async (_what, request, refusal) => {
    const orderId = await shipped();
    const before = await shop.view(orderId);
    const answer = await world().holdfast.refund(orderId, request);
    expect(answer).toMatchObject({ accepted: false, ...refusal });
    expect(await shop.view(orderId)).toEqual(before);
    expect(providerRefundsOf(world(), orderId)).toEqual([]);
  });

  it('a closed order without captured money and an unknown order are refused a refund', async () => {
    const orderId = await shop.place();
    await world().holdfast.cancel(orderId, { reason: 'changed_mind' });
    await shop.endOf(orderId);
    const refused = { accepted: false, reason: 'nothing_captured', refundable: 0 };
    expect(await world().holdfast.refund(orderId, { amount: 100, reason })).toMatchObject(refused);
    expect((await shop.view(orderId)).refunds).toEqual([]);
    const unknown = await world().holdfast.refund('ord_nobody', { amount: 100, reason });
    expect(unknown).toMatchObject({ accepted: false, reason: 'unknown_order' });
  });

  it('a delivered order is refunded like any other', async () => {
    const orderId = await shipped();
    expect(await world().holdfast.deliver(orderId)).toMatchObject({ accepted: true, state: 'delivered' });
    await shop.endOf(orderId);
    await refundIn(world(), await refund(orderId, 7970), 'succeeded');
    expect((await shop.view(orderId)).amounts).toMatchObject({ captured: 7970, refunded: 7970 });
  });

  it('ten refunds at once refund no more than was captured', async () => {
    const orderId = await shipped();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => world().holdfast.refund(orderId, { amount: 2000, reason })),
    );
    expect(answers.filter((one) => one.accepted)).toHaveLength(3);
    for (const refused of answers.filter((one) => !one.accepted)) {
      expect(refused).toMatchObject({ reason: 'exceeds_refundable' });
    }
    await eventually('all of them to be confirmed', async () => (await shop.view(orderId)).amounts.refunded === 6000);
  });
});
