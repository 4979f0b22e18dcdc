import { CommanderError } from 'commander';
import { createGatewayClient } from '../../../clients/cli/gateway-client';
import { createProgram } from '../../../clients/cli/program';
import { API_KEY } from './gateway-fakes';

/** Runs the command line in this process, over HTTP to the gateway at `url`; answers with what it printed. */
export async function runCli(url: string, args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const environment = { HOLDFAST_URL: url, HOLDFAST_API_KEY: API_KEY };
  const program = createProgram({
    gateway: () => createGatewayClient(environment),
    print: (text) => lines.push(text),
  });
  for (const command of [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: (text) => lines.push(text) });
  }
  await program.parseAsync(['node', 'holdfast', ...args]).catch((error: unknown) => {
    // Help was asked for and printed.
    if (!(error instanceof CommanderError && error.exitCode === 0)) throw error;
  });
  return lines.join('\n');
}
