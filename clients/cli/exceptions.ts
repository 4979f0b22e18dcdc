import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { resolutionRequest, type exceptionsAnswer } from '../schemas/exceptions';
import { idempotencyKeyOption, type CommandDeps } from './options';
import { formatMoney } from '../../workflows/domain/shared/money';
import { answerTable, newTable } from './tables';

type Exceptions = z.output<typeof exceptionsAnswer>['exceptions'];

/** Adds `holdfast exceptions`: what needs a person, and what a person decides. */
export function addExceptions(program: Command, deps: CommandDeps, limit: Option): void {
  const exceptions = program.command('exceptions').description('what needs a person');
  exceptions
    .command('list')
    .description('open ones, oldest first')
    .option('--order <id>', 'only those of this order')
    .addOption(limit)
    .action(async (options: { order?: string; limit?: number }) => {
      const search = new URLSearchParams();
      for (const [name, value] of Object.entries(options)) if (value !== undefined) search.set(name, String(value));
      deps.show(await deps.gateway().get(`/v1/exceptions?${search.toString()}`), exceptionsTable);
    });
  exceptions
    .command('show')
    .description('one with all that is known of it, and what can be done')
    .argument('<exceptionId>')
    .action(async (exceptionId: string) => {
      deps.show(await deps.gateway().get(pathOf(exceptionId)), exceptionTable);
    });
  exceptions
    .command('resolve')
    .description('decide one: try again, give up what failed, or take it as settled by hand')
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
      deps.show(await deps.gateway().post(`${pathOf(exceptionId)}/resolution`, body, idempotencyKey), answerTable);
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

/** One exception; what is not known of it is left out. */
function exceptionTable(answer: unknown): string {
  const one = answer as Exceptions[number];
  const decision = one.decidedBy === null ? '' : `${one.resolution ?? ''}, ${one.decidedBy}`;
  const byItself = one.resolvedAt !== null && one.decidedBy === null ? ', by itself' : '';
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
    ['resolved', one.resolvedAt === null ? '' : `${one.resolvedAt}${byItself}`],
    ['what is possible', possibleOf(one)],
  ];
  const table = newTable([]);
  for (const [field, text] of rows) if (text !== '') table.push({ [field]: text });
  return table.toString();
}

function atRiskOf({ amountAtRisk, currency }: Exceptions[number]): string {
  return amountAtRisk === null || currency === null ? '' : formatMoney({ amount: amountAtRisk, currency });
}

/** The command for each route where an exception is decided. */
const COMMANDS: Readonly<Record<string, string>> = {
  'orders/shipments': 'ship',
  'orders/cancel': 'cancel',
  'orders/deliveries': 'deliver',
  'orders/hold-decision': 'decide',
  'orders/refunds': 'refunds create',
  'refunds/resolution': 'refunds resolve',
  'refunds/cancel': 'refunds cancel',
  'disputes/decision': 'disputes decide',
  'fraud-warnings/decision': 'fraud-warnings decide',
};

/** What a person can do, one command a line; what has none as it is. */
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
