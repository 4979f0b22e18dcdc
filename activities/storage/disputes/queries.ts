import type { Pool } from 'pg';
import type { DisputeRecord } from '../../../workflows/domain/dispute/dispute';
import { disputeWaiting } from '../../../workflows/domain/dispute/plan';
import type { DisputeView, FraudWarningView } from '../../../workflows/domain/dispute/view';
import { fraudWarningWaiting } from '../../../workflows/domain/dispute/fraud-warning';
import type { Waiting } from '../../../workflows/domain/shared/waiting';
import type { Keyring } from '../../crypto';
import { run } from '../postgres/database';
import { createEvidenceStore } from './evidence';
import { keptDispute, readDispute, type DisputeRow } from './record';
import { fraudWarningLoad, keptFraudWarning, type FraudWarningRow } from './fraud-warning-record';
import { statement } from '../postgres/statements';

const sql = { list: statement('disputes-list'), warnings: statement('fraud-warnings-list') };

/** A page for people. */
const MAX_ROWS = 500;

export interface ListDisputes {
  /** Only open ones, or only closed ones. Default: all. */
  readonly open?: boolean;
  readonly limit: number;
}

/** Queries on disputes, answered from Postgres alone, so also while no worker runs. */
export interface DisputeQueries {
  findDispute(disputeId: string): Promise<DisputeRecord | undefined>;
  getDispute(disputeId: string): Promise<DisputeView | undefined>;
  /** Newest first. */
  listDisputes(filter: ListDisputes): Promise<DisputeView[]>;
  getFraudWarning(warningId: string): Promise<FraudWarningView | undefined>;
  /** Newest first. */
  listFraudWarnings(filter: ListDisputes): Promise<FraudWarningView[]>;
}

export function createDisputeQueries(pool: Pool, keyring: Keyring): DisputeQueries {
  const evidence = createEvidenceStore({ pool, keyring, now: () => new Date() });
  return {
    findDispute: async (disputeId) => (await readDispute(pool, disputeId))?.record,
    async getDispute(disputeId) {
      const kept = await readDispute(pool, disputeId);
      if (kept === undefined) return undefined;
      return { ...disputeView(kept.record), evidenceFields: await evidence.fieldNames(disputeId) };
    },
    async listDisputes({ open, limit }) {
      const rows = await run<DisputeRow>(pool, sql.list, [open ?? null, Math.min(limit, MAX_ROWS)]);
      return rows.map((row) => disputeView(keptDispute(row).record));
    },
    async getFraudWarning(warningId) {
      const [row] = await run<FraudWarningRow>(pool, fraudWarningLoad, [warningId]);
      return row && fraudWarningView(row);
    },
    async listFraudWarnings({ open, limit }) {
      const rows = await run<FraudWarningRow>(pool, sql.warnings, [open ?? null, Math.min(limit, MAX_ROWS)]);
      return rows.map(fraudWarningView);
    },
  };
}

function disputeView(record: DisputeRecord): DisputeView {
  return { ...record, ...waitingView(disputeWaiting(record)) };
}

function fraudWarningView(row: FraudWarningRow): FraudWarningView {
  const { record } = keptFraudWarning(row);
  return { ...record, ...waitingView(fraudWarningWaiting(record)) };
}

function waitingView(waiting: Waiting | undefined) {
  return waiting === undefined ? {} : { waitingOn: waiting.on, waitingUntil: waiting.until, waitingFor: waiting.why };
}
