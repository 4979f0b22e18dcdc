import type { Hold } from '../../../workflows/domain/order/order';
import type { PaymentStatus } from '../../../workflows/payment/ports';
import { utc } from '../orders/record';
import type { AttemptRecord } from './store';

type Optional =
  | 'cartId'
  | 'purpose'
  | 'paymentIntentId'
  | 'chargeId'
  | 'customerId'
  | 'paymentMethodId'
  | 'offSession'
  | 'amount'
  | 'currency'
  | 'multicapture';

/** A row of attempt-get.sql and its siblings. */
export type AttemptRow = Pick<
  AttemptRecord,
  | 'orderId'
  | 'attempt'
  | 'operationKey'
  | 'status'
  | 'authorizedAmount'
  | 'capturedAmount'
  | 'releasedAmount'
  | 'tombstoned'
> & { readonly [K in Optional]: NonNullable<AttemptRecord[K]> | null } & {
  readonly authorizedAt: Date | null;
  readonly captureBefore: Date | null;
  readonly startedAt: Date;
  readonly code: string | null;
  readonly declineCode: string | null;
};

/** The attempt as the adapter of the provider sees it. */
export function attemptRecord(row: AttemptRow): AttemptRecord {
  const { authorizedAt, captureBefore, startedAt, code: _code, declineCode: _declineCode, ...rest } = row;
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  return {
    ...(known as unknown as Omit<AttemptRecord, 'startedAt'>),
    ...(authorizedAt !== null && { authorizedAt: utc(authorizedAt) }),
    ...(captureBefore !== null && { captureBefore: utc(captureBefore) }),
    startedAt: utc(startedAt),
  };
}

/** What is held and neither captured nor released, in minor units. */
export function openAmount(row: Pick<AttemptRow, 'authorizedAmount' | 'capturedAmount' | 'releasedAmount'>): number {
  return row.authorizedAmount - row.capturedAmount - row.releasedAmount;
}

/** The hold of an attempt that was authorized once. */
export function holdOfAttempt(row: AttemptRow): Hold | undefined {
  const { paymentIntentId, authorizedAt, captureBefore } = row;
  if (paymentIntentId === null || authorizedAt === null || captureBefore === null) return undefined;
  return {
    paymentIntentId,
    authorizedAmount: row.authorizedAmount,
    capturedAmount: row.capturedAmount,
    authorizedAt: utc(authorizedAt),
    captureBefore: utc(captureBefore),
    multicapture: row.multicapture ?? false,
  };
}

/** The recorded result of an attempt; undefined if its end must be looked up at the provider. */
export function recordedResult(row: AttemptRow): PaymentStatus | undefined {
  const { paymentIntentId, paymentMethodId } = row;
  switch (row.status) {
    case 'authorized': {
      const hold = holdOfAttempt(row);
      if (hold === undefined || paymentIntentId === null || paymentMethodId === null) return undefined;
      return { status: 'authorized', paymentIntentId, paymentMethodId, hold };
    }
    case 'declined':
      return {
        status: 'declined',
        ...(paymentIntentId !== null && { paymentIntentId }),
        code: row.code ?? 'card_declined',
        declineCode: row.declineCode ?? 'generic_decline',
      };
    case 'captured':
      return paymentIntentId === null
        ? undefined
        : { status: 'captured', paymentIntentId, capturedAmount: row.capturedAmount };
    case 'canceled':
    case 'expired':
    case 'voided':
      if (paymentIntentId === null) return undefined;
      return { status: 'canceled', paymentIntentId, reason: row.status === 'canceled' ? 'other' : row.status };
    default:
      return undefined;
  }
}
