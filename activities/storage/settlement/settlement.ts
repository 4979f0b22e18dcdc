import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { type Position, type SettlementDifference } from '../../../workflows/domain/settlement/settlement';
import type { SettlementReport } from '../../../workflows/settlement/ports';
import { run, transact } from '../postgres/database';
import { known, utc } from '../postgres/documents';
import { queueNotice } from '../notices/notices';
import { statement } from '../postgres/statements';

const sql = {
  positions: statement('settlement-positions'),
  holds: statement('settlement-holds'),
  run: statement('settlement-run'),
  differences: statement('settlement-differences'),
  get: statement('settlement-get'),
  raise: statement('settlement-exception'),
  resolve: statement('settlement-resolve'),
};

/** A position in our ledger. */
export interface LedgerPosition extends Position {
  readonly orderId: string;
  /** Is it a refund that is not confirmed yet? */
  readonly isPending: boolean;
}

/** Our side of the settlement check, and its results. */
export interface SettlementStore {
  /** The total of every position that moved in a window or is named. */
  positions(
    window: { readonly from: string; readonly until: string },
    named: readonly string[],
  ): Promise<LedgerPosition[]>;
  /** Holds that ended before a moment and are recorded neither as captured nor as released. */
  unaccountedHolds(before: string): Promise<LedgerPosition[]>;
  /** Replaces the results of a day, opens or closes the day's exception, and notifies the shop. */
  record(report: Omit<SettlementReport, 'ranAt'>, workflowId: string): Promise<void>;
  getReport(date: string): Promise<SettlementReport | undefined>;
}

export interface SettlementStoreDeps {
  readonly pool: Pool;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

export function createSettlementStore({ pool, now = () => new Date() }: SettlementStoreDeps): SettlementStore {
  return {
    positions: ({ from, until }, named) => run<LedgerPosition>(pool, sql.positions, [from, until, named]),
    unaccountedHolds: (before) => run<LedgerPosition>(pool, sql.holds, [before]),
    record: (report, workflowId) => record(pool, now(), report, workflowId),
    async getReport(date) {
      type Row = Omit<SettlementReport, 'ranAt'> & { readonly ranAt: Date };
      const [row] = await run<Row>(pool, sql.get, [date]);
      if (row === undefined) return undefined;
      const differences = row.differences.map(({ orderId, ...rest }) => ({ ...rest, ...known({ orderId }) }));
      return { ...row, differences, ranAt: utc(row.ranAt) };
    },
  };
}

async function record(
  pool: Pool,
  now: Date,
  report: Omit<SettlementReport, 'ranAt'>,
  workflowId: string,
): Promise<void> {
  const { date, providerMovements, matched, differences } = report;
  const open = differences.filter((one) => !one.explained);
  await transact(pool, async (tx) => {
    tx.write(sql.run, [date, providerMovements, matched, now]);
    tx.write(sql.differences, [date, JSON.stringify(differences), now]);
    if (open.length === 0) return tx.write(sql.resolve, [date, now]);
    tx.write(sql.raise, [workflowId, date, messageOf(date, open), now]);
    queueNotice(
      tx,
      {
        // The shop is notified again only if the differences change.
        noticeKey: `settlement:${date}:${fingerprint(open)}`,
        kind: 'settlement_differs',
        subject: { type: 'settlement', id: date },
        recipient: { to: 'shop' },
        data: { date, differences: open.length },
        dueAt: now.toISOString(),
      },
      now,
    );
  });
}

function fingerprint(open: readonly SettlementDifference[]): string {
  const found = open.map((one) => `${one.position}=${one.ledgerAmount}/${one.providerAmount}`).join();
  return createHash('sha256').update(found).digest('hex').slice(0, 16);
}

function messageOf(date: string, open: readonly SettlementDifference[]): string {
  const [first] = open;
  const example =
    first === undefined
      ? ''
      : `, e.g. ${first.position} (${first.cause}: ours ${first.ledgerAmount}, provider's ${first.providerAmount})`;
  return `${open.length} position(s) of ${date} differ between our ledger and the provider's balance${example}. See "holdfast payments reconcile --date ${date}".`;
}
