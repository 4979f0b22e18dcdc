import type { Shortage } from '../domain/order/lines';
import type { Hold, OrderFacts } from '../domain/order/order';
import type { LineQuantity } from '../domain/order/lines';
import type { RefusalCause } from '../domain/order/shipping-rules';
import type { FieldProblem, RefusalDetails } from '../domain/shared/errors';
import type { Money } from '../domain/shared/money';

/**
 * The activities that workflows call. Every one is safe to run twice and to be killed anywhere: its effect is keyed by
 * an operation key, and an undo leaves a tombstone under that key, after which the effect fails with `OperationUndone`.
 * Failures are ApplicationFailures of the types in domain/shared/errors.ts; business results are return values.
 */

/** Why a hold is asked for. */
export type AuthorizationPurpose =
  | 'checkout'
  | 'reauthorization' // replaces a hold that is about to expire or has expired
  | 'remainder'; // covers what a partial capture released

/** One payment attempt. `attempt` counts all attempts of the order from 1; a retry of the same attempt has the same number. */
export interface AuthorizePaymentInput {
  readonly orderId: string;
  readonly cartId: string;
  /** Checkout only: what an order of the same cart must have been placed with; otherwise it is another purchase. */
  readonly cartFingerprint?: string;
  readonly attempt: number;
  readonly purpose: AuthorizationPurpose;
  readonly amount: Money;
  readonly customer: { readonly id: string; readonly email?: string; readonly name?: string };
  readonly paymentMethod: string;
  /** Confirm this PaymentIntent again with another payment method, in place of making a new one. */
  readonly paymentIntentId?: string;
  /** The amount may differ from what the PaymentIntent was last tried with: set it before the confirmation. */
  readonly setAmount?: boolean;
  /** Charged without the customer present (merchant-initiated). */
  readonly offSession: boolean;
  /** Checkout only: checked against the catalogue before any money moves. */
  readonly lines?: readonly (LineQuantity & { readonly unitAmount: number })[];
}

/** What is true of a payment attempt at the provider. */
export type PaymentStatus =
  | {
      readonly status: 'authorized';
      readonly paymentIntentId: string;
      readonly paymentMethodId: string;
      readonly hold: Hold;
    }
  | { readonly status: 'requires_action'; readonly paymentIntentId: string; readonly clientSecret: string }
  | {
      readonly status: 'declined';
      readonly paymentIntentId?: string;
      readonly code: string;
      readonly declineCode: string;
    }
  | { readonly status: 'processing'; readonly paymentIntentId: string }
  | {
      readonly status: 'canceled';
      readonly paymentIntentId: string;
      /** `expired`: a hold that ran out. `voided`: by us, as our own record says. `other`: somebody else's decision. */
      readonly reason: 'expired' | 'voided' | 'other';
      /** The provider's word for it, where it has one. */
      readonly providerReason?: string;
    }
  | {
      readonly status: 'captured';
      readonly paymentIntentId: string;
      readonly capturedAmount: number;
      /** The rest of the hold was cancelled, and it had not run out: the provider's word for it, `none` where there is none. */
      readonly restCancelled?: string;
    }
  /** Nothing of this attempt exists at the provider. */
  | { readonly status: 'none' };

export type AuthorizationResult =
  | PaymentStatus
  /** The cart became an order before: here it is; nothing was charged. */
  | { readonly status: 'existing_order'; readonly facts: OrderFacts }
  /** The cart id is an order with other contents or of another customer; nothing was charged. */
  | { readonly status: 'cart_changed' }
  /** There is not enough stock, as far as can be seen without reserving it; nothing was charged. */
  | ({ readonly status: 'out_of_stock' } & Shortage)
  /** The request names goods, prices or a currency the catalogue does not have; nothing was charged. */
  | { readonly status: 'invalid'; readonly problems: readonly FieldProblem[] }
  /** The provider takes no such payment, whoever asks and however often; nothing was charged. */
  | ({ readonly status: 'refused' } & RefusalDetails);

export interface SyncPaymentInput {
  readonly orderId: string;
  /** The payment to look up: by PaymentIntent id where that is given, else by the attempt's operation key at the provider. */
  readonly attempt?: number;
  readonly paymentIntentId?: string;
  /** A customer waits: this request goes first where the provider limits the rate. */
  readonly customerWaits?: boolean;
}

/** The state of a payment fetched fresh and recorded; `facts` where the order is recorded already. */
export interface SyncPaymentResult {
  readonly payment: PaymentStatus;
  readonly facts?: OrderFacts;
}

/** What leaves with a capture. */
export interface ShipmentRecord {
  readonly shipmentId: string;
  readonly lines: readonly LineQuantity[];
  readonly carrier: string;
  readonly trackingNumber: string;
  readonly warehouseId?: string;
}

export interface CapturePaymentInput {
  readonly orderId: string;
  readonly paymentIntentId: string;
  /** Minor units to take. */
  readonly amount: number;
  /** False keeps the rest of the hold open (multicapture); true releases it. */
  readonly final: boolean;
  /** Absent where a whole order is captured before anything ships. */
  readonly shipment?: ShipmentRecord;
  /** Minor units that had been captured for the order, where some of them are for no parcel yet; part of the key. */
  readonly after?: number;
}

export type CapturePaymentResult =
  | { readonly outcome: 'captured'; readonly facts: OrderFacts }
  /** The hold was gone at the provider: recorded, nothing was captured, nothing was shipped. */
  | { readonly outcome: 'hold_expired'; readonly facts: OrderFacts }
  /** Somebody else captured money of the order first: recorded, nothing was captured, nothing was shipped. Ask for what is owed now. */
  | { readonly outcome: 'changed'; readonly facts: OrderFacts }
  /** A dispute or a refund was recorded first (`stopShipping` says which): nothing was captured, nothing was shipped. */
  | { readonly outcome: 'stopped'; readonly facts: OrderFacts }
  /** The provider refused the capture, and a fresh look shows the hold still open: nothing was captured, nothing was shipped. */
  | { readonly outcome: 'payment_refused'; readonly facts: OrderFacts; readonly refusal: RefusalDetails }
  | ShipmentRefused;

/** A shipment that was paid before and did not leave: a dispute or a refund was recorded first. */
export interface ShipmentStopped {
  readonly outcome: 'stopped';
  readonly facts: OrderFacts;
}

/** Our own tables would not take the shipment: found out before anything was captured or recorded. */
export interface ShipmentRefused {
  readonly outcome: 'refused';
  readonly facts: OrderFacts;
  readonly cause: RefusalCause;
}

export interface VoidPaymentInput {
  readonly orderId: string;
  /**
   * Attempts 1..attempts are all voided, those of unknown outcome included. Attempts that our own ledger shows as
   * captured are left alone.
   */
  readonly attempts: number;
  /** Only this PaymentIntent is voided (a hold that was replaced); otherwise every one of the order. */
  readonly onlyPaymentIntentId?: string;
  /** Only what our ledger has as voided: the provider may not have known it then, and it is cancelled where it is still open. */
  readonly onlyVoided?: boolean;
  readonly reason: string;
}

export type VoidPaymentResult = {
  /** PaymentIntents that the provider does not know: they count as released, and a person has a case. */
  readonly unseen?: readonly string[];
} & (
  | { readonly outcome: 'voided'; readonly releasedAmount: number; readonly facts?: OrderFacts }
  /** Money was captured before the hold could be voided: recorded as captured; a refund is needed. */
  | { readonly outcome: 'captured'; readonly capturedAmount: number; readonly facts?: OrderFacts }
);

/** Called as regular activities: they may take seconds, and each is a row in the Temporal UI. */
export interface PaymentActivities {
  /** Holds money on a card. Undone by `voidPayments`. */
  authorizePayment(input: AuthorizePaymentInput): Promise<AuthorizationResult>;
  /** Fetches a payment fresh, records what is new, and returns its status. The second way beside webhooks. */
  syncPayment(input: SyncPaymentInput): Promise<SyncPaymentResult>;
  /** Captures from a hold and records the shipment it pays for. */
  capturePayment(input: CapturePaymentInput): Promise<CapturePaymentResult>;
  /** Voids holds; a no-op where there are none; leaves tombstones, so that a late authorization fails. */
  voidPayments(input: VoidPaymentInput): Promise<VoidPaymentResult>;
}
