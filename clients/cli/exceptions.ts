import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { resolutionRequest, type exceptionsAnswer } from '../schemas/exceptions';
import { idempotencyKeyOption, type CommandDeps } from './options';
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
      deps.show(await deps.gateway().get(pathOf(exceptionId)), answerTable);
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
  const table = newTable(['exception', 'kind', 'of', 'owner', 'since', 'what is possible']);
  for (const { exceptionId, kind, orderId, subjectId, owner, raisedAt, actions, elsewhere } of exceptions) {
    const possible = [actions.join(', '), elsewhere ?? ''].filter(Boolean).join('; ');
    table.push([exceptionId, kind, subjectId ?? orderId ?? '', owner, raisedAt, possible]);
  }
  return table.toString();
}
