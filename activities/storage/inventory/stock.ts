import type { Pool } from 'pg';
import type { LineQuantity } from '../../../workflows/domain/order/lines';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { RefusalCause } from '../../../workflows/domain/order/shipping-rules';
import type { ReserveStockInput, ReserveStockResult } from '../../../workflows/order/ports';
import type { ShipmentRecord } from '../../../workflows/payment/ports';
import type { Shortage } from '../../../workflows/domain/order/lines';
import { writeEntry, type StepCause } from '../audit/audit';
import { run, transact, type Transaction } from '../postgres/database';
import { defect, operationUndone } from '../postgres/failures';
import { lockOrder } from '../orders/step';
import { statement } from '../postgres/statements';

const sql = {
  claim: statement('operation-claim'),
  undo: statement('operation-undo'),
  candidates: statement('stock-candidates'),
  available: statement('stock-available'),
  reserve: statement('stock-reserve'),
  release: statement('stock-release'),
  reservations: statement('reservations-of'),
  warehouse: statement('warehouse-exists'),
  move: statement('stock-move'),
};

/** Checkouts reserve and release stock; an order's stock is released by its cancel. */
const ACTOR = 'checkout';

/** Pieces of one sku in one warehouse. */
export interface StockQuantity extends LineQuantity {
  readonly warehouseId: string;
}

interface Candidate {
  readonly sku: string;
  readonly warehouseId: string;
  readonly available: number;
}

/** Merges lines of the same SKU into one. */
export function mergeLines(lines: readonly LineQuantity[]): LineQuantity[] {
  const bySku = new Map<string, number>();
  for (const line of lines) bySku.set(line.sku, (bySku.get(line.sku) ?? 0) + line.quantity);
  return [...bySku].map(([sku, quantity]) => ({ sku, quantity }));
}

/** Reserves stock for all lines or for none, in one transaction. `out_of_stock` is not recorded, because nothing has happened. */
export async function reserveStock(pool: Pool, now: Date, input: ReserveStockInput): Promise<ReserveStockResult> {
  const key = operationKeys.reserve(input.orderId);
  const wanted = mergeLines(input.lines);
  return transact(pool, async (tx) => {
    const [[operation], candidates] = await Promise.all([
      tx.query<{ done: boolean; undone: boolean }>(sql.claim, [key, 'reserve', input.orderId, now]),
      tx.query<Candidate>(sql.candidates, [wanted.map((line) => line.sku)]),
    ]);
    if (operation?.undone === true) throw operationUndone(key);
    if (operation?.done === true) return { outcome: 'reserved' };
    const chosen = chooseWarehouses(wanted, candidates);
    if ('missing' in chosen) return { outcome: 'out_of_stock', ...chosen.missing };
    const { before, after } = auditStates(chosen.taken, candidates);
    const states = [JSON.stringify(before), JSON.stringify(after)];
    tx.write(sql.reserve, [input.orderId, JSON.stringify(chosen.taken), now, key, ACTOR, ...states]);
    return { outcome: 'reserved' };
  });
}

/** See `OrderActivities.findShortage`. */
export async function findShortage(pool: Pool, lines: readonly LineQuantity[]): Promise<Shortage | null> {
  const stock = await run<Shortage>(pool, sql.available, [lines.map((line) => line.sku)]);
  return shortageOf(lines, stock) ?? null;
}

/** The first line with too little stock; `stock` may name a SKU several times, once for each warehouse. */
export function shortageOf(lines: readonly LineQuantity[], stock: readonly Shortage[]): Shortage | undefined {
  for (const { sku, quantity } of mergeLines(lines)) {
    const available = stock.reduce((sum, one) => sum + (one.sku === sku ? one.available : 0), 0);
    if (available < quantity) return { sku, available };
  }
  return undefined;
}

/** Releases the stock reserved for a checkout and leaves a tombstone. The stock of a recorded order is released by its cancel. */
export async function releaseStock(pool: Pool, now: Date, orderId: string): Promise<void> {
  const key = operationKeys.reserve(orderId);
  await transact(pool, async (tx) => {
    const [[operation], , order, reserved] = await Promise.all([
      tx.query<{ undone: boolean }>(sql.claim, [key, 'reserve', orderId, now]),
      tx.query(sql.undo, [key, 'reserve', orderId, now]),
      lockOrder(tx, orderId),
      tx.query<StockQuantity>(sql.reservations, [orderId]),
    ]);
    if (order !== undefined && order.facts.state !== 'cancelled') {
      throw defect(`order ${orderId} is ${order.facts.state}: cancel the order to release its stock`);
    }
    tx.write(sql.release, [orderId]);
    if (operation?.undone === true && reserved.length === 0) return;
    const before = { reserved, tombstoned: operation?.undone ?? false };
    const cause = { operationKey: key, action: 'release stock', actor: ACTOR, nowIso: now.toISOString() };
    writeEntry(tx, orderId, cause, before, { reserved: [], tombstoned: true });
  });
}

/** Reserved pieces that move to another warehouse. */
interface StockMove extends LineQuantity {
  readonly from: string;
  readonly to: string;
}

/**
 * Moves the reservation of a parcel to the warehouse that ships it, in the step that begins the shipment, so that recording the
 * parcel cannot fail on its stock. Returns a refusal if that is impossible; then nothing is changed. The order must be locked.
 */
export async function reserveAtWarehouse(
  tx: Transaction,
  { orderId, ...cause }: StepCause & { readonly orderId: string },
  { lines, warehouseId }: Pick<ShipmentRecord, 'lines' | 'warehouseId'>,
): Promise<RefusalCause | undefined> {
  if (warehouseId === undefined) return undefined;
  const [known, reserved] = await Promise.all([
    tx.query(sql.warehouse, [warehouseId]),
    tx.query<StockQuantity>(sql.reservations, [orderId]),
  ]);
  const field = 'warehouseId';
  if (known.length === 0) {
    const message = `Warehouse ${warehouseId} is not known.`;
    return { reason: 'unknown_warehouse', message, problems: [{ field, message: 'names no known warehouse' }] };
  }
  const moves = movesTo(warehouseId, mergeLines(lines), reserved);
  if (moves.length === 0) return undefined;
  const skus = [...new Set(moves.map((one) => one.sku))];
  const places = await tx.query<Candidate>(sql.candidates, [skus]);
  for (const sku of skus) {
    const wanted = moves.reduce((sum, one) => sum + (one.sku === sku ? one.quantity : 0), 0);
    const free = places.find((one) => one.sku === sku && one.warehouseId === warehouseId)?.available ?? 0;
    if (free >= wanted) continue;
    const message = `Warehouse ${warehouseId} has ${free} free pieces of ${sku}, but this shipment needs ${wanted} more than are reserved there.`;
    return { reason: 'not_in_warehouse', message, problems: [{ field, message: `does not have enough of ${sku}` }] };
  }
  tx.write(sql.move, [orderId, JSON.stringify(moves), cause.nowIso]);
  writeEntry(tx, orderId, { ...cause, action: 'move reservation' }, { reserved }, { moved: moves });
  return undefined;
}

/** The reservations that must move to a warehouse so that these lines can ship from there. */
function movesTo(to: string, lines: readonly LineQuantity[], reserved: readonly StockQuantity[]): StockMove[] {
  return lines.flatMap(({ sku, quantity }) => {
    const there = reserved.find((one) => one.sku === sku && one.warehouseId === to)?.quantity ?? 0;
    let missing = quantity - there;
    return reserved.flatMap(({ sku: of, warehouseId: from, quantity: pieces }) => {
      const moved = of === sku && from !== to ? Math.min(missing, pieces) : 0;
      if (moved <= 0) return [];
      missing -= moved;
      return [{ sku, from, to, quantity: moved }];
    });
  });
}

/** For the audit log: the available stock in each warehouse that was used, before and after. */
function auditStates(
  taken: readonly StockQuantity[],
  candidates: readonly Candidate[],
): { readonly before: object; readonly after: object } {
  const places = taken.map(({ sku, warehouseId, quantity }) => {
    const place = candidates.find((one) => one.sku === sku && one.warehouseId === warehouseId);
    return { sku, warehouseId, quantity, available: place?.available ?? 0 };
  });
  return {
    before: { stock: places.map(({ quantity: _taken, ...place }) => place), reserved: [] },
    after: {
      stock: places.map(({ quantity, ...place }) => ({ ...place, available: place.available - quantity })),
      reserved: taken,
    },
  };
}

/** Prefers one warehouse that has everything, so that one parcel is enough; otherwise splits each line over the fullest warehouses. */
export function chooseWarehouses(
  wanted: readonly LineQuantity[],
  candidates: readonly Candidate[],
): { readonly taken: StockQuantity[] } | { readonly missing: Shortage } {
  const missing = shortageOf(wanted, candidates);
  if (missing !== undefined) return { missing };
  const has = (warehouseId: string, line: LineQuantity): boolean =>
    candidates.some((one) => one.warehouseId === warehouseId && one.sku === line.sku && one.available >= line.quantity);
  const warehouses = [...new Set(candidates.map((one) => one.warehouseId))].sort();
  const whole = warehouses.find((warehouseId) => wanted.every((line) => has(warehouseId, line)));
  if (whole !== undefined) return { taken: wanted.map((line) => ({ ...line, warehouseId: whole })) };
  return { taken: wanted.flatMap((line) => split(line, candidates)) };
}

function split(line: LineQuantity, candidates: readonly Candidate[]): StockQuantity[] {
  const fullest = candidates
    .filter((one) => one.sku === line.sku && one.available > 0)
    .sort((one, other) => other.available - one.available);
  const taken: StockQuantity[] = [];
  let missing = line.quantity;
  for (const { warehouseId, available } of fullest) {
    if (missing === 0) break;
    const quantity = Math.min(missing, available);
    taken.push({ sku: line.sku, warehouseId, quantity });
    missing -= quantity;
  }
  return taken;
}
