import { pino } from 'pino';
import { ValidationError } from '../../clients/client';
import { createGatewayClient } from '../../clients/cli/gateway-client';
import { createProgram } from '../../clients/cli/program';
import { createGateway } from '../../clients/gateway';
import type { SettlementReport } from '../../workflows/settlement/ports';
import { gatewayDependencies } from '../../workers/dependencies/gateway-dependencies';
import { ensureSchedules, settlementScheduleId } from '../../workers/dependencies/schedules';
import { eventually } from '../support/time/eventually';
import { everything, mugs, Shop } from '../support/shop';
import { closeConnections, createWorld, type World } from '../support/world';

// Our ledger against the provider's balance: real orders, real requests, differences made on purpose.

let world: World;
let shop: Shop;
beforeEach(async () => {
  world = await createWorld();
  shop = new Shop(() => world);
});
afterEach(() => world.close());
afterAll(closeConnections);

const today = (): string => new Date(world.simulator.clock.now()).toISOString().slice(0, 10);

async function reconcile(): Promise<SettlementReport> {
  const date = today();
  await world.holdfast.reconcile(date);
  const report = await world.dependencies.settlement.getReport(date);
  if (report === undefined) throw new Error(`no report of ${date}`);
  return report;
}

async function openExceptions(): Promise<readonly { kind: string; subject_id: string; resolved: boolean }[]> {
  const { rows } = await world.dependencies.pool.query(
    `SELECT kind, subject_id, resolved_at IS NOT NULL AS resolved FROM exceptions WHERE subject_type = 'settlement'`,
  );
  return rows as { kind: string; subject_id: string; resolved: boolean }[];
}

it('finds nothing where both sides agree, also with parcels of one order on several payments', async () => {
  const whole = await shop.place();
  await world.holdfast.ship(whole, everything());
  const parts = await shop.place();
  await world.holdfast.ship(parts, mugs(2));
  await world.holdfast.ship(parts, { ...mugs(1), lines: [{ sku: 'TEAPOT-1L', quantity: 1 }] });
  await shop.place(); // only held: nothing moved
  const report = await reconcile();
  expect(report).toMatchObject({ providerMovements: 3, matched: 3, differences: [] });
  expect(await openExceptions()).toEqual([]);
});

it('distinguishes a payment made at the provider from one of ours that the ledger lacks', async () => {
  const orderId = await shop.place();
  await world.holdfast.ship(orderId, everything());
  world.simulator.addDashboardPayment({ amount: 4_200, currency: 'eur' });
  // As after a backup was put back: the money was taken, and our record of it is gone.
  const lost = world.simulator.addDashboardPayment({
    amount: 1_000,
    currency: 'eur',
    metadata: { holdfast_order_id: orderId },
  });
  const stray = world.simulator.addBalanceTransaction({ amount: -77, currency: 'eur' });
  const report = await reconcile();
  expect(report.matched).toBe(1);
  expect(report.differences).toMatchObject(
    [
      {
        cause: 'not_recorded',
        explained: false,
        position: `charge:${lost.id}`,
        orderId,
        providerAmount: 1_000,
        ledgerAmount: 0,
      },
      { cause: 'made_elsewhere', explained: true, providerAmount: 4_200 },
      { cause: 'unknown_movement', explained: false, position: `other:${stray.id}`, providerAmount: -77 },
    ].sort((one, other) => order(one, other, report)),
  );
  expect(await openExceptions()).toEqual([{ kind: 'settlement_difference', subject_id: today(), resolved: false }]);
  const { rows } = await world.dependencies.pool.query(
    `SELECT kind, data FROM notices WHERE subject_type = 'settlement'`,
  );
  expect(rows).toEqual([{ kind: 'settlement_differs', data: { date: today(), differences: 2 } }]);
  // Compared again with the same findings: told once.
  await reconcile();
  expect((await world.dependencies.pool.query(`SELECT FROM notices WHERE subject_type = 'settlement'`)).rowCount).toBe(
    1,
  );
});

/** Differences come by position, and ids are random. */
function order(one: { cause: string }, other: { cause: string }, report: SettlementReport): number {
  const at = (cause: string): number => report.differences.findIndex((found) => found.cause === cause);
  return at(one.cause) - at(other.cause);
}

it('reports money in our ledger that the provider does not have, until it is corrected', async () => {
  const orderId = await shop.place();
  await world.holdfast.ship(orderId, everything());
  const { pool } = world.dependencies;
  // What no code of ours can do: the ledger is append-only, and its totals are checked.
  await pool.query(`ALTER TABLE ledger_entries DISABLE TRIGGER USER`);
  await pool.query(`UPDATE ledger_entries SET amount = amount - 500 WHERE kind = 'captured'`);
  expect((await reconcile()).differences).toMatchObject([
    { kind: 'charge', cause: 'not_recorded', orderId, ledgerAmount: 7_470, providerAmount: 7_970 },
  ]);
  await pool.query(`UPDATE ledger_entries SET amount = amount + 900 WHERE kind = 'captured'`);
  expect((await reconcile()).differences).toMatchObject([
    { kind: 'charge', cause: 'not_at_provider', orderId, ledgerAmount: 8_370, providerAmount: 7_970 },
  ]);
  await pool.query(`UPDATE ledger_entries SET amount = amount - 400 WHERE kind = 'captured'`);
  await pool.query(`ALTER TABLE ledger_entries ENABLE TRIGGER USER`);
  expect(await reconcile()).toMatchObject({ matched: 1, differences: [] });
  expect(await openExceptions()).toMatchObject([{ resolved: true }]);
});

it('agrees on refunds, failed refunds, and disputes lost and won; and explains what subscriptions paid', async () => {
  const { simulator, holdfast } = world;
  const [refunded, cameBack, lost, won] = [
    await shop.place(),
    await shop.place(),
    await shop.place(),
    await shop.place(),
  ];
  for (const orderId of [refunded, cameBack, lost, won]) await holdfast.ship(orderId, everything());
  const paymentOf = (orderId: string): string => shop.intentsOf(orderId)[0]?.id ?? '';
  simulator.setNextRefund({ kind: 'fail_after', afterMs: 60_000 }, { match: { paymentIntent: paymentOf(cameBack) } });
  for (const orderId of [refunded, cameBack]) await holdfast.refund(orderId, { amount: 1_000, reason: 'broken' });
  await eventually('both refunds to be made', async () =>
    (await Promise.all([refunded, cameBack].map((one) => shop.view(one)))).every(
      (one) => one.amounts.refunded === 1_000,
    ),
  );
  const back = simulator.state.refunds().find((one) => one.payment_intent === paymentOf(cameBack));
  simulator.settleRefund(back?.id ?? '', 'failed');
  for (const [orderId, verdict] of [
    [lost, 'lost'],
    [won, 'won'],
  ] as const) {
    const { id } = simulator.openDispute({ paymentIntent: paymentOf(orderId) });
    await eventually('the dispute to be known', async () => (await shop.view(orderId)).disputes.length > 0);
    simulator.decideDispute(id, verdict, 'now');
  }
  const customer = await world.dependencies.stripe.customers.create({ email: 'subscriber@example.com' });
  const subscription = await subscribe(customer.id);
  await eventually('everything to be told', async () => {
    const [a, b, c] = [await shop.view(cameBack), await shop.view(lost), await shop.view(won)];
    return a.amounts.refunded === 0 && b.disputes[0]?.stage === 'lost' && c.disputes[0]?.stage === 'won';
  });
  const report = await reconcile();
  expect(report.differences).toMatchObject([{ cause: 'subscription', explained: true, providerAmount: 1_900 }]);
  expect(subscription.status).toBe('active');
  expect(await openExceptions()).toEqual([]);
});

describe('a balance in another currency than the orders', () => {
  it('agrees on payments, refunds, failed refunds, and disputes lost and won at other rates', async () => {
    const { simulator, holdfast } = world;
    const rate = (one: number): void => simulator.setExchange({ currency: 'usd', rate: one });
    rate(1.08);
    const [refunded, cameBack, lost, won] = [
      await shop.place(),
      await shop.place(),
      await shop.place(),
      await shop.place(),
    ];
    for (const orderId of [refunded, cameBack, lost, won]) await holdfast.ship(orderId, everything());
    const paymentOf = (orderId: string): string => shop.intentsOf(orderId)[0]?.id ?? '';
    rate(1.11);
    simulator.setNextRefund({ kind: 'fail_after', afterMs: 60_000 }, { match: { paymentIntent: paymentOf(cameBack) } });
    for (const orderId of [refunded, cameBack]) await holdfast.refund(orderId, { amount: 1_001, reason: 'broken' });
    await eventually('both refunds to be made', async () =>
      (await Promise.all([refunded, cameBack].map((one) => shop.view(one)))).every(
        (one) => one.amounts.refunded === 1_001,
      ),
    );
    const back = simulator.state.refunds().find((one) => one.payment_intent === paymentOf(cameBack));
    for (const [orderId, verdict] of [
      [lost, 'lost'],
      [won, 'won'],
    ] as const) {
      rate(1.11);
      const { id } = simulator.openDispute({ paymentIntent: paymentOf(orderId) });
      await eventually('the dispute to be known', async () => (await shop.view(orderId)).disputes.length > 0);
      rate(1.05);
      simulator.decideDispute(id, verdict, 'now');
    }
    simulator.settleRefund(back?.id ?? '', 'failed');
    await eventually('everything to be recorded', async () => {
      const [a, b, c] = [await shop.view(cameBack), await shop.view(lost), await shop.view(won)];
      return a.amounts.refunded === 0 && b.disputes[0]?.stage === 'lost' && c.disputes[0]?.stage === 'won';
    });
    expect(new Set(simulator.state.balanceTransactions().map((one) => one.currency))).toEqual(new Set(['usd']));
    const requests = simulator.state.requests().length;
    expect(await reconcile()).toMatchObject({ providerMovements: 10, differences: [] });
    // One list for the day: what agrees is not looked up one by one.
    expect(simulator.state.requests().length - requests).toBe(1);
    expect(await openExceptions()).toEqual([]);
  });

  it('still shows a dispute of an order that the ledger lacks, and one of a payment that is not ours', async () => {
    const { simulator, holdfast } = world;
    simulator.setExchange({ currency: 'usd', rate: 1.08 });
    const orderId = await shop.place();
    await holdfast.ship(orderId, everything());
    simulator.setWebhookEndpoint(undefined);
    const own = simulator.openDispute({ paymentIntent: shop.intentsOf(orderId)[0]?.id ?? '' });
    const foreign = simulator.addDashboardPayment({ amount: 4_200, currency: 'eur' });
    const other = simulator.openDispute({ paymentIntent: foreign.id });
    const position = (dispute: { balance_transactions: readonly { id: string }[] }): string =>
      `dispute:${dispute.balance_transactions[0]?.id}`;
    const { differences } = await reconcile();
    const of = (name: string) => differences.find((one) => one.position === name);
    expect(of(position(own))).toMatchObject({
      cause: 'not_recorded',
      explained: false,
      orderId,
      currency: 'eur',
      ledgerAmount: 0,
      providerAmount: -7_970,
    });
    expect(of(position(other))).toMatchObject({ cause: 'made_elsewhere', explained: true, providerAmount: -4_200 });
  });
});

async function subscribe(customer: string) {
  const { stripe } = world.dependencies;
  const method = await stripe.paymentMethods.attach('pm_card_visa', { customer });
  const product = await stripe.products.create({ name: 'Tea club' });
  const recurring = { interval: 'month' } as const;
  const price = await stripe.prices.create({ product: product.id, currency: 'eur', unit_amount: 1_900, recurring });
  return stripe.subscriptions.create({ customer, items: [{ price: price.id }], default_payment_method: method.id });
}

it('is available over HTTP and on the command line', async () => {
  const apiKey = 'settlement-settlement-settlement';
  const gateway = await createGateway(gatewayDependencies(world.dependencies, world.holdfast), {
    apiKeys: [apiKey],
    logger: pino({ level: 'silent' }),
  });
  try {
    await gateway.listen(0, '127.0.0.1');
    const orderId = await shop.place();
    await world.holdfast.ship(orderId, everything());
    world.simulator.addDashboardPayment({ amount: 4_200, currency: 'eur' });
    const printed: string[] = [];
    const client = createGatewayClient({ HOLDFAST_URL: gateway.url, HOLDFAST_API_KEY: apiKey });
    const run = async (...args: string[]): Promise<string> => {
      const program = createProgram({ gateway: () => client, print: (text) => printed.push(text) });
      await program.exitOverride().parseAsync(['payments', 'reconcile', ...args], { from: 'user' });
      return printed.at(-1) ?? '';
    };
    await expect(run('--last', '--date', today())).rejects.toThrow(/404|not known/);
    const table = await run('--date', today());
    expect(table).toMatch(/2 movements at the provider, 1 positions agree/);
    expect(table).toMatch(/made_elsewhere +│ +│ +0\.00 EUR │ +42\.00 EUR/);
    expect(await run('--last', '--date', today())).toBe(table);
    await expect(run('--date', 'yesterday')).rejects.toThrow(/date/);
  } finally {
    await gateway.close();
  }
});

it('refuses an invalid day, and a day that has not begun', async () => {
  await expect(world.holdfast.reconcile('2026-02-30')).rejects.toThrow(ValidationError);
  await expect(world.holdfast.reconcile('2199-01-01')).rejects.toMatchObject({
    problems: [{ field: 'date', message: 'must not be in the future' }],
  });
  expect(await world.dependencies.settlement.getReport('2026-02-01')).toBeUndefined();
});

it('is run by a schedule, for the day before', async () => {
  await ensureSchedules(world.client, world.taskQueue);
  await ensureSchedules(world.client, world.taskQueue);
  const schedule = world.client.schedule.getHandle(settlementScheduleId(world.taskQueue));
  try {
    await schedule.trigger();
    const { action } = await schedule.describe();
    // Another task queue of the namespace compares its own books at the same moment.
    expect(action).toMatchObject({ workflowId: `reconciliation-settlement-${world.taskQueue}` });
    const dayBefore = new Date(Date.now() - 24 * 3_600_000).toISOString().slice(0, 10);
    await eventually('the day before to be compared', async () => {
      return (await world.dependencies.settlement.getReport(dayBefore)) !== undefined;
    });
  } finally {
    await schedule.delete();
  }
});
