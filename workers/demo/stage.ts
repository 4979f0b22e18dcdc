import type { CheckoutRequest } from '../../clients/client';
import type { OrderView } from '../../workflows/domain/order/view';
import type Stripe from 'stripe';
import type { Bank } from './bank';
import type { Answer, Shop } from './shop';

/** What scenes are played with. */
export interface Stage {
  readonly shop: Shop;
  readonly bank: Bank;
  /** The provider's own API, for what happens there without Holdfast: somebody subscribes. */
  readonly stripe: Stripe;
  /** Mails that this address got, oldest first. */
  readonly mails: (to: string) => Promise<readonly PlayedMail[]>;
  readonly backdoor: Backdoor;
  /** Begins every cart's id, so that no two runs on one database meet. */
  readonly run: string;
  readonly signal: AbortSignal;
}

/** What no caller of the gateway can do, and the demo needs to set a scene or to look behind it. */
export interface Backdoor {
  /** Leaves exactly one piece of the sku to be had. */
  leaveOne(sku: string): Promise<void>;
  /** How many of these provider events the inbox keeps. */
  countInbox(eventIds: readonly string[]): Promise<number>;
  /** Checks a cart out on the task queue of a worker that is killed once the bank has said yes; see doomed-checkout.ts. */
  doomedCheckout(cart: CheckoutRequest): Promise<DoomedCheckout>;
}

export interface DoomedCheckout {
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
  /** Absent where the cart became no order. */
  readonly orderId?: string;
  /** What became of it where it is no order, or beside its state. */
  readonly outcome?: string;
  /** Whose page is linked where it is not the order's or the checkout's. */
  readonly workflowId?: string;
}

export interface Scene {
  readonly title: string;
  /** Mostly waits: played beside the others. */
  readonly slow?: boolean;
  play(stage: Stage): Promise<{ readonly story: string; readonly carts: readonly PlayedCart[] }>;
}

/** A scene did not go as it must. */
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

/** Asks until there is an answer. @throws SceneError after the limit */
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

/** An order's own workflow begins moments after the answer. */
const SOON_MS = 20_000;

/** Checks a cart out that must become an order, and waits until it is ready to ship. */
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
  return until(stage, `order ${orderId} to go on`, limitMs, async () => {
    const order = await stage.shop.order(orderId);
    return order !== undefined && isSo(order) && order;
  });
}
