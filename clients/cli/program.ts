import { Command, InvalidArgumentError, Option } from 'commander';
import { asOrder, asOrders, type GatewayClient } from './gateway-client';
import { addDisputes } from './disputes';
import { addExceptions } from './exceptions';
import { addNotices } from './notices';
import { idempotencyKeyOption, type CommandDeps } from './options';
import { addPayments } from './payments';
import { addRefunds } from './refunds';
import { addSubscriptions } from './subscriptions';
import { answerTable, ordersTable, orderTables } from './tables';

/** Where the command line gets its gateway from and writes to. */
export interface CliDeps {
  readonly gateway: () => GatewayClient;
  readonly print: (text: string) => void;
}

const STATES = ['placed', 'paid', 'allocated', 'fulfilled', 'shipped', 'delivered', 'cancelled'];
const PARTIES = ['customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier'];

/** The command line as a whole. */
export function createProgram(deps: CliDeps): Command {
  const program = new Command('holdfast')
    .description('Look at orders and move them on, through the gateway; set Holdfast up and check it.')
    .option('--json', 'print JSON, for scripts')
    .showHelpAfterError('(--help shows what is possible)')
    .addHelpText(
      'after',
      '\nEnvironment:\n' +
        '  HOLDFAST_URL      the gateway (default http://127.0.0.1:8080)\n' +
        '  HOLDFAST_API_KEY  its API key\n' +
        '  setup and doctor read the configuration of worker and gateway instead: see docs/configuration.md\n' +
        '\nExit status: 0 done, 1 refused or failed, 2 used wrongly.',
    );
  addReading(program, deps);
  addShip(program, deps);
  addOtherCommands(program, deps);
  const showAs: CommandDeps['show'] = (answer, table) => show(program, deps, answer, table);
  const tables = { gateway: deps.gateway, show: showAs };
  addExceptions(program, tables, limit());
  addNotices(program, tables, limit());
  addPayments(program, tables);
  addRefunds(program, tables);
  addDisputes(program, tables, limit);
  addSubscriptions(program, tables, limit());
  return program;
}

function show(program: Command, deps: CliDeps, answer: unknown, table: (answer: unknown) => string): void {
  const json = program.opts<{ json?: boolean }>().json === true;
  deps.print(json ? JSON.stringify(answer, null, 2) : table(answer));
}

function addReading(program: Command, deps: CliDeps): void {
  const orders = program.command('orders').description('look at orders');
  const list = async (query: Readonly<Record<string, string | number | undefined>>): Promise<void> => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    const answer = await deps.gateway().get(`/v1/orders?${search.toString()}`);
    show(program, deps, answer, (body) => ordersTable(asOrders(body)));
  };
  orders
    .command('list')
    .description('latest first')
    .addOption(new Option('--state <state>', 'only orders in this state').choices(STATES))
    .addOption(new Option('--waiting-on <party>', 'only orders that wait for this party').choices(PARTIES))
    .option('--before <time>', 'only orders placed before this time: the next page')
    .addOption(limit())
    .action((options: { state?: string; waitingOn?: string; before?: string; limit?: number }) =>
      list({ state: options.state, waitingOn: options.waitingOn, before: options.before, limit: options.limit }),
    );
  orders
    .command('stuck')
    .description('overdue, or with an open exception')
    .addOption(limit())
    .action((options: { limit?: number }) => list({ stuck: 'true', limit: options.limit }));
  orders
    .command('show')
    .description('one order with its lines and shipments')
    .argument('<orderId>')
    .action(async (orderId: string) => {
      const answer = await deps.gateway().get(`/v1/orders/${encodeURIComponent(orderId)}`);
      show(program, deps, answer, (body) => orderTables(asOrder(body)));
    });
}

interface ShipOptions {
  readonly line: readonly { readonly sku: string; readonly quantity: number }[];
  readonly carrier: string;
  readonly tracking: string;
  readonly warehouse?: string;
  readonly idempotencyKey?: string;
}

function addShip(program: Command, deps: CliDeps): void {
  orderCommand(program, 'ship', 'hand lines to a carrier: captures what they cost')
    .requiredOption('--line <SKU=QUANTITY...>', 'what ships; may be given several times', collectLine)
    .requiredOption('--carrier <name>', 'e.g. dhl')
    .requiredOption('--tracking <number>', "the carrier's tracking number")
    .option('--warehouse <id>', 'where it leaves from')
    .action(async (orderId: string, options: ShipOptions) => {
      const { line, carrier, tracking, warehouse } = options;
      const body = { lines: line, carrier, trackingNumber: tracking, warehouseId: warehouse };
      await send(program, deps, orderId, 'shipments', body, options);
    });
}

function addOtherCommands(program: Command, deps: CliDeps): void {
  orderCommand(program, 'cancel', 'cancel what has not shipped: lets the hold and the stock go')
    .requiredOption('--reason <text>', 'why, for the audit log')
    .action((orderId: string, options: { reason: string; idempotencyKey?: string }) =>
      send(program, deps, orderId, 'cancel', { reason: options.reason }, options),
    );
  orderCommand(program, 'deliver', 'record that parcels have arrived; all of them unless one is named')
    .option('--shipment <id>', 'only this one')
    .option('--at <time>', 'when, ISO 8601 (default: now)')
    .action((orderId: string, options: { shipment?: string; at?: string; idempotencyKey?: string }) =>
      send(program, deps, orderId, 'deliveries', { shipmentId: options.shipment, deliveredAt: options.at }, options),
    );
  orderCommand(program, 'decide', 'decide what becomes of a card hold that nears its end')
    .addOption(
      new Option('--action <action>', 'what to do').choices(['reauthorize', 'capture', 'cancel']).makeOptionMandatory(),
    )
    .action((orderId: string, options: { action: string; idempotencyKey?: string }) =>
      send(program, deps, orderId, 'hold-decision', { action: options.action }, options),
    );
}

function orderCommand(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).argument('<orderId>').addOption(idempotencyKeyOption());
}

async function send(
  program: Command,
  deps: CliDeps,
  orderId: string,
  path: string,
  body: unknown,
  options: { readonly idempotencyKey?: string },
): Promise<void> {
  const url = `/v1/orders/${encodeURIComponent(orderId)}/${path}`;
  show(program, deps, await deps.gateway().post(url, body, options.idempotencyKey), answerTable);
}

function limit(): Option {
  return new Option('--limit <count>', 'at most this many').argParser(wholeNumber);
}

function wholeNumber(value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(value);
}

function collectLine(value: string, before: ShipOptions['line'] = []): ShipOptions['line'] {
  const [, sku, quantity] = /^(.+)=(\d{1,6})$/s.exec(value) ?? [];
  if (sku === undefined || quantity === undefined) {
    throw new InvalidArgumentError('It must be SKU=QUANTITY, e.g. MUG-1=2.');
  }
  return [...before, { sku, quantity: Number(quantity) }];
}
