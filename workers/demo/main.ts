import { pino } from 'pino';
import { ConfigurationError, parseConfig } from '../config/config';
import { helpAsked, readCommandLine } from '../processes/command-line';
import type { CommandLine } from '../processes/command-line';
import { INTERRUPTED, runMain, startOrLeave, stopAndExit, untilSignal } from '../processes/process';
import { describeStack, startStackApp } from '../processes/stack-app';
import type { StackApp } from '../processes/stack-app';
import { DUNNING, perform, POLICY } from './performance';
import type { Outcome } from './performance';
import { Progress } from './progress';

/** `npm run demo`: runs the whole stack in one process, plays the scenes, prints their table, and stays up until Ctrl-C. */
async function main(): Promise<void> {
  const help = helpAsked(process.argv.slice(2));
  if (help !== undefined) return console.log(help);
  const commandLine = readCommandLine(process.argv.slice(2));
  if (parseConfig(process.env).stripe !== undefined) throw new ConfigurationError([STRIPE_IS_SET]);
  // With --json, standard output is only for the one line of JSON.
  const progress = new Progress(commandLine.json ? process.stderr : process.stdout);
  // Logs only warnings by default, so that the scenes stay readable.
  const log = pino({ level: process.env['LOG_LEVEL'] ?? 'warn' }, process.stderr);
  const unguard = progress.guard(process.stderr);
  const signalled = untilSignal();
  const say = (line: string): void => progress.print(line);
  const running = await startOrLeave(
    () => startStackApp({ commandLine, log, say, policy: POLICY, dunning: DUNNING }),
    signalled,
    say,
  );
  const abort = new AbortController();
  const failed = running.failed.then((reason): 'failed' => {
    say(`${reason}: the demo cannot continue`);
    return 'failed';
  });
  const ended = Promise.race([failed, signalled.then((): 'interrupted' => 'interrupted')]);
  const outcome = await Promise.race([perform(running, progress, abort.signal), ended]);
  let code = outcome === 'interrupted' ? INTERRUPTED : 1;
  if (typeof outcome !== 'string') {
    printOutcome(running, outcome, commandLine, progress);
    code = outcome.succeeded ? 0 : 1;
    if (!commandLine.exit && (await ended) === 'failed') code = 1;
  }
  abort.abort(new Error('the demo was interrupted'));
  progress.stop();
  unguard();
  progress.print('Stopping …');
  await stopAndExit(() => running.stop(), code);
}

const STRIPE_IS_SET =
  'The demo plays bank and customer at the Stripe simulator: unset STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET for it, or run npm start against Stripe';

function printOutcome(running: StackApp, outcome: Outcome, commandLine: CommandLine, progress: Progress): void {
  const about = describeStack(running);
  progress.stop();
  for (const line of outcome.lines) progress.print(line);
  if (commandLine.json) {
    const { scenes, failed, orders, violations } = outcome;
    console.log(JSON.stringify({ ...about, demo: { scenes, failed, orders, violations } }));
  }
  if (commandLine.exit) return;
  for (const line of lookAround(running, String(about['apiKey']))) progress.print(line);
}

function lookAround({ gateway, stack }: StackApp, apiKey: string): string[] {
  const { uiUrl, address } = stack.temporal;
  return [
    '',
    'Look around:',
    `  Temporal UI   ${uiUrl ?? `none; the server is at ${address}`}`,
    `  API           ${gateway.url}/docs`,
    `  API key       ${apiKey}`,
    ...(stack.mail === undefined ? [] : [`  Mails         ${stack.mail.url}`]),
    '',
    'Or in another terminal, from this folder:',
    `  export HOLDFAST_URL=${gateway.url} HOLDFAST_API_KEY=${apiKey}`,
    '  npx holdfast orders list',
    '  npx holdfast orders stuck',
    '  curl -s -H "Authorization: Bearer $HOLDFAST_API_KEY" "$HOLDFAST_URL/v1/orders?waitingOn=warehouse"',
    '',
    "An operator's five questions, for the query field of the Temporal UI:",
    ...operatorQueries(new Date()).map(([question, query]) => `  ${question.padEnd(30)} ${query}`),
    '',
    'Ctrl-C stops everything.',
  ];
}

function operatorQueries(now: Date): [question: string, query: string][] {
  const open = "ExecutionStatus = 'Running'";
  return [
    ['What waits for the warehouse?', `WaitingOn = 'warehouse' AND ${open}`],
    ['What waits for the customer?', `WaitingOn = 'customer' AND ${open}`],
    ['What is overdue?', `WaitingUntil < '${now.toISOString()}' AND ${open}`],
    ['What needs a person?', `ExceptionKind IS NOT NULL AND ${open}`],
    ['Which orders need a payment?', `PaymentState = 'payment_needed' AND ${open}`],
  ];
}

runMain(main);
