import { Excuses } from '../../../workflows/domain/exception/excuses';
import type { World } from '../world';

/** What the open exceptions of a database excuse. */
export async function openExcuses(pool: World['dependencies']['pool']): Promise<Excuses> {
  const { rows } = await pool.query<{ readonly orderId: string; readonly kind: string }>(
    'SELECT order_id AS "orderId", kind FROM exceptions WHERE resolved_at IS NULL AND order_id IS NOT NULL',
  );
  return new Excuses(rows);
}
