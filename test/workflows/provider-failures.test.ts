import { sampleCart } from '../support/carts';
import { eventually } from '../support/time/eventually';
import { providerRefundsOf } from '../support/refunds';
import { everything, shopForThisFile } from '../support/shop';

// What Stripe answers, seen from outside: a failure that it keeps costs moments, and what it does not take is told.
const { world, shop } = shopForThisFile();
afterEach(() => world().simulator.faults.clear());

const POST = 'POST';
const exceptionsOf = async (orderId: string): Promise<unknown[]> =>
  (await world().dependencies.pool.query('SELECT kind FROM exceptions WHERE order_id = $1', [orderId])).rows;
const attemptsOf = async (cartId: string): Promise<unknown[]> => {
  const text = 'SELECT status, code FROM payment_attempts WHERE cart_id = $1 ORDER BY started_at, attempt';
  return (await world().dependencies.pool.query(text, [cartId])).rows;
};
const ordersOf = (cartId: string) =>
  world()
    .simulator.state.paymentIntents()
    .filter((intent) => intent.metadata['holdfast_cart_id'] === cartId);

describe('a failure that Stripe keeps', () => {
  it.each(['/v1/payment_intents$', '/v1/customers$'])(
    'of %s delays the checkout by less than a minute',
    async (pathPattern) => {
      const action = { kind: 'server_error', when: 'during', status: 500 } as const;
      world().simulator.faults.add({ match: { method: POST, pathPattern }, action });
      const customer = { id: `kept-${pathPattern.length}`, email: `kept${pathPattern.length}@example.com` };
      const first = sampleCart({ customer });
      expect(await world().holdfast.checkout(first)).toMatchObject({ state: 'placed' });
      expect(await world().holdfast.checkout(sampleCart({ customer }))).toMatchObject({ state: 'placed' });
      expect(ordersOf(first.cartId)).toHaveLength(1);
    },
  );

  it('of a capture does not delay a parcel', async () => {
    const orderId = await shop.place();
    const action = { kind: 'server_error', when: 'during', status: 500 } as const;
    world().simulator.faults.add({ match: { method: POST, pathPattern: '/capture$' }, action });
    expect(await world().holdfast.ship(orderId, everything())).toMatchObject({ accepted: true, capturedAmount: 7970 });
  });
});

describe('a payment that Stripe refuses', () => {
  const CREATE = { method: POST, pathPattern: '^/v1/payment_intents$' };

  it.each([
    ['amount_too_small', 'amount', 'lines'],
    ['amount_too_large', 'amount', 'lines'],
    [undefined, 'currency', 'currency'],
  ])('for %s at %s names the field of the cart, which may be corrected', async (code, param, field) => {
    const cart = sampleCart();
    const named = code === undefined ? {} : { code };
    world().simulator.faults.add({ match: CREATE, action: { kind: 'refusal', param, ...named } });
    expect(await world().holdfast.checkout(cart)).toMatchObject({ state: 'invalid', problems: [{ field }] });
    const handle = world().client.workflow.getHandle(`checkout-${cart.cartId}`);
    // It ends at once: there is nothing to undo that could fail.
    expect(await handle.result()).toMatchObject({ state: 'invalid' });
    const corrected = await world().holdfast.checkout({ ...cart, shippingAmount: 990 });
    expect(corrected).toMatchObject({ state: 'placed' });
    expect(await attemptsOf(cart.cartId)).toMatchObject([{ status: 'refused' }, { status: 'authorized' }]);
  });

  it('because of its payment method is final for that method, and another one may be tried', async () => {
    const cart = sampleCart({ paymentMethod: 'pm_unknown' });
    expect(await world().holdfast.checkout(cart)).toMatchObject({ problems: [{ field: 'paymentMethod' }] });
    expect(await attemptsOf(cart.cartId)).toEqual([{ status: 'refused', code: 'invalid_payment_method' }]);
  });

  it('that names no field of the cart is answered as refused', async () => {
    const cart = sampleCart();
    world().simulator.faults.add({ match: CREATE, action: { kind: 'refusal', code: 'capability_not_active' } });
    expect(await world().holdfast.checkout(cart)).toMatchObject({ state: 'failed', code: 'payment_refused' });
    expect(await world().holdfast.checkout(cart)).toMatchObject({ state: 'placed' });
  });

  it('because of a mistake in our own request is undone without the amount of the attempt', async () => {
    const cart = sampleCart();
    world().simulator.faults.add({ match: CREATE, action: { kind: 'refusal', code: 'parameter_unknown', param: 'x' } });
    const answer = await world().holdfast.checkout(cart);
    expect(answer).toMatchObject({ state: 'failed', code: 'payment_unavailable' });
    await world().client.workflow.getHandle(`checkout-${cart.cartId}`).result();
    const [seal] = world().simulator.state.paymentIntents().slice(-1);
    expect(seal?.metadata).toHaveProperty('holdfast_sealed_key');
    const orderId = String(seal?.metadata['holdfast_sealed_key']).split(':')[1] ?? '';
    // The mistake is a person's case; the undo left none of its own.
    expect(await exceptionsOf(orderId)).toEqual([{ kind: 'step_failed' }]);
  });
});

describe('a customer who was deleted at Stripe', () => {
  it('can buy again, and is asked for a card again when a hold must be renewed', async () => {
    const customer = { id: 'deleted-1', email: 'deleted1@example.com' };
    const orderId = await shop.place({ customer });
    await world().dependencies.stripe.customers.del(shop.customerOf(orderId));
    expect(await world().holdfast.checkout(sampleCart({ customer }))).toMatchObject({ state: 'placed' });
    // Parcels may leave under the old hold until it ends; only then is the payment needed.
    await shop.forwardToEndOfHold(orderId, -3_600_000);
    await eventually(
      'the customer to be asked',
      async () => (await shop.view(orderId)).paymentState === 'payment_needed',
    );
  });
});

describe('a request that Stripe answered with a failure and carried out later', () => {
  it('a second hold for one order is voided', async () => {
    const orderId = await shop.place();
    const [first] = shop.intentsOf(orderId);
    const twin = await world().dependencies.stripe.paymentIntents.create({
      ...{ amount: 7970, currency: 'eur', confirm: true, capture_method: 'manual', payment_method: 'pm_card_visa' },
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      metadata: first?.metadata ?? {},
    });
    const statusOf = (id: string | undefined) => world().simulator.state.paymentIntent(id ?? '')?.status;
    await eventually('the second hold to be canceled', () => statusOf(twin.id) === 'canceled');
    expect(statusOf(first?.id)).toBe('requires_capture');
  });

  it('a second refund is recorded too', async () => {
    const orderId = await shop.place();
    await world().holdfast.ship(orderId, everything());
    await world().holdfast.refund(orderId, { amount: 1000, reason: 'requested_by_customer' });
    const refundsOf = () => providerRefundsOf(world(), orderId);
    await eventually('the refund to be made', () => refundsOf().length === 1);
    const [first] = refundsOf();
    await world().dependencies.stripe.refunds.create({
      ...{ payment_intent: shop.intentsOf(orderId)[0]?.id ?? '', amount: 1000 },
      metadata: first?.metadata ?? {},
    });
    const booked = async () => {
      const { refunded, refundPending } = (await shop.view(orderId)).amounts;
      return refunded + refundPending === 2000;
    };
    await eventually('both to be booked', booked);
  });
});
