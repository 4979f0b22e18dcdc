import type { ExceptionKind } from '../domain/exception/exception';
import type { DunningPolicy, SubscriptionFacts } from '../domain/subscription/subscription';

export interface FollowSubscriptionInput {
  readonly subscriptionId: string;
  /** The workflow's clock, which all planning goes by. UTC ISO string. */
  readonly now: string;
  readonly policy: DunningPolicy;
}

/** What is true of a subscription now, and when to look again. */
export interface FollowSubscriptionResult {
  readonly facts: SubscriptionFacts;
  /** When something is due next: a notice, a check after a try, a period's end. Absent where nothing more can come. */
  readonly nextDue?: { readonly at: string; readonly why: string };
}

/** A new payment method for a subscription, whatever state its payment is in. */
export interface PaySubscriptionInput {
  readonly subscriptionId: string;
  readonly paymentMethod: string;
  /** Business key of this try; the same for every retry of it. */
  readonly attemptKey: string;
  readonly now: string;
  readonly policy: DunningPolicy;
}

export type PaySubscriptionResult =
  | { readonly outcome: 'paid' | 'resumed' | 'nothing_owed'; readonly follow: FollowSubscriptionResult }
  | { readonly outcome: 'declined'; readonly declineCode: string; readonly follow: FollowSubscriptionResult }
  | { readonly outcome: 'requires_action'; readonly clientSecret: string; readonly follow: FollowSubscriptionResult }
  | { readonly outcome: 'refused'; readonly reason: 'canceled' | 'unknown_payment_method' };

/** The activities of subscriptions. Each is safe to run twice and to be killed anywhere. */
export interface SubscriptionActivities {
  /**
   * Fetches the subscription and its invoice fresh, records what is new with its events and amounts, plans the notices,
   * queues those that are due and cancels those that no longer apply, all in one transaction.
   *
   * @throws ApplicationFailure `NotFound` for a subscription that the provider does not know
   */
  followSubscription(input: FollowSubscriptionInput): Promise<FollowSubscriptionResult>;
  /** Makes a payment method the default and pays what is owed with it. */
  paySubscription(input: PaySubscriptionInput): Promise<PaySubscriptionResult>;
  /** Ends a subscription at the provider after its dunning, where the policy asks for that. */
  endSubscription(input: FollowSubscriptionInput): Promise<FollowSubscriptionResult>;
}

export interface RaiseSubscriptionException {
  readonly subscriptionId: string;
  readonly workflowId: string;
  readonly kind: ExceptionKind;
  /** One for each time it is raised: after it was resolved under this key, a late attempt opens nothing. */
  readonly operationKey: string;
  /** What happened, what is at risk, and what to do next. No personal data. */
  readonly message: string;
  readonly owner: string;
}

export interface ResolveSubscriptionException {
  readonly subscriptionId: string;
  readonly workflowId: string;
  readonly kinds: readonly ExceptionKind[];
  /** The keys under which they were raised. */
  readonly operationKeys: readonly string[];
}

/** Exceptions of subscriptions, which belong to no order. Called as local activities: one short transaction each. */
export interface SubscriptionExceptions {
  raiseSubscriptionException(input: RaiseSubscriptionException): Promise<void>;
  resolveSubscriptionException(input: ResolveSubscriptionException): Promise<void>;
}
