import type { Pool } from 'pg';
import type { FieldProblem } from '../../../workflows/domain/shared/errors';
import type { ExceptionView } from '../../../workflows/domain/exception/actions';
import { heldNow, type OrderFacts } from '../../../workflows/domain/order/order';
import type { OrderState } from '../../../workflows/domain/order/state';
import type { Allocation, OrderView } from '../../../workflows/domain/order/view';
import type { RefundFacts } from '../../../workflows/domain/refund/refund';
import { waitingFor, type Party } from '../../../workflows/domain/shared/waiting';
import type { Keyring } from '../../crypto';
import { catalogueProblems, type CataloguePrice } from '../inventory/catalogue';
import { run } from '../postgres/database';
import { dismissException } from '../exceptions/exceptions';
import { readRefund } from './refund-and-dispute-records';
import { orderLoad, orderRecord, utc, type OrderRow } from './record';
import { statement, type Statement } from '../postgres/statements';

const sql = {
  byCart: statement('orders-by-cart'),
  byId: statement('orders-by-id'),
  exists: statement('order-exists'),
  begun: statement('order-begun'),
  list: statement('orders-list'),
  byState: statement('orders-by-state'),
  waitingOn: statement('orders-waiting-on'),
  stuck: statement('orders-stuck'),
  exceptions: statement('exceptions-open'),
  exception: statement('exception-get'),
  prices: statement('catalogue-prices'),
  reservations: statement('reservations-of'),
};

/** A page for people; a larger one would occupy a connection for a whole export. */
const MAX_ROWS = 500;
const DEFAULT_ROWS = 100;

export interface ListOrders {
  readonly state?: OrderState;
  readonly waitingOn?: Party;
  readonly limit: number;
  /** A `placedAt`: only orders placed before it. */
  readonly before?: string;
}

/** Queries of the gateway and the command line. None locks anything, and none shows personal data. */
export interface OrderQueries {
  getOrder(orderId: string): Promise<OrderView | undefined>;
  /** What workflows know of these orders; those that are not recorded are left out. */
  factsOf(orderIds: readonly string[]): Promise<OrderFacts[]>;
  /** The order's channel; undefined if the order is not recorded. Cheaper than `getOrder`. */
  channelOf(orderId: string): Promise<string | undefined>;
  /** Is the order recorded, or was a payment for it begun here? False for an order of another shop or database. */
  isOurs(orderId: string): Promise<boolean>;
  findOrderByCart(cartId: string): Promise<OrderView | undefined>;
  getRefund(refundId: string): Promise<RefundFacts | undefined>;
  /** Newest first. */
  listOrders(filter: ListOrders): Promise<OrderView[]>;
  /** Orders that are overdue or have an open exception. */
  listStuck(filter: { readonly now: string; readonly limit?: number }): Promise<OrderView[]>;
  /** Open exceptions, including those of checkouts that never became an order. */
  listExceptions(limit?: number, orderId?: string): Promise<ExceptionView[]>;
  /** An exception, open or resolved. */
  getException(exceptionId: string): Promise<ExceptionView | undefined>;
  /** Closes an exception whose workflow has ended; false if it is closed already. */
  dismissException(input: Parameters<typeof dismissException>[2]): Promise<boolean>;
  checkCatalogue(
    currency: string,
    lines: readonly { readonly sku: string; readonly quantity: number; readonly unitAmount: number }[],
  ): Promise<FieldProblem[]>;
}

/** Answers from Postgres alone, so also while no worker runs. */
export function createOrderQueries(pool: Pool, _keyring?: Keyring): OrderQueries {
  const views = (rows: readonly OrderRow[]): OrderView[] => rows.map((row) => viewOf(orderRecord(row.record).facts));
  const limited = (limit: number | undefined): number => Math.min(limit ?? DEFAULT_ROWS, MAX_ROWS);
  return {
    async getOrder(orderId) {
      const [rows, allocation] = await Promise.all([
        run<OrderRow>(pool, orderLoad, [orderId]),
        run<Allocation>(pool, sql.reservations, [orderId]),
      ]);
      const [view] = views(rows);
      return view && { ...view, allocation };
    },
    async factsOf(orderIds) {
      const rows = await run<OrderRow>(pool, sql.byId, [orderIds]);
      return rows.map((row) => orderRecord(row.record).facts);
    },
    async channelOf(orderId) {
      return (await run<{ channel: string }>(pool, sql.exists, [orderId]))[0]?.channel;
    },
    async isOurs(orderId) {
      return (await run(pool, sql.begun, [orderId])).length > 0;
    },
    getRefund: (refundId) => readRefund(pool, refundId),
    findOrderByCart: async (cartId) => views(await run<OrderRow>(pool, sql.byCart, [cartId]))[0],
    async listOrders({ state, waitingOn, before = null, limit }) {
      const page = [before, limited(limit)];
      if (waitingOn !== undefined) return views(await run(pool, sql.waitingOn, [waitingOn, state ?? null, ...page]));
      if (state !== undefined) return views(await run(pool, sql.byState, [state, ...page]));
      return views(await run(pool, sql.list, page));
    },
    listStuck: async ({ now, limit }) => views(await run<OrderRow>(pool, sql.stuck, [now, limited(limit)])),
    listExceptions: (limit, orderId) => readExceptions(pool, sql.exceptions, [limited(limit), orderId ?? null]),
    getException: async (exceptionId) => (await readExceptions(pool, sql.exception, [exceptionId]))[0],
    dismissException: (input) => dismissException(pool, new Date(), input),
    async checkCatalogue(currency, lines) {
      const prices = await run<CataloguePrice>(pool, sql.prices, [lines.map((line) => line.sku)]);
      return catalogueProblems(currency, lines, prices);
    },
  };
}

async function readExceptions(pool: Pool, text: Statement, values: readonly unknown[]): Promise<ExceptionView[]> {
  type Row = Omit<ExceptionView, 'raisedAt' | 'resolvedAt'> & {
    readonly raisedAt: Date;
    readonly resolvedAt: Date | null;
  };
  const rows = await run<Row>(pool, text, values);
  return rows.map((row) => ({
    ...row,
    raisedAt: utc(row.raisedAt),
    resolvedAt: row.resolvedAt && utc(row.resolvedAt),
  }));
}

function viewOf(facts: OrderFacts): OrderView {
  const waiting = waitingFor(facts);
  return {
    orderId: facts.orderId,
    cartId: facts.cartId,
    channel: facts.channel,
    state: facts.state,
    paymentState: facts.paymentState,
    currency: facts.currency,
    amounts: { ...facts.amounts, heldNow: heldNow(facts.amounts) },
    captureBefore: facts.hold?.captureBefore ?? null,
    lines: facts.lines,
    shipments: facts.shipments,
    refunds: facts.refunds ?? [],
    disputes: facts.disputes ?? [],
    returns: [],
    ...(facts.exception && { exception: facts.exception }),
    ...(waiting && { waitingOn: waiting.on, waitingUntil: waiting.until, waitingFor: waiting.why }),
    placedAt: facts.placedAt,
  };
}
