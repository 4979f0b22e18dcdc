import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { resolutionRequest, type exceptionsAnswer } from '../schemas/exceptions';
import { formatMoney } from '../../workflows/domain/shared/money';
import { idempotencyKeyOption, limitOption, withQuery, type CommandDeps } from './options';
import { newTable, showAnswer } from './tables';

type Exceptions = z.output<typeof exceptionsAnswer>['exceptions'];

/** Adds `holdfast exceptions`. */
export function addExceptions(program: Command, deps: CommandDeps): void {
  const exceptions = program.command('exceptions').description('look at what needs a person, and decide it');
  exceptions
    .command('list')
    .description('open ones, oldest first')
    .option('--order <id>', 'only those of this order')
    .addOption(limitOption())
    .action(async (options: { order?: string; limit?: number }) =>
      deps.show(await deps.gateway().get(withQuery('/v1/exceptions', options)), exceptionsTable),
    );
  exceptions
    .command('show')
    .description('one with all its details, and what can be done')
    .argument('<exceptionId>')
    .action(async (exceptionId: string) => {
      await deps.show(await deps.gateway().get(pathOf(exceptionId)), exceptionTable);
    });
  exceptions
    .command('resolve')
    .description('decide one: retry what failed, give it up, or dismiss what a person has done by hand')
    .argument('<exceptionId>')
    .addOption(
      new Option('--action <action>', 'what to do')
        .choices(resolutionRequest.shape.action.options)
        .makeOptionMandatory(),
    )
    .option('--note <text>', 'why, for the record: no personal data')
    .addOption(idempotencyKeyOption())
    .action(async (exceptionId: string, options: { action: string; note?: string; idempotencyKey?: string }) => {
      const { action, note, idempotencyKey } = options;
      const body = { action, ...(note !== undefined && { note }) };
      await showAnswer(deps, await deps.gateway().post(`${pathOf(exceptionId)}/resolution`, body, idempotencyKey));
    });
}

function pathOf(exceptionId: string): string {
  return `/v1/exceptions/${encodeURIComponent(exceptionId)}`;
}

function exceptionsTable(answer: unknown): string {
  const { exceptions } = answer as { readonly exceptions: Exceptions };
  if (exceptions.length === 0) return 'No open exceptions.';
  const table = newTable(['exception', 'kind', 'of', 'at risk', 'owner', 'since', 'what is possible']);
  for (const one of exceptions) {
    const { exceptionId, kind, orderId, subjectId, owner, raisedAt } = one;
    const atRisk = { hAlign: 'right', content: atRiskOf(one) } as const;
    table.push([exceptionId, kind, subjectId ?? orderId ?? '', atRisk, owner, raisedAt, possibleOf(one)]);
  }
  return table.toString();
}

/** One exception, without the fields that are empty. */
function exceptionTable(answer: unknown): string {
  const one = answer as Exceptions[number];
  const decision = one.decidedBy === null ? '' : `${one.resolution ?? ''}, ${one.decidedBy}`;
  const withoutPerson = one.resolvedAt !== null && one.decidedBy === null ? ', by itself' : '';
  const rows: readonly (readonly [field: string, text: string])[] = [
    ['exception', one.exceptionId],
    ['kind', one.kind],
    ['what happened', one.message],
    ['order', one.orderId ?? ''],
    [one.subjectType ?? 'subject', one.subjectId ?? ''],
    ['workflow', one.workflowId],
    ['at risk', atRiskOf(one)],
    ['owner', one.owner],
    ['since', one.raisedAt],
    ['decided', decision],
    ['note', one.note ?? ''],
    ['resolved', one.resolvedAt === null ? '' : `${one.resolvedAt}${withoutPerson}`],
    ['what is possible', possibleOf(one)],
  ];
  const table = newTable([]);
  for (const [field, text] of rows) if (text !== '') table.push({ [field]: text });
  return table.toString();
}

function atRiskOf({ amountAtRisk, currency }: Exceptions[number]): string {
  return amountAtRisk === null || currency === null ? '' : formatMoney({ amount: amountAtRisk, currency });
}

/** The command for each route that decides an exception. */
const COMMANDS: Readonly<Record<string, string>> = {
  'orders/shipments': 'orders ship',
  'orders/cancel': 'orders cancel',
  'orders/deliveries': 'orders deliver',
  'orders/hold-decision': 'orders decide',
  'orders/refunds': 'refunds create',
  'refunds/resolution': 'refunds resolve',
  'refunds/cancel': 'refunds cancel',
  'disputes/decision': 'disputes decide',
  'fraud-warnings/decision': 'fraud-warnings decide',
};

/** What a person can do, one command a line; a way out for which there is no command is shown as the gateway names it. */
function possibleOf({ exceptionId, actions, elsewhere }: Exceptions[number]): string {
  const resolve = actions.map((action) => `holdfast exceptions resolve ${exceptionId} --action ${action}`);
  return [...resolve, ...(elsewhere === undefined ? [] : commandsOf(elsewhere))].join('\n');
}

function commandsOf(elsewhere: string): string[] {
  const [, noun = '', id = '', routes = ''] =
    /^POST \/v1\/([a-z-]+)\/([^/]+)((?:\/[a-z-]+| or |, corrected)+)$/.exec(elsewhere) ?? [];
  const commands = [...routes.matchAll(/\/([a-z-]+)/g)].map(([, step = '']) => COMMANDS[`${noun}/${step}`]);
  const isWhole = commands.length > 0 && commands.every((one) => one !== undefined);
  return isWhole ? commands.map((one) => `holdfast ${one} ${decodeURIComponent(id)} …`) : [elsewhere];
}
