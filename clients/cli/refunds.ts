import { InvalidArgumentError, Option, type Command } from 'commander';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { RefundFacts } from '../../workflows/domain/refund/refund';
import { resolutionRequest } from '../schemas/refunds';
import { collectLine, idempotencyKeyOption, type CommandDeps, type LineOption } from './options';
import { newTable, showAnswer } from './tables';

interface CreateOptions {
  readonly amount?: number;
  readonly currency?: string;
  readonly line?: readonly LineOption[];
  readonly reason: string;
  readonly idempotencyKey?: string;
}

interface ResolveOptions {
  readonly action: string;
  readonly reference?: string;
  readonly idempotencyKey?: string;
}

/** Adds `holdfast refunds`. */
export function addRefunds(program: Command, deps: CommandDeps): void {
  const { gateway, show } = deps;
  const refunds = program.command('refunds').description('give captured money back, and decide on refunds that failed');
  const key = (command: Command): Command => command.addOption(idempotencyKeyOption());
  key(refunds.command('create'))
    .description('refund an amount of an order, or lines with their share of the tax')
    .argument('<orderId>')
    .option('--amount <minor units>', 'how much, e.g. 999 for 9.99 EUR; not with --line', wholeNumber)
    .option('--currency <code>', "must be the order's; checked where it is given")
    .option('--line <SKU=QUANTITY...>', 'which pieces; may be given several times; not with --amount', collectLine)
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (orderId: string, { idempotencyKey, line, ...options }: CreateOptions) => {
      const body = { ...options, ...(line !== undefined && { lines: line }) };
      const path = `/v1/orders/${encodeURIComponent(orderId)}/refunds`;
      await showAnswer(deps, await gateway().post(path, body, idempotencyKey));
    });
  refunds
    .command('show')
    .description('one refund with its parts')
    .argument('<refundId>')
    .action(async (refundId: string) => show(await gateway().get(pathOf(refundId)), refundTables));
  key(refunds.command('resolve'))
    .description('decide on a refund that failed')
    .argument('<refundId>')
    .addOption(
      new Option('--action <action>', 'how the money is given back, or that it is not')
        .choices(resolutionRequest.shape.action.options)
        .makeOptionMandatory(),
    )
    .option('--reference <text>', 'the reference of a manual transfer; required for one')
    .action(async (refundId: string, { action, reference, idempotencyKey }: ResolveOptions) => {
      const body = { action, ...(reference !== undefined && { reference }) };
      await showAnswer(deps, await gateway().post(`${pathOf(refundId)}/resolution`, body, idempotencyKey));
    });
  key(refunds.command('cancel'))
    .description('cancel a refund that was not sent, or that waits for the customer')
    .argument('<refundId>')
    .action(async (refundId: string, { idempotencyKey }: { idempotencyKey?: string }) => {
      await showAnswer(deps, await gateway().post(`${pathOf(refundId)}/cancel`, {}, idempotencyKey));
    });
}

function pathOf(refundId: string): string {
  return `/v1/refunds/${encodeURIComponent(refundId)}`;
}

// The gateway and the command line are one package, so an answer's shape is checked where the gateway makes it.

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
    { requested: refund.requestedAt },
    { 'expected by': refund.settleBy },
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
  const table = newTable(['part', 'payment', 'amount', 'status', 'provider', 'reason']);
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
