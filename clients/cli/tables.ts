import Table from 'cli-table3';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { OrderView } from '../../workflows/domain/order/view';
import type { CommandDeps } from './options';

// Tables for people. The views that they show contain no personal data.

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

/** One order with its lines and shipments. */
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
    { refunded: refundPending > 0 ? `${money(refunded)}, ${money(refundPending)} pending` : money(refunded) },
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

/** Shows what a command was answered with, field by field, amounts as money. */
export function showAnswer({ gateway, show }: CommandDeps, answer: unknown): Promise<void> {
  return show(answer, async () => {
    const fields = answer as Fields;
    const currency = typeof fields['currency'] === 'string' ? fields['currency'] : await orderCurrency(gateway, fields);
    const table = newTable([]);
    for (const [field, value] of Object.entries(fields)) table.push({ [field]: textOf(field, value, currency) });
    return table.toString();
  });
}

type Fields = Readonly<Record<string, unknown>>;

/** An order's answers do not name its currency. The command has succeeded by then, so a failure here must not fail it. */
async function orderCurrency(gateway: CommandDeps['gateway'], fields: Fields): Promise<string | undefined> {
  const { orderId } = fields;
  if (typeof orderId !== 'string' || !Object.keys(fields).some(isAmount)) return undefined;
  const order = await gateway()
    .get(`/v1/orders/${encodeURIComponent(orderId)}`)
    .catch(() => undefined);
  return (order as OrderView | undefined)?.currency;
}

function isAmount(field: string): boolean {
  return /(^a|A)mount$/.test(field);
}

function textOf(field: string, value: unknown, currency: string | undefined): string {
  if (Array.isArray(value)) return value.map((one) => textOf(field, one, currency)).join('\n');
  if (typeof value === 'number' && isAmount(field)) {
    return currency === undefined ? `${value} minor units` : formatMoney({ amount: value, currency });
  }
  if (typeof value !== 'object' || value === null) return String(value);
  const texts = Object.entries(value).map(([name, one]) => `${name} ${textOf(name, one, currency)}`);
  return texts.join(', ');
}

export function newTable(head: string[]): Table.Table {
  // No colours: tables are pasted into tickets.
  return new Table({ head, style: { head: [], border: [] } });
}
