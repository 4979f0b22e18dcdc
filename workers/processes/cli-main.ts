#!/usr/bin/env node
import { once } from 'node:events';
import { CommanderError, type Command } from 'commander';
import { CommandFailed, createGatewayClient, UsageError } from '../../clients/cli/gateway-client';
import { createProgram } from '../../clients/cli/program';
import { addSetup } from '../setup/commands';
import { addSimulator } from './simulator-command';

const REFUSED = 1;
const USED_WRONGLY = 2;

/** Runs the command line and sets the exit status; never throws. */
async function main(argv: readonly string[]): Promise<void> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const program = createProgram({ gateway: () => createGatewayClient(process.env), print });
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

/** Commander ends the process with its own status otherwise, which does not tell a wrong use from a refusal. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

function report(error: unknown, json: boolean): number {
  // Commander has said what is wrong, or shown what was asked for (help).
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USED_WRONGLY;
  const message = error instanceof Error ? error.message : String(error);
  const problem = error instanceof CommandFailed ? error.problem : undefined;
  process.stderr.write(json && problem !== undefined ? `${JSON.stringify(problem)}\n` : `holdfast: ${message}\n`);
  return error instanceof UsageError ? USED_WRONGLY : REFUSED;
}

void main(process.argv);
