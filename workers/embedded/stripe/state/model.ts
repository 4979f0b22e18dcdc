import type Stripe from 'stripe';
import type { ClockTimer } from './clock';
import type { CardProfile } from '../bank/cards';

/** The API version of the simulator's answers. */
export const API_VERSION = '2026-10-28.endive';

// The SDK's own types, with references narrowed to ids: the store never holds an expanded object.
/** A deleted customer is kept, as at Stripe: its id stays known but cannot be used. */
export type Customer = Omit<Stripe.Customer, 'deleted'> & { deleted?: true };

/** The answer to a request for a deleted customer, which is not an error. */
export function deletedCustomer(id: string): { id: string; object: 'customer'; deleted: true } {
  return { id, object: 'customer', deleted: true };
}
export type PaymentMethod = Omit<Stripe.PaymentMethod, 'customer'> & { customer: string | null };
export type Charge = Omit<Stripe.Charge, 'customer' | 'payment_intent'> & {
  customer: string | null;
  payment_intent: string;
  payment_method_details: { type: 'card'; card: Stripe.Charge.PaymentMethodDetails.Card };
};
export type PaymentIntent = Omit<Stripe.PaymentIntent, 'customer' | 'latest_charge' | 'payment_method' | 'status'> & {
  customer: string | null;
  latest_charge: string | null;
  payment_method: string | null;
  status: PaymentIntentStatus;
  client_secret: string;
};

export type PaymentIntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'requires_capture'
  | 'canceled'
  | 'succeeded';

/** A payment method with the data that only its issuer knows. */
export interface StoredPaymentMethod {
  readonly id: string;
  readonly object: PaymentMethod;
  readonly profile: CardProfile;
  /** Used once without being attached, or detached: Stripe refuses any further use. */
  consumed: boolean;
  /** Authenticated while being saved, so that later off-session charges pass. */
  setUp: boolean;
}

/** A PaymentIntent with the data that an attempt needs between two requests. */
export interface StoredPaymentIntent {
  readonly id: string;
  readonly object: PaymentIntent;
  offSession: boolean;
  /** Authentication was passed for the current attempt; it is valid for one confirmation. */
  authenticated: boolean;
  multicaptureRequested: boolean;
  captures: number;
  /** How often it was confirmed; absent in older state files. */
  confirmations?: number;
  hold: ClockTimer | undefined;
}

/** The request that caused a change, as events show it; both fields are null if the clock caused it. */
export interface RequestCause {
  readonly id: string | null;
  readonly idempotencyKey: string | null;
}
export const CLOCK_CAUSE: RequestCause = { id: null, idempotencyKey: null };
