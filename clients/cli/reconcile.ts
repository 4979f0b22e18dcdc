import type { Command } from 'commander';
import type { SettlementReport } from '../../workflows/settlement/ports';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { CommandDeps } from './options';
import { newTable } from './tables';

/** Adds `holdfast payments reconcile`. */
export function addReconcile(payments: Command, deps: CommandDeps): void {
  payments
    .command('reconcile')
    .description("compare the ledger of a day with the provider's balance")
    .requiredOption('--date <day>', 'a day in UTC, YYYY-MM-DD')
    .option('--last', 'show the result of the last comparison of that day instead')
    .action(async ({ date, last }: { date: string; last?: true }) => {
      const path = '/v1/payments/reconciliations';
      const answer =
        last === true
          ? await deps.gateway().get(`${path}/${encodeURIComponent(date)}`)
          : await deps.gateway().post(path, { date });
      await deps.show(answer, reportTable);
    });
}

function reportTable(answer: unknown): string {
  const { date, providerMovements, matched, differences, ranAt } = answer as SettlementReport;
  const head = `${date}, compared ${ranAt}: ${providerMovements} movements at the provider, ${matched} positions agree`;
  if (differences.length === 0) return `${head}, none differ.`;
  const table = newTable(['position', 'cause', 'order', 'ledger', 'provider']);
  for (const one of differences) {
    const { position, cause, explained, orderId = '', currency } = one;
    const money = (amount: number): string => formatMoney({ amount, currency });
    const amounts = [money(one.ledgerAmount), money(one.providerAmount)];
    table.push([
      position,
      explained ? cause : `${cause} (!)`,
      orderId,
      ...amounts.map((content) => ({ hAlign: 'right' as const, content })),
    ]);
  }
  return `${head}\n${table.toString()}\n(!): no cause explains it; an exception is open`;
}
