import { helpAsked, readCommandLine } from './command-line';
import { createProcessLog, runMain, startOrLeave, stopAndExit, untilSignal } from './process';
import { describeStack, startStackApp } from './stack-app';

/** `npm start`: the whole stack in one process, until Ctrl-C. */
async function main(): Promise<void> {
  const help = helpAsked(process.argv.slice(2));
  if (help !== undefined) return console.log(help);
  const commandLine = readCommandLine(process.argv.slice(2));
  const log = createProcessLog();
  const say = (line: string): void => console.error(line);
  const signalled = untilSignal();
  const running = await startOrLeave(() => startStackApp({ commandLine, log, say }), signalled, say);
  const about = describeStack(running);
  if (commandLine.json) console.log(JSON.stringify(about));
  say(`Gateway: ${running.gateway.url} (API documentation at ${running.gateway.url}/docs)`);
  say('For the command line and curl, paste this line into another terminal:');
  say(`  export HOLDFAST_URL=${running.gateway.url} HOLDFAST_API_KEY=${String(about['apiKey'])}`);
  if (running.stack.temporal.uiUrl !== undefined) say(`Temporal UI: ${running.stack.temporal.uiUrl}`);
  say('Ready. Ctrl-C stops everything.');
  const failure = await Promise.race([signalled.then(() => undefined), running.failed]);
  if (failure !== undefined) say(`${failure}: the stack cannot continue`);
  say('Stopping …');
  await stopAndExit(() => running.stop(), failure === undefined ? 0 : 1);
}

runMain(main);
