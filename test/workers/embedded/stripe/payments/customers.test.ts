import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openShop } from '../billing/support';
import { HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

describe('a customer who is deleted', () => {
  it('is returned as deleted, is no longer listed and cannot pay', async () => {
    const { stripe, customer, method, price } = await openShop();
    const { id: subscription } = await stripe.subscriptions.create({ customer, items: [{ price }] });
    expect(await stripe.customers.del(customer)).toMatchObject({ id: customer, object: 'customer', deleted: true });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ id: customer, deleted: true });
    expect((await stripe.customers.list()).data).toEqual([]);
    const missing = { code: 'resource_missing', param: 'customer', statusCode: 400 };
    expect(await stripeError(stripe.paymentIntents.create({ ...HOLD, customer }))).toMatchObject(missing);
    expect(await stripeError(stripe.customers.update(customer, { name: 'x' }))).toMatchObject({ statusCode: 404 });
    expect((await stripe.subscriptions.retrieve(subscription)).status).toBe('canceled');
    expect((await stripe.paymentMethods.retrieve(method)).customer).toBeNull();
    // What is detached is refused without a code and without a parameter.
    const refused = await stripeError(stripe.paymentIntents.create({ ...HOLD, payment_method: method }));
    expect(refused).toMatchObject({ statusCode: 400, code: undefined, param: undefined });
  });

  it('stays deleted after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-customers-'));
    try {
      const stateFile = join(folder, 'simulator.jsonl');
      const first = await start({ stateFile });
      const { id } = await first.stripe.customers.create({ email: 'gone@example.com' });
      await first.stripe.customers.del(id);
      await first.simulator.stop();
      const { stripe } = await start({ stateFile });
      expect(await stripe.customers.retrieve(id)).toMatchObject({ deleted: true });
    } finally {
      await stopAll();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('amounts', () => {
  it.each([
    ['amount_too_small', 49, 'eur'],
    ['amount_too_small', 17_499, 'huf'],
    ['amount_too_large', 1_000_000_000_000, 'eur'],
  ])('%s: %i %s', async (code, amount, currency) => {
    const { stripe } = await start();
    const refused = await stripeError(stripe.paymentIntents.create({ ...HOLD, amount, currency }));
    expect(refused).toMatchObject({ statusCode: 400, code, param: 'amount' });
  });
});
