import { subjectOf, type DomainEvent } from '../../../../workflows/domain/shared/events';

it('events of one order, or of one subscription, are published in their sequence', () => {
  const event = {
    eventId: 'e',
    version: 1,
    sequence: 1,
    occurredAt: 't',
    causation: 'c',
    traceId: 't',
    data: {},
  } as const;
  const ofOrder: DomainEvent = { ...event, type: 'OrderPaid', orderId: 'ord_1' };
  const ofSubscription: DomainEvent = { ...event, type: 'SubscriptionPaid', subscriptionId: 'sub_1' };
  expect([ofOrder, ofSubscription].map(subjectOf)).toEqual(['ord_1', 'sub_1']);
});
