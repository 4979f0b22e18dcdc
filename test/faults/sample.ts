import { announceSample, isWhole, seed } from '../support/property';
import { isSampled, modes } from './plan';
import type { Boundary, Fault, Mode } from './plan';

/** Killed processes have tests of their own. */
const MODES = (Object.keys(modes) as Mode[]).filter((mode) => mode !== 'kill');

const listed = (variable: string): readonly string[] | undefined => process.env[variable]?.split(',');

/** To look closer at some: names of modes and of stories, with commas between them. What is named is played whole. */
const onlyModes = listed('HOLDFAST_FAULT_MODES');
const onlyStories = listed('HOLDFAST_FAULT_STORIES');

export function chosenStories<T extends { readonly name: string }>(stories: readonly T[]): readonly T[] {
  return stories.filter(({ name }) => onlyStories?.includes(name) ?? true);
}

/**
 * Chooses the cases of a matrix, story by story. The sample breaks every boundary in one mode: the one that was chosen least so far,
 * so that all modes take turns over the stories. Which of them begins is up to the seed.
 */
export class CaseChoice {
  private readonly turns = new Map<Mode, number>();
  /** How often each mode met each activity. */
  private readonly seen = new Map<string, number>();

  constructor(private readonly canBreak: (boundary: Boundary, mode: Mode) => boolean) {
    if (isWhole) return;
    announceSample('fault cases');
    const first = seed % MODES.length;
    MODES.forEach((mode, index) =>
      this.turns.set(mode, ((index + MODES.length - first) % MODES.length) / MODES.length),
    );
  }

  of(boundaries: readonly Boundary[]): Fault[] {
    const all = MODES.filter((mode) => onlyModes?.includes(mode) ?? true);
    const isSample = !isWhole && onlyModes === undefined && onlyStories === undefined;
    return boundaries.flatMap((boundary) => {
      const possible = all.filter((mode) => this.canBreak(boundary, mode) && isSampled(boundary, mode, this.seen));
      return (isSample ? this.nextOf(possible) : possible).map((mode) => ({ ...boundary, mode }));
    });
  }

  private nextOf(possible: readonly Mode[]): readonly Mode[] {
    const turn = (mode: Mode): number => this.turns.get(mode) ?? 0;
    const [next] = [...possible].sort((a, b) => turn(a) - turn(b));
    if (next === undefined) return [];
    this.turns.set(next, turn(next) + 1);
    return [next];
  }
}
