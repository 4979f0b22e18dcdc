import type { Pool } from 'pg';
import { createSampleCatalogue } from '../../activities/storage';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
import type { ReceivedMail } from '../embedded/servers/mail/mailbox';
import type { StackApp } from '../processes/stack-app';
import { Bank, cartOf } from './bank';
import { interruptedCheckout } from './crash/checkout';
import { findViolations } from './invariants';
import type { Violation } from './invariants';
import type { Progress } from './progress';
import { readRecorded } from './recorded';
import { linksTo, promiseLines, storyTable, verdict } from './report';
import type { ReportedCart } from './report';
import { playScenes, SCENES } from './scenes/scenes';
import type { PlayedScene } from './scenes/scenes';
import { Shop } from './shop';
import type { Backdoor, PlayedMail, Stage } from './stage';

/** A shop's policy with seconds instead of minutes and days, so that the scenes end within a minute or two. */
export const POLICY: Partial<OrderPolicy> = {
  customerActionMs: 20_000,
  declinedGraceMs: 20_000,
  paymentDeadlineMs: 15_000,
};

/** The dunning policy for four tries within half a minute (see subscriber.ts). */
export const DUNNING: Partial<DunningPolicy> = {
  graceMs: 1_500,
  spacingMs: 7_000,
  maxAttempts: 4,
  retrySpanMs: 30_000,
  lastNoticeMs: 5_000,
  planningMs: 5_000,
  settlingMs: 1_000,
  finalizationMs: 0,
  trialNoticeMs: 0,
  // No quiet hours: a demo at night must send its mails, too.
  quietHours: { from: '00:00', to: '00:00' },
};

const FORGOTTEN =
  'their payments are not: the Stripe simulator begins empty with every start (--fresh begins without the orders, too).';

/** After the last scene, unfinished events, webhooks and voids get this much time to complete. */
const COMPLETION_LIMIT_MS = 30_000;
const SETTLE_POLL_MS = 500;

export interface Outcome {
  readonly succeeded: boolean;
  readonly scenes: number;
  readonly failed: number;
  readonly orders: number;
  readonly violations: number;
  /** The table, the promises and the result, for a person. */
  readonly lines: readonly string[];
}

/** Plays every scene on a running stack, then checks the promises and reports. */
export async function perform(running: StackApp, progress: Progress, signal: AbortSignal): Promise<Outcome> {
  await createSampleCatalogue(running.app.dependencies.pool);
  const stage = setUp(running, signal);
  const kept = await countOpenOrders(running.app.dependencies.pool);
  if (kept > 0) progress.print(`${kept} open orders of earlier starts are kept; ${FORGOTTEN}`);
  progress.print(`Playing ${SCENES.length} scenes; the slow ones run in parallel with the others.`);
  const scenes = await playScenes(stage, progress);
  const violations = await lastingViolations(running.app.dependencies.pool, stage);
  const carts = await readCarts(stage, scenes);
  const { temporal, config } = running.stack;
  const orders = carts.filter(({ order }) => order !== undefined).length;
  const failed = scenes.filter(({ succeeded }) => !succeeded).length;
  const lines = [
    '',
    storyTable(carts, linksTo(temporal.uiUrl, config.temporal.namespace)),
    'Authorized is the sum of all holds: a renewed hold counts again, and what was not captured of the old one is released.',
    '',
    'Independent check, the payments at the bank compared with the rows in Postgres:',
    ...promiseLines(violations).map((line) => `  ${line}`),
    '',
    verdict(scenes, orders, violations.length),
  ];
  const succeeded = failed === 0 && violations.length === 0;
  return { succeeded, scenes: scenes.length, failed, orders, violations: violations.length, lines };
}

function setUp({ stack, app, gateway }: StackApp, signal: AbortSignal): Stage {
  const { stripeSimulator, config } = stack;
  if (stripeSimulator === undefined) throw new Error('the demo needs the Stripe simulator');
  const run = `demo-${Date.now().toString(36)}`;
  const bank = new Bank(stripeSimulator.url, signal);
  const shop = new Shop({ url: gateway.url, apiKey: config.apiKeys[0] ?? '', run, signal });
  const { client, dependencies } = app;
  const { stripe } = dependencies;
  const backdoor: Backdoor = {
    leaveOne: (sku) => leaveOne(dependencies.pool, sku),
    countInbox: (eventIds) => countInbox(dependencies.pool, eventIds),
    interruptedCheckout: (cart) => interruptedCheckout({ client, config, policy: POLICY, bank, signal }, cart),
  };
  const mails = (to: string) => Promise.resolve(mailsTo(stack.mail?.mails() ?? [], to));
  return { shop, bank, stripe, mails, backdoor, run, signal };
}

/** The mails to an address, with their kind from the header that filters use. */
function mailsTo(mails: readonly ReceivedMail[], to: string): PlayedMail[] {
  return mails
    .filter((mail) => mail.to.includes(to))
    .map(({ subject, headers }) => ({ subject, kind: headers['x-holdfast-notice'] ?? '' }));
}

/** Leaves one available piece in one warehouse, besides those that earlier runs have reserved. */
async function leaveOne(pool: Pool, sku: string): Promise<void> {
  await pool.query(
    `UPDATE stock SET on_hand = reserved +
       CASE WHEN warehouse_id = (SELECT min(warehouse_id) FROM stock WHERE sku = $1) THEN 1 ELSE 0 END
     WHERE sku = $1`,
    [sku],
  );
}

async function countOpenOrders(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `SELECT count(*)::int AS kept FROM orders WHERE state NOT IN ('delivered', 'cancelled')`,
  );
  return (rows[0] as { kept: number }).kept;
}

async function countInbox(pool: Pool, eventIds: readonly string[]): Promise<number> {
  const { rows } = await pool.query('SELECT count(*)::int AS kept FROM inbox WHERE event_id = ANY($1)', [eventIds]);
  return (rows[0] as { kept: number }).kept;
}

async function readCarts(stage: Stage, scenes: readonly PlayedScene[]): Promise<ReportedCart[]> {
  const carts = scenes.flatMap((scene) => scene.carts);
  return Promise.all(
    carts.map(async (cart) => {
      const order = cart.orderId === undefined ? undefined : await stage.shop.order(cart.orderId);
      return { cart, ...(order === undefined ? {} : { order }) };
    }),
  );
}

/** Violations that are still there after a while, because differences of a moment are normal. */
async function lastingViolations(pool: Pool, stage: Stage): Promise<Violation[]> {
  for (const endMs = Date.now() + COMPLETION_LIMIT_MS; ;) {
    stage.signal.throwIfAborted();
    const [all, invoiced, refunds, disputes] = await Promise.all([
      stage.bank.payments(),
      stage.bank.invoicePayments(),
      stage.bank.refunds(),
      stage.bank.disputes(),
    ]);
    // The simulator starts empty, but kept orders of earlier runs may still send it requests.
    const payments = all.filter(
      (one) => !invoiced.has(one.id) && (cartOf(one) === '' || cartOf(one).startsWith(stage.run)),
    );
    const found = findViolations({ payments, refunds, disputes }, await readRecorded(pool, stage.run), Date.now());
    if (found.length === 0 || Date.now() > endMs) return found;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
  }
}
