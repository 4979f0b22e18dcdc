import { afterSaleOutcome, healed, isAPersons, rest, untold, wrongsAfterSale } from './checks';
import type { AfterSaleOutcome } from './checks';
import { AfterSalePlay } from './play';
import type { AfterSaleStory } from './stories';
import { createFaultWorld } from '../fault-world';
import type { FaultWorld, FaultWorldOptions, Sabotage } from '../fault-world';
import { KilledWorker } from '../order/kill';
import type { AroundStep } from '../order/kill';
import { describe, mapSome } from '../order/matrix';
import type { Verdict } from '../order/matrix';
import { AT_PROVIDER_ONLY, NEEDS_A_WAY_OUT, TRANSPARENT } from '../plan';
import type { Boundary, Fault, Mode } from '../plan';

/*
 * The matrix over what comes after a sale. Webhooks are dropped: what a lost attempt has left must be found by the workflow's own
 * looks, and the boundaries of a story are then the same in every run.
 */

/** A story after the sale as it goes without faults of the matrix. */
export interface AfterSaleRecording {
  readonly story: AfterSaleStory;
  readonly boundaries: readonly Boundary[];
  readonly outcome: AfterSaleOutcome;
}

/** Activities with an effect at the provider and a record of ours: these can be torn. */
const TEARABLE: ReadonlySet<string> = new Set([
  'sendRefund',
  'cancelRefund',
  'carryOutDispute',
  'paySubscription',
  'endSubscription',
]);

export function canBreak(boundary: Boundary, mode: Mode): boolean {
  return !AT_PROVIDER_ONLY.has(mode) || TEARABLE.has(boundary.activity);
}

/** Plays a story as it is, in a world of its own: its cases come later, and the provider's clock never goes back. */
export async function recordAfterSale(story: AfterSaleStory, sabotage: Sabotage = {}): Promise<AfterSaleRecording> {
  return inWorld(story, { sabotage }, async (world) => {
    const play = new AfterSalePlay(world, story.name, story.faults);
    await playSteps(story, [play], (_play, error) => Promise.reject(error as Error));
    const found = await judge(story, play, undefined, undefined);
    if (play.plan.missed.length > 0) found.push(`its own fault was not met: ${play.plan.missed.map(describe).join()}`);
    if (found.length > 0) throw new Error(`${story.name} without faults: ${found.join('; ')}`);
    return { story, boundaries: play.plan.boundaries, outcome: await afterSaleOutcome(play) };
  });
}

/**
 * The boundaries that no earlier story with the same past has; the story's own faults are none of them. Of many looks alike in one
 * step the first and the last are broken: those between find what the one before them found.
 */
export function newAfterSaleBoundaries({ story, boundaries }: AfterSaleRecording, known: Set<string>): Boundary[] {
  let past = story.setting;
  return boundaries.filter((one) => {
    const own = story.faults.find((fault) => fault.activity === one.activity && fault.occurrence === one.occurrence);
    past += `, ${one.step}: ${one.activity} ${own?.mode ?? ''}`;
    const isNew = own === undefined && !known.has(past);
    known.add(past);
    const alike = boundaries.filter((other) => other.activity === one.activity && other.step === one.step);
    return isNew && (one === alike[0] || one === alike.at(-1));
  });
}

/** Plays a story with each of these faults, side by side in one world. */
export function runAfterSale(
  recording: AfterSaleRecording,
  faults: readonly Fault[],
  sabotage: Sabotage = {},
): Promise<Verdict[]> {
  return inWorld(recording.story, { sabotage }, (world) => runCases(world, recording, faults));
}

interface Killed {
  readonly verdicts: readonly Verdict[];
  /** How many processes. */
  readonly kills: number;
}

/**
 * The same with the worker in a process of its own, which is killed at each of these boundaries. All cases of a world share it:
 * one that was led past its boundary by the kill of another is played again by itself.
 */
export async function killAfterSale(recording: AfterSaleRecording, boundaries: readonly Boundary[]): Promise<Killed> {
  const together = await killInOneWorld(recording, boundaries);
  const verdicts: Verdict[] = [];
  let { kills } = together;
  for (const [index, verdict] of together.verdicts.entries()) {
    const isMissed = !verdict.reached && verdict.violations.length === 0;
    const again = isMissed ? await killInOneWorld(recording, boundaries.slice(index, index + 1)) : undefined;
    verdicts.push(again?.verdicts[0] ?? verdict);
    kills += again?.kills ?? 0;
  }
  return { verdicts, kills };
}

function killInOneWorld(recording: AfterSaleRecording, boundaries: readonly Boundary[]): Promise<Killed> {
  return inWorld(recording.story, { withoutWorker: true }, async (world) => {
    const worker = new KilledWorker(world);
    try {
      await worker.start();
      const faults = boundaries.map((boundary) => ({ ...boundary, mode: 'kill' as const }));
      const around: AroundStep<AfterSalePlay> = (step, plays, run) => worker.around(step, plays, run);
      return { verdicts: await runCases(world, recording, faults, around), kills: worker.kills };
    } finally {
      await worker.kill();
    }
  });
}

async function runCases(
  world: FaultWorld,
  { story, outcome }: AfterSaleRecording,
  faults: readonly Fault[],
  around?: AroundStep<AfterSalePlay>,
): Promise<Verdict[]> {
  const errors = new Map<AfterSalePlay, string[]>();
  const cases = faults.map((fault) => ({
    fault,
    play: new AfterSalePlay(world, `${story.name}, ${describe(fault)}`, [...story.faults, fault]),
  }));
  await playSteps(
    story,
    cases.map((one) => one.play),
    (play, error) => {
      errors.set(play, [...(errors.get(play) ?? []), `the story broke off: ${String(error)}`]);
      return Promise.resolve();
    },
    around,
  );
  return mapSome(cases, async ({ fault, play }) => {
    const found = [...(errors.get(play) ?? [])];
    try {
      found.push(...(await judge(story, play, fault.mode, outcome)));
    } catch (error) {
      found.push(`it did not settle: ${String(error)}`);
    }
    return { story: story.name, fault, reached: !play.plan.missed.includes(fault), violations: found };
  });
}

async function inWorld<T>(
  story: AfterSaleStory,
  options: FaultWorldOptions,
  use: (world: FaultWorld) => Promise<T>,
): Promise<T> {
  const world = await createFaultWorld(options);
  try {
    world.simulator.setWebhookFaults({ dropTypes: ['*'] });
    story.provider?.(world.simulator);
    return await use(world);
  } finally {
    await world.close();
  }
}

async function playSteps(
  story: AfterSaleStory,
  plays: readonly AfterSalePlay[],
  onError: (play: AfterSalePlay, error: unknown) => Promise<void>,
  around: AroundStep<AfterSalePlay> = (_step, _plays, run) => run(),
): Promise<void> {
  await mapSome(plays, async (play) => {
    await story.setUp(play);
    play.begins();
  });
  for (const [index, step] of story.steps.entries()) {
    const stepOf = async (play: AfterSalePlay): Promise<void> => {
      play.plan.step = index;
      try {
        await step(play);
        await rest(play);
        play.seen.push(...(await untold(play)));
      } catch (error) {
        await onError(play, error);
      }
    };
    await around(index, plays, async () => void (await mapSome(plays, stepOf)));
  }
}

/** Asks again, as a customer would, where the last answer was a refusal. */
async function correct(story: AfterSaleStory, play: AfterSalePlay): Promise<void> {
  if (story.corrected === undefined || play.answers.at(-1)?.accepted !== false) return;
  await story.corrected(play);
  await rest(play);
}

/** Looks when things have settled, when retries are over, and when late attempts have landed. */
async function judge(
  story: AfterSaleStory,
  play: AfterSalePlay,
  mode: Mode | undefined,
  whole: AfterSaleOutcome | undefined,
): Promise<string[]> {
  const expected = mode !== undefined && TRANSPARENT.has(mode) ? whole : undefined;
  await rest(play);
  const found = [...play.seen, ...(await wrongsAfterSale(play, 'settled'))];
  await healed(play, story.ends);
  if (mode !== undefined && NEEDS_A_WAY_OUT.has(mode)) {
    if (await isAPersons(play)) return [...found, ...(await wrongsAfterSale(play, 'healed'))];
    await correct(story, play);
  }
  found.push(...(await wrongsAfterSale(play, 'healed', story.ends)));
  if (play.plan.late.length > 0) {
    // That some of them are refused is what tombstones are for.
    for (const attempt of play.plan.late.splice(0)) await attempt().catch(() => undefined);
    await rest(play);
    found.push(...(await wrongsAfterSale(play, 'after the late attempt', story.ends)));
  }
  if (expected === undefined) return found;
  const [was, is] = [JSON.stringify(expected), JSON.stringify(await afterSaleOutcome(play))];
  return was === is ? found : [...found, `a fault that is tried again changed the outcome: ${is}, not ${was}`];
}
