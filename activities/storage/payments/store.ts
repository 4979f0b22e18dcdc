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

/** What became of a payment attempt, as it is recorded. */
export type AttemptStatus =
  | 'begun' // asked for; the answer is not recorded
  | 'requires_action'
  | 'processing'
  | 'declined'
  | 'refused' // not taken by the provider, whatever the bank would say: nothing was charged
  | 'authorized'
  | 'captured'
  | 'canceled'
  | 'expired'
  | 'voided'
  | 'sealed'; // undone before it was begun

/** One payment attempt as Postgres knows it. Amounts in minor units. */
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
  /** What was asked for; absent for an attempt sealed before it was begun. */
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

/** A tombstoned attempt. `status` is `sealed` where nothing of it was ever begun here. */
export type SealedAttempt = AttemptRecord;

export type BeginAttemptResult =
  /** Go on: `paymentIntentId` where one is known, to be looked up first. `startedAt`: of the first try, for idempotency windows. */
  | { readonly kind: 'begun'; readonly paymentIntentId?: string; readonly startedAt: string }
  | { readonly kind: 'existing_order'; readonly facts: OrderFacts }
  | { readonly kind: 'cart_changed' }
  | ({ readonly kind: 'out_of_stock' } & Shortage)
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  /** The attempt ended before: here is how. Never `requires_action` or `processing`, which are looked up. */
  | { readonly kind: 'recorded'; readonly result: PaymentStatus };

/** What is known of the card behind an answer of the bank, for authorization rates. */
export interface CardDetails {
  readonly brand?: string;
  readonly funding?: string;
  readonly country?: string;
  readonly networkStatus?: string;
  readonly declineCode?: string;
}

/** The provider took no such payment; `code` is its reason. Asked again, the attempt goes to the provider again. */
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
  /** The money is known to have been taken by somebody else, though a capture of ours of the same amount is under way. */
  readonly capturedElsewhere?: boolean;
}

export type RecordAttemptResult =
  | { readonly kind: 'recorded'; readonly facts?: OrderFacts }
  /** The attempt was undone meanwhile: whatever it holds must be let go at the provider, then `recordVoid`. */
  | { readonly kind: 'undone'; readonly facts?: OrderFacts };

export interface RecordVoidInput {
  readonly orderId: string;
  readonly paymentIntentId: string;
  readonly attempt: number;
  readonly reason: string;
  /** The provider knows no such payment: it may stand in another account, so a person gets a case. */
  readonly isUnknown?: boolean;
}

export type BeginCaptureResult =
  /** Go on. `knownAmount`: of a hold that allows several captures, what is recorded as captured from it, by whomever. */
  | {
      readonly kind: 'begun';
      readonly knownAmount?: number;
      /** It was under way before: an earlier request may have taken the money. */
      readonly begunBefore?: boolean;
    }
  /** The order owes less than this by now: somebody else took money for it. */
  | { readonly kind: 'changed'; readonly facts: OrderFacts }
  | { readonly kind: 'recorded'; readonly facts: OrderFacts }
  | { readonly kind: 'stopped'; readonly facts: OrderFacts }
  /** The record would refuse it: nothing was begun. */
  | { readonly kind: 'refused'; readonly facts: OrderFacts; readonly cause: RefusalCause };

/** What the provider says of a capture that succeeded. Minor units; `at` is a UTC ISO string. */
export interface CaptureOutcome {
  readonly capturedAmount: number;
  readonly releasedAmount: number;
  /** All that was ever captured from the hold, by whomever; what our ledger does not know of it was taken by somebody else. */
  readonly receivedAmount?: number;
  readonly at: string;
}

/**
 * The facts of payments, for the adapter of the payment provider. Every method is one transaction and safe to repeat.
 *
 * @throws ApplicationFailure `OperationUndone` for an effect whose undo came first, `Defect` for a broken rule,
 *   `NotFound` for an unknown order or attempt, `StorageUnavailable` (retryable) where Postgres could not be asked
 */
export interface PaymentStore {
  /** Before the provider is asked: checks, and writes down that the attempt is under way. */
  beginAttempt(input: AuthorizePaymentInput): Promise<BeginAttemptResult>;
  /** Records what is true at the provider, with the ledger entries and what it means for the order. */
  recordAttempt(input: RecordAttemptInput): Promise<RecordAttemptResult>;
  /** Tombstones attempts 1..attempts, those never begun included, and answers with what is known of each. */
  sealAttempts(orderId: string, attempts: number): Promise<SealedAttempt[]>;
  /** Tombstones a single attempt (a hold that was replaced). */
  sealAttempt(orderId: string, attempt: number): Promise<SealedAttempt>;
  /** Records that a PaymentIntent was canceled at the provider; `releasedAmount` counts what was open, also when told twice. */
  recordVoid(input: RecordVoidInput): Promise<{ readonly releasedAmount: number; readonly facts?: OrderFacts }>;
  /**
   * Before a capture is asked for: checks the lines, the warehouse and the hold, moves the reservation to where the parcel
   * leaves from, and writes down that it is under way. `stopped` where a
   * dispute or a refund was recorded first; one that was under way before goes on, for its money may be taken already.
   */
  beginCapture(input: CapturePaymentInput): Promise<BeginCaptureResult>;
  /** Records a capture with the shipment it pays for. */
  recordCapture(input: CapturePaymentInput, outcome: CaptureOutcome): Promise<OrderFacts>;
  /** Ends a capture that was begun and that the provider was never asked for, or refused. */
  abandonCapture(input: { readonly orderId: string; readonly paymentIntentId: string }): Promise<OrderFacts>;
  /** Records that a hold was gone at the provider. */
  recordHoldExpired(input: { readonly orderId: string; readonly paymentIntentId: string }): Promise<OrderFacts>;
  getAttempt(orderId: string, attempt: number): Promise<AttemptRecord | undefined>;
  /** The latest attempt that used this PaymentIntent. */
  findAttemptByPaymentIntent(paymentIntentId: string): Promise<AttemptRecord | undefined>;
  /** The number of the idempotency key that an operation goes under, from 1. */
  keyNumber(operationKey: string): Promise<number>;
  /** Writes down that the key with this number is used up, and answers with the number to use from now on. */
  nextKey(operationKey: string, usedUp: number): Promise<number>;
}
