import { defineUpdate } from '../kit/define';
import type { CaptureOn } from '../domain/order/order';
import type { CartLine } from '../domain/order/lines';
import type { FieldProblem } from '../domain/shared/errors';
import type { OrderPolicy } from '../domain/shared/policy';

export interface Address {
  readonly line1: string;
  readonly line2?: string;
  /** Absent where the country has none, as the postal code. */
  readonly city?: string;
  readonly postalCode?: string;
  readonly region?: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
}

/** What a customer wants to buy. All amounts in minor units of `currency`. */
export interface CheckoutCart {
  readonly cartId: string;
  readonly currency: string;
  readonly customer: { readonly id: string; readonly email: string; readonly name?: string };
  readonly lines: readonly CartLine[];
  readonly shippingAmount: number;
  readonly taxAmount: number;
  readonly shippingAddress?: Address;
  readonly captureOn: CaptureOn;
  readonly channel: string;
  readonly policy: OrderPolicy;
}

/** A try to pay for a cart: the first one starts the workflow, later ones may bring another payment method or, after a decline, another cart. */
export interface SubmitCheckout {
  readonly paymentMethod: string;
  readonly cart: CheckoutCart;
  /** What makes it the same purchase: a hash of the cart's contents, amounts, customer and address. */
  readonly cartFingerprint: string;
}

/**
 * Start argument of the checkout workflow. It contains the first submission, so that a checkout whose update is lost in a crash
 * still becomes an order.
 */
export interface CheckoutInput extends SubmitCheckout {
  /** Made by the caller, so that the order can be found by it from the first moment. A checkout that runs already keeps its own id. */
  readonly orderId: string;
}

export type CheckoutAnswer =
  | {
      readonly state: 'placed';
      readonly orderId: string;
      readonly authorizedAmount: number;
      readonly captureBefore: string | null;
    }
  | {
      readonly state: 'requires_action';
      readonly orderId: string;
      readonly paymentIntentId: string;
      readonly clientSecret: string;
      readonly until: string;
    }
  | {
      readonly state: 'declined';
      readonly orderId: string;
      readonly code: string;
      readonly declineCode: string;
      readonly retryUntil: string;
    }
  | { readonly state: 'out_of_stock'; readonly sku: string; readonly available: number }
  | { readonly state: 'invalid'; readonly problems: readonly FieldProblem[] }
  /** Nothing is held and nothing was bought. Unless it is `payment_refused`, the same cart may be sent again. */
  | {
      readonly state: 'failed';
      readonly code: 'payment_unavailable' | 'payment_refused' | 'order_unavailable' | 'abandoned';
      readonly message: string;
    }
  /** The cart id belongs to other contents or another customer: of an order (`placed`), or of a checkout that still runs. */
  | { readonly state: 'failed'; readonly code: 'cart_changed'; readonly placed: boolean; readonly message: string };

/** Failure type of a submission that came while its checkout ended. Sent again, it starts the next checkout. */
export const CHECKOUT_ENDED = 'CheckoutEnded';

/** An update, not a signal: the caller needs the answer. Started together with the workflow (update-with-start). */
export const submitCheckout = defineUpdate<CheckoutAnswer, [SubmitCheckout]>('submitCheckout');
