import type { FieldProblem } from '../../../workflows/domain/shared/errors';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import type { RefusalCause } from '../../../workflows/domain/order/shipping-rules';
import type {
  AuthorizationPurpose,
  AuthorizePaymentInput,
  CapturePaymentInput,
  PaymentStatus,
} from '../../../workflows/payment/ports';
import type { Shortage } from '../../../workflows/domain/order/lines';

/** The recorded status of a payment attempt. */
export type AttemptStatus =
  | 'begun' // requested; the answer is not recorded
  | 'requires_action'
  | 'processing'
  | 'declined'
  | 'refused' // by the provider, without asking the bank: nothing was charged
  | 'authorized'
  | 'captured'
  | 'canceled'
  | 'expired'
  | 'voided'
  | 'sealed'; // undone before it was begun

/** One payment attempt as recorded in Postgres. Amounts in minor units. */
export interface AttemptRecord {
  readonly orderId: string;
  readonly attempt: number;
  readonly operationKey: string;
  readonly cartId?: string;
  readonly purpose?: AuthorizationPurpose;
  readonly paymentIntentId?: string;
  readonly chargeId?: string;
  readonly customerId?: string;
  readonly paymentMethodId?: string;
  readonly offSession?: boolean;
  /** The requested amount; absent for an attempt that was sealed before it was begun. */
  readonly amount?: number;
  readonly currency?: string;
  readonly status: AttemptStatus;
  readonly authorizedAmount: number;
  readonly capturedAmount: number;
  readonly releasedAmount: number;
  readonly authorizedAt?: string;
  readonly captureBefore?: string;
  readonly multicapture?: boolean;
  readonly startedAt: string;
  readonly tombstoned: boolean;
}

/** A tombstoned attempt. Its status is `sealed` if it was never begun here. */
export type SealedAttempt = AttemptRecord;

export type BeginAttemptResult =
  /** Continue. `paymentIntentId`: if it is known, look it up first. `startedAt`: of the first try, to judge whether its idempotency key is still valid. */
  | { readonly kind: 'begun'; readonly paymentIntentId?: string; readonly startedAt: string }
  | { readonly kind: 'existing_order'; readonly facts: OrderFacts }
  | { readonly kind: 'cart_changed' }
  | ({ readonly kind: 'out_of_stock' } & Shortage)
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  /** The attempt has ended before, with this result. Never `requires_action` or `processing`, which are looked up. */
  | { readonly kind: 'recorded'; readonly result: PaymentStatus };

/** The card behind an answer of the bank, for authorization rates. */
export interface CardDetails {
  readonly brand?: string;
  readonly funding?: string;
  readonly country?: string;
  readonly networkStatus?: string;
  readonly declineCode?: string;
}

/** The provider refused the payment; `code` is its reason. A repeated attempt is sent to the provider again. */
export interface RefusedAttempt {
  readonly status: 'refused';
  readonly code: string;
}

export interface RecordAttemptInput {
  readonly orderId: string;
  readonly attempt: number;
  readonly status: PaymentStatus | RefusedAttempt;
  readonly card?: CardDetails;
  readonly chargeId?: string;
  /** Somebody else captured the money, although a capture of ours with the same amount is under way. */
  readonly capturedElsewhere?: boolean;
}

export type RecordAttemptResult =
  | { readonly kind: 'recorded'; readonly facts?: OrderFacts }
  /** The attempt was undone meanwhile: void what it holds at the provider, then call `recordVoid`. */
  | { readonly kind: 'undone'; readonly facts?: OrderFacts };

export interface RecordVoidInput {
  readonly orderId: string;
  readonly paymentIntentId: string;
  readonly attempt: number;
  readonly reason: string;
  /** The provider does not know the payment. It may be in another account, so an exception is opened. */
  readonly isUnknown?: boolean;
}

export type BeginCaptureResult =
  /** Continue. `knownAmount`: for a hold that allows several captures, what is recorded as captured from it, by anybody. */
  | {
      readonly kind: 'begun';
      readonly knownAmount?: number;
      /** The capture was begun before: an earlier request may have captured the money. */
      readonly begunBefore?: boolean;
    }
  /** The order owes less than this amount: somebody else captured money for it. */
  | { readonly kind: 'changed'; readonly facts: OrderFacts }
  | { readonly kind: 'recorded'; readonly facts: OrderFacts }
  | { readonly kind: 'stopped'; readonly facts: OrderFacts }
  /** The capture could not be recorded, so nothing was begun. */
  | { readonly kind: 'refused'; readonly facts: OrderFacts; readonly cause: RefusalCause };

/** A capture that succeeded at the provider. Minor units; `at` is a UTC ISO string. */
export interface CaptureOutcome {
  readonly capturedAmount: number;
  readonly releasedAmount: number;
  /** Everything ever captured from the hold, by anybody. What is missing in our ledger was captured by somebody else. */
  readonly receivedAmount?: number;
  readonly at: string;
}

/**
 * The record of payments, for the adapter of the payment provider. Every method is one transaction and safe to repeat.
 *
 * @throws ApplicationFailure `OperationUndone` if the undo of the effect came first, `Defect` for a broken rule,
 *   `NotFound` for an unknown order or attempt, `StorageUnavailable` (retryable) if Postgres cannot be reached
 */
export interface PaymentStore {
  /** Called before the provider: checks the attempt and records that it is under way. */
  beginAttempt(input: AuthorizePaymentInput): Promise<BeginAttemptResult>;
  /** Records the state at the provider, with the ledger entries and the consequences for the order. */
  recordAttempt(input: RecordAttemptInput): Promise<RecordAttemptResult>;
  /** Tombstones attempts 1..attempts, even those never begun, and returns their records. */
  sealAttempts(orderId: string, attempts: number): Promise<SealedAttempt[]>;
  /** Tombstones a single attempt (a hold that was replaced). */
  sealAttempt(orderId: string, attempt: number): Promise<SealedAttempt>;
  /** Records that a PaymentIntent was canceled at the provider. `releasedAmount`: what was open, also if it is repeated. */
  recordVoid(input: RecordVoidInput): Promise<{ readonly releasedAmount: number; readonly facts?: OrderFacts }>;
  /**
   * Called before a capture: checks the lines, the warehouse and the hold, moves the reservation to the warehouse that ships the
   * parcel, and records that the capture is under way. `stopped` if a dispute or a refund was recorded first; a capture that was
   * under way before continues, because its money may have been captured already.
   */
  beginCapture(input: CapturePaymentInput): Promise<BeginCaptureResult>;
  /** Records a capture with the shipment it pays for. */
  recordCapture(input: CapturePaymentInput, outcome: CaptureOutcome): Promise<OrderFacts>;
  /** Ends a capture that was begun and then never sent, or refused by the provider. */
  abandonCapture(input: { readonly orderId: string; readonly paymentIntentId: string }): Promise<OrderFacts>;
  /** Records that a hold no longer exists at the provider. */
  recordHoldExpired(input: { readonly orderId: string; readonly paymentIntentId: string }): Promise<OrderFacts>;
  getAttempt(orderId: string, attempt: number): Promise<AttemptRecord | undefined>;
  /** The latest attempt that used this PaymentIntent. */
  findAttemptByPaymentIntent(paymentIntentId: string): Promise<AttemptRecord | undefined>;
  /** The number of an operation's current idempotency key, from 1. */
  keyNumber(operationKey: string): Promise<number>;
  /** Records that the key with this number is used up, and returns the number to use from now on. */
  nextKey(operationKey: string, usedUp: number): Promise<number>;
}
