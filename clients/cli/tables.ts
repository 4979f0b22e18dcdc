import Table from 'cli-table3';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { OrderView } from '../../workflows/domain/order/view';

/** Tables for people. They show no personal data: nothing of it is in an order's view. */

/** One line for each order. */
export function ordersTable(orders: readonly OrderView[]): string {
  if (orders.length === 0) return 'No orders.';
  const table = newTable(['order', 'state', 'payment', 'held now', 'captured', 'waits for', 'until', 'exception']);
  for (const order of orders) {
    const money = (amount: number): string => formatMoney({ amount, currency: order.currency });
    table.push([
      order.orderId,
      order.state,
      order.paymentState,
      { hAlign: 'right', content: money(order.amounts.heldNow) },
      { hAlign: 'right', content: money(order.amounts.captured) },
      order.waitingOn ?? '',
      order.waitingUntil ?? '',
      order.exception?.kind ?? '',
    ]);
  }
  return table.toString();
}

/** One order in full: what it is, its lines, its shipments. */
export function orderTables(order: OrderView): string {
  return [summaryTable(order), linesTable(order), ...(order.shipments.length > 0 ? [shipmentsTable(order)] : [])].join(
    '\n',
  );
}

function summaryTable(order: OrderView): string {
  const money = (amount: number): string => formatMoney({ amount, currency: order.currency });
  const { heldNow, captured, released, refundPending, refunded } = order.amounts;
  const waits = order.waitingOn && `${order.waitingOn} until ${order.waitingUntil ?? '?'}: ${order.waitingFor ?? ''}`;
  const exception =
    order.exception && `${order.exception.kind}, owner ${order.exception.owner}: ${order.exception.message}`;
  const table = newTable([]);
  table.push(
    { order: order.orderId },
    { cart: `${order.cartId} (${order.channel})` },
    { placed: order.placedAt },
    { state: order.state },
    { payment: order.paymentState },
    { 'held now': money(heldNow) },
    { captured: money(captured) },
    { released: money(released) },
    { refunded: refundPending > 0 ? `${money(refunded)}, ${money(refundPending)} under way` : money(refunded) },
    { 'capture before': order.captureBefore ?? '' },
    { 'waits for': waits ?? '' },
    { exception: exception ?? '' },
  );
  return table.toString();
}

function linesTable(order: OrderView): string {
  const table = newTable(['sku', 'quantity', 'shipped', 'cancelled', 'reserved in', 'unit price']);
  for (const line of order.lines) {
    const price = formatMoney({ amount: line.unitAmount, currency: order.currency });
    const places = (order.allocation ?? []).filter((one) => one.sku === line.sku);
    const reserved = places.map((one) => `${one.quantity} in ${one.warehouseId}`).join(', ');
    table.push([line.sku, line.quantity, line.shipped, line.cancelled, reserved, { hAlign: 'right', content: price }]);
  }
  return table.toString();
}

function shipmentsTable(order: OrderView): string {
  const table = newTable(['shipment', 'from', 'lines', 'captured', 'shipped', 'delivered']);
  for (const shipment of order.shipments) {
    table.push([
      shipment.shipmentId,
      shipment.warehouseId ?? '',
      shipment.lines.map((line) => `${line.quantity} × ${line.sku}`).join(', '),
      { hAlign: 'right', content: formatMoney({ amount: shipment.amount, currency: order.currency }) },
      shipment.shippedAt,
      shipment.deliveredAt ?? '',
    ]);
  }
  return table.toString();
}

/** A command's answer, field by field. */
export function answerTable(answer: unknown): string {
  const table = newTable([]);
  for (const [field, value] of Object.entries(answer as Readonly<Record<string, unknown>>)) {
    table.push({ [field]: typeof value === 'object' ? JSON.stringify(value) : String(value) });
  }
  return table.toString();
}

export function newTable(head: string[]): Table.Table {
  // No colours: tables are pasted into tickets.
  return new Table({ head, style: { head: [], border: [] } });
}
