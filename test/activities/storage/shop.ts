import { ApplicationFailure } from '@temporalio/common';
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { createKeyring } from '../../../activities/crypto';
import {
  checkMoneyInvariants,
  createOrderStore,
  createPaymentStore,
  createPool,
  createSampleCatalogue,
  sampleSkus,
  type PaymentStore,
} from '../../../activities/storage';
import type { Hold, OrderFacts } from '../../../workflows/domain/order/order';
import type { LineQuantity } from '../../../workflows/domain/order/lines';
import { DEFAULT_POLICY } from '../../../workflows/domain/shared/policy';
import { cartTotal, shipmentAmount } from '../../../workflows/domain/order/shipment-amount';
import type { CheckoutCart } from '../../../workflows/checkout/messages';
import type {
  AuthorizationPurpose,
  AuthorizePaymentInput,
  CapturePaymentInput,
  PaymentStatus,
} from '../../../workflows/payment/ports';
import type { OrderActivities, PlaceOrderResult } from '../../../workflows/order/ports';
import { createDatabase } from '../../support/environment';

const DAY_MS = 86_400_000;

/** The stores over a database of the test's own with the sample catalogue, and steps that tests are made of. */
export interface Shop {
  readonly pool: Pool;
  readonly orders: OrderActivities;
  readonly payments: PaymentStore;
  readonly keyring: ReturnType<typeof createKeyring>;
  readonly databaseUrl: string;
  /** A hold for the cart, stock for its lines, and the order. */
  place(orderId: string, cart?: CheckoutCart): Promise<OrderFacts>;
  /** Begins and records the authorization of one attempt. */
  authorize(orderId: string, cart: CheckoutCart, options?: AuthorizeOptions): Promise<PaymentStatus>;
  /** Captures as the payment adapter does, with a provider that always agrees. */
  capture(input: CapturePaymentInput): Promise<OrderFacts>;
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  violations(): ReturnType<typeof checkMoneyInvariants>;
  close(): Promise<void>;
}

export interface AuthorizeOptions {
  readonly attempt?: number;
  readonly purpose?: AuthorizationPurpose;
  readonly amount?: number;
  readonly multicapture?: boolean;
}

export const sku = sampleSkus;

export async function openShop(): Promise<Shop> {
  const database = await createDatabase();
  const pool = createPool(database.url);
  await createSampleCatalogue(pool);
  const keyring = createKeyring([{ id: 'test', key: randomBytes(32) }]);
  const orders = createOrderStore({ pool, keyring, paymentLink: (orderId) => `https://shop.test/pay/${orderId}` });
  const payments = createPaymentStore({ pool, keyring });
  const authorize: Shop['authorize'] = async (orderId, cart, options = {}) => {
    const input = authorizeInput(orderId, cart, options);
    const begun = await payments.beginAttempt(input);
    if (begun.kind === 'recorded') return begun.result;
    if (begun.kind !== 'begun') throw new Error(`attempt ${input.attempt} of ${orderId} is ${JSON.stringify(begun)}`);
    const status = authorized(orderId, input.attempt, input.amount.amount, options.multicapture ?? true);
    const recorded = await payments.recordAttempt({
      orderId,
      attempt: input.attempt,
      status,
      chargeId: `ch_${orderId}`,
    });
    if (recorded.kind === 'undone') throw new Error(`attempt ${input.attempt} of ${orderId} was undone`);
    return status;
  };
  return {
    pool,
    orders,
    payments,
    keyring,
    databaseUrl: database.url,
    authorize,
    async place(orderId, cart = cartOf(`cart-${orderId}`)) {
      await authorize(orderId, cart);
      const reserved = await orders.reserveStock({ orderId, lines: cart.lines });
      if (reserved.outcome !== 'reserved') throw new Error(`${reserved.sku} is out of stock`);
      return factsOf(await orders.placeOrder({ orderId, cart, paymentIntentId: intentOf(orderId, 1) }));
    },
    async capture(input) {
      const begun = await payments.beginCapture(input);
      if (begun.kind === 'recorded') return begun.facts;
      if (begun.kind !== 'begun') throw ApplicationFailure.nonRetryable(`the capture is ${begun.kind}`, 'Defect');
      const attempt = await payments.findAttemptByPaymentIntent(input.paymentIntentId);
      if (attempt === undefined) throw new Error(`${input.paymentIntentId} is not known`);
      if (attempt.status !== 'authorized') {
        const { orderId, paymentIntentId } = input;
        return payments.recordHoldExpired({ orderId, paymentIntentId });
      }
      const left = attempt.authorizedAmount - attempt.capturedAmount - input.amount;
      const releasedAmount = input.final ? left : 0;
      return payments.recordCapture(input, {
        capturedAmount: input.amount,
        releasedAmount,
        at: new Date().toISOString(),
      });
    },
    sql: async <Row>(text: string, values: unknown[] = []) => (await pool.query(text, values)).rows as Row[],
    violations: () => checkMoneyInvariants(pool),
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

/** The order after `placeOrder`. */
export function factsOf(placed: PlaceOrderResult): OrderFacts {
  if (placed.outcome === 'cart_changed') throw new Error('the cart id is an order with other contents');
  return placed.facts;
}

/** The PaymentIntent that `authorize` makes for an attempt. */
export function intentOf(orderId: string, attempt: number): string {
  return `pi_${orderId}_${attempt}`;
}

export function cartOf(cartId: string, lines: CheckoutCart['lines'] = twoLines()): CheckoutCart {
  return {
    cartId,
    currency: 'eur',
    customer: { id: 'customer-1', email: 'buyer@example.org', name: 'Sample Buyer' },
    lines,
    shippingAmount: 490,
    taxAmount: 333,
    shippingAddress: { line1: 'Hauptstraße 1', city: 'Berlin', postalCode: '10827', country: 'DE' },
    captureOn: 'shipment',
    channel: 'web',
    policy: DEFAULT_POLICY,
  };
}

export function twoLines(): CheckoutCart['lines'] {
  return [
    { sku: sku.mug, quantity: 2, unitAmount: 1_290 },
    { sku: sku.teapot, quantity: 1, unitAmount: 3_900 },
  ];
}

export function authorizeInput(
  orderId: string,
  cart: CheckoutCart,
  { attempt = 1, purpose = 'checkout', amount = cartTotal(cart) }: AuthorizeOptions = {},
): AuthorizePaymentInput {
  return {
    orderId,
    cartId: cart.cartId,
    attempt,
    purpose,
    amount: { amount, currency: cart.currency },
    customer: cart.customer,
    paymentMethod: 'pm_card_visa',
    offSession: purpose !== 'checkout',
    ...(purpose === 'checkout' && { lines: cart.lines }),
  };
}

export function authorized(
  orderId: string,
  attempt: number,
  amount: number,
  multicapture = true,
): Extract<PaymentStatus, { status: 'authorized' }> {
  const authorizedAt = new Date();
  const hold: Hold = {
    paymentIntentId: intentOf(orderId, attempt),
    authorizedAmount: amount,
    capturedAmount: 0,
    authorizedAt: authorizedAt.toISOString(),
    captureBefore: new Date(authorizedAt.getTime() + 7 * DAY_MS).toISOString(),
    multicapture,
  };
  return { status: 'authorized', paymentIntentId: hold.paymentIntentId, paymentMethodId: 'pm_1', hold };
}

/** The capture that pays for these lines. */
export function captureOf(
  facts: OrderFacts,
  lines: readonly LineQuantity[],
  tracking: string,
  final: boolean,
): CapturePaymentInput {
  return {
    orderId: facts.orderId,
    paymentIntentId: facts.hold?.paymentIntentId ?? intentOf(facts.orderId, 1),
    amount: shipmentAmount(facts, lines),
    final,
    shipment: { shipmentId: `dhl/${tracking}`, lines, carrier: 'dhl', trackingNumber: tracking },
  };
}
