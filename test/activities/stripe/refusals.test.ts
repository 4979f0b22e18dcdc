import { createPaymentCache, type PaymentCache } from '../../../activities/cache';
import { attempt, authorized, heldFor, startHarness, type Harness } from './harness';

let harness: Harness;
let cache: PaymentCache;
beforeEach(async () => {
  harness = await startHarness();
  cache = createPaymentCache(harness.redis, { scope: 'test' });
});
afterEach(() => harness.stop());

const undo = (orderId: string) =>
  harness.payments.voidPayments({ orderId, attempts: 1, reason: 'checkout_not_completed' });
const renewal = (first: ReturnType<typeof attempt>, paymentMethod: string) =>
  ({
    ...first,
    ...{
      attempt: 2,
      purpose: 'reauthorization' as const,
      customer: { id: first.customer.id },
      paymentMethod,
      offSession: true,
    },
  }) as const;

describe('an amount that the provider does not take', () => {
  it.each([
    ['amount_too_small', 30, 'eur'],
    ['amount_too_large', 1_000_000_000_000, 'eur'],
  ])('%s is refused with its reason, and undone at once', async (code, amount, currency) => {
    const input = attempt({ amount: { amount, currency } });
    const result = await harness.payments.authorizePayment(input);
    expect(result).toMatchObject({ status: 'refused', code, param: 'amount' });
    expect(result).toHaveProperty('message', expect.stringContaining('in this currency'));
    expect(await undo(input.orderId)).toEqual({ outcome: 'voided', releasedAmount: 0 });
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
  });

  it('says so of a currency, too', async () => {
    const result = await harness.payments.authorizePayment(attempt({ amount: { amount: 5_000, currency: 'xxx' } }));
    expect(result).toMatchObject({ status: 'refused', param: 'currency' });
  });
});

describe('a customer who is no longer known', () => {
  it('who was deleted is made again, once', async () => {
    const first = attempt();
    authorized(await harness.payments.authorizePayment(first));
    const stale = (await cache.customer(first.customer.id)) ?? '';
    await harness.stripe.customers.del(stale);
    const again = attempt({ customer: first.customer });
    authorized(await harness.payments.authorizePayment(again));
    expect(heldFor(harness.simulator, again.orderId)).toBe(5_000);
    expect(await cache.customer(first.customer.id)).not.toBe(stale);
    const third = attempt({ customer: first.customer });
    authorized(await harness.payments.authorizePayment(third));
    expect(
      harness.simulator.state.requests().filter((one) => one.path === '/v1/customers' && one.method === 'POST'),
    ).toHaveLength(3);
  });

  it('who was deleted without an e-mail address is made again under a next key', async () => {
    const customer = { id: 'cust_without_address' };
    authorized(await harness.payments.authorizePayment(attempt({ customer })));
    await harness.stripe.customers.del((await cache.customer(customer.id)) ?? '');
    await harness.flushCache();
    authorized(await harness.payments.authorizePayment(attempt({ customer })));
  });

  it('of another account behind the same cache is looked up or made', async () => {
    const input = attempt();
    await cache.keepCustomer(input.customer.id, 'cus_of_another_account');
    authorized(await harness.payments.authorizePayment(input));
    expect(await cache.customer(input.customer.id)).toBe(harness.simulator.state.customers()[0]?.id);
  });
});

describe('a lost attempt of a customer whom the cache has wrongly', () => {
  it('is undone all the same', async () => {
    const input = attempt();
    harness.store.beforeRecord = () => {
      throw new Error('the worker dies here');
    };
    await expect(harness.payments.authorizePayment(input)).rejects.toThrow('dies');
    harness.store.beforeRecord = undefined;
    await cache.keepCustomer(input.customer.id, 'cus_of_another_account');
    expect(await undo(input.orderId)).toMatchObject({ outcome: 'voided' });
    expect(heldFor(harness.simulator, input.orderId)).toBe(0);
  });
});

describe('a saved payment method', () => {
  it('whose cached owner is another one is charged with its own owner', async () => {
    const first = attempt();
    const { paymentMethodId } = authorized(await harness.payments.authorizePayment(first));
    const other = attempt();
    authorized(await harness.payments.authorizePayment(other));
    await cache.keepPaymentMethod(paymentMethodId, {
      stripeCustomerId: (await cache.customer(other.customer.id)) ?? '',
    });
    authorized(await harness.payments.authorizePayment(renewal(first, paymentMethodId)));
  });

  it.each(['is detached', 'went with its deleted customer', 'is of another account'])(
    'that %s is refused',
    async (how) => {
      const first = attempt();
      const { paymentMethodId } = authorized(await harness.payments.authorizePayment(first));
      let method = paymentMethodId;
      if (how === 'is detached') await harness.stripe.paymentMethods.detach(method);
      else if (how.startsWith('went'))
        await harness.stripe.customers.del((await cache.customer(first.customer.id)) ?? '');
      else {
        method = 'pm_of_another_account';
        await cache.keepPaymentMethod(method, { stripeCustomerId: 'cus_of_another_account' });
      }
      expect(await harness.payments.authorizePayment(renewal(first, method))).toMatchObject({
        status: 'invalid',
        problems: [{ field: 'paymentMethod' }],
      });
      expect(await cache.paymentMethod(method)).toBeUndefined();
    },
  );

  it('that is detached cannot pay for a declined PaymentIntent', async () => {
    const saved = attempt();
    const { paymentMethodId } = authorized(await harness.payments.authorizePayment(saved));
    await harness.stripe.paymentMethods.detach(paymentMethodId);
    const first = attempt({ paymentMethod: 'pm_card_chargeDeclined' });
    const declined = await harness.payments.authorizePayment(first);
    const paymentIntentId = declined.status === 'declined' ? (declined.paymentIntentId ?? '') : '';
    const second = { ...first, attempt: 2, paymentMethod: paymentMethodId, paymentIntentId };
    expect(await harness.payments.authorizePayment(second)).toMatchObject({ status: 'invalid' });
  });
});
