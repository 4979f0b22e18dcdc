import type Stripe from 'stripe';
import { stopAll, stripeError } from '../support';
import {
  addMethod,
  addPrice,
  amounts,
  DAY_MS,
  eventsDuring,
  expectNear,
  invoicesOf,
  latestInvoice,
  periodEnd,
  tenDaysIn,
  toPeriodEnd,
} from './support';

afterEach(stopAll);

describe('a change of plan within a period', () => {
  it('is prorated by the second and waits for the next invoice', async () => {
    const shop = await tenDaysIn();
    const { stripe, subscription, item, bigger } = shop;
    await stripe.subscriptions.update(subscription.id, { items: [{ id: item, price: bigger }] });
    expect(await invoicesOf(shop, subscription)).toHaveLength(1);
    const upcoming = await stripe.invoices.createPreview({ subscription: subscription.id });
    expectNear(amounts(upcoming), [
      [-2000, true],
      [4000, true],
      [6000, false],
    ]);
    toPeriodEnd(shop, subscription);
    shop.simulator.clock.advanceBy(DAY_MS);
    const invoice = await latestInvoice(shop, subscription);
    expectNear(amounts(invoice), [
      [-2000, true],
      [4000, true],
      [6000, false],
    ]);
    expect(invoice).toMatchObject({ status: 'paid', total: invoice.amount_paid });
    expect(invoice.lines.data[0]?.description).toMatch(/^Unused time on Thirty after/);
    toPeriodEnd(shop, await stripe.subscriptions.retrieve(subscription.id));
    expectNear(amounts(await latestInvoice(shop, subscription)), [[6000, false]]);
  });

  it('is invoiced at once with always_invoice; a downgrade becomes the customer’s credit', async () => {
    const shop = await tenDaysIn();
    const { stripe, subscription, item, bigger, price } = shop;
    const change = (id: string): Promise<Stripe.Subscription> =>
      stripe.subscriptions.update(subscription.id, {
        items: [{ id: item, price: id }],
        proration_behavior: 'always_invoice',
      });
    await change(bigger);
    const up = await latestInvoice(shop, subscription);
    expect(up).toMatchObject({ status: 'paid', billing_reason: 'subscription_update' });
    expectNear([[up.amount_paid, true]], [[2000, true]]);
    await change(price);
    const down = await latestInvoice(shop, subscription);
    expect(down).toMatchObject({ status: 'paid', amount_due: 0, starting_balance: 0, ending_balance: down.total });
    const customer = (await stripe.customers.retrieve(shop.customer)) as Stripe.Customer;
    expectNear([[customer.balance, true]], [[-2000, true]]);
    toPeriodEnd(shop, subscription);
    shop.simulator.clock.advanceBy(DAY_MS);
    const next = await latestInvoice(shop, subscription);
    expectNear([[next.amount_paid, true]], [[1000, true]]);
    expect(next).toMatchObject({ total: 3000, ending_balance: 0 });
  });

  it('costs nothing within the period with the proration behavior none', async () => {
    const shop = await tenDaysIn();
    const { stripe, subscription, item } = shop;
    await stripe.subscriptionItems.update(item, { quantity: 3, proration_behavior: 'none' });
    toPeriodEnd(shop, subscription);
    expectNear(amounts(await latestInvoice(shop, subscription)), [[9000, false]]);
  });

  it('to another interval begins a new period now', async () => {
    const shop = await tenDaysIn();
    const { stripe, subscription, item } = shop;
    const product = (await stripe.products.create({ name: 'Yearly' })).id;
    const yearly = await addPrice(stripe, product, 20_000, { interval: 'year' });
    const changed = await stripe.subscriptions.update(subscription.id, { items: [{ id: item, price: yearly }] });
    const invoice = await latestInvoice(shop, subscription);
    expectNear(amounts(invoice), [
      [-2000, true],
      [20_000, false],
    ]);
    expect(invoice.status).toBe('paid');
    const start = changed.items.data[0]?.current_period_start ?? 0;
    expect(changed.billing_cycle_anchor).toBe(start);
    expect(periodEnd(changed) - start).toBeGreaterThanOrEqual(365 * 86_400);
  });

  it('adds and removes items', async () => {
    const shop = await tenDaysIn();
    const { stripe, subscription, item, bigger } = shop;
    const changed = await stripe.subscriptions.update(subscription.id, {
      items: [
        { id: item, deleted: true },
        { price: bigger, quantity: 2 },
      ],
      proration_behavior: 'none',
    });
    expect(changed.items.data.map(({ quantity, price }) => [price.id, quantity])).toEqual([[bigger, 2]]);
    expect(periodEnd(changed)).toBe(periodEnd(subscription));
    const last = changed.items.data[0]?.id ?? '';
    const error = await stripeError(
      stripe.subscriptions.update(subscription.id, { items: [{ id: last, deleted: true }] }),
    );
    expect(error.message).toContain('at least one');
  });
});

describe('a change whose payment is refused', () => {
  const upgrade = { proration_behavior: 'always_invoice' } as const;

  it('leaves the subscription past due, and the invoice is tried again', async () => {
    const shop = await tenDaysIn();
    await addMethod(shop.stripe, shop.customer, 'pm_card_chargeCustomerFail');
    const changed = await shop.stripe.subscriptions.update(shop.subscription.id, {
      items: [{ id: shop.item, price: shop.bigger }],
      ...upgrade,
    });
    expect(changed.status).toBe('past_due');
    const invoice = await latestInvoice(shop, shop.subscription);
    expect(invoice.status).toBe('open');
    expect(invoice.next_payment_attempt).not.toBeNull();
  });

  it('changes nothing with error_if_incomplete', async () => {
    const shop = await tenDaysIn();
    await addMethod(shop.stripe, shop.customer, 'pm_card_chargeCustomerFail');
    const params = {
      items: [{ id: shop.item, price: shop.bigger }],
      ...upgrade,
      payment_behavior: 'error_if_incomplete',
    };
    const error = await stripeError(shop.stripe.subscriptions.update(shop.subscription.id, params));
    expect(error).toMatchObject({ statusCode: 402 });
    const same = await shop.stripe.subscriptions.retrieve(shop.subscription.id);
    expect([same.status, same.items.data[0]?.price.id]).toEqual(['active', shop.price]);
    expect(await invoicesOf(shop, shop.subscription)).toHaveLength(1);
  });

  it('waits as a pending update with pending_if_incomplete until it is paid', async () => {
    const shop = await tenDaysIn();
    await addMethod(shop.stripe, shop.customer, 'pm_card_chargeCustomerFail');
    const params = {
      items: [{ id: shop.item, price: shop.bigger }],
      ...upgrade,
      payment_behavior: 'pending_if_incomplete',
    };
    const waiting = await shop.stripe.subscriptions.update(shop.subscription.id, params);
    expect(waiting).toMatchObject({ status: 'active', items: { data: [{ price: { id: shop.price } }] } });
    expect(waiting.pending_update?.subscription_items?.[0]?.price.id).toBe(shop.bigger);
    const { id } = await latestInvoice(shop, shop.subscription);
    const types = await eventsDuring(shop, () => void shop.simulator.payInvoice(id), ['charge', 'payment', 'invoice']);
    expect(types).toEqual(['customer.subscription.updated', 'customer.subscription.pending_update_applied']);
    const applied = await shop.stripe.subscriptions.retrieve(shop.subscription.id);
    expect(applied).toMatchObject({ pending_update: null, items: { data: [{ price: { id: shop.bigger } }] } });
  });

  it('drops a pending update that is not paid within 23 hours', async () => {
    const shop = await tenDaysIn();
    await addMethod(shop.stripe, shop.customer, 'pm_card_chargeCustomerFail');
    const params = {
      items: [{ id: shop.item, price: shop.bigger }],
      ...upgrade,
      payment_behavior: 'pending_if_incomplete',
    };
    await shop.stripe.subscriptions.update(shop.subscription.id, params);
    const types = await eventsDuring(shop, () => shop.simulator.clock.advanceBy(DAY_MS));
    expect(types).toEqual([
      'customer.subscription.updated',
      'customer.subscription.pending_update_expired',
      'payment_intent.canceled',
      'invoice.voided',
    ]);
    expect((await shop.stripe.subscriptions.retrieve(shop.subscription.id)).pending_update).toBeNull();
  });
});
