import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributeUpdatePair } from '@temporalio/common';
import type { OrderException } from '../domain/exception/exception';
import type { Waiting } from '../domain/shared/waiting';

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

/** What the Temporal UI shows of a workflow. */
export interface Shown {
  /** Markdown; lines that are empty are left out. */
  readonly details: readonly string[];
  readonly waiting: Waiting | undefined;
  readonly exceptionKind: string | undefined;
  /** Search attributes of the story's own. */
  readonly attributes: readonly SearchAttributeUpdatePair[];
}

/** Lines of details that every story has. */
export const waitingLine = (waiting: Waiting | undefined): string =>
  waiting === undefined
    ? 'It waits for no party.'
    : `Waits for the **${waiting.on}** until ${waiting.until}: ${waiting.why}.`;
export const exceptionLine = (exception: OrderException | undefined): string =>
  exception === undefined ? '' : `**Exception ${exception.kind}** (owner: ${exception.owner}): ${exception.message}`;

/** All search attributes of a workflow; null where one does not apply. */
export function attributesOf({ attributes, waiting, exceptionKind }: Shown): SearchAttributeUpdatePair[] {
  return [
    ...attributes,
    { key: searchAttributes.waitingOn, value: waiting?.on ?? null },
    { key: searchAttributes.waitingUntil, value: waiting === undefined ? null : new Date(waiting.until) },
    { key: searchAttributes.exceptionKind, value: exceptionKind ?? null },
  ];
}

/** Its details as one text. */
export function detailsOf({ details }: Shown): string {
  return details.filter((line) => line !== '').join('\n\n');
}
