#!/usr/bin/env node
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { CommanderError, type Command } from 'commander';
import { CommandFailed, createGatewayClient, UsageError } from '../../clients/cli/gateway-client';
import { createProgram } from '../../clients/cli/program';
import { addSetup } from '../setup/commands';
import { addSimulator } from './simulator-command';

const REFUSED = 1;
const WRONG_USAGE = 2;

/** Runs the command line and sets the exit status; never throws. */
async function main(argv: readonly string[]): Promise<void> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const program = createProgram({ gateway: () => createGatewayClient(process.env), print });
  program.version(packageVersion(), '--version', 'print the version');
  addSetup(program, { environment: process.env, print });
  addSimulator(program, { print, interrupted });
  throwInsteadOfExit(program);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error, program.opts<{ json?: boolean }>().json === true);
  }
}

const interrupted = (): Promise<unknown> => Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));

/** Otherwise Commander ends the process with status 1, which means here that the gateway refused. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

function report(error: unknown, json: boolean): number {
  // Commander has already printed the error, the help or the version.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
  const message = error instanceof Error ? error.message : String(error);
  const problem = error instanceof CommandFailed ? error.problem : undefined;
  process.stderr.write(json && problem !== undefined ? `${JSON.stringify(problem)}\n` : `holdfast: ${message}\n`);
  return error instanceof UsageError ? WRONG_USAGE : REFUSED;
}

function packageVersion(): string {
  const file = readFileSync(require.resolve('@holdfast/workers/package.json'), 'utf8');
  return (JSON.parse(file) as { readonly version: string }).version;
}

void main(process.argv);
