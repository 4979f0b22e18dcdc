import { InvalidArgumentError, type Command } from 'commander';
import { CommandFailed } from '../../clients/cli/gateway-client';
import { errorCode } from '../dependencies/error-code';
import type * as simulatorModule from '../embedded/stripe/server';

export interface SimulatorCommandDeps {
  readonly print: (text: string) => void;
  /** Resolves at Ctrl-C. */
  readonly interrupted: () => Promise<unknown>;
}

/** The port of the embedded stack's simulator, too. */
const DEFAULT_PORT = 12111;
const MAX_PORT = 65_535;

/** Adds `simulator`: the Stripe simulator alone, for the tests of a shop's own code. It is part of no production install. */
export function addSimulator(program: Command, { print, interrupted }: SimulatorCommandDeps): void {
  program
    .command('simulator')
    .description('run the Stripe simulator alone on the loopback address, until Ctrl-C')
    .option('--port <number>', 'where it listens; 0: any free port', port, DEFAULT_PORT)
    .option('--webhook-url <url>', 'where it sends its events', webhookUrl)
    .action(async (options: { readonly port: number; readonly webhookUrl?: string }) => {
      const { startStripeSimulator } = await loadSimulator();
      const simulator = await startStripeSimulator({ port: options.port }).catch((error: unknown) => {
        if (errorCode(error) !== 'EADDRINUSE') throw error;
        throw new CommandFailed(`port ${options.port} is in use; choose another with --port, or 0 for any free one`);
      });
      simulator.setWebhookEndpoint(options.webhookUrl);
      const { url, secretKey, webhookSecret } = simulator;
      const isJson = program.opts<{ json?: boolean }>().json === true;
      const lines = [
        `Stripe simulator  ${url}`,
        `secret key        ${secretKey}`,
        `webhook secret    ${webhookSecret}`,
      ];
      print(isJson ? JSON.stringify({ url, secretKey, webhookSecret }) : [...lines, 'Ctrl-C ends it.'].join('\n'));
      await interrupted();
      await simulator.stop();
    });
}

/** @throws CommandFailed where the embedded parts, or what they import, are not installed */
async function loadSimulator(): Promise<Pick<typeof simulatorModule, 'startStripeSimulator'>> {
  try {
    return await import('../embedded/stripe/server.js');
  } catch (error) {
    if (errorCode(error) !== 'MODULE_NOT_FOUND') throw error;
    const hint = 'in a checkout of the repository, "npm ci" without --workspace installs it';
    throw new CommandFailed(
      `the Stripe simulator is in the package @holdfast/embedded, which is missing here: ${hint}`,
    );
  }
}

function port(value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= MAX_PORT) return Number(value);
  throw new InvalidArgumentError(`It must be a number from 0 to ${MAX_PORT}.`);
}

function webhookUrl(value: string): string {
  if (/^https?:\/\//.test(value) && URL.canParse(value)) return value;
  throw new InvalidArgumentError('It must be an http(s) URL.');
}
