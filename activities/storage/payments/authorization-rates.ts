import type { Pool } from 'pg';
import {
  authorizationRate,
  type AuthorizationCounts,
  type AuthorizationReport,
  type CardKind,
} from '../../../workflows/domain/payment/authorization-rates';
import { run } from '../postgres/database';
import { statement } from '../postgres/statements';

const sql = { rates: statement('authorization-rates') };

/** One shop meets some hundreds of combinations of brand, funding and country; rarer ones count only in the total. */
const MAX_KINDS = 500;

/** Queries over the recorded answers of banks. */
export interface RateQueries {
  /** Times as UTC ISO strings; the end is exclusive. */
  authorizationRates(filter: {
    readonly from: string;
    readonly to: string;
    readonly limit?: number;
  }): Promise<AuthorizationReport>;
}

type Row = CardKind & Omit<AuthorizationCounts, 'rate'>;

export function createRateQueries(pool: Pool): RateQueries {
  return {
    async authorizationRates({ from, to, limit = MAX_KINDS }) {
      const rows = await run<Row>(pool, sql.rates, [from, to, Math.min(limit, MAX_KINDS)]);
      const rated = rows.map((row) => ({ ...row, rate: authorizationRate(row.authorized, row.declined) }));
      const [sum, ...rates] = rated;
      const { authorized = 0, declined = 0, blocked = 0, rate = null } = sum ?? {};
      return { from, to, total: { authorized, declined, blocked, rate }, rates };
    },
  };
}
