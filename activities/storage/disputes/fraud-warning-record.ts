import type { FraudWarningFacts, FraudWarningRecord } from '../../../workflows/domain/dispute/fraud-warning';
import type { LineQuantity } from '../../../workflows/domain/order/lines';
import type { OrderException } from '../../../workflows/domain/exception/exception';
import type { Transaction } from '../postgres/database';
import { known, utc } from '../postgres/documents';
import { statement } from '../postgres/statements';

/** A row of fraud-warning-load.sql. It is JSON, so times are in Postgres' own notation. */
export interface FraudWarningRow {
  readonly record: FraudWarningFacts & {
    readonly orderId: string;
    readonly currency: string;
    readonly refundable: number;
    readonly until: string;
    readonly decision: 'refund' | 'ignore' | null;
    readonly decidedBy: string | null;
    readonly decidedAt: string | null;
    readonly refundId: string | null;
    readonly refundState: FraudWarningRecord['refundState'] | null;
    readonly ended: FraudWarningRecord['ended'] | null;
    readonly closedAt: string | null;
    readonly captured: number;
    readonly paymentRefundable: number;
    readonly disputed: boolean;
    readonly linesToShip: readonly LineQuantity[] | null;
    readonly exceptions: readonly OrderException[] | null;
  };
}

/** A recorded warning with the state of its payment. */
export interface KeptFraudWarning {
  readonly record: FraudWarningRecord;
  readonly captured: number;
  readonly paymentRefundable: number;
  readonly isDisputed: boolean;
}

export const fraudWarningLoad = statement('fraud-warning-load');

/** Reads a warning in a transaction. To change it, lock its order first. */
export async function loadFraudWarning(tx: Transaction, warningId: string): Promise<KeptFraudWarning | undefined> {
  const [row] = await tx.query<FraudWarningRow>(fraudWarningLoad, [warningId]);
  return row && keptFraudWarning(row);
}

export function keptFraudWarning({ record: row }: FraudWarningRow): KeptFraudWarning {
  const { captured, paymentRefundable, disputed, decision, decidedBy, decidedAt, closedAt, ...rest } = row;
  const { refundId, refundState, ended, receivedAt, until, linesToShip, exceptions, ...facts } = rest;
  const decided =
    decision === null || decidedAt === null
      ? undefined
      : { action: decision, actor: decidedBy ?? '', at: utc(decidedAt) };
  return {
    record: {
      ...facts,
      receivedAt: utc(receivedAt),
      until: utc(until),
      ...known({ decision: decided, refundId, refundState, ended, closedAt: closedAt && utc(closedAt) }),
      linesToShip: linesToShip ?? [],
      exceptions: (exceptions ?? []).map((one) => ({ ...one, raisedAt: utc(one.raisedAt) })),
    },
    captured,
    paymentRefundable,
    isDisputed: disputed,
  };
}
