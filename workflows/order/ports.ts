import type { CheckoutCart } from '../checkout/messages';
import type { LineQuantity, Shortage } from '../domain/order/lines';
import type { OrderFacts } from '../domain/order/order';
import type { ExceptionActivities } from '../kit/exceptions';
import type { ShipmentRecord, ShipmentRefused, ShipmentStopped } from '../payment/ports';

export interface ReserveStockInput {
  readonly orderId: string;
  readonly lines: readonly LineQuantity[];
}

export type ReserveStockResult = { readonly outcome: 'reserved' } | ({ readonly outcome: 'out_of_stock' } & Shortage);

export interface PlaceOrderInput {
  readonly orderId: string;
  readonly cart: CheckoutCart;
  /** Kept with the order: the same cart id with another fingerprint is another purchase. */
  readonly cartFingerprint?: string;
  readonly paymentIntentId: string;
}

export type PlaceOrderResult =
  | { readonly outcome: 'placed'; readonly facts: OrderFacts }
  /** Another order of the same cart was there first. */
  | { readonly outcome: 'existing_order'; readonly facts: OrderFacts }
  /** Another order with the same cart id was there first, with other contents or of another customer. */
  | { readonly outcome: 'cart_changed' };

/** What is known of an order that could not be recorded for sure. */
export type WithdrawOrderResult =
  | { readonly outcome: 'placed'; readonly facts: OrderFacts } // it had been recorded: go on with it
  | { readonly outcome: 'withdrawn' }; // it was not, and never will be

export interface RequestPaymentInput {
  readonly orderId: string;
  /** Why the bank did not renew the hold: a decline code, or `authentication_required`. */
  readonly reason: string;
  readonly paymentIntentId?: string;
  readonly deadline: string;
}

/** Called as local activities: one short transaction each. */
export interface OrderActivities extends ExceptionActivities {
  /** Promises stock to an order, all of it or none. Undone by `releaseStock`. */
  reserveStock(input: ReserveStockInput): Promise<ReserveStockResult>;
  releaseStock(input: { readonly orderId: string }): Promise<void>;
  /** What of these lines cannot be had at this moment; null where all can. Reserves nothing. */
  findShortage(input: { readonly lines: readonly LineQuantity[] }): Promise<Shortage | null>;
  /** Records the order, allocated to the warehouses that hold its stock, with its first events in the outbox. Undone by `withdrawOrder`. */
  placeOrder(input: PlaceOrderInput): Promise<PlaceOrderResult>;
  withdrawOrder(input: { readonly orderId: string }): Promise<WithdrawOrderResult>;
  /** Answers with the order as it stands. One that was placed without being allocated is allocated first. */
  allocateOrder(input: { readonly orderId: string }): Promise<OrderFacts>;
  /** Records a shipment for which nothing is left to capture: its order is paid, or its lines cost nothing. */
  recordShipment(input: {
    readonly orderId: string;
    readonly shipment: ShipmentRecord;
  }): Promise<OrderFacts | ShipmentStopped | ShipmentRefused>;
  /** Records that parcels arrived; all that are under way where no shipment is named. */
  recordDelivery(input: {
    readonly orderId: string;
    readonly shipmentId?: string;
    readonly deliveredAt: string;
  }): Promise<OrderFacts>;
  /** Cancels what has not shipped and releases its stock. The hold must have been voided before. */
  cancelOrder(input: {
    readonly orderId: string;
    readonly reason: string;
    readonly actor: string;
  }): Promise<OrderFacts>;
  /** Notifies the shop that a hold expires soon. */
  warnOfHold(input: { readonly orderId: string }): Promise<OrderFacts>;
  /** Stops shipping and asks the customer for another payment; the event carries the link. */
  requestPayment(input: RequestPaymentInput): Promise<OrderFacts>;
  /** Records that a person gave up the captures of a PaymentIntent: a look at the provider books what they captured. */
  abandonCapture(input: { readonly orderId: string; readonly paymentIntentId: string }): Promise<OrderFacts>;
  /** Records that a person gave up a cancel: its hold, where it is still open, may be captured again. */
  reopenHold(input: { readonly orderId: string }): Promise<OrderFacts>;
}
