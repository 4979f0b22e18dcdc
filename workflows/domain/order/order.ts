import type { DisputeFacts } from '../dispute/dispute';
import type { ExceptionKind, OrderException } from '../exception/exception';
import type { LineQuantity, OrderLine } from './lines';
import type { OrderState, PaymentState } from './state';
import type { RefundFacts } from '../refund/refund';
import type { OrderPolicy } from '../shared/policy';
import { refundable } from '../refund/refund';

/** When the money of an order is captured: shipment by shipment, or all at once as soon as it is placed. */
export type CaptureOn = 'shipment' | 'order';

/** An open card hold: money set aside on a card, not taken yet. */
export interface Hold {
  readonly paymentIntentId: string;
  /** Minor units the hold was granted for. */
  readonly authorizedAmount: number;
  /** Minor units already captured from it; more than zero on an open hold only where the charge allows multicapture. */
  readonly capturedAmount: number;
  readonly authorizedAt: string;
  /** The provider's own deadline for the capture. */
  readonly captureBefore: string;
  readonly multicapture: boolean;
}

/** One parcel given to a carrier. */
export interface Shipment {
  readonly shipmentId: string;
  readonly lines: readonly LineQuantity[];
  readonly carrier: string;
  readonly trackingNumber: string;
  readonly warehouseId?: string;
  /** What it costs, in minor units; captured with it, or before. */
  readonly amount: number;
  readonly shippedAt: string;
  readonly deliveredAt?: string;
}

/**
 * What Postgres knows of an order: everything that its workflow decides on. Every step that changes it is one
 * transaction and returns it fresh, so a workflow that starts anew loads it and goes on.
 */
export interface OrderFacts {
  readonly orderId: string;
  readonly cartId: string;
  readonly channel: string;
  readonly currency: string;
  readonly state: OrderState;
  readonly paymentState: PaymentState;
  readonly captureOn: CaptureOn;
  readonly lines: readonly OrderLine[];
  readonly shippingAmount: number;
  readonly taxAmount: number;
  readonly amounts: OrderAmounts;
  /** The open hold; absent where none is open. */
  readonly hold?: Hold;
  /** PaymentIntents that hold money still although another hold has taken their place: to be let go. */
  readonly supersededHolds: readonly string[];
  /** The PaymentIntent that waits for the customer who was asked for a payment. */
  readonly pendingPaymentIntentId?: string;
  /**
   * Until when the customer, who was asked for another payment, may bring it. Beside an open hold: it ships until that ends. With
   * neither a hold nor `payment_needed`: until when a hold is got, with or without the customer.
   */
  readonly paymentDeadline?: string;
  /** Number of payment attempts begun so far; the next one has this plus one. */
  readonly paymentAttempts: number;
  /** Off-session charges use this saved method of this customer of ours. */
  readonly paymentMethodId: string;
  readonly customerId: string;
  readonly shipments: readonly Shipment[];
  /** Absent in facts that were recorded before there were any. */
  readonly refunds?: readonly RefundFacts[];
  readonly disputes?: readonly DisputeFacts[];
  readonly holdWarnedAt?: string;
  readonly exception?: OrderException;
  /** Kinds of all open exceptions; absent where `exception` is the only one. */
  readonly exceptionKinds?: readonly ExceptionKind[];
  readonly placedAt: string;
  readonly policy: OrderPolicy;
}

/** What is held on cards at this moment, in minor units; `authorized` sums all holds that ever were, renewals included. */
export function heldNow({ authorized, captured, released }: OrderAmounts): number {
  return authorized - captured - released;
}

/** Sums over the ledger of one order, in minor units. */
export interface OrderAmounts {
  /** All holds together that were ever granted: see `heldNow` for what is held. */
  readonly authorized: number;
  readonly captured: number;
  readonly released: number;
  /** Promised back and not confirmed yet. */
  readonly refundPending: number;
  readonly refunded: number;
  /** Given back in another way than through the payment provider. */
  readonly refundedOutside?: number;
  /** Taken by the customer's bank and not given back. */
  readonly disputed?: number;
}

/** Why a hold is voided that another one is asked for next: the order goes on. */
export const RELEASED_FOR_ANOTHER = 'released_for_another';

/** Is an exception of one of these kinds open, shown or not? */
export function isRaised(facts: Pick<OrderFacts, 'exception' | 'exceptionKinds'>, ...kinds: ExceptionKind[]): boolean {
  return openKinds(facts).some((kind) => kinds.includes(kind));
}

function openKinds({
  exception,
  exceptionKinds,
}: Pick<OrderFacts, 'exception' | 'exceptionKinds'>): readonly ExceptionKind[] {
  return exceptionKinds ?? (exception === undefined ? [] : [exception.kind]);
}

/** Exceptions about money that goes back: they keep no order from being shipped and delivered. */
const OF_MONEY_BACK: readonly ExceptionKind[] = [
  'refund_failed',
  'refund_action_needed',
  'refund_overdue',
  'refund_unknown',
  'refund_mismatch',
  'dispute_evidence_due',
  'dispute_unsettled',
  'dispute_lost',
  'fraud_warning',
];

/** Has a person been told already that the order itself does not go on? */
export function isHeldUp(facts: Pick<OrderFacts, 'exception' | 'exceptionKinds'>): boolean {
  return openKinds(facts).some((kind) => !OF_MONEY_BACK.includes(kind));
}

/** What is left to ship of every line that is not done. */
export function remainingLines(facts: Pick<OrderFacts, 'lines'>): LineQuantity[] {
  return facts.lines
    .map((line) => ({ sku: line.sku, quantity: line.quantity - line.shipped - line.cancelled }))
    .filter((line) => line.quantity > 0);
}

/** Is nothing of the order's captured money left with the shop? Then nothing more of it may ship. */
export function isGivenBack({ amounts }: Pick<OrderFacts, 'amounts'>): boolean {
  return amounts.captured > 0 && refundable(amounts) === 0;
}
