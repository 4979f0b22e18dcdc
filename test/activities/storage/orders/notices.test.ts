import { DEFAULT_POLICY } from '../../../../workflows/domain/shared/policy';
import { captureOf, cartOf, intentOf, openShop, sku, type Shop } from '../shop';

const DAY_MS = 24 * 3_600_000;

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

interface Row {
  readonly kind: string;
  readonly status: string;
  readonly recipient: unknown;
  readonly data: unknown;
}

/** Oldest first. */
const noticesOf = (orderId: string): Promise<Row[]> =>
  shop.sql('SELECT kind, status, recipient, data FROM notices WHERE order_id = $1 ORDER BY queued_at, kind', [orderId]);
const kindsOf = async (orderId: string) => (await noticesOf(orderId)).map(({ kind, status }) => `${kind} ${status}`);

describe('an order notifies its customer', () => {
  it('that it is confirmed, of each parcel with its tracking number, and that it has arrived, once each', async () => {
    const orderId = 'ord_told';
    const facts = await shop.place(orderId);
    const customer = { to: 'order_customer', orderId };
    expect(await noticesOf(orderId)).toEqual([
      {
        kind: 'order_confirmed',
        status: 'queued',
        recipient: customer,
        data: {
          orderId,
          total: { amount: 7_303, currency: 'eur' },
          items: `2 × ${sku.mug}\n1 × ${sku.teapot}`,
          paidAtOnce: false,
        },
      },
    ]);
    const first = captureOf(facts, [{ sku: sku.mug, quantity: 2 }], 'T-1', false);
    const after = await shop.capture(first);
    await shop.capture(first);
    await shop.capture(captureOf(after, [{ sku: sku.teapot, quantity: 1 }], 'T-2', true));
    const deliveredAt = new Date().toISOString();
    await shop.orders.recordDelivery({ orderId, shipmentId: 'dhl/T-1', deliveredAt });
    const shipped = (await noticesOf(orderId)).filter(({ kind }) => kind === 'order_shipped');
    expect(shipped).toMatchObject([
      { recipient: customer, data: { orderId, carrier: 'dhl', trackingNumber: 'T-1', items: `2 × ${sku.mug}` } },
      { recipient: customer, data: { orderId, carrier: 'dhl', trackingNumber: 'T-2', items: `1 × ${sku.teapot}` } },
    ]);
    expect((await kindsOf(orderId)).filter((kind) => kind.startsWith('order_delivered'))).toEqual([]);
    for (let times = 0; times < 2; times++) await shop.orders.recordDelivery({ orderId, deliveredAt });
    expect((await kindsOf(orderId)).filter((kind) => kind.startsWith('order_delivered'))).toHaveLength(1);
  });

  it('that it is cancelled, and no longer that it is confirmed', async () => {
    const orderId = 'ord_cancelled';
    await shop.place(orderId);
    await shop.payments.recordHoldExpired({ orderId, paymentIntentId: intentOf(orderId, 1) });
    await shop.orders.cancelOrder({ orderId, reason: 'changed my mind, call 555', actor: 'customer' });
    expect(await noticesOf(orderId)).toMatchObject([
      { kind: 'order_confirmed', status: 'canceled' },
      {
        kind: 'order_cancelled',
        status: 'queued',
        data: { orderId, items: `2 × ${sku.mug}\n1 × ${sku.teapot}`, isPartial: false, unpaid: false },
      },
    ]);
  });

  it('that a payment is needed, with the link and the date, once for each date, and no longer than it is', async () => {
    const orderId = 'ord_unpaid';
    const cart = cartOf(`cart-${orderId}`);
    await shop.place(orderId, cart);
    await shop.payments.recordHoldExpired({ orderId, paymentIntentId: intentOf(orderId, 1) });
    const deadline = new Date(Date.now() + 2 * DAY_MS).toISOString();
    const later = new Date(Date.now() + 3 * DAY_MS).toISOString();
    await shop.orders.requestPayment({ orderId, reason: 'declined', deadline });
    await shop.orders.requestPayment({ orderId, reason: 'declined', deadline, paymentIntentId: 'pi_other' });
    const asked = (await noticesOf(orderId)).filter(({ kind }) => kind === 'payment_needed');
    const amount = { amount: 7_303, currency: 'eur' };
    expect(asked).toMatchObject([
      {
        status: 'queued',
        recipient: { to: 'order_customer', orderId },
        data: { orderId, amount, deadline, link: `https://shop.test/pay/${orderId}` },
      },
    ]);
    await shop.orders.requestPayment({ orderId, reason: 'declined', deadline: later });
    await shop.authorize(orderId, cart, { attempt: 2, purpose: 'reauthorization' });
    expect(await kindsOf(orderId)).toEqual([
      'order_confirmed queued',
      'payment_needed canceled',
      'payment_needed canceled',
    ]);
  });

  it('that it is cancelled because the customer did not pay', async () => {
    const orderId = 'ord_deadline';
    await shop.place(orderId);
    await shop.payments.recordHoldExpired({ orderId, paymentIntentId: intentOf(orderId, 1) });
    const deadline = new Date(Date.now() + DAY_MS).toISOString();
    await shop.orders.requestPayment({ orderId, reason: 'declined', deadline });
    await shop.orders.cancelOrder({ orderId, reason: 'payment_not_renewed', actor: 'holdfast' });
    expect(await kindsOf(orderId)).toEqual([
      'order_confirmed canceled',
      'payment_needed canceled',
      'order_cancelled queued',
    ]);
    expect((await noticesOf(orderId)).at(-1)?.data).toMatchObject({ unpaid: true });
  });
});

describe('the shop’s own people are notified', () => {
  it('once that a hold is about to end, and not after it was replaced', async () => {
    const orderId = 'ord_hold';
    const facts = await shop.place(orderId);
    for (let times = 0; times < 2; times++) await shop.orders.warnOfHold({ orderId });
    const { captureBefore } = facts.hold ?? {};
    const told = (await noticesOf(orderId)).filter(({ kind }) => kind === 'hold_expiring');
    expect(told).toMatchObject([
      {
        status: 'queued',
        recipient: { to: 'shop' },
        data: {
          orderId,
          amount: { amount: 7_303, currency: 'eur' },
          captureBefore,
          plan: DEFAULT_POLICY.onHoldExpiring,
        },
      },
    ]);
    await shop.capture(captureOf(facts, facts.lines, 'T-3', true));
    expect((await kindsOf(orderId)).filter((kind) => kind.startsWith('hold'))).toEqual(['hold_expiring canceled']);
  });

  const raised = {
    kind: 'void_failed',
    message: 'A hold of 73.03 EUR may still stand: void it at the provider.',
    owner: 'payments',
    amountAtRisk: { amount: 7_303, currency: 'eur' },
  } as const;

  it('once for each time that an exception is opened, and not where it is resolved before', async () => {
    const orderId = 'ord_exception';
    await shop.place(orderId);
    const workflowId = `order-${orderId}`;
    const raise = () => shop.orders.raiseException({ orderId, workflowId, ...raised });
    await raise();
    await raise();
    const opened = async () => (await noticesOf(orderId)).filter(({ kind }) => kind === 'exception_opened');
    const { kind: exception, message, owner, amountAtRisk } = raised;
    const data = { exception, owner, about: `order ${orderId}`, message, amountAtRisk };
    expect(await opened()).toEqual([{ kind: 'exception_opened', status: 'queued', recipient: { to: 'shop' }, data }]);
    await shop.orders.resolveException({ orderId, workflowId, kinds: ['void_failed'] });
    await raise();
    expect((await opened()).map(({ status }) => status)).toEqual(['canceled', 'queued']);
  });

  it('of an exception of a checkout that never became an order', async () => {
    const orderId = 'ord_never';
    await shop.orders.raiseException({ orderId, workflowId: 'checkout-cart-never', ...raised });
    expect(await kindsOf(orderId)).toEqual(['exception_opened queued']);
  });

  it('of every kind of exception either by this notice or by one of its own', async () => {
    const own = ['refund_failed', 'dispute_evidence_due', 'fraud_warning', 'settlement_difference'] as const;
    const orderId = 'ord_kinds';
    for (const kind of [...own, 'shipment_overdue', 'dispute_lost', 'refund_mismatch'] as const) {
      await shop.orders.raiseException({ orderId, workflowId: 'checkout-cart-kinds', ...raised, kind });
    }
    const told = (await noticesOf(orderId)).map(({ data }) => (data as { exception: string }).exception);
    expect(told.sort()).toEqual(['dispute_lost', 'refund_mismatch', 'shipment_overdue']);
  });
});
