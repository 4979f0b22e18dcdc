import { transact } from '../../../activities/storage/postgres/database';
import { queueNotice } from '../../../activities/storage/notices/notices';
import type { Notice } from '../../../workflows/domain/notice/notices';
import { sampleCart } from '../../support/carts';
import { eventually } from '../../support/time/eventually';
import { closeConnections, createWorld, SHOP_EMAIL } from '../../support/world';
import type { World } from '../../support/world';

let world: World;
beforeAll(async () => void (world = await createWorld()));
afterAll(async () => {
  await world.close();
  await closeConnections();
});

const queue = (notice: Notice) => transact(world.dependencies.pool, async (tx) => queueNotice(tx, notice, new Date()));

it('the relay of a whole Holdfast finds every kind of recipient', async () => {
  const { stripe, notices } = world.dependencies;
  const email = 'subscriber@example.com';
  const customer = await stripe.customers.create({ email, name: 'Sample Subscriber', preferred_locales: ['en-US'] });
  const cart = sampleCart({ customer: { id: 'cust-1', email: 'first-buyer@example.com', name: 'First Buyer' } });
  const placed = await world.holdfast.checkout(cart);
  if (placed.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(placed)}`);
  const { orderId } = placed;
  const amount = { amount: 1_290, currency: 'eur' };
  const dueAt = new Date().toISOString();
  await queue({
    noticeKey: 'refund:r1:done',
    kind: 'refund_done',
    subject: { type: 'refund', id: 'r1', orderId },
    recipient: { to: 'order_customer', orderId },
    data: { amount, orderId },
    dueAt,
  });
  await queue({
    noticeKey: 'dunning:in_1:1',
    kind: 'payment_failed',
    subject: { type: 'subscription', id: 'sub_1' },
    recipient: { to: 'provider_customer', stripeCustomerId: customer.id },
    data: { amount, productName: 'Tea Club', nextTryAt: '2031-03-12T13:05:00.000Z', triesLeft: 2 },
    quietHours: { timeZone: 'America/New_York', from: '00:00', to: '00:00' },
    dueAt,
  });
  await queue({
    noticeKey: 'dispute:dp_1:closed',
    kind: 'dispute_closed',
    subject: { type: 'dispute', id: 'dp_1', orderId },
    recipient: { to: 'shop' },
    data: { disputeId: 'dp_1', orderId, amount, outcome: 'won' },
    dueAt,
  });
  await eventually(
    'all three to be sent, and the confirmation of the order',
    async () => (await notices.listNotices({ status: 'sent', limit: 10 })).length === 4,
  );
  expect(world.mails()).toHaveLength(4);
  const isOfRefund = ({ subject }: { subject: string }) => subject.includes('refund');
  expect(world.mails('first-buyer@example.com').filter(isOfRefund)).toMatchObject([
    { text: expect.stringContaining('Hello First Buyer,') },
  ]);
  expect(world.mails(email)).toMatchObject([
    { text: expect.stringMatching(/Hello Sample Subscriber,[\s\S]*March 12, 2031/) },
  ]);
  expect(world.mails(SHOP_EMAIL)).toMatchObject([{ subject: `Dispute about 12.90 EUR won, order ${orderId}` }]);
});

it('a notice to a customer deleted at the provider ends as failed, one to an unknown customer waits and is given up', async () => {
  const { stripe, notices } = world.dependencies;
  const nobody = await stripe.customers.create({});
  const to = (noticeKey: string, stripeCustomerId: string) =>
    queue({
      noticeKey,
      kind: 'payment_recovered',
      subject: { type: 'subscription', id: noticeKey },
      recipient: { to: 'provider_customer', stripeCustomerId },
      data: { amount: { amount: 1, currency: 'eur' }, productName: 'Tea Club' },
      dueAt: new Date().toISOString(),
    });
  await Promise.all([to('sub_nobody', nobody.id), to('sub_unknown', 'cus_unknown')]);
  const errorOf = async (id: string) => {
    const [notice] = await notices.listNotices({ subject: { type: 'subscription', id }, limit: 1 });
    return notice?.lastError === undefined ? undefined : `${notice.status}, ${notice.lastError}`;
  };
  expect(await eventually('the first to fail', () => errorOf('sub_nobody'))).toBe(
    'failed, smtp: there is no e-mail address',
  );
  expect(await eventually('the second to wait', () => errorOf('sub_unknown'))).toMatch(
    /^queued, smtp: could not be prepared: StripeInvalidRequestError/,
  );
});
