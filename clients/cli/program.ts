import type { Command } from 'commander';
import { addDisputes } from './disputes';
import { addExceptions } from './exceptions';
import type { GatewayClient } from './gateway-client';
import { addNotices } from './notices';
import { CliCommand, type CommandDeps } from './options';
import { addOrders } from './orders';
import { addPayments } from './payments';
import { addRefunds } from './refunds';
import { addSubscriptions } from './subscriptions';

/** Where the command line gets its gateway from and writes to. */
export interface CliDeps {
  readonly gateway: () => GatewayClient;
  readonly print: (text: string) => void;
}

/** The command line as a whole. */
export function createProgram({ gateway, print }: CliDeps): Command {
  const program = new CliCommand('holdfast')
    .description('Look at orders and move them on, through the gateway; set Holdfast up and check it.')
    .option('--json', 'print JSON, for scripts')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help to see what is possible)')
    .addHelpText(
      'after',
      '\nEnvironment:\n' +
        '  HOLDFAST_URL      the gateway (default http://127.0.0.1:8080)\n' +
        '  HOLDFAST_API_KEY  its API key\n' +
        '  setup and doctor read the configuration of worker and gateway instead: see docs/configuration.md\n' +
        '\nExit status: 0 done, 1 refused or failed, 2 wrong usage.',
    );
  const show: CommandDeps['show'] = async (answer, table) => {
    const json = program.opts<{ json?: boolean }>().json === true;
    print(json ? JSON.stringify(answer, null, 2) : await table(answer));
  };
  const deps = { gateway, show };
  addOrders(program, deps);
  addExceptions(program, deps);
  addNotices(program, deps);
  addPayments(program, deps);
  addRefunds(program, deps);
  addDisputes(program, deps);
  addSubscriptions(program, deps);
  return program;
}
