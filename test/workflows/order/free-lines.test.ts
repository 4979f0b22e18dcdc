import { sampleCart } from '../../support/carts';
import { eventually } from '../../support/time/eventually';
import { parcel, shopForThisFile } from '../../support/shop';

const { world, shop } = shopForThisFile();

const mug = { sku: 'MUG-BLUE', quantity: 1, unitAmount: 1290 };
const leaflet = { sku: 'LEAFLET', quantity: 2, unitAmount: 0 };

beforeAll(async () => {
  const { pool } = world().dependencies;
  await pool.query(`INSERT INTO catalogue_items VALUES ('LEAFLET', 'Leaflet', 'eur', 0)`);
  await pool.query(`INSERT INTO stock VALUES ('LEAFLET', 'berlin', 1000, 0)`);
});

/** An order of a mug and two leaflets that cost nothing; shipping and tax are free too. */
const place = (changes: Parameters<typeof shop.place>[0] = {}) =>
  shop.place({ ...sampleCart(), lines: [leaflet, mug], shippingAmount: 0, taxAmount: 0, ...changes });

const leaflets = (quantity: number) => parcel([{ sku: 'LEAFLET', quantity }]);
const aMug = () => parcel([{ sku: 'MUG-BLUE', quantity: 1 }]);

/** Each hold that the bank was asked for. */
const holds = (orderId: string) => shop.intentsOf(orderId).map((intent) => intent.amount);

describe('lines that cost nothing', () => {
  it('ship alone and first, without a request to the bank', async () => {
    const orderId = await place();
    expect(await world().holdfast.ship(orderId, leaflets(1))).toMatchObject({ accepted: true, capturedAmount: 0 });
    expect((await shop.view(orderId)).amounts).toMatchObject({ authorized: 1290, captured: 0 });
    expect(await world().holdfast.ship(orderId, aMug())).toMatchObject({ accepted: true, capturedAmount: 1290 });
    expect(await world().holdfast.ship(orderId, leaflets(1))).toMatchObject({ accepted: true, state: 'shipped' });
    expect(holds(orderId)).toEqual([1290]);
    expect(await world().holdfast.deliver(orderId)).toMatchObject({ accepted: true, state: 'delivered' });
  });

  it('ship last, after the money was captured, without a new hold', async () => {
    const orderId = await place();
    expect(await world().holdfast.ship(orderId, aMug())).toMatchObject({
      accepted: true,
      paymentState: 'captured',
    });
    await eventually('the order to have looked', async () => (await shop.view(orderId)).paymentState === 'captured');
    expect(await world().holdfast.ship(orderId, leaflets(2))).toMatchObject({ accepted: true, state: 'shipped' });
    expect(holds(orderId)).toEqual([1290]);
  });

  it('can be cancelled after the rest was shipped and paid', async () => {
    const orderId = await place();
    await world().holdfast.ship(orderId, aMug());
    expect(await world().holdfast.cancel(orderId, { reason: 'not wanted' })).toMatchObject({
      accepted: true,
      state: 'shipped',
      cancelledLines: [{ sku: 'LEAFLET', quantity: 2 }],
    });
    expect(holds(orderId)).toEqual([1290]);
  });

  it('ship from an order that is captured when it is placed', async () => {
    const orderId = await place({ captureOn: 'order' });
    await shop.paid(orderId);
    expect(await world().holdfast.ship(orderId, leaflets(2))).toMatchObject({ accepted: true });
    expect(await world().holdfast.cancel(orderId, { reason: 'late' })).toMatchObject({
      reason: 'captured_needs_refund',
    });
    expect(await world().holdfast.ship(orderId, aMug())).toMatchObject({ accepted: true, state: 'shipped' });
  });
});

describe('a remaining amount that is too small for a new hold', () => {
  beforeAll(async () => {
    const { pool } = world().dependencies;
    await pool.query(`INSERT INTO catalogue_items VALUES ('STICKER', 'Sticker', 'eur', 30)`);
    await pool.query(`INSERT INTO stock VALUES ('STICKER', 'berlin', 1000, 0)`);
  });

  /** Its mug has shipped; a sticker of 0.30 EUR is left. */
  const withRest = async (): Promise<string> => {
    const orderId = await place({ lines: [mug, { sku: 'STICKER', quantity: 1, unitAmount: 30 }] });
    expect(await world().holdfast.ship(orderId, aMug())).toMatchObject({ accepted: true, capturedAmount: 1290 });
    await eventually('a person to have a case', async () => (await shop.view(orderId)).exception !== undefined);
    return orderId;
  };
  const aSticker = () => parcel([{ sku: 'STICKER', quantity: 1 }]);

  it('becomes an exception, since no card can pay for it; the lines that are left can be cancelled', async () => {
    const orderId = await withRest();
    const { exception, waitingOn } = await shop.view(orderId);
    expect(exception).toMatchObject({ kind: 'hold_stopped', owner: 'payments' });
    expect(exception?.message).toContain('0.30 EUR (amount_too_small)');
    expect(waitingOn).toBe('approver');
    expect(await world().holdfast.cancel(orderId, { reason: 'settled by hand' })).toMatchObject({ accepted: true });
    expect((await shop.view(orderId)).amounts).toMatchObject({ captured: 1290, heldNow: 0 });
  });

  it('is neither requested from the customer, whose card cannot pay it either, nor from the bank again and again', async () => {
    const orderId = await withRest();
    const { rows } = await world().dependencies.pool.query(
      `SELECT 1 FROM outbox WHERE order_id = $1 AND type = 'PaymentActionRequired'`,
      [orderId],
    );
    expect(rows).toHaveLength(0);
    const refused = {
      accepted: false,
      reason: 'needs_person',
      message: expect.stringContaining('amount_too_small') as string,
    };
    expect(await world().holdfast.renewPayment(orderId, { paymentMethod: 'pm_card_mastercard' })).toMatchObject(
      refused,
    );
    expect(await world().holdfast.ship(orderId, aSticker())).toMatchObject({ accepted: false, reason: 'needs_person' });
    expect(await world().holdfast.decideHold(orderId, { action: 'reauthorize' })).toMatchObject(refused);
    await shop.forward(orderId, 3 * 24 * 3_600_000);
    expect(await shop.view(orderId)).toMatchObject({ state: 'allocated', exception: { kind: 'hold_stopped' } });
    expect(await world().holdfast.decideHold(orderId, { action: 'cancel' })).toMatchObject({ accepted: true });
    expect((await shop.view(orderId)).exception).toBeUndefined();
  });
});
