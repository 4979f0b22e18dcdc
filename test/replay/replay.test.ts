import { DeterminismViolationError } from '@temporalio/workflow';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { workflowBundle } from '../support/environment';
import { fromHistoryJson } from './history-json';
import type { HistoryEventJson, HistoryJson } from './history-json';
import { paths, readHistory, recordedNames } from './record';
import { recordingDataConverter } from './recording-key';

/*
 * Replays the recorded history of every path to its end against the workflows as they are now. Orders live for weeks and
 * meet newer workers: a change that breaks a replay here breaks them as well. Such a change needs `patched()` or a new
 * version of the workers; recording again would only hide it.
 */

const SEARCH_ATTRIBUTES = 'EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES';

beforeAll(() => {
  // What does not replay is the answer here, not news for the log.
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
  });
});

/** What became of each history: undefined where it replays. */
async function replay(histories: Readonly<Record<string, HistoryJson>>): Promise<Record<string, Error | undefined>> {
  const list = Object.entries(histories).map(([workflowId, history]) => ({
    workflowId,
    history: fromHistoryJson(history),
  }));
  const results = Worker.runReplayHistories(
    { workflowBundle: workflowBundle(), dataConverter: recordingDataConverter, replayName: 'recorded' },
    list,
  );
  const outcomes: Record<string, Error | undefined> = {};
  for await (const { workflowId, error } of results) outcomes[workflowId] = error;
  return outcomes;
}

it('has a recording of every path, and none of a path that no longer exists', async () => {
  expect(await recordedNames()).toEqual(paths.map((path) => path.name).sort());
});

it('replays every recorded history', async () => {
  const histories: Record<string, HistoryJson> = {};
  for (const name of await recordedNames()) histories[name] = await readHistory(name);
  const outcomes = await replay(histories);
  const broken = Object.entries(outcomes).filter(([, error]) => error !== undefined);
  expect(broken.map(([name, error]) => `${name}: ${String(error?.message)}`)).toEqual([]);
  expect(Object.keys(outcomes)).toHaveLength(paths.length);
}, 120_000);

it('gives every path a unique name', () => {
  expect(new Set(paths.map((path) => path.name)).size).toBe(paths.length);
});

/** Histories that no version of the workflows would make: whose, what is wrong with it, and how it is made so. */
const alterations: readonly (readonly [string, string, (history: HistoryJson) => HistoryJson])[] = [
  ['order-cancelled', 'asks for another activity', renameActivity('voidPayments')],
  ['order-cancelled', 'lacks the marker of a local activity', withoutFirst('EVENT_TYPE_MARKER_RECORDED')],
  ['order-cancelled', 'never wrote its search attributes', withoutFirst(SEARCH_ATTRIBUTES)],
  ['dispute-accepted', 'asks for another activity', renameActivity('carryOutDispute')],
  ['dispute-inquiry-escalated', 'never wrote its search attributes', withoutFirst(SEARCH_ATTRIBUTES)],
  ['fraud-warning-refunded', 'starts no refund', withoutFirst('EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED')],
  ['subscription-won-back', 'lacks the marker of a local activity', withoutFirst('EVENT_TYPE_MARKER_RECORDED')],
  ['subscription-dunning-to-cancel', 'never set a timer', withoutFirst('EVENT_TYPE_TIMER_STARTED')],
  ['reconciliation-with-a-difference', 'asks for another activity', renameActivity('compareSettlement')],
];

describe('a history that the workflows did not make', () => {
  let outcomes: Record<string, Error | undefined>;
  // All in one replay: each takes a worker of its own, with the bundle to load.
  beforeAll(async () => {
    const histories: Record<string, HistoryJson> = {};
    for (const [name, what, alter] of alterations) {
      const history = await readHistory(name);
      histories[`${name}: ${what}`] = alter(history);
      histories[name] = history;
    }
    outcomes = await replay(histories);
  }, 60_000);

  it.each(alterations)('%s that %s is detected', (name, what) => {
    expect(outcomes[`${name}: ${what}`]).toBeInstanceOf(DeterminismViolationError);
    expect(Object.keys(outcomes)).toContain(name);
    expect(outcomes[name]).toBeUndefined();
  });
});

function renameActivity(activity: string): (history: HistoryJson) => HistoryJson {
  return (history) => {
    const text = JSON.stringify(history);
    expect(text).toContain(`"${activity}"`);
    return JSON.parse(text.replaceAll(`"${activity}"`, '"somethingElse"')) as HistoryJson;
  };
}

/** Leaves the first event of a type out and counts the ones after it anew. */
function withoutFirst(eventType: string): (history: HistoryJson) => HistoryJson {
  return (history) => {
    const gone = history.events.find((event) => event.eventType === eventType);
    if (gone === undefined) throw new Error(`the history has no ${eventType}`);
    const kept = history.events.filter((event) => event !== gone);
    const events = JSON.parse(JSON.stringify(kept), (key, value: unknown) =>
      /eventId$/i.test(key) && Number(value) > Number(gone.eventId) ? String(Number(value) - 1) : value,
    ) as HistoryEventJson[];
    return { events };
  };
}
