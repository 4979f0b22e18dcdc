import { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getNativeConnection, testEnvironment } from '../support/environment';
import { createWorld } from '../support/world';
import { LOUD } from '../support/subscriptions';
import { checkoutPaths } from './checkout-paths';
import { disputePaths } from './dispute-paths';
import { fraudWarningPaths } from './fraud-warning-paths';
import { orderHoldPaths } from './order-hold-paths';
import { orderPaths } from './order-paths';
import { reconciliationPaths } from './reconciliation-paths';
import { refundPaths } from './refund-paths';
import { subscriptionPaths } from './subscription-paths';
import { toHistoryJson } from './history-json';
import type { HistoryJson } from './history-json';
import { recordingDataConverter, RECORDING_TEST_KEY } from './recording-key';
import { cancelDuring, failOnce, Stage } from './stage';
import type { Path } from './stage';

/*
 * Records the history of every path to its end, for replay.test.ts. To record again:
 *
 *   HOLDFAST_RECORD=all npx jest --testPathPatterns test/replay/recording
 *
 * or, with the names of paths in place of `all`, separated by commas, those; with `new`, those that have none yet.
 *
 * That is right only before a first release, or to add a path. A change of the workflows that breaks the recordings breaks
 * orders that are under way too: it needs `patched()` or a new version, not new recordings.
 */

export const paths: readonly Path[] = [
  ...checkoutPaths,
  ...orderPaths,
  ...orderHoldPaths,
  ...refundPaths,
  ...disputePaths,
  ...fraudWarningPaths,
  ...subscriptionPaths,
  ...reconciliationPaths,
];

const FOLDER = join(__dirname, 'histories');

/** Two cores play about this many paths at a time. */
const AT_ONCE = 3;

/** The paths that `what` means: `all`, `new` ones without a recording, or some by name. @throws Error for a name of none */
export async function chosen(what: string): Promise<readonly Path[]> {
  if (what === 'all') return paths;
  const recorded = new Set(await recordedNames());
  if (what === 'new') return paths.filter((path) => !recorded.has(path.name));
  return what.split(',').map((name) => {
    const path = paths.find((one) => one.name === name);
    if (path === undefined) throw new Error(`there is no path "${name}"`);
    return path;
  });
}

/** Plays paths and writes their histories, no others; files of paths that are no more are removed. Answers with the events of each. */
export async function record(what: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const waiting = [...(await chosen(what))];
  const play = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const history = await historyOf(path);
      await writeFile(fileOf(path.name), `${JSON.stringify(history)}\n`);
      counts.set(path.name, history.events.length);
    }
  };
  // All settle before one that failed is told, so that none is cut off in the middle.
  const players = await Promise.allSettled(Array.from({ length: AT_ONCE }, play));
  const failures = players.flatMap((player) => (player.status === 'rejected' ? [player.reason as Error] : []));
  if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => failure.message).join('; '));
  const known = new Set(paths.map((path) => path.name));
  for (const name of await recordedNames()) if (!known.has(name)) await rm(fileOf(name));
  return counts;
}

/** Names of what is recorded, in order. */
export async function recordedNames(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

export async function readHistory(name: string): Promise<HistoryJson> {
  return JSON.parse(await readFile(fileOf(name), 'utf8')) as HistoryJson;
}

export function fileOf(name: string): string {
  return join(FOLDER, `${name}.json`);
}

async function historyOf(path: Path): Promise<HistoryJson> {
  const world = await createWorld({
    encryptionKeys: [RECORDING_TEST_KEY],
    interceptors: { activity: [failOnce(path.faults ?? []), cancelDuring(path.cancelDuring)] },
    // No quiet hours: what is said when must not depend on the hour at which it is recorded.
    dunning: { ...LOUD, ...path.dunning },
    ...(path.disputes === undefined ? {} : { disputes: path.disputes }),
    ...(path.simulator === undefined ? {} : { simulator: path.simulator }),
  });
  try {
    const { workflowId, runId } = await path.play(new Stage(world, path.policy));
    const history = await (await largeClient()).workflow.getHandle(workflowId, runId).fetchHistory();
    return await tidy(toHistoryJson(history));
  } catch (error) {
    throw new Error(`"${path.name}" could not be played: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    await world.close();
  }
}

/** Padded histories are longer than the 4 MB that the client's own connection takes at once; the worker's takes more. */
async function largeClient(): Promise<Client> {
  return new Client({ connection: await getNativeConnection(), namespace: testEnvironment().temporalNamespace });
}

/** Takes out what says nothing of the workflow: who recorded it, where, and padding. Replay reads none of it. */
async function tidy(history: HistoryJson): Promise<HistoryJson> {
  const small = await encodedHint();
  const text = JSON.stringify(history, (key, value: unknown) => {
    if (key === 'identity') return 'recorder';
    if (key === 'stackTrace') return '';
    if (key === 'name' && typeof value === 'string' && STICKY_QUEUE.test(value)) return 'recorder';
    return key === 'payloads' && JSON.stringify(value).length > LONGEST_PAYLOADS ? [small] : value;
  });
  return JSON.parse(text) as HistoryJson;
}

/** A worker's own queue is named after its process and its machine. */
const STICKY_QUEUE = /^\d+@/;

/** Nothing that Holdfast itself says is as long as this; what is, is padding. */
const LONGEST_PAYLOADS = 100_000;

/** A signal's argument without its padding, encrypted as it was. */
async function encodedHint(): Promise<Record<string, unknown>> {
  const payload = defaultPayloadConverter.toPayload({ paymentIntentId: 'pi_padded' });
  const [encoded] =
    (await recordingDataConverter.payloadCodecs?.[0]?.encode(payload === undefined ? [] : [payload])) ?? [];
  const { metadata, data } = encoded as Payload;
  const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
  const entries = Object.entries(metadata ?? {}).map(([key, value]) => [key, base64(value)] as const);
  return { metadata: Object.fromEntries(entries), data: base64(data) };
}
