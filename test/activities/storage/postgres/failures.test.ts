import { createPool } from '../../../../activities/storage';
import { run, transact } from '../../../../activities/storage/postgres/database';
import { openShop, type Shop } from '../shop';

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

const sql = (text: string) => ({ name: `test ${text}`.slice(0, 60), text });
const ok = sql('SELECT 1 AS one');
const twice = sql(`INSERT INTO warehouses VALUES ('berlin', 'again')`);

describe('of the statements of a transaction that are sent together, the first that fails decides', () => {
  it('where it is a write and a later question is awaited first', async () => {
    const step = transact(shop.pool, async (tx) => {
      tx.write(twice, []);
      await tx.query(ok, []);
    });
    await expect(step).rejects.toMatchObject({ type: 'Defect', message: expect.stringContaining('23505') as string });
  });

  it('where nobody awaits it', async () => {
    const step = transact(shop.pool, async (tx) => {
      void tx.query(twice, []);
      return Promise.resolve();
    });
    await expect(step).rejects.toMatchObject({ type: 'Defect', message: expect.stringContaining('23505') as string });
  });

  it('where others were written before it', async () => {
    const step = transact(shop.pool, async (tx) => {
      tx.write(ok, []);
      tx.write(sql('SELECT 1 / 0'), []);
      tx.write(twice, []);
      return Promise.resolve();
    });
    await expect(step).rejects.toMatchObject({ type: 'Defect', message: expect.stringContaining('22012') as string });
  });
});

test('the connection is of use after a refusal, and the transaction left nothing', async () => {
  const pool = createPool(shop.databaseUrl, { maxConnections: 1 });
  const step = transact(pool, async (tx) => {
    tx.write(sql(`INSERT INTO warehouses VALUES ('kiel', 'Kiel')`), []);
    tx.write(twice, []);
    return Promise.resolve();
  });
  await expect(step).rejects.toMatchObject({ type: 'Defect' });
  expect(await run(pool, sql(`SELECT count(*)::integer AS n FROM warehouses WHERE warehouse_id = 'kiel'`), [])).toEqual(
    [{ n: 0 }],
  );
  await pool.end();
});

test('a statement that takes too long is tried again', async () => {
  const step = transact(shop.pool, async (tx) => {
    await tx.query(sql(`SET LOCAL statement_timeout = '10ms'`), []);
    await tx.query(sql('SELECT pg_sleep(5)'), []);
  });
  await expect(step).rejects.toMatchObject({ type: 'StorageUnavailable' });
});

test('a value that quotes a person stays out of the failure', async () => {
  const step = run(shop.pool, sql('SELECT $1::integer'), ['buyer@example.org']);
  await expect(step).rejects.toMatchObject({ type: 'Defect', message: expect.not.stringContaining('buyer') as string });
});

test('a mistake of our own in a step is no outage, whatever it says', async () => {
  const mistake = new TypeError('Connection terminated');
  await expect(transact(shop.pool, () => Promise.reject(mistake))).rejects.toBe(mistake);
});

test('a pool that has no connection free in time is an outage', async () => {
  const pool = createPool(shop.databaseUrl, { maxConnections: 1 });
  const client = await pool.connect();
  pool.options.connectionTimeoutMillis = 20;
  await expect(run(pool, ok, [])).rejects.toMatchObject({ type: 'StorageUnavailable' });
  client.release();
  await pool.end();
});
