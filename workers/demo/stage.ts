import type { CheckoutRequest } from '../../clients/client';
import type { OrderView } from '../../workflows/domain/order/view';
import type Stripe from 'stripe';
import type { Bank } from './bank';
import type { Answer, Shop } from './shop';

/** The tools with which scenes are played. */
export interface Stage {
  readonly shop: Shop;
  readonly bank: Bank;
  /** The provider's own API, for events that do not start with Holdfast: a customer subscribes. */
  readonly stripe: Stripe;
  /** The mails to an address, oldest first. */
  readonly mails: (to: string) => Promise<readonly PlayedMail[]>;
  readonly backdoor: Backdoor;
  /** The prefix of every cart's id, so that runs on one database are kept apart. */
  readonly run: string;
  readonly signal: AbortSignal;
}

/** Actions that the gateway does not offer and that the demo needs to prepare or check a scene. */
export interface Backdoor {
  /** Leaves exactly one available piece of the SKU. */
  leaveOne(sku: string): Promise<void>;
  /** The number of these provider events that are in the inbox. */
  countInbox(eventIds: readonly string[]): Promise<number>;
  /** Checks a cart out on the task queue of a worker that is killed once the bank holds the money; see crash/checkout.ts. */
  interruptedCheckout(cart: CheckoutRequest): Promise<InterruptedCheckout>;
}

export interface InterruptedCheckout {
  readonly orderId: string;
  readonly state: string;
}

/** A mail as the embedded mail server kept it. */
export interface PlayedMail {
  readonly kind: string;
  readonly subject: string;
}

/** A cart that was played, for the table at the end. */
export interface PlayedCart {
  readonly path: string;
  readonly cartId: string;
  /** Absent if the cart did not become an order. */
  readonly orderId?: string;
  /** Its outcome if it did not become an order, or in addition to the order's state. */
  readonly outcome?: string;
  /** The workflow to link if it is not the order's or the checkout's. */
  readonly workflowId?: string;
}

export interface Scene {
  readonly title: string;
  /** Mostly waits, so it is played in parallel with the others. */
  readonly slow?: boolean;
  play(stage: Stage): Promise<{ readonly story: string; readonly carts: readonly PlayedCart[] }>;
}

/** An expectation of a scene was not met. */
export class SceneError extends Error {}

export function expect(isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new SceneError(what);
}

export function expectStatus(answer: Answer, status: number, what: string): void {
  const { code, detail } = answer.body;
  const got = [answer.status, code, detail].filter((part) => part !== undefined).join(' ');
  expect(answer.status === status, `${what}: expected ${status}, the gateway answered ${got}`);
}

const POLL_MS = 250;

/** Polls until `look` returns a value. @throws SceneError after the limit */
export async function until<T>(
  stage: Pick<Stage, 'signal'>,
  what: string,
  limitMs: number,
  look: () => Promise<T | undefined | false>,
): Promise<T> {
  for (const endMs = Date.now() + limitMs; ;) {
    stage.signal.throwIfAborted();
    const found = await look();
    if (found !== undefined && found !== false) return found;
    expect(Date.now() < endMs, `waited ${limitMs / 1000} s for ${what}, in vain`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Two mugs and a teapot: 77.70 EUR with shipping and tax. */
export function cart(stage: Stage, name: string, changes: Partial<CheckoutRequest> = {}): CheckoutRequest {
  const cartId = `${stage.run}-${name}`;
  return {
    cartId,
    currency: 'eur',
    customer: { id: `customer-of-${cartId}`, email: `${cartId}@example.com` },
    lines: [
      { sku: 'MUG-BLUE', quantity: 2, unitAmount: 1_290 },
      { sku: 'TEAPOT-1L', quantity: 1, unitAmount: 3_900 },
    ],
    shippingAmount: 490,
    taxAmount: 800,
    paymentMethod: 'pm_card_visa',
    channel: 'demo',
    ...changes,
  };
}

export const MUGS = [{ sku: 'MUG-BLUE', quantity: 2 }];
export const TEAPOT = [{ sku: 'TEAPOT-1L', quantity: 1 }];
export const EVERYTHING = [...MUGS, ...TEAPOT];

/** An order's own workflow starts moments after the answer. */
const SOON_MS = 20_000;

/** Checks out a cart that must become an order, and waits until the order is ready to ship. */
export async function place(stage: Stage, request: CheckoutRequest): Promise<string> {
  const answer = await stage.shop.checkout(request);
  expectStatus(answer, 201, 'the checkout');
  const { orderId = '' } = answer.body;
  await orderIs(stage, orderId, (order) => order.state === 'allocated');
  return orderId;
}

export function orderIs(
  stage: Stage,
  orderId: string,
  isSo: (order: OrderView) => boolean,
  limitMs = SOON_MS,
): Promise<OrderView> {
  return until(stage, `order ${orderId} to change`, limitMs, async () => {
    const order = await stage.shop.order(orderId);
    return order !== undefined && isSo(order) && order;
  });
}
