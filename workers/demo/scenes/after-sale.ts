import type { DisputeFacts } from '../../../workflows/domain/dispute/dispute';
import type { OrderView } from '../../../workflows/domain/order/view';
import type { RefundFacts } from '../../../workflows/domain/refund/refund';
import type { Scene, Stage } from '../stage';
import { cart, EVERYTHING, expect, expectStatus, MUGS, orderIs, place, TEAPOT, until } from '../stage';

/** Refunds to the test cards succeed, or fail, some seconds after they were made. */
const OUTCOME_LIMIT_MS = 60_000;
const MUG = 1_290;

const confirmed: Scene = {
  title: 'A refund, pending until the bank confirms it',
  slow: true,
  async play(stage) {
    const request = cart(stage, 'refunded', { paymentMethod: 'pm_card_pendingRefund' });
    const orderId = await place(stage, request);
    expectStatus(await stage.shop.ship(orderId, EVERYTHING), 201, 'the parcel');
    const tooMuch = await stage.shop.refund(orderId, 10_000, 'more than was paid');
    expectStatus(tooMuch, 409, 'a refund of more than was paid');
    expectStatus(await stage.shop.refund(orderId, MUG, 'a broken mug'), 201, 'the refund');
    const { amounts } = await refundIs(stage, orderId, ({ state }) => state === 'pending');
    expect(amounts.refundPending === MUG && amounts.refunded === 0, 'the pending refund counts as refunded');
    const done = await refundIs(stage, orderId, ({ state }) => state === 'succeeded');
    expect(
      done.amounts.refundPending === 0 && done.amounts.refunded === MUG,
      'the completed refund is not in the ledger',
    );
    const kinds = await mailsBecome(stage, request.customer.email, 'refund_done');
    const ofRefund = kinds.filter((kind) => kind.startsWith('refund'));
    expect(ofRefund.join() === 'refund_on_its_way,refund_done', `the customer got these mails: ${kinds.join()}`);
    expect(kinds.includes('order_shipped'), 'the customer got no mail about the parcel');
    return {
      story:
        '“on its way” while it was pending, “done” only when the bank had confirmed it; a refund of 100.00 EUR was refused',
      carts: [{ path: 'Refund confirmed', cartId: request.cartId, orderId }],
    };
  },
};

const failedLater: Scene = {
  title: 'A refund that fails after it had succeeded',
  slow: true,
  async play(stage) {
    const request = cart(stage, 'came-back', { paymentMethod: 'pm_card_refundFail' });
    const orderId = await place(stage, request);
    expectStatus(await stage.shop.ship(orderId, EVERYTHING), 201, 'the parcel');
    const { body } = await stage.shop.refund(orderId, MUG, 'a broken mug');
    const failed = await refundIs(stage, orderId, ({ state }) => state === 'failed');
    expect(failed.amounts.refunded === 0, 'the ledger still shows it as refunded');
    const open = await orderIs(stage, orderId, ({ exception }) => exception?.kind === 'refund_failed');
    expect(open.exception?.owner !== '', 'the exception has no owner');
    const resolved = await stage.shop.resolveRefund(body.refundId ?? '', `transfer-${stage.run}`);
    expectStatus(resolved, 200, 'the manual transfer');
    await orderIs(stage, orderId, ({ exception }) => exception === undefined);
    return {
      story: 'the ledger reversed the refund; a person got an exception with the reason and paid by bank transfer',
      carts: [{ path: 'Refund failed later, paid by transfer', cartId: request.cartId, orderId }],
    };
  },
};

const disputeWon: Scene = {
  title: 'A dispute: shipping stops, evidence wins',
  slow: true,
  async play(stage) {
    const request = cart(stage, 'won', { paymentMethod: 'pm_card_createDisputeProductNotReceived' });
    const orderId = await place(stage, request);
    expectStatus(await stage.shop.ship(orderId, MUGS), 201, 'the first parcel');
    const { disputeId } = await disputeIs(stage, orderId, ({ stage: at }) => at === 'evidence_due');
    expectStatus(await stage.shop.ship(orderId, TEAPOT), 409, 'a parcel of a disputed order');
    expectStatus(
      await stage.shop.refund(orderId, MUG, 'to satisfy the customer'),
      409,
      'a refund while it is disputed',
    );
    const decision = { action: 'submit', uncategorizedText: 'winning_evidence' };
    expectStatus(await stage.shop.decideDispute(disputeId, decision), 200, 'the evidence');
    await disputeIs(stage, orderId, ({ stage: at, withdrawn }) => at === 'won' && withdrawn === 0);
    expectStatus(await stage.shop.cancel(orderId, 'not_worth_another_dispute'), 200, 'the rest');
    return {
      story:
        'nothing shipped and nothing was refunded while it was open; the bank returned the money when the shop won',
      carts: [{ path: 'Dispute won', cartId: request.cartId, orderId }],
    };
  },
};

const disputeLost: Scene = {
  title: 'A dispute that is accepted',
  slow: true,
  async play(stage) {
    const request = cart(stage, 'lost', { paymentMethod: 'pm_card_createDispute' });
    const orderId = await place(stage, request);
    expectStatus(await stage.shop.ship(orderId, EVERYTHING), 201, 'the parcel');
    const { disputeId, amount } = await disputeIs(stage, orderId, ({ stage: at }) => at === 'evidence_due');
    expectStatus(await stage.shop.decideDispute(disputeId, { action: 'accept' }), 200, 'the decision');
    await disputeIs(stage, orderId, ({ stage: at, withdrawn }) => at === 'lost' && withdrawn === amount);
    return {
      story: 'a person accepted it; the ledger shows the money as charged back, not as refunded',
      carts: [{ path: 'Dispute lost', cartId: request.cartId, orderId }],
    };
  },
};

function refundIs(stage: Stage, orderId: string, isSo: (refund: RefundFacts) => boolean): Promise<OrderView> {
  return orderIs(stage, orderId, ({ refunds: [refund] }) => refund !== undefined && isSo(refund), OUTCOME_LIMIT_MS);
}

async function disputeIs(
  stage: Stage,
  orderId: string,
  isSo: (dispute: DisputeFacts) => boolean,
): Promise<DisputeFacts> {
  const find = ({ disputes }: OrderView): DisputeFacts | undefined => disputes.find(isSo);
  const order = await orderIs(stage, orderId, (one) => find(one) !== undefined, OUTCOME_LIMIT_MS);
  return find(order) as DisputeFacts;
}

async function mailsBecome(stage: Stage, email: string, lastKind: string): Promise<string[]> {
  return until(stage, `the mail ${lastKind}`, OUTCOME_LIMIT_MS, async () => {
    const kinds = (await stage.mails(email)).map((mail) => mail.kind);
    return kinds.includes(lastKind) && kinds;
  });
}

export const afterSaleScenes = { confirmed, failedLater, disputeWon, disputeLost };
