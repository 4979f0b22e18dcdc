import type { PoolClient } from 'pg';
import { workflowIds } from '../../workflows/kit/names';
import { handedOver, oneItemCart, place } from './shop';
import type { Shop } from './shop';

/** What one story leaves in Temporal's histories, and what it asks of the others. */
export interface Cost {
  readonly name: string;
  readonly events: number;
  readonly regular: number;
  readonly local: number;
  /** Events by type, for the reader who wants to know where they come from. */
  readonly byType: Readonly<Record<string, number>>;
}

export interface Calls {
  readonly name: string;
  readonly transactions: number;
  readonly statements: number;
  readonly stripeRequests: number;
}

/** Counts the histories of one order: its checkout, and its own workflow from placed to delivered with one shipment. */
export async function historyCosts(shop: Shop): Promise<{ costs: Cost[]; calls: Calls[] }> {
  const relays = shop.relays();
  const counter = countStatements(shop);
  try {
    // The first order of a process also opens connections and makes its customer.
    await place(shop.holdfast, returning());
    await handedOver(shop);
    await relays.stop();
    const cart = returning();
    const asked = counter.start();
    const orderId = await place(shop.holdfast, cart);
    const calls = [{ name: 'checkout of a returning customer, its webhooks received', ...asked() }];
    const again = shop.relays();
    await handedOver(shop);
    const shipping = counter.start();
    await ship(shop, orderId);
    calls.push({ name: 'ship and deliver, relays and webhooks included', ...shipping() });
    await again.stop();
    const checkout = await costOf(shop, 'checkout', workflowIds.checkout(cart.cartId));
    const order = await costOf(shop, 'order, placed to delivered', workflowIds.order(orderId));
    return { costs: [checkout, order, sum('checkout to delivered', checkout, order)], calls };
  } finally {
    counter.stop();
    await relays.stop();
  }
}

const returning = () => ({ ...oneItemCart(), customer: { id: 'regular-guest', email: 'guest@shop.example' } });

async function ship(shop: Shop, orderId: string): Promise<void> {
  const lines = [{ sku: 'MUG-BLUE', quantity: 1 }];
  const shipped = await shop.holdfast.ship(orderId, { lines, carrier: 'dhl', trackingNumber: `T-${orderId}` });
  const delivered = await shop.holdfast.deliver(orderId);
  if (!shipped.accepted || !delivered.accepted) throw new Error(`refused: ${JSON.stringify({ shipped, delivered })}`);
  await shop.client.workflow.getHandle(workflowIds.order(orderId)).result();
}

async function costOf(shop: Shop, name: string, workflowId: string): Promise<Cost> {
  const handle = shop.client.workflow.getHandle(workflowId);
  await handle.result();
  const { events } = await handle.fetchHistory();
  const byType: Record<string, number> = {};
  for (const event of events ?? []) {
    const attributes = Object.keys(event).find((key) => key.endsWith('EventAttributes')) ?? 'unknown';
    const type = attributes.replace(/EventAttributes$/, '');
    byType[type] = (byType[type] ?? 0) + 1;
  }
  const { activityTaskScheduled: regular = 0, markerRecorded: local = 0 } = byType;
  return { name, events: events?.length ?? 0, regular, local, byType };
}

function sum(name: string, one: Cost, other: Cost): Cost {
  const byType = { ...one.byType };
  for (const [type, count] of Object.entries(other.byType)) byType[type] = (byType[type] ?? 0) + count;
  return {
    name,
    events: one.events + other.events,
    regular: one.regular + other.regular,
    local: one.local + other.local,
    byType,
  };
}

/** Counts what goes to Postgres and to the provider between two moments. */
function countStatements({ dependencies: { pool }, simulator }: Shop) {
  let statements = 0;
  let transactions = 0;
  const wrapped = new WeakSet<object>();
  const onAcquire = (client: PoolClient): void => {
    transactions += 1;
    if (wrapped.has(client)) return;
    wrapped.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    Object.assign(client, {
      query: (...args: unknown[]) => {
        statements += 1;
        return query(...args);
      },
    });
  };
  pool.on('acquire', onAcquire);
  const before = () => ({ statements, transactions, requests: simulator.state.requests().length });
  return {
    start: () => {
      const from = before();
      return () => ({
        statements: statements - from.statements,
        transactions: transactions - from.transactions,
        stripeRequests: simulator.state.requests().length - from.requests,
      });
    },
    stop: () => pool.off('acquire', onAcquire),
  };
}
