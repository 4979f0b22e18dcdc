import { closeConnections } from '../../support/environment';
import { wrongsAtTheEnd } from './checks';
import { createFaultWorld } from '../fault-world';
import { applicable, newBoundaries, record, runCases } from './matrix';
import type { Mode } from '../plan';
import { isSampled, modes } from '../plan';
import { report } from '../report';
import type { StoryResult } from '../report';
import { stories } from './stories';

/** Killed processes have a test of their own. */
const MODES = (Object.keys(modes) as Mode[]).filter((mode) => mode !== 'kill');
/** To look closer at some: names of modes and of stories, with commas between them. */
const only = process.env['HOLDFAST_FAULT_MODES']?.split(',');
const chosen = process.env['HOLDFAST_FAULT_STORIES']?.split(',');
const results: StoryResult[] = [];

const known = new Set<string>();
const sampled = new Map<string, number>();

afterAll(async () => {
  await closeConnections();
  console.log(report('fault matrix', results));
});

describe('every boundary, broken in every way, leaves money, stock and orders in agreement', () => {
  it.each(Object.values(stories).filter(({ name }) => chosen?.includes(name) ?? true))(
    '$name',
    async (story) => {
      const world = await createFaultWorld({ policy: story.policy });
      try {
        const whole = await record(world, story);
        const recording = { ...whole, boundaries: newBoundaries(whole, known) };
        const tried = MODES.filter((mode) => only?.includes(mode) ?? true);
        const faults = recording.boundaries.flatMap((boundary) =>
          tried
            .filter((mode) => applicable(boundary, mode) && isSampled(boundary, mode, sampled))
            .map((mode) => ({ ...boundary, mode })),
        );
        const verdicts = await runCases(world, recording, faults);
        results.push({ recording, verdicts });
        const wrong = verdicts.filter((one) => one.violations.length > 0 || !one.reached);
        expect(wrong).toEqual([]);
        expect(await wrongsAtTheEnd(world)).toEqual([]);
      } finally {
        await world.close();
      }
    },
    // The longest story has some 200 cases.
    600_000,
  );
});
