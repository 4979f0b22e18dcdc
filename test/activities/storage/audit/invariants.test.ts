import type { ExceptionKind } from '../../../../workflows/domain/exception/exception';
import { closeConnections } from '../../../support/environment';
import { openShop, sku, type Shop } from '../shop';

// What an open exception excuses, and what it does not.

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(async () => {
  await shop.close();
  await closeConnections();
});

async function raise(orderId: string, kind: ExceptionKind): Promise<void> {
  await shop.orders.raiseException({
    orderId,
    workflowId: `order-${orderId}`,
    kind,
    message: 'put there by a test',
    owner: 'operations',
  });
}

const rulesOf = async (orderId: string): Promise<string[]> =>
  (await shop.violations()).filter((one) => one.orderId === orderId).map((one) => one.rule);

describe('stock that is reserved for nothing', () => {
  const broken = async (orderId: string, kind?: ExceptionKind): Promise<string[]> => {
    await shop.place(orderId);
    if (kind !== undefined) await raise(orderId, kind);
    await shop.sql('UPDATE order_lines SET cancelled = 1 WHERE order_id = $1 AND sku = $2', [orderId, sku.teapot]);
    return rulesOf(orderId);
  };

  it('is reported if it has no owner', async () => {
    expect(await broken('nobody')).toEqual(['reservations_differ']);
  });

  it.each<ExceptionKind>(['release_failed', 'cancel_unknown'])('is excused by %s', async (kind) => {
    expect(await broken(kind, kind)).toEqual([]);
  });

  it.each<ExceptionKind>(['fraud_warning', 'refund_failed', 'shipment_overdue', 'void_failed'])(
    'is not excused by %s',
    async (kind) => {
      expect(await broken(kind, kind)).toEqual(['reservations_differ']);
    },
  );
});

it('an exception of another order, and one that is resolved, excuse nothing', async () => {
  for (const orderId of ['late', 'other']) await shop.place(orderId);
  await shop.sql(`UPDATE orders SET waiting_until = now() - interval '1 hour' WHERE order_id = 'late'`);
  await raise('other', 'shipment_overdue');
  expect(await rulesOf('late')).toEqual(['unfinished_without_owner']);
  await raise('late', 'shipment_overdue');
  await shop.sql(`UPDATE orders SET waiting_until = now() - interval '1 hour' WHERE order_id = 'late'`);
  expect(await rulesOf('late')).toEqual([]);
  await shop.sql(`UPDATE exceptions SET resolved_at = now() WHERE order_id = 'late'`);
  expect(await rulesOf('late')).toEqual(['unfinished_without_owner']);
});

it('money that can never be right is excused by nothing', async () => {
  await shop.place('wrong');
  await raise('wrong', 'void_failed');
  await raise('wrong', 'capture_unknown');
  await shop.sql(`ALTER TABLE payment_attempts DISABLE TRIGGER USER`);
  await shop.sql(`UPDATE payment_attempts SET captured_amount = 5 WHERE order_id = 'wrong'`);
  expect(await rulesOf('wrong')).toEqual(['ledger_differs_from_attempt']);
});
