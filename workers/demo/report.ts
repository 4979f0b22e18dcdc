import Table from 'cli-table3';
import type { OrderView } from '../../workflows/domain/order/view';
import { formatMoney } from '../../workflows/domain/shared/money';
import { workflowIds } from '../../workflows/kit/names';
import { PROMISES } from './invariants';
import type { Violation } from './invariants';
import type { PlayedScene } from './scenes/scenes';
import type { PlayedCart } from './stage';

export interface ReportedCart {
  readonly cart: PlayedCart;
  /** Absent if the cart did not become an order. */
  readonly order?: OrderView;
}

/** Returns the link to a workflow, or its id without a web UI. */
export type LinkTo = (workflowId: string) => string;

/** The Temporal UI's page of a workflow, or its id where there is no UI. */
export function linksTo(uiUrl: string | undefined, namespace: string): LinkTo {
  if (uiUrl === undefined) return (workflowId) => workflowId;
  const base = `${uiUrl.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return (workflowId) => `${base}/${encodeURIComponent(workflowId)}`;
}

/** What happened: a row for each cart and its workflow below it; carts without an order and with the same outcome share a row. */
export function storyTable(carts: readonly ReportedCart[], linkTo: LinkTo): string {
  const table = new Table({
    head: ['what happened, and its workflow', 'state', 'authorized', 'captured', 'released', 'refunded'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
    // No colours: tables are pasted into tickets. No lines between rows: each has two already.
    style: { head: [], border: [], compact: true },
  });
  for (const { first, times } of together(carts)) {
    const { cart, order } = first;
    const own = order === undefined ? workflowIds.checkout(cart.cartId) : workflowIds.order(order.orderId);
    const workflowId = cart.workflowId ?? own;
    const path = times > 1 ? `${cart.path} (${times} carts, one linked)` : cart.path;
    table.push([path, stateOf(first), ...amountsOf(order)], [{ colSpan: COLUMNS, content: `  ${linkTo(workflowId)}` }]);
  }
  return table.toString();
}

const COLUMNS = 6;

function together(carts: readonly ReportedCart[]): { first: ReportedCart; times: number }[] {
  const rows: { first: ReportedCart; times: number }[] = [];
  for (const one of carts) {
    const same = rows.find(
      ({ first }) => one.order === undefined && first.order === undefined && first.cart.path === one.cart.path,
    );
    if (same === undefined) rows.push({ first: one, times: 1 });
    else same.times += 1;
  }
  return rows;
}

function stateOf({ cart, order }: ReportedCart): string {
  if (order === undefined) return cart.outcome ?? 'no order';
  return order.waitingOn === undefined ? order.state : `${order.state}, waits for ${order.waitingOn}`;
}

function amountsOf(order: OrderView | undefined): string[] {
  if (order === undefined) return ['', '', '', ''];
  const { amounts, currency } = order;
  const { authorized, captured, released, refunded } = amounts;
  return [authorized, captured, released, refunded].map((amount) =>
    amount === 0 ? '' : formatMoney({ amount, currency }),
  );
}

/** A line for each promise, kept or broken, followed by its violations. */
export function promiseLines(violations: readonly Violation[]): string[] {
  return Object.entries(PROMISES).flatMap(([promise, words]) => {
    const broken = violations.filter((one) => one.promise === promise);
    return [`${broken.length === 0 ? '✓' : '✗'} ${words}`, ...broken.map(({ what }) => `    ${what}`)];
  });
}

/** The demo's result in one line. */
export function verdict(scenes: readonly PlayedScene[], orders: number, violations: number): string {
  const failed = scenes.filter((scene) => !scene.succeeded).length;
  const counts = [`${scenes.length} scenes`, ...(failed > 0 ? [`${failed} failed`] : []), `${orders} orders`];
  return `${counts.join(', ')}, ${violations} violations`;
}
