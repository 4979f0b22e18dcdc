import { closeConnections } from '../../support/environment';
import { canBreak, newAfterSaleBoundaries, recordAfterSale, runAfterSale } from './matrix';
import { afterSaleStories } from './stories';
import type { Mode } from '../plan';
import { isSampled, modes } from '../plan';
import { report } from '../report';
import type { StoryResult } from '../report';

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
  console.log(report('fault matrix after the sale', results));
});

describe('every boundary after the sale, broken in every way, leaves money and words in agreement', () => {
  it.each(afterSaleStories.filter(({ name }) => chosen?.includes(name) ?? true))(
    '$name',
    async (story) => {
      const whole = await recordAfterSale(story);
      const recording = { ...whole, boundaries: newAfterSaleBoundaries(whole, known) };
      const tried = MODES.filter((mode) => only?.includes(mode) ?? true);
      const faults = recording.boundaries.flatMap((boundary) =>
        tried
          .filter((mode) => canBreak(boundary, mode) && isSampled(boundary, mode, sampled))
          .map((mode) => ({ ...boundary, mode })),
      );
      const verdicts = await runAfterSale(recording, faults);
      results.push({ recording, verdicts });
      expect(verdicts.filter((one) => one.violations.length > 0 || !one.reached)).toEqual([]);
    },
    300_000,
  );
});
