import { parcel, shopForThisFile } from '../../support/shop';

const { world, shop } = shopForThisFile();

const mug = { sku: 'MUG-BLUE', quantity: 1, unitAmount: 1290 };

interface Place {
  readonly warehouseId: string;
  readonly onHand: number;
  readonly reserved: number;
}

async function stockOf(sku: string): Promise<Place[]> {
  const text =
    'SELECT warehouse_id AS "warehouseId", on_hand AS "onHand", reserved FROM stock WHERE sku = $1 ORDER BY warehouse_id';
  return (await world().dependencies.pool.query(text, [sku])).rows as Place[];
}

const moneyOf = async (orderId: string) => (await shop.view(orderId)).amounts;

describe('a shipment that names its warehouse', () => {
  it.each([
    ['whose money is taken as it ships', 'shipment'],
    ['that is paid', 'order'],
  ] as const)(
    'is refused before anything is taken where no such warehouse is known: an order %s',
    async (_, captureOn) => {
      const orderId = await shop.place({ lines: [mug], captureOn });
      if (captureOn === 'order') await shop.paid(orderId);
      const before = await moneyOf(orderId);
      const shipment = { ...parcel([{ sku: 'MUG-BLUE', quantity: 1 }]), warehouseId: 'WH-1' };
      expect(await world().holdfast.ship(orderId, shipment)).toMatchObject({
        accepted: false,
        reason: 'unknown_warehouse',
        problems: [{ field: 'warehouseId' }],
      });
      expect(await moneyOf(orderId)).toEqual(before);
      // The same parcel with its right warehouse gets through.
      expect(await world().holdfast.ship(orderId, { ...shipment, warehouseId: 'leipzig' })).toMatchObject({
        accepted: true,
        state: 'shipped',
      });
    },
  );

  it('is refused before any capture when that warehouse has no free stock', async () => {
    const orderId = await shop.place({
      lines: [mug, { sku: 'LAST-ONE', quantity: 1, unitAmount: 9900 }],
    });
    const lines = [{ sku: 'LAST-ONE', quantity: 1 }];
    const refused = await world().holdfast.ship(orderId, { ...parcel(lines), warehouseId: 'leipzig' });
    expect(refused).toMatchObject({
      accepted: false,
      reason: 'not_in_warehouse',
      problems: [{ field: 'warehouseId', message: expect.stringContaining('LAST-ONE') as string }],
    });
    expect(await moneyOf(orderId)).toMatchObject({ captured: 0 });
    expect(await stockOf('LAST-ONE')).toMatchObject([
      { warehouseId: 'berlin', onHand: 1, reserved: 1 },
      { warehouseId: 'leipzig', onHand: 0, reserved: 0 },
    ]);
    expect(await world().holdfast.ship(orderId, { ...parcel(lines), warehouseId: 'berlin' })).toMatchObject({
      accepted: true,
    });
  });

  it('takes its items from that warehouse, and releases those reserved elsewhere', async () => {
    const orderId = await shop.place({ lines: [{ ...mug, quantity: 3 }] });
    const before = await stockOf('MUG-BLUE');
    expect(before.find((one) => one.warehouseId === 'berlin')?.reserved).toBeGreaterThanOrEqual(3);
    const shipment = { ...parcel([{ sku: 'MUG-BLUE', quantity: 2 }]), warehouseId: 'leipzig' };
    expect(await world().holdfast.ship(orderId, shipment)).toMatchObject({ accepted: true });
    const after = await stockOf('MUG-BLUE');
    const change = before.map((one, index) => ({
      warehouseId: one.warehouseId,
      onHand: (after[index]?.onHand ?? 0) - one.onHand,
      reserved: (after[index]?.reserved ?? 0) - one.reserved,
    }));
    expect(change).toEqual([
      { warehouseId: 'berlin', onHand: 0, reserved: -2 },
      { warehouseId: 'leipzig', onHand: -2, reserved: 0 },
    ]);
  });

  it('shows where each line is reserved', async () => {
    const orderId = await shop.place({ lines: [{ ...mug, quantity: 3 }] });
    expect((await shop.view(orderId)).allocation).toEqual([{ sku: 'MUG-BLUE', warehouseId: 'berlin', quantity: 3 }]);
    await world().holdfast.ship(orderId, { ...parcel([{ sku: 'MUG-BLUE', quantity: 1 }]), warehouseId: 'leipzig' });
    expect((await shop.view(orderId)).allocation).toEqual([{ sku: 'MUG-BLUE', warehouseId: 'berlin', quantity: 2 }]);
  });
});
