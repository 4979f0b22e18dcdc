import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StripeSimulator, StripeSimulatorOptions } from '../../../../../workers/embedded/stripe/server';
import { clientFor, start, stopAll } from '../support';
import {
  addCustomer,
  DAY_MS,
  HOUR_MS,
  latestInvoice,
  openShop,
  periodEnd,
  subscribe,
  toPeriodEnd,
  type Shop,
} from './support';

let folder: string;
let stateFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-billing-'));
  stateFile = join(folder, 'simulator.jsonl');
});
afterEach(async () => {
  await stopAll();
  rmSync(folder, { recursive: true });
});

const KINDS = ['products', 'prices', 'subscriptions', 'invoices', 'invoice_payments', 'test_clocks'];
const kept = ({ state }: StripeSimulator): unknown =>
  JSON.parse(
    JSON.stringify(
      KINDS.map((kind) => state.objects(kind)),
      (key, value: unknown) => (key === 'hosted_invoice_url' ? null : value),
    ),
  );

/** The same account in another process: after a stop, or as a kill -9 leaves it. */
async function again(shop: Shop, end: 'stopped' | 'killed', options: StripeSimulatorOptions = {}): Promise<Shop> {
  let file = stateFile;
  if (end === 'stopped') await shop.simulator.stop();
  else copyFileSync(stateFile, (file = join(folder, 'killed.jsonl')));
  const { simulator } = await start({ stateFile: file, ...options });
  return { ...shop, simulator, stripe: clientFor(simulator) };
}

/** One subscription in each state that waits for something. */
async function everyState(): Promise<{ shop: Shop; ids: Record<string, string> }> {
  const shop = await openShop({ stateFile });
  shop.simulator.setBilling({ scheduleMs: [DAY_MS, 2 * DAY_MS], onExhausted: 'unpaid' });
  const failing = await addCustomer(shop.stripe, 'pm_card_visa');
  const renewing = await subscribe(shop);
  const pastDue = await subscribe({ ...shop, ...failing });
  shop.simulator.issueDecision(failing.customer, ['insufficient_funds', 'insufficient_funds']);
  toPeriodEnd(shop, pastDue);
  shop.simulator.clock.advanceBy(2 * HOUR_MS);
  const { customer } = await addCustomer(shop.stripe, 'pm_card_chargeCustomerFail');
  const incomplete = await subscribe({ ...shop, customer });
  const trialing = await subscribe(shop, { trial_period_days: 10 });
  return {
    shop,
    ids: { renewing: renewing.id, pastDue: pastDue.id, incomplete: incomplete.id, trialing: trialing.id },
  };
}

describe.each(['stopped', 'killed'] as const)('an account that was %s', (end) => {
  it('has the same billing objects and settings, and goes on with every subscription', async () => {
    const { shop, ids } = await everyState();
    const before = kept(shop.simulator);
    const next = await again(shop, end);
    expect(kept(next.simulator)).toEqual(before);
    expect(next.simulator.billing()).toMatchObject({ scheduleMs: [DAY_MS, 2 * DAY_MS], onExhausted: 'unpaid' });
    const status = async (name: string): Promise<string> =>
      (await next.stripe.subscriptions.retrieve(ids[name] ?? '')).status;
    next.simulator.clock.advanceBy(DAY_MS);
    expect(await Promise.all(['pastDue', 'incomplete'].map(status))).toEqual(['past_due', 'incomplete_expired']);
    next.simulator.clock.advanceBy(DAY_MS);
    expect(await status('pastDue')).toBe('active');
    next.simulator.clock.advanceBy(9 * DAY_MS);
    expect(await status('trialing')).toBe('active');
    const [sub] = [await next.stripe.subscriptions.retrieve(ids['renewing'] ?? '')];
    toPeriodEnd(next, sub);
    expect((await latestInvoice(next, sub)).status).toBe('draft');
    const third = await again(next, 'killed', end === 'stopped' ? {} : { stateFile: join(folder, 'killed.jsonl') });
    third.simulator.clock.advanceBy(2 * HOUR_MS);
    expect((await latestInvoice(third, sub)).status).toBe('paid');
  });
});

it('announces the end of a trial once, and serves an invoice’s page at its new address', async () => {
  const shop = await openShop({ stateFile });
  const subscription = await subscribe(shop, { trial_period_days: 2 });
  const next = await again(shop, 'stopped');
  const told = next.simulator.state.events().filter(({ type }) => type === 'customer.subscription.trial_will_end');
  expect(told).toHaveLength(1);
  next.simulator.issueDecision(shop.customer, 'insufficient_funds');
  next.simulator.clock.advanceTo(periodEnd(subscription) * 1000 + 2 * HOUR_MS);
  const third = await again(next, 'stopped');
  const invoice = await latestInvoice(third, subscription);
  const page = await fetch(invoice.hosted_invoice_url ?? '');
  expect(await page.text()).toContain('open: 1900 minor units of eur to pay');
});

it('writes a jump that makes very many events bit by bit', async () => {
  const shop = await openShop({ stateFile, billing: { finalizationDelayMs: 0 } });
  const product = (await shop.stripe.products.create({ name: 'Daily' })).id;
  const daily = await shop.stripe.prices.create({
    product,
    currency: 'eur',
    unit_amount: 100,
    recurring: { interval: 'day' },
  });
  const subscription = await subscribe({ ...shop, price: daily.id });
  shop.simulator.clock.advanceBy(700 * DAY_MS);
  const before = kept(shop.simulator);
  const next = await again(shop, 'stopped');
  const events = readFileSync(stateFile, 'utf8')
    .split('\n')
    .map((line) => line.split('["event",').length - 1);
  expect(events.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(6_000);
  expect(Math.max(...events)).toBeLessThan(5_100);
  expect(kept(next.simulator)).toEqual(before);
  expect((await latestInvoice(next, subscription)).number).toMatch(/-0701$/);
});
