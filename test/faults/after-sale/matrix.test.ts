import { closeConnections } from '../../support/environment';
import { canBreak, newAfterSaleBoundaries, recordAfterSale, runAfterSale } from './matrix';
import { afterSaleStories } from './stories';
import { report } from '../report';
import type { StoryResult } from '../report';
import { CaseChoice, chosenStories } from '../sample';

const results: StoryResult[] = [];
const known = new Set<string>();
const choice = new CaseChoice(canBreak);

afterAll(async () => {
  await closeConnections();
  console.log(report('fault matrix after the sale', results));
});

describe('every boundary after the sale, broken in every way, leaves money and notices in agreement', () => {
  it.each(chosenStories(afterSaleStories))(
    '$name',
    async (story) => {
      const whole = await recordAfterSale(story);
      const recording = { ...whole, boundaries: newAfterSaleBoundaries(whole, known) };
      const verdicts = await runAfterSale(recording, choice.of(recording.boundaries));
      results.push({ recording, verdicts });
      expect(verdicts.filter((one) => one.violations.length > 0 || !one.reached)).toEqual([]);
    },
    300_000,
  );
});
