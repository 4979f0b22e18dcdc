import type { PaymentActivities } from '../../../workflows/payment/ports';
import { outcomeOf, wrongs } from './checks';
import type { Outcome } from './checks';
import type { FaultWorld } from '../fault-world';
import type { AroundStep } from './kill';
import { AT_PROVIDER_ONLY, NEEDS_A_WAY_OUT, TRANSPARENT } from '../plan';
import type { Boundary, Fault, Mode } from '../plan';
import { Play } from './play';
import { corrected, heal, landLate, settle } from './settle';
import type { Story } from './stories';

/** A story as it goes without faults of the matrix. */
export interface Recording {
  readonly story: Story;
  /** All of them, those included that the story breaks itself. */
  readonly boundaries: readonly Boundary[];
  readonly outcome: Outcome;
}

/** What a case came to. */
export interface Verdict {
  readonly story: string;
  readonly fault: Fault;
  /** Did the fault meet its boundary? A case that never got there has shown nothing. */
  readonly reached: boolean;
  readonly violations: readonly string[];
}

/** As many cases are in one step at the same time; more would only queue on two cores. */
const SIDE_BY_SIDE = 8;

/** Plays a story as it is and enumerates its boundaries. @throws Error where that alone breaks an invariant */
export async function record(world: FaultWorld, story: Story): Promise<Recording> {
  const play = new Play(world, story.name, story.faults, story.cart);
  await playSteps(story, [play], (_play, error) => Promise.reject(error as Error));
  const found = await judge(play, undefined, undefined);
  if (play.plan.missed.length > 0) found.push(`its own fault was not met: ${play.plan.missed.map(describe).join()}`);
  if (found.length > 0) throw new Error(`${story.name} without faults: ${found.join('; ')}`);
  return { story, boundaries: play.plan.boundaries, outcome: await outcomeOf(play) };
}

/** The fault of the story itself at this boundary, where it has one. */
function ownFault({ faults }: Story, boundary: Boundary): Fault | undefined {
  return faults.find((one) => one.activity === boundary.activity && one.occurrence === boundary.occurrence);
}

/**
 * The boundaries to break. Stories begin alike: a boundary with the same past as one of an earlier story is the same
 * boundary, and is broken once.
 */
export function newBoundaries({ story, boundaries }: Recording, known: Set<string>): Boundary[] {
  let past = JSON.stringify(story.cart);
  return boundaries.filter((one) => {
    const own = ownFault(story, one);
    past += `, ${one.step}: ${one.activity} ${own?.mode ?? ''}`;
    const isNew = own === undefined && !known.has(past);
    known.add(past);
    return isNew;
  });
}

const AT_PROVIDER: ReadonlySet<string> = new Set<keyof PaymentActivities>([
  'authorizePayment',
  'syncPayment',
  'capturePayment',
  'voidPayments',
]);

/** Modes that mean something at a boundary: only what has an effect at the provider can be torn, refused or answered with a 500. */
export function applicable(boundary: Boundary, mode: Mode): boolean {
  return !AT_PROVIDER_ONLY.has(mode) || AT_PROVIDER.has(boundary.activity);
}

/** Plays every boundary of a recording in every one of these modes, side by side. */
export async function runCases(
  world: FaultWorld,
  recording: Recording,
  faults: readonly Fault[],
  aroundStep: AroundStep<Play> = (_step, _plays, run) => run(),
): Promise<Verdict[]> {
  const { story } = recording;
  const cases = faults.map((fault) => ({
    fault,
    errors: [] as string[],
    play: new Play(world, `${story.name}, ${describe(fault)}`, [...story.faults, fault], story.cart),
  }));
  const plays = cases.map((one) => one.play);
  await playSteps(
    story,
    plays,
    (play, error) => {
      cases.find((one) => one.play === play)?.errors.push(`the story broke off: ${String(error)}`);
      return Promise.resolve();
    },
    aroundStep,
  );
  return mapSome(cases, async ({ fault, play, errors }) => {
    const found = [...errors];
    try {
      found.push(...(await judge(play, fault.mode, recording.outcome)));
    } catch (error) {
      found.push(`it did not settle: ${String(error)}`);
    }
    const reached = !play.plan.missed.includes(fault);
    return { story: story.name, fault, reached, violations: found };
  });
}

async function playSteps(
  story: Story,
  plays: readonly Play[],
  onError: (play: Play, error: unknown) => Promise<void>,
  aroundStep: AroundStep<Play> = (_step, _plays, run) => run(),
): Promise<void> {
  for (const [index, step] of story.steps.entries()) {
    await aroundStep(index, plays, async () => {
      await mapSome(plays, async (play) => {
        play.plan.step = index;
        try {
          await step(play);
        } catch (error) {
          await onError(play, error);
        }
      });
    });
  }
}

/** Looks three times: when things have settled, when retries are over, and when late attempts have landed. */
async function judge(play: Play, mode: Mode | undefined, whole: Outcome | undefined): Promise<string[]> {
  const expected = mode !== undefined && TRANSPARENT.has(mode) ? whole : undefined;
  const needsWayOut = mode !== undefined && NEEDS_A_WAY_OUT.has(mode);
  await settle(play);
  const found = await wrongs(play, 'settled', false);
  await heal(play);
  if (needsWayOut) found.push(...(await corrected(play)));
  found.push(...(await wrongs(play, 'healed', !needsWayOut)));
  if (play.plan.late.length > 0) {
    await landLate(play);
    found.push(...(await wrongs(play, 'after the late attempt', true)));
  }
  if (expected === undefined) return found;
  const outcome = await outcomeOf(play);
  // Local activities of a killed worker are run again from the start of their workflow task. One that its undo has overtaken
  // can only say so: the caller is told `failed` in place of `out_of_stock`, and nothing is held either way.
  const overtaken = expected.answer === 'out_of_stock' && outcome.answer === 'failed';
  const [was, is] = [
    JSON.stringify(expected),
    JSON.stringify(overtaken ? { ...outcome, answer: expected.answer } : outcome),
  ];
  return was === is ? found : [...found, `a fault that is tried again changed the outcome: ${is}, not ${was}`];
}

export function describe(fault: Fault): string {
  return `${fault.activity} #${fault.occurrence}, ${fault.mode}`;
}

/** Maps with at most so many under way at once. */
export async function mapSome<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      results[next[0]] = await work(next[1]);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
  return results;
}
