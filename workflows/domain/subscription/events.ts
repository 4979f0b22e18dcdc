/** Our own events of subscriptions, written to the outbox in the transaction that records the change. */
export type SubscriptionEventType =
  | 'SubscriptionStarted' // first seen
  | 'SubscriptionStageChanged'
  | 'SubscriptionPlanChanged'
  | 'SubscriptionProrated' // an invoice contains the cost or credit of a change of plan
  | 'SubscriptionCancellationScheduled'
  | 'SubscriptionCancellationWithdrawn'
  | 'SubscriptionPaid' // an invoice was paid
  | 'SubscriptionPaymentFailed' // a try failed
  | 'SubscriptionRecovered' // paid after a failure
  | 'SubscriptionEnded'
  | 'EntitlementGranted'
  | 'EntitlementRevoked'
  | 'ExceptionRaised'
  | 'ExceptionResolved';

/** One event of a subscription as the outbox publishes it. */
export interface SubscriptionEvent {
  /** Unique; consumers skip what they have seen. */
  readonly eventId: string;
  readonly type: SubscriptionEventType;
  readonly version: 1;
  readonly subscriptionId: string;
  /** Counts the events of one subscription from 1, without gaps. */
  readonly sequence: number;
  readonly occurredAt: string;
  /** The operation key that caused it. */
  readonly causation: string;
  readonly traceId: string;
  readonly data: Readonly<Record<string, unknown>>;
}
