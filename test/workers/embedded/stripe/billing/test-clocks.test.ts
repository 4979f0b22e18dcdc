import type Stripe from 'stripe';
import type { StripeSimulator } from '../../../../../workers/embedded/stripe/server';
import { stopAll, stripeError } from '../support';
import { addCustomer, addPrice, openShop, type Shop } from './support';

afterEach(stopAll);

const seconds = (text: string): number => Date.parse(text) / 1000;
const JANUARY = seconds('2026-01-31T10:00:00Z');

/** Advances a test clock and waits until it is ready, as a test against Stripe does. */
async function advance({ simulator, stripe }: Shop, clock: string, to: number): Promise<void> {
  const ready = untilReady(simulator, clock);
  const advancing = await stripe.testHelpers.testClocks.advance(clock, { frozen_time: to });
  expect(advancing.status).toBe('advancing');
  await ready;
  expect(await stripe.testHelpers.testClocks.retrieve(clock)).toMatchObject({ status: 'ready', frozen_time: to });
}

async function untilReady(simulator: StripeSimulator, clock: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = simulator.onEvent(({ type, objectId }) => {
      if (type !== 'test_helpers.test_clock.ready' || objectId !== clock) return;
      stop();
      resolve();
    });
  });
}

async function onClock(
  shop: Shop,
  frozen_time: number,
  params: Partial<Stripe.SubscriptionCreateParams> = {},
): Promise<{ clock: string; subscription: Stripe.Subscription }> {
  const { stripe, price } = shop;
  const clock = (await stripe.testHelpers.testClocks.create({ frozen_time, name: 'Sample' })).id;
  const { customer } = await addCustomer(stripe, 'pm_card_visa', { test_clock: clock });
  const subscription = await stripe.subscriptions.create({ customer, items: [{ price }], ...params });
  return { clock, subscription };
}

const ends = ({ items }: Stripe.Subscription): string[] =>
  items.data.map(({ current_period_end: end }) => new Date(end * 1000).toISOString());

it('keeps its customers’ objects on its own time, and the day of the month through February', async () => {
  const shop = await openShop();
  const { clock, subscription } = await onClock(shop, JANUARY);
  expect(subscription).toMatchObject({ created: JANUARY, test_clock: clock, status: 'active' });
  expect(ends(subscription)).toEqual(['2026-02-28T10:00:00.000Z']);
  await advance(shop, clock, seconds('2026-02-28T12:00:00Z'));
  const february = await shop.stripe.subscriptions.retrieve(subscription.id);
  expect(ends(february)).toEqual(['2026-03-31T10:00:00.000Z']);
  const [renewal] = (await shop.stripe.invoices.list({ subscription: subscription.id })).data;
  expect(renewal).toMatchObject({ status: 'paid', created: seconds('2026-02-28T10:00:00Z'), test_clock: clock });
  const paidAt = renewal?.status_transitions.paid_at ?? 0;
  expect(paidAt).toBeGreaterThanOrEqual(seconds('2026-02-28T11:00:00Z'));
  expect(paidAt).toBeLessThanOrEqual(seconds('2026-02-28T12:00:00Z'));
});

it('fires what became due in order, each event dated at its own time, and leaves other customers alone', async () => {
  const shop = await openShop();
  const other = await shop.stripe.subscriptions.create({ customer: shop.customer, items: [{ price: shop.price }] });
  const { clock, subscription } = await onClock(shop, JANUARY, { trial_period_days: 7 });
  const seen: [string, number][] = [];
  shop.simulator.onEvent(({ type, created }) => seen.push([type, created]));
  await advance(shop, clock, JANUARY + 8 * 86_400);
  const times = seen.slice(1, -1).map(([, created]) => created);
  expect(times).toEqual([...times].sort((left, right) => left - right));
  expect(seen).toContainEqual(['customer.subscription.trial_will_end', JANUARY + 4 * 86_400]);
  expect(seen).toContainEqual(['invoice.created', JANUARY + 7 * 86_400]);
  expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  expect((await shop.stripe.invoices.list({ subscription: other.id })).data).toHaveLength(1);
  shop.simulator.clock.advanceBy(60 * 86_400_000);
  expect((await shop.stripe.invoices.list({ subscription: subscription.id })).data).toHaveLength(2);
});

it('goes through a failing renewal step by step', async () => {
  const shop = await openShop();
  const { clock, subscription } = await onClock(shop, JANUARY);
  shop.simulator.setBilling({ scheduleMs: [86_400_000] });
  shop.simulator.issueDecision(subscription.customer as string, ['insufficient_funds']);
  await advance(shop, clock, seconds('2026-02-28T12:00:00Z'));
  expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due');
  await advance(shop, clock, seconds('2026-03-01T12:00:00Z'));
  expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
});

it('refuses a step back and a step of more than two intervals', async () => {
  const shop = await openShop();
  const { clock } = await onClock(shop, JANUARY);
  const to = (frozen_time: number): Promise<Stripe.errors.StripeError> =>
    stripeError(shop.stripe.testHelpers.testClocks.advance(clock, { frozen_time }));
  expect((await to(JANUARY - 1)).message).toContain('later time');
  expect((await to(seconds('2026-04-01T10:00:00Z'))).message).toContain('two intervals');
  await advance(shop, clock, seconds('2026-03-31T10:00:00Z'));
});

it('deletes its customers and their subscriptions when it is deleted', async () => {
  const shop = await openShop();
  const { clock, subscription } = await onClock(shop, JANUARY);
  const listed = async (): Promise<number[]> => {
    const filters = [{}, { test_clock: clock }];
    const pages = await Promise.all(filters.map((filter) => shop.stripe.subscriptions.list(filter)));
    return pages.map(({ data }) => data.length);
  };
  expect(await listed()).toEqual([0, 1]);
  expect(await shop.stripe.testHelpers.testClocks.del(clock)).toMatchObject({ id: clock, deleted: true });
  expect(await listed()).toEqual([0, 0]);
  expect(await stripeError(shop.stripe.subscriptions.retrieve(subscription.id))).toMatchObject({ statusCode: 404 });
  const gone = shop.stripe.customers.retrieve(subscription.customer as string);
  expect(await stripeError(gone)).toMatchObject({ statusCode: 404 });
  expect(await stripeError(shop.stripe.testHelpers.testClocks.retrieve(clock))).toMatchObject({ statusCode: 404 });
  expect(await stripeError(shop.stripe.customers.create({ test_clock: clock }))).toMatchObject({ statusCode: 400 });
});

it('serves short intervals too', async () => {
  const shop = await openShop();
  const product = (await shop.stripe.products.create({ name: 'Daily' })).id;
  const price = await addPrice(shop.stripe, product, 100, { interval: 'day' });
  const { clock, subscription } = await onClock({ ...shop, price }, JANUARY);
  for (let day = 1; day <= 3; day += 1) await advance(shop, clock, JANUARY + day * 86_400 + 7_200);
  const { data } = await shop.stripe.invoices.list({ subscription: subscription.id });
  expect(data.map(({ status, number }) => [status, number?.slice(-4)])).toEqual([
    ['paid', '0004'],
    ['paid', '0003'],
    ['paid', '0002'],
    ['paid', '0001'],
  ]);
});
