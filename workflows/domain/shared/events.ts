import type { SubscriptionEvent } from '../subscription/events';

/** Our own events, written to the outbox in the transaction that changes the state. Each type has a version of its own. */
export type OrderEventType =
  | 'OrderPlaced'
  | 'OrderPaid'
  | 'OrderAllocated'
  | 'OrderFulfilled'
  | 'OrderShipped'
  | 'OrderDelivered'
  | 'OrderCancelled'
  | 'PaymentCaptured'
  | 'PaymentReauthorized'
  | 'HoldExpiring'
  | 'HoldExpired'
  | 'PaymentActionRequired'
  | 'ExceptionRaised'
  | 'ExceptionResolved'
  | 'RefundPending'
  | 'RefundSucceeded'
  | 'RefundFailed'
  | 'RefundCanceled'
  | 'RefundResolved'
  | 'DisputeOpened'
  | 'DisputeEvidenceSubmitted'
  | 'DisputeFundsMoved'
  | 'DisputeClosed'
  | 'FraudWarningReceived';

/** One event as the outbox publishes it. */
export interface OrderEvent {
  /** Unique; consumers skip what they have seen. */
  readonly eventId: string;
  readonly type: OrderEventType;
  readonly version: 1;
  readonly orderId: string;
  /** Counts the events of one order from 1, without gaps. */
  readonly sequence: number;
  readonly occurredAt: string;
  /** The operation key that caused it. */
  readonly causation: string;
  readonly traceId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Any of our events. Those of one order, or of one subscription, are published in their sequence. */
export type DomainEvent = OrderEvent | SubscriptionEvent;

/** What an event is about: events of one subject are published in their sequence. */
export function subjectOf(event: DomainEvent): string {
  return 'orderId' in event ? event.orderId : event.subscriptionId;
}
