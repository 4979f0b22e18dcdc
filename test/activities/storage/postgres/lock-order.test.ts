import type { Pool, PoolClient } from 'pg';
import { createOutbox, createPool } from '../../../../activities/storage';
import { statement } from '../../../../activities/storage/postgres/statements';
import { cartOf, openShop, sku, type Shop } from '../shop';

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

/** Resolves once a session of this name waits for a lock; the wait itself is what is asked for, so no clock is needed. */
async function untilWaiting(applicationName: string): Promise<void> {
  const text = `SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'`;
  while ((await shop.sql(text, [applicationName])).length === 0);
}

async function inTransaction<T>(pool: Pool, body: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    return await body(client);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

describe('stock is locked in the order (sku, warehouse)', () => {
  const places = [sku.mug, sku.teapot].flatMap((one) =>
    ['berlin', 'leipzig'].map((warehouseId) => ({ sku: one, warehouseId, quantity: 1 })),
  );
  const orderId = 'locks-1';
  let pool: Pool;

  beforeAll(async () => {
    const url = new URL(shop.databaseUrl);
    // An index, or a merge, would give the right order by chance: what is to be seen is that the statement asks for it.
    const chance = ['indexscan', 'indexonlyscan', 'bitmapscan', 'mergejoin'].map((one) => `-c enable_${one}=off`);
    url.searchParams.set('options', chance.join(' '));
    pool = createPool(url.toString(), { applicationName: 'locker' });
    // On disk they lie the other way round.
    for (const place of places.toReversed()) {
      await shop.sql('UPDATE stock SET reserved = reserved + 1 WHERE sku = $1 AND warehouse_id = $2', [
        place.sku,
        place.warehouseId,
      ]);
      await shop.sql(
        'INSERT INTO reservations (order_id, sku, warehouse_id, quantity, reserved_at) VALUES ($1, $2, $3, 1, now())',
        [orderId, place.sku, place.warehouseId],
      );
    }
    const onDisk = await shop.sql('SELECT sku, warehouse_id AS "warehouseId", 1 AS quantity FROM stock ORDER BY ctid');
    expect(onDisk.slice(-places.length)).toEqual(places.toReversed());
  });
  afterAll(() => pool.end());

  /** With one place taken by somebody else: which of the others has the statement locked by the time that it waits? */
  async function lockedBefore(blocked: number, name: string, values: unknown[]): Promise<string[]> {
    const taken = places[blocked];
    return inTransaction(shop.pool, async (blocker) => {
      const here = [taken?.sku, taken?.warehouseId];
      await blocker.query('SELECT 1 FROM stock WHERE sku = $1 AND warehouse_id = $2 FOR UPDATE', here);
      return inTransaction(pool, async (locker) => {
        const waiting = locker.query({ ...statement(name), values });
        await untilWaiting('locker');
        const free = await inTransaction(shop.pool, async (looker) => {
          const text = 'SELECT sku, warehouse_id FROM stock WHERE sku = ANY ($1) FOR UPDATE SKIP LOCKED';
          const { rows } = await looker.query<{ sku: string; warehouse_id: string }>(text, [[sku.mug, sku.teapot]]);
          return new Set(rows.map((row) => `${row.sku}/${row.warehouse_id}`));
        });
        await blocker.query('ROLLBACK');
        await waiting;
        const known = places.map((place) => `${place.sku}/${place.warehouseId}`);
        return known.filter((place, index) => index !== blocked && !free.has(place));
      });
    });
  }

  test.each([
    ['stock-candidates', () => [places.map((place) => place.sku).toReversed()]],
    ['stock-release', () => [orderId]],
    ['stock-consume', () => [orderId, JSON.stringify(places.toReversed())]],
  ])('%s', async (name, values) => {
    const known = places.map((place) => `${place.sku}/${place.warehouseId}`);
    for (const blocked of places.keys()) {
      expect(await lockedBefore(blocked, name, values())).toEqual(known.slice(0, blocked));
    }
  });
});

test('a relay claims nothing while another is claiming: no later event passes an earlier one', async () => {
  const orderId = 'relays-1';
  const cart = cartOf(`cart-${orderId}`);
  await shop.place(orderId, cart);
  await shop.orders.allocateOrder({ orderId });
  // Holds the first relay between its claim and its commit: it waits there for a lock that the test has.
  await shop.sql(`
    CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_setting('application_name') = 'relay-one' THEN PERFORM pg_advisory_xact_lock(1); END IF;
      RETURN NULL;
    END $$`);
  await shop.sql('CREATE TRIGGER hold_back AFTER UPDATE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION hold_back()');
  const pools = ['relay-one', 'relay-two'].map((applicationName) => createPool(shop.databaseUrl, { applicationName }));
  const [one, two] = pools.map((pool) => createOutbox({ pool }));
  const answers = await inTransaction(shop.pool, async (blocker) => {
    await blocker.query('SELECT pg_advisory_xact_lock(1)');
    const first = one?.claimUnpublished(1, 60_000);
    await untilWaiting('relay-one');
    const second = two?.claimUnpublished(10, 60_000);
    await untilWaiting('relay-two');
    await blocker.query('ROLLBACK');
    return Promise.all([first, second]);
  });
  expect(answers[0]?.map((event) => event.sequence)).toEqual([1]);
  expect(answers[1]).toEqual([]);
  await Promise.all(pools.map((pool) => pool.end()));
});
