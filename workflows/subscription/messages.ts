import { defineQuery, defineSignal, defineUpdate } from '../kit/define';
import type { DunningPolicy, SubscriptionStage } from '../domain/subscription/subscription';
import type { Waiting } from '../domain/shared/waiting';

/* Messages of a subscription's workflow. Its id and type are in kit/names.ts. */

/** Start argument: everything else is at the provider and in Postgres. */
export interface SubscriptionInput {
  readonly subscriptionId: string;
  readonly policy: DunningPolicy;
  /** Set by a run that continues as new where looks have failed permanently: the latest pause between two. */
  readonly pauseMs?: number;
}

/** The provider says that something changed: a hint to look, never a fact. */
export const subscriptionChanged = defineSignal('subscriptionChanged');

/** A new payment method, whatever state the subscription is in. It may bring back one that is unpaid. */
export interface PayCommand {
  readonly paymentMethod: string;
}

export type PayAnswer =
  | {
      readonly accepted: true;
      /** `paid`: what was owed is paid. `resumed`: it runs again. `nothing_owed`: the method is the default now. */
      readonly outcome: 'paid' | 'resumed' | 'nothing_owed';
      readonly stage: SubscriptionStage;
      readonly entitled: boolean;
    }
  | { readonly accepted: true; readonly outcome: 'declined'; readonly declineCode: string }
  | { readonly accepted: true; readonly outcome: 'requires_action'; readonly clientSecret: string }
  | {
      readonly accepted: false;
      readonly reason: PayRefusalReason;
      readonly message: string;
    };

/** Why nothing was changed. `outcome_unknown`: it may have been paid; send the same again to ask. */
export type PayRefusalReason =
  'unknown_subscription' | 'subscription_canceled' | 'unknown_payment_method' | 'payment_refused' | 'outcome_unknown';

/** An update, not a signal: the customer waits for the answer. */
export const paySubscription = defineUpdate<PayAnswer, [PayCommand]>('pay');

/** What the workflow is doing and whom the subscription waits for. */
export interface SubscriptionStatus {
  readonly subscriptionId: string;
  readonly stage: SubscriptionStage | null;
  readonly step: string;
  readonly waiting: Waiting | null;
}

export const getSubscriptionStatus = defineQuery<SubscriptionStatus>('getStatus');
