import { closeConnections } from '../../support/environment';
import { wrongsAtTheEnd } from './checks';
import { createFaultWorld } from '../fault-world';
import { applicable, newBoundaries, record, runCases } from './matrix';
import { report } from '../report';
import type { StoryResult } from '../report';
import { CaseChoice, chosenStories } from '../sample';
import { stories } from './stories';
import type { Story } from './stories';

const results: StoryResult[] = [];
const known = new Set<string>();
const choice = new CaseChoice(applicable);

afterAll(async () => {
  await closeConnections();
  console.log(report('fault matrix', results));
});

describe('every boundary, broken in every way, leaves money, stock and orders in agreement', () => {
  it.each(chosenStories<Story>(Object.values(stories)))(
    '$name',
    async (story) => {
      const world = await createFaultWorld({ policy: story.policy });
      try {
        const whole = await record(world, story);
        const recording = { ...whole, boundaries: newBoundaries(whole, known) };
        const verdicts = await runCases(world, recording, choice.of(recording.boundaries));
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
