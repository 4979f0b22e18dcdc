import type { Command } from 'commander';
import { CommandFailed } from '../../clients/cli/gateway-client';
import { parseConfig } from '../config/config';
import { findingLines, type Finding } from './finding';
import type { StepResult } from './step';

export interface SetupCommandDeps {
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
}

/** Adds `setup` and `doctor`. They talk to Postgres and Temporal directly, so they need no gateway. */
export function addSetup(program: Command, { environment, print }: SetupCommandDeps): void {
  const asJson = (): boolean => program.opts<{ json?: boolean }>().json === true;
  program
    .command('setup')
    .description('prepare Postgres and Temporal for Holdfast; may be repeated')
    .option('--dry-run', 'only show what would be done')
    .action(async ({ dryRun = false }: { dryRun?: boolean }) => {
      const config = parseConfig(environment);
      // Loaded on demand: the other commands do not need it.
      const { setUp } = await import('./set-up.js');
      const results: StepResult[] = [];
      const report = (result: StepResult): void => {
        results.push(result);
        if (!asJson()) for (const line of stepLines(result)) print(line);
      };
      const done = await setUp(config, { dryRun, report });
      if (asJson()) print(JSON.stringify(results, null, 2));
      if (!done) throw new CommandFailed('not everything is set up; run it again once the cause is fixed');
    });
  program
    .command('doctor')
    .description('check everything that worker and gateway need; changes nothing')
    .action(async () => {
      const { examine } = await import('./doctor.js');
      const findings: Finding[] = [];
      await examine(environment, (finding) => {
        findings.push(finding);
        if (!asJson()) for (const line of findingLines(finding)) print(line);
      });
      if (asJson()) print(JSON.stringify(findings, null, 2));
      const failed = findings.filter(({ status }) => status === 'fail').length;
      if (failed > 0) throw new CommandFailed(`${failed} of ${findings.length} checks failed`);
    });
}

function stepLines({ step, state, text, next }: StepResult): string[] {
  return [
    `${state.padEnd(13)}  ${step.padEnd(18)}  ${text}`,
    ...(next === undefined ? [] : [`${' '.repeat(35)}-> ${next}`]),
  ];
}
