import { InvalidArgumentError, Option, type Command } from 'commander';
import type { AuthorizationCounts, AuthorizationReport } from '../../workflows/domain/payment/authorization-rates';
import { withQuery, type CommandDeps } from './options';
import { addReconcile } from './reconcile';
import { newTable } from './tables';

interface PaymentCommandDeps extends CommandDeps {
  /** Milliseconds since the epoch; the system's clock where absent. */
  readonly now?: () => number;
}

/** Adds `holdfast payments`. */
export function addPayments(program: Command, deps: PaymentCommandDeps): void {
  const payments = program
    .command('payments')
    .description('authorization rates, and the ledger compared with the provider');
  addRates(payments, deps);
  addReconcile(payments, deps);
}

interface RatesOptions {
  readonly since?: number;
  readonly from?: string;
  readonly to?: string;
}

function addRates(payments: Command, deps: PaymentCommandDeps): void {
  payments
    .command('rates')
    .description('how often banks authorized, by card brand, funding and country')
    .addOption(new Option('--since <span>', 'the last 30m, 24h or 7d (default 7d)').argParser(span).conflicts('from'))
    .option('--from <time>', 'from this time on, ISO 8601')
    .option('--to <time>', 'before this time (default: now)')
    .action(async ({ since, from, to }: RatesOptions) => {
      const endMs = to === undefined ? (deps.now ?? Date.now)() : Date.parse(to);
      const begin = since === undefined || Number.isNaN(endMs) ? from : new Date(endMs - since).toISOString();
      await deps.show(await deps.gateway().get(withQuery('/v1/payments/rates', { from: begin, to })), ratesTable);
    });
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };

/** `30m`, `24h`, `7d` in milliseconds. */
function span(text: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (count === undefined || unitMs === undefined || Number(count) === 0) {
    throw new InvalidArgumentError('It must be a span like 30m, 24h or 7d.');
  }
  return Number(count) * unitMs;
}

function ratesTable(answer: unknown): string {
  const { from, to, total, rates } = answer as AuthorizationReport;
  if (rates.length === 0) return `No authorizations from ${from} to ${to}.`;
  const table = newTable(['brand', 'funding', 'country', 'authorized', 'declined', 'blocked', 'rate']);
  for (const one of rates) table.push([one.brand ?? '?', one.funding ?? '?', one.country ?? '?', ...figures(one)]);
  table.push(['all', '', '', ...figures(total)]);
  return `${from} to ${to}\n${table.toString()}\nblocked: the provider did not ask the bank; not counted in the rate`;
}

function figures({ authorized, declined, blocked, rate }: AuthorizationCounts) {
  const texts = [
    String(authorized),
    String(declined),
    String(blocked),
    rate === null ? '' : `${(rate * 100).toFixed(1)} %`,
  ];
  return texts.map((content) => ({ hAlign: 'right' as const, content }));
}
