import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { FieldProblem } from './domain/shared/errors';
import type { ResolutionAction } from './domain/exception/actions';
import type { CaptureOn, CartLine, ExceptionKind, LineQuantity, OrderFacts } from './domain/order/order';
import type { OrderPolicy } from './domain/shared/policy';
import type { Waiting } from './domain/shared/waiting';
import type { AuthorizePaymentInput, CapturePaymentInput } from './ports';

/** Workflow ids. Source: the public interface. */
export const workflowIds = {
  checkout: (cartId: string): string => `checkout-${cartId}`,
  order: (orderId: string): string => `order-${orderId}`,
  refund: (refundId: string): string => `refund-${refundId}`,
  dispute: (disputeId: string): string => `dispute-${disputeId}`,
  fraudWarning: (warningId: string): string => `fraud-warning-${warningId}`,
  subscription: (subscriptionId: string): string => `subscription-${subscriptionId}`,
  reconciliation: (name: string, date: string): string => `reconciliation-${name}-${date}`,
} as const;

/** Workflow types, as they are named in `workflows/index.ts`. */
export const workflowTypes = {
  checkout: 'checkout',
  order: 'order',
  refund: 'refund',
  dispute: 'dispute',
  fraudWarning: 'fraudWarning',
  subscription: 'subscription',
  reconcileSettlement: 'reconcileSettlement',
} as const;

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

// ------------------------------------------------------------------------------------------------- checkout

/** A try to pay for a cart: the first one starts the workflow, later ones may bring another payment method or, after a decline, another cart. */
export interface SubmitCheckout {
  readonly paymentMethod: string;
  readonly cart: CheckoutCart;
  /** What makes it the same purchase: a hash of the cart's contents, amounts, customer and address. */
  readonly cartFingerprint: string;
}

/**
 * Start argument of the checkout workflow: the first submission, too, so that a checkout whose update is lost in a crash goes on
 * to its order in place of being given up with its hold.
 */
export interface CheckoutInput extends SubmitCheckout {
  /** Made by the caller, so that the order can be found by it from the first moment; a checkout that runs already keeps its own. */
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
  /** The cart id is taken by other contents or another customer: by an order (`placed`, for good) or by a checkout that runs. */
  | { readonly state: 'failed'; readonly code: 'cart_changed'; readonly placed: boolean; readonly message: string };

/** Type of the failure of a submission that came as its checkout ended: sent again, it starts the next one. */
export const CHECKOUT_ENDED = 'CheckoutEnded';

/** An update, not a signal: the caller needs the answer. Started together with the workflow (update-with-start). */
export const submitCheckout = defineUpdate<CheckoutAnswer, [SubmitCheckout]>('submitCheckout');

// ------------------------------------------------------------------------------------------------- order

/** Start argument of the order workflow: everything else is in Postgres. */
export interface OrderInput {
  readonly orderId: string;
  /** What a run that continues as new hands to the next: steps whose outcome is not settled. */
  readonly unsettled?: UnsettledSteps;
  /** A replaced hold could not be voided, and the exception that says so is open. */
  readonly letGoFailed?: boolean;
  /** What the provider refused to capture: shipments, or the whole order. */
  readonly refusedCaptures?: readonly string[];
}

/** Steps of an order that failed for good or whose outcome is not known; tried again until they are settled. */
export interface UnsettledSteps {
  readonly capture?: CapturePaymentInput;
  readonly cancel?: CancelCommand;
  readonly authorization?: AuthorizePaymentInput;
}

export interface ShipCommand {
  readonly lines: readonly LineQuantity[];
  readonly carrier: string;
  readonly trackingNumber: string;
  readonly warehouseId?: string;
}

export interface CancelCommand {
  readonly reason: string;
  /** Who asks, for the audit log: an id, no name. */
  readonly actor: string;
}

export interface DeliverCommand {
  /** Absent: every parcel under way has arrived. */
  readonly shipmentId?: string;
  readonly deliveredAt: string;
}

/** Why a command was refused; nothing was changed. */
export type RefusalReason =
  | 'unknown_order'
  | 'unknown_warehouse'
  | 'not_in_warehouse'
  | 'unknown_line'
  | 'exceeds_remaining'
  | 'tracking_number_used'
  | 'unknown_shipment'
  | 'delivered_before_shipped'
  | 'order_cancelled'
  | 'already_shipped'
  | 'nothing_shipped'
  | 'captured_needs_refund'
  | 'payment_needed'
  | 'payment_cancelled'
  /** The payment provider did not take the money, and the hold stands. A person has a case; sent again, it is asked again. */
  | 'payment_refused'
  | 'outcome_unknown'
  | 'no_payment_needed'
  | 'disputed'
  | 'refunded'
  | 'nothing_to_decide'
  | 'nothing_to_resolve'
  | 'action_not_possible'
  /** An exception has an owner: a mistake of Holdfast itself, money taken for what it could not record, or a rest that no card can be held for. */
  | 'needs_person';

/** The answer to a command: what the order is like now, or why nothing was changed. */
export type CommandAnswer<Done> = ({ readonly accepted: true } & Done) | Refusal;

export interface Refusal {
  readonly accepted: false;
  readonly reason: RefusalReason;
  readonly message: string;
  /** The fields of the command that are at fault, where it is known. */
  readonly problems?: readonly FieldProblem[];
}

export type ShipAnswer = CommandAnswer<{
  readonly shipmentId: string;
  readonly capturedAmount: number;
  readonly state: OrderFacts['state'];
  readonly paymentState: OrderFacts['paymentState'];
}>;
export type CancelAnswer = CommandAnswer<{
  readonly state: OrderFacts['state'];
  readonly releasedAmount: number;
  readonly cancelledLines: readonly LineQuantity[];
}>;
export type DeliverAnswer = CommandAnswer<{ readonly state: OrderFacts['state'] }>;

/** Answer of the bank to another payment method for an order whose hold could not be renewed. */
export type RenewPaymentAnswer =
  | { readonly accepted: true; readonly state: 'authorized'; readonly captureBefore: string }
  | { readonly accepted: true; readonly state: 'requires_action'; readonly clientSecret: string }
  | { readonly accepted: true; readonly state: 'declined'; readonly declineCode: string; readonly retryUntil: string }
  | Refusal;

/** A person's decision on an expiring hold (policy `ask`), or on an order whose hold somebody cancelled at the provider. */
export interface HoldDecision {
  readonly action: 'reauthorize' | 'capture' | 'cancel';
  readonly actor: string;
}

export const shipOrder = defineUpdate<ShipAnswer, [ShipCommand]>('ship');
export const cancelOrder = defineUpdate<CancelAnswer, [CancelCommand]>('cancel');
export const deliverOrder = defineUpdate<DeliverAnswer, [DeliverCommand]>('deliver');
export const renewPayment = defineUpdate<RenewPaymentAnswer, [{ readonly paymentMethod: string }]>('renewPayment');
export const decideHold = defineUpdate<CommandAnswer<{ readonly state: OrderFacts['state'] }>, [HoldDecision]>(
  'decideHold',
);

/** A person's decision on an exception; see domain/exception-actions.ts. */
export interface ResolveCommand {
  readonly kind: ExceptionKind;
  readonly action: ResolutionAction;
  /** Who decides: an id, no name. */
  readonly actor: string;
  /** Why, for the record: no personal data. */
  readonly note?: string;
}

/** Taken by every workflow that raises exceptions which it cannot end by itself. */
export const resolveRaised = defineUpdate<CommandAnswer<{ readonly action: ResolutionAction }>, [ResolveCommand]>(
  'resolveException',
);

/** The provider says that something about a payment changed: a hint to look, never a fact. To checkout and order alike. */
export const paymentChanged = defineSignal<[{ readonly paymentIntentId: string }]>('paymentChanged');

/** Another workflow changed the order's record (a refund, a dispute): load it afresh. */
export const orderChanged = defineSignal('orderChanged');

/** What a workflow is doing and whom it waits for. */
export interface WorkflowStatus {
  readonly orderId: string;
  readonly step: string;
  readonly waiting: Waiting | null;
}

export const getStatus = defineQuery<WorkflowStatus>('getStatus');
