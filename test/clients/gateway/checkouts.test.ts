import type { CheckoutAnswer } from '../../../workflows/checkout/messages';
import { Misconfigured, OutcomePending, ServiceUnavailable } from '../../../clients/client';
import { cart, orderView, PLACED, request, startGateway, type Answer } from '../support/gateway-fakes';
import { gatewayForTests } from '../support/gateway-for-tests';

const served = gatewayForTests();

const checkout = (body: unknown = cart(), headers: Record<string, string> = {}): Promise<Answer> =>
  request(`${served.url}/v1/checkouts`, { body, headers });

describe('answers of a checkout', () => {
  const answered = async (answer: CheckoutAnswer): Promise<Answer> => {
    served.fakes.answer = () => answer;
    const response = await checkout();
    expect(response.headers.get('content-type')).toContain(
      response.status >= 400 ? 'application/problem+json' : 'application/json',
    );
    return response;
  };

  test('placed: 201 with the order', async () => {
    const response = await answered(PLACED);
    expect(response.status).toBe(201);
    expect(response.body).toEqual(PLACED);
    expect(response.headers.get('location')).toBe('/v1/orders/ord_1');
    expect(served.fakes.sent).toMatchObject([
      { verb: 'checkout', args: [{ cartId: 'cart-1', captureOn: 'shipment' }, {}] },
    ]);
  });

  test('3-D Secure: 202 with the client secret', async () => {
    const response = await answered({
      state: 'requires_action',
      orderId: 'ord_1',
      paymentIntentId: 'pi_1',
      clientSecret: 'pi_1_secret_x',
      until: '2026-03-01T12:30:00.000Z',
    });
    expect(response.status).toBe(202);
    expect(response.body).toMatchObject({ state: 'requires_action', clientSecret: 'pi_1_secret_x' });
  });

  test('declined: 402 with the decline code, whatever the provider calls it', async () => {
    const response = await answered({
      state: 'declined',
      orderId: 'ord_1',
      code: 'expired_card',
      declineCode: 'expired_card',
      retryUntil: '2026-03-01T12:30:00.000Z',
    });
    expect(response.status).toBe(402);
    expect(response.body).toMatchObject({ status: 402, code: 'card_declined', declineCode: 'expired_card' });
  });

  test('out of stock: 409 with the SKU and the quantity available', async () => {
    const response = await answered({ state: 'out_of_stock', sku: 'MUG-1', available: 1 });
    expect(response.status).toBe(409);
    expect(response.body).toMatchObject({ code: 'out_of_stock', sku: 'MUG-1', available: 1 });
  });

  test('invalid: 400 with every field', async () => {
    const problems = [{ field: 'lines.0.sku', message: 'is not in the catalogue' }];
    const response = await answered({ state: 'invalid', problems });
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({ code: 'invalid_request', errors: problems });
  });

  test.each([
    ['payment_unavailable', 503],
    ['order_unavailable', 503],
    ['abandoned', 409],
    ['payment_refused', 402],
  ] as const)('failed with %s: %i', async (code, status) => {
    const response = await answered({ state: 'failed', code, message: 'nothing was bought' });
    expect(response.status).toBe(status);
    expect(response.body).toMatchObject({ code, detail: 'nothing was bought' });
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '5' : null);
  });

  test.each([true, false])('cart_changed: 409, and whether permanently (%s)', async (placed) => {
    const response = await answered({ state: 'failed', code: 'cart_changed', placed, message: 'another purchase' });
    expect(response.status).toBe(409);
    expect(response.body).toMatchObject({ code: 'cart_changed', placed, detail: 'another purchase' });
  });

  test.each([
    ['outcome_pending', 503, new OutcomePending('checkout-cart-1', 25_000)],
    ['unavailable', 503, new ServiceUnavailable('checkout-cart-1')],
    ['misconfigured', 500, new Misconfigured('checkout-cart-1', 'buyer@example.com')],
    ['internal', 500, new Error('a defect with buyer@example.com')],
  ] as const)('thrown: %s %i, and no detail of the error is sent', async (code, status, error) => {
    served.fakes.answer = () => {
      throw error;
    };
    const response = await checkout();
    expect(response.status).toBe(status);
    expect(response.body).toMatchObject({ code });
    expect(JSON.stringify(response.body)).not.toContain('buyer@');
  });
});

describe('the catalogue', () => {
  const problems = [
    { field: 'lines.0.sku', message: 'is not in the catalogue' },
    { field: 'lines.1.unitAmount', message: 'is not the price' },
    { field: 'currency', message: 'is not the currency of MUG-1' },
  ];

  test('names everything that is wrong, and starts no workflow', async () => {
    served.fakes.catalogueProblems = problems;
    const response = await checkout();
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({ errors: problems });
    expect(served.fakes.sent).toEqual([]);
  });

  test('accepts a cart that became an order before its prices changed', async () => {
    served.fakes.catalogueProblems = problems;
    served.fakes.orders.set('ord_1', orderView('ord_1', { cartId: 'cart-1' }));
    expect((await checkout()).status).toBe(201);
  });
});

describe('Idempotency-Key', () => {
  const key = { 'idempotency-key': 'k-1' };

  test('the same key again: the first answer, run once', async () => {
    const first = await checkout(cart(), key);
    served.fakes.answer = () => ({ ...PLACED, orderId: 'ord_2' });
    const second = await checkout(Object.fromEntries(Object.entries(cart()).reverse()), key);
    expect(second.status).toBe(201);
    expect(second.body).toEqual(first.body);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(served.fakes.sent).toHaveLength(1);
    const sent = served.fakes.sent[0]?.args[1] as { idempotencyKey: string };
    expect(sent.idempotencyKey).toMatch(/^api-key:[0-9a-f]{12} POST \/v1\/checkouts:k-1$/);
  });

  test('a decline is kept, as a problem', async () => {
    served.fakes.answer = () => ({ state: 'declined', orderId: 'o', code: 'c', declineCode: 'd', retryUntil: 't' });
    const first = await checkout(cart(), key);
    const second = await checkout(cart(), key);
    expect(second.status).toBe(402);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(served.fakes.sent).toHaveLength(1);
  });

  test.each<[string, CheckoutAnswer, number]>([
    [
      '3-D Secure',
      { state: 'requires_action', orderId: 'o', paymentIntentId: 'pi', clientSecret: 's', until: 't' },
      202,
    ],
    ['out of stock', { state: 'out_of_stock', sku: 'MUG-1', available: 1 }, 409],
    [
      'a cart that somebody else checks out',
      { state: 'failed', code: 'cart_changed', placed: false, message: 'm' },
      409,
    ],
    ['an abandoned checkout', { state: 'failed', code: 'abandoned', message: 'm' }, 409],
    ['an outage', { state: 'failed', code: 'payment_unavailable', message: 'm' }, 503],
  ])('%s may change: the request runs again, and another body is another request', async (_, answer, status) => {
    served.fakes.answer = () => answer;
    expect((await checkout(cart(), key)).status).toBe(status);
    served.fakes.answer = () => PLACED;
    expect((await checkout(cart({ cartId: 'cart-2' }), key)).status).toBe(422);
    expect((await checkout(cart(), key)).status).toBe(201);
  });

  test('a cart that is another order stays so', async () => {
    served.fakes.answer = () => ({ state: 'failed', code: 'cart_changed', placed: true, message: 'm' });
    const first = await checkout(cart(), key);
    const second = await checkout(cart(), key);
    expect(second.status).toBe(409);
    expect(second.body).toEqual(first.body);
    expect(served.fakes.sent).toHaveLength(1);
  });

  test('is separate for each caller', async () => {
    await served.gateway.close();
    const apiKeys = ['one-key-0123456789', 'other-key-0123456789'] as const;
    Object.assign(served, await startGateway(served.fakes, { apiKeys }));
    for (const apiKey of apiKeys) {
      const answer = await checkout(cart(), { ...key, authorization: `Bearer ${apiKey}` });
      expect(answer.headers.get('idempotency-replayed')).toBeNull();
    }
    expect(served.fakes.sent).toHaveLength(2);
  });

  test('for another body: 422, nothing is run', async () => {
    await checkout(cart(), key);
    const response = await checkout(cart({ cartId: 'cart-2' }), key);
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({ code: 'idempotency_key_reused' });
    expect(served.fakes.sent).toHaveLength(1);
  });

  test('while the first runs: 409', async () => {
    let finish = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      served.fakes.answer = () => {
        resolve();
        return new Promise((answer) => (finish = () => answer(PLACED)));
      };
    });
    const first = checkout(cart(), key);
    await begun;
    const second = await checkout(cart(), key);
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ code: 'idempotency_in_flight' });
    expect(second.headers.get('retry-after')).toBe('1');
    finish();
    expect((await first).status).toBe(201);
  });

  test.each([503, 400])('a %i is not kept: the same key may be sent again', async (status) => {
    served.fakes.answer = () => {
      if (status === 503) throw new OutcomePending('checkout-cart-1', 25_000);
      return { state: 'invalid', problems: [] };
    };
    expect((await checkout(cart(), key)).status).toBe(status);
    served.fakes.answer = () => PLACED;
    // What could not be understood may be corrected under the same key.
    const again = cart(status === 400 ? { cartId: 'cart-2' } : {});
    expect((await checkout(again, key)).status).toBe(201);
  });

  test('an invalid one: 400', async () => {
    const response = await checkout(cart(), { 'idempotency-key': 'x'.repeat(256) });
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({ errors: [{ field: 'Idempotency-Key' }] });
    expect(served.fakes.sent).toEqual([]);
  });
});

test('logs carry no key, no secret and nothing personal', async () => {
  served.fakes.answer = () => ({
    state: 'requires_action',
    orderId: 'o',
    paymentIntentId: 'pi_1',
    clientSecret: 'pi_1_secret_x',
    until: 't',
  });
  await checkout();
  served.fakes.answer = () => {
    throw Object.assign(new Error('broken'), {
      detail: 'Key (email)=(buyer@example.com) exists',
      customer: { email: 'buyer@example.com', name: 'Sample Buyer' },
      clientSecret: 'pi_1_secret_x',
    });
  };
  await checkout();
  expect(served.log()).toContain('"status":202');
  expect(served.log()).toContain('broken');
  for (const secret of ['buyer@', 'Sample', 'Analytical', 'secret_x', 'key-for-tests', 'pm_card']) {
    expect(served.log()).not.toContain(secret);
  }
});
