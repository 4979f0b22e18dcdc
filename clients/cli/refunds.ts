import { InvalidArgumentError, Option, type Command } from 'commander';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { RefundFacts } from '../../workflows/domain/refund/refund';
import { resolutionRequest } from '../schemas/refunds';
import { idempotencyKeyOption, type CommandDeps } from './options';
import { answerTable, newTable } from './tables';

interface CreateOptions {
  readonly amount?: number;
  readonly currency?: string;
  readonly line?: readonly { readonly sku: string; readonly quantity: number }[];
  readonly reason: string;
  readonly idempotencyKey?: string;
}

interface ResolveOptions {
  readonly action: string;
  readonly reference?: string;
  readonly idempotencyKey?: string;
}

/** Adds `holdfast refunds`: make them, look at them, and settle what failed. */
export function addRefunds(program: Command, { gateway, show }: CommandDeps): void {
  const refunds = program.command('refunds').description('give money back, and settle what did not get there');
  const key = (command: Command): Command => command.addOption(idempotencyKeyOption());
  key(refunds.command('create'))
    .description('of an order: an amount, or lines with their share of the tax')
    .argument('<orderId>')
    .option('--amount <minor units>', 'how much; in place of lines', wholeNumber)
    .option('--currency <code>', "checked against the order's")
    .option('--line <SKU=QUANTITY...>', 'which pieces; may be given several times', collectLine)
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (orderId: string, { idempotencyKey, line, ...options }: CreateOptions) => {
      const body = { ...options, ...(line !== undefined && { lines: line }) };
      const path = `/v1/orders/${encodeURIComponent(orderId)}/refunds`;
      show(await gateway().post(path, body, idempotencyKey), answerTable);
    });
  refunds
    .command('show')
    .description('one refund with its parts')
    .argument('<refundId>')
    .action(async (refundId: string) => show(await gateway().get(pathOf(refundId)), refundTables));
  key(refunds.command('resolve'))
    .description('settle a refund that failed, in another way')
    .argument('<refundId>')
    .addOption(
      new Option('--action <action>', 'what becomes of the money')
        .choices(resolutionRequest.shape.action.options)
        .makeOptionMandatory(),
    )
    .option('--reference <text>', 'under which a manual transfer is found')
    .action(async (refundId: string, { action, reference, idempotencyKey }: ResolveOptions) => {
      const body = { action, ...(reference !== undefined && { reference }) };
      show(await gateway().post(`${pathOf(refundId)}/resolution`, body, idempotencyKey), answerTable);
    });
  key(refunds.command('cancel'))
    .description('take back a refund that was not sent, or that waits for the customer')
    .argument('<refundId>')
    .action(async (refundId: string, { idempotencyKey }: { idempotencyKey?: string }) => {
      show(await gateway().post(`${pathOf(refundId)}/cancel`, {}, idempotencyKey), answerTable);
    });
}

function pathOf(refundId: string): string {
  return `/v1/refunds/${encodeURIComponent(refundId)}`;
}

// Both ends are one package: shapes are checked where they are made. No personal data is in a refund.

function refundTables(answer: unknown): string {
  const refund = answer as RefundFacts;
  const table = newTable([]);
  table.push(
    { refund: refund.refundId },
    { order: refund.orderId },
    { state: refund.state },
    { amount: formatMoney({ amount: refund.amount, currency: refund.currency }) },
    { lines: (refund.lines ?? []).map((line) => `${line.quantity} × ${line.sku}`).join(', ') },
    { reason: `${refund.reason} (${refund.actor})` },
    { asked: refund.requestedAt },
    { 'to be settled by': refund.settleBy },
    { 'watched until': refund.watchUntil ?? '' },
    { resolution: resolutionOf(refund) },
  );
  return [table.toString(), partsTable(refund)].join('\n');
}

function resolutionOf({ resolution, endedReason }: RefundFacts): string {
  if (resolution === undefined) return endedReason === undefined ? '' : `given up: ${endedReason}`;
  const { action, actor, reference, at } = resolution;
  return `${action}${reference === undefined ? '' : ` ${reference}`}, ${actor} at ${at}`;
}

function partsTable({ parts, currency }: RefundFacts): string {
  const table = newTable(['part', 'payment', 'amount', 'status', 'provider', 'why']);
  for (const part of parts) {
    table.push([
      part.part,
      part.paymentIntentId,
      { hAlign: 'right', content: formatMoney({ amount: part.amount, currency }) },
      part.resolvedAt === undefined ? part.status : `${part.status}, settled`,
      part.providerRefundId ?? '',
      part.failureReason ?? part.pendingReason ?? '',
    ]);
  }
  return table.toString();
}

function wholeNumber(value: string): number {
  if (!/^\d{1,8}$/.test(value)) throw new InvalidArgumentError('It must be a whole number of minor units.');
  return Number(value);
}

function collectLine(value: string, before: CreateOptions['line'] = []): NonNullable<CreateOptions['line']> {
  const [, sku, quantity] = /^([^=]+)=(\d{1,6})$/.exec(value) ?? [];
  if (sku === undefined || quantity === undefined) {
    throw new InvalidArgumentError('It must be SKU=QUANTITY, e.g. MUG-1=2.');
  }
  return [...before, { sku, quantity: Number(quantity) }];
}
