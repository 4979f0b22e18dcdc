import type { DisputeFacts } from '../dispute/dispute';
import type { ExceptionKind, OrderException } from '../exception/exception';
import type { LineQuantity, OrderLine } from './lines';
import type { OrderState, PaymentState } from './state';
import type { RefundFacts } from '../refund/refund';
import type { OrderPolicy } from '../shared/policy';
import { refundable } from '../refund/refund';

/** When the money of an order is captured: with each shipment, or all at once when the order is placed. */
export type CaptureOn = 'shipment' | 'order';

/** An open card hold: money set aside on a card and not captured yet. */
export interface Hold {
  readonly paymentIntentId: string;
  /** Minor units that the bank has authorized. */
  readonly authorizedAmount: number;
  /** Minor units already captured from it; more than zero on an open hold only if the charge allows multicapture. */
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
  /** The price of the parcel in minor units; captured with it, or before. */
  readonly amount: number;
  readonly shippedAt: string;
  readonly deliveredAt?: string;
}

/**
 * An order as recorded in Postgres: everything that its workflow decides on. Every step that changes it is one transaction and
 * returns the new facts, so a workflow that starts again loads them and continues.
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
  /** The open hold; absent if there is none. */
  readonly hold?: Hold;
  /** PaymentIntents whose holds were replaced and are still open: they must be voided. */
  readonly supersededHolds: readonly string[];
  /** The PaymentIntent on which the customer was asked to pay. */
  readonly pendingPaymentIntentId?: string;
  /**
   * Until when the customer may renew the payment. With an open hold, the order can ship until that hold ends. With neither a hold nor
   * `payment_needed`: until when a new hold must be found, with or without the customer.
   */
  readonly paymentDeadline?: string;
  /** Number of payment attempts begun so far; the next one has this plus one. */
  readonly paymentAttempts: number;
  /** Off-session charges use this saved payment method of the customer. */
  readonly paymentMethodId: string;
  readonly customerId: string;
  readonly shipments: readonly Shipment[];
  /** Absent if there are none, also in facts recorded before refunds existed. */
  readonly refunds?: readonly RefundFacts[];
  readonly disputes?: readonly DisputeFacts[];
  readonly holdWarnedAt?: string;
  readonly exception?: OrderException;
  /** Kinds of all open exceptions; absent if `exception` is the only one. */
  readonly exceptionKinds?: readonly ExceptionKind[];
  readonly placedAt: string;
  readonly policy: OrderPolicy;
}

/** What is held on cards at this moment, in minor units. `authorized` alone sums all holds ever granted, renewals included. */
export function heldNow({ authorized, captured, released }: OrderAmounts): number {
  return authorized - captured - released;
}

/** Sums over the ledger of one order, in minor units. */
export interface OrderAmounts {
  /** The sum of all holds ever granted; see `heldNow` for what is held now. */
  readonly authorized: number;
  readonly captured: number;
  readonly released: number;
  /** Refunds that are not confirmed yet. */
  readonly refundPending: number;
  readonly refunded: number;
  /** Refunded in another way than through the payment provider. */
  readonly refundedOutside?: number;
  /** Withdrawn by the customer's bank and not reinstated. */
  readonly disputed?: number;
}

/** The reason of a void after which another hold is requested: the order continues. */
export const RELEASED_FOR_ANOTHER = 'released_for_another';

/** Is an exception of one of these kinds open, even if another one is shown? */
export function isRaised(facts: Pick<OrderFacts, 'exception' | 'exceptionKinds'>, ...kinds: ExceptionKind[]): boolean {
  return openKinds(facts).some((kind) => kinds.includes(kind));
}

function openKinds({
  exception,
  exceptionKinds,
}: Pick<OrderFacts, 'exception' | 'exceptionKinds'>): readonly ExceptionKind[] {
  return exceptionKinds ?? (exception === undefined ? [] : [exception.kind]);
}

/** Exceptions about refunds and disputes, which do not prevent an order from being shipped and delivered. */
const OF_REFUNDS_AND_DISPUTES: readonly ExceptionKind[] = [
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

/** Is an exception open because the order itself cannot continue? */
export function isHeldUp(facts: Pick<OrderFacts, 'exception' | 'exceptionKinds'>): boolean {
  return openKinds(facts).some((kind) => !OF_REFUNDS_AND_DISPUTES.includes(kind));
}

/** The pieces of each line that are left to ship. */
export function remainingLines(facts: Pick<OrderFacts, 'lines'>): LineQuantity[] {
  return facts.lines
    .map((line) => ({ sku: line.sku, quantity: line.quantity - line.shipped - line.cancelled }))
    .filter((line) => line.quantity > 0);
}

/** Was all captured money of the order refunded or charged back? Then nothing more may ship. */
export function isGivenBack({ amounts }: Pick<OrderFacts, 'amounts'>): boolean {
  return amounts.captured > 0 && refundable(amounts) === 0;
}
