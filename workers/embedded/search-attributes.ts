/**
 * The custom search attributes of every Holdfast workflow, with their Temporal types.
 * They carry business facts only, never personal data: visibility is readable by every operator and is not encrypted.
 */
export const SEARCH_ATTRIBUTES = {
  OrderId: 'Keyword',
  OrderState: 'Keyword',
  PaymentState: 'Keyword',
  WaitingOn: 'Keyword',
  WaitingUntil: 'Datetime',
  ExceptionKind: 'Keyword',
  Channel: 'Keyword',
} as const;

export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;
export type SearchAttributeType = (typeof SEARCH_ATTRIBUTES)[SearchAttributeName];
