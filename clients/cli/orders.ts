import { Option, type Command } from 'commander';
import type { OrderView } from '../../workflows/domain/order/view';
import {
  collectLine,
  idempotencyKeyOption,
  limitOption,
  withQuery,
  type CommandDeps,
  type LineOption,
} from './options';
import { ordersTable, orderTables, showAnswer } from './tables';

const STATES = ['placed', 'paid', 'allocated', 'fulfilled', 'shipped', 'delivered', 'cancelled'];
const PARTIES = ['customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier'];

/** Adds `holdfast orders`. What moves an order on may be called without `orders`, too: `holdfast ship`. */
export function addOrders(program: Command, deps: CommandDeps): void {
  const orders = program
    .command('orders')
    .description('look at orders, and move them on: list, show, stuck, ship, cancel, deliver, decide');
  addReading(orders, deps);
  addActions(orders, deps, false);
  addActions(program, deps, true);
}

interface ListOptions {
  readonly state?: string;
  readonly waitingOn?: string;
  readonly before?: string;
  readonly limit?: number;
}

// The gateway and the command line are one package, so an answer's shape is checked where the gateway makes it.

function addReading(orders: Command, { gateway, show }: CommandDeps): void {
  const list = async (query: ListOptions & { readonly stuck?: true }): Promise<void> =>
    show(await gateway().get(withQuery('/v1/orders', query)), (answer) =>
      ordersTable((answer as { readonly orders: readonly OrderView[] }).orders),
    );
  orders
    .command('list')
    .description('latest first')
    .addOption(new Option('--state <state>', 'only orders in this state').choices(STATES))
    .addOption(new Option('--waiting-on <party>', 'only orders that wait for this party').choices(PARTIES))
    .option('--before <time>', 'only orders placed before this time: the next page')
    .addOption(limitOption())
    .action((options: ListOptions) => list(options));
  orders
    .command('stuck')
    .description('orders that are overdue, or that have an open exception')
    .addOption(limitOption())
    .action((options: ListOptions) => list({ stuck: true, ...options }));
  orders
    .command('show')
    .description('one order with its lines and shipments')
    .argument('<orderId>')
    .action(async (orderId: string) =>
      show(await gateway().get(pathOf(orderId)), (answer) => orderTables(answer as OrderView)),
    );
}

interface ActionOptions {
  readonly idempotencyKey?: string;
}

interface ShipOptions extends ActionOptions {
  readonly line: readonly LineOption[];
  readonly carrier: string;
  readonly tracking: string;
  readonly warehouse?: string;
}

function addActions(parent: Command, deps: CommandDeps, hidden: boolean): void {
  const add = (name: string, description: string): Command =>
    parent.command(name, { hidden }).description(description).argument('<orderId>').addOption(idempotencyKeyOption());
  const send = async (orderId: string, step: string, body: unknown, { idempotencyKey }: ActionOptions): Promise<void> =>
    showAnswer(deps, await deps.gateway().post(`${pathOf(orderId)}/${step}`, body, idempotencyKey));

  add('ship', 'hand lines to a carrier, and capture what they cost')
    .requiredOption('--line <SKU=QUANTITY...>', 'what ships; may be given several times', collectLine)
    .requiredOption('--carrier <name>', 'e.g. dhl')
    .requiredOption('--tracking <number>', "the carrier's tracking number")
    .option('--warehouse <id>', 'the warehouse that the parcel leaves from')
    .action((orderId: string, { line, carrier, tracking, warehouse, ...key }: ShipOptions) =>
      send(orderId, 'shipments', { lines: line, carrier, trackingNumber: tracking, warehouseId: warehouse }, key),
    );
  add('cancel', 'cancel what has not shipped: voids the hold and releases the stock')
    .requiredOption('--reason <text>', 'why, for the audit log')
    .action((orderId: string, { reason, ...key }: ActionOptions & { readonly reason: string }) =>
      send(orderId, 'cancel', { reason }, key),
    );
  add('deliver', 'record that parcels have arrived: one that is named, or all')
    .option('--shipment <id>', 'only this parcel')
    .option('--at <time>', 'when, ISO 8601 (default: now)')
    .action((orderId: string, { shipment, at, ...key }: ActionOptions & { shipment?: string; at?: string }) =>
      send(orderId, 'deliveries', { shipmentId: shipment, deliveredAt: at }, key),
    );
  add('decide', 'decide on a card hold that is about to end or was cancelled')
    .addOption(
      new Option('--action <action>', 'what to do').choices(['reauthorize', 'capture', 'cancel']).makeOptionMandatory(),
    )
    .action((orderId: string, { action, ...key }: ActionOptions & { readonly action: string }) =>
      send(orderId, 'hold-decision', { action }, key),
    );
}

function pathOf(orderId: string): string {
  return `/v1/orders/${encodeURIComponent(orderId)}`;
}
