import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Typed search attributes of every workflow, where they apply. Source: the public interface. No personal data. */
export const searchAttributes = {
  orderId: defineSearchAttributeKey('OrderId', SearchAttributeType.KEYWORD),
  orderState: defineSearchAttributeKey('OrderState', SearchAttributeType.KEYWORD),
  paymentState: defineSearchAttributeKey('PaymentState', SearchAttributeType.KEYWORD),
  waitingOn: defineSearchAttributeKey('WaitingOn', SearchAttributeType.KEYWORD),
  waitingUntil: defineSearchAttributeKey('WaitingUntil', SearchAttributeType.DATETIME),
  exceptionKind: defineSearchAttributeKey('ExceptionKind', SearchAttributeType.KEYWORD),
  channel: defineSearchAttributeKey('Channel', SearchAttributeType.KEYWORD),
} as const;
