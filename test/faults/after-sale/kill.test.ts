import { closeConnections } from '../../support/environment';
import { killAfterSale, newAfterSaleBoundaries, recordAfterSale } from './matrix';
import { afterSaleStories } from './stories';
import { report } from '../report';
import type { StoryResult } from '../report';
import { sample } from '../../support/property';

/** Among them are all activities with an effect at the provider, and those that write down what people decide. */
const STORIES = [
  'refund confirmed',
  'refund taken back',
  'dispute won',
  'inquiry closed',
  'dunning to the end',
  'won back by a new card',
];

const results: StoryResult[] = [];
const known = new Set<string>();
let kills = 0;

/** For every day; the whole matrix kills at every boundary of every story. */
const STORIES_PLAYED = 2;
const KILLS_A_STORY = 3;

afterAll(async () => {
  await closeConnections();
  console.log(`${report('fault matrix after the sale, killed processes', results)}\n${kills} processes were killed`);
});

/** Cases wait for time-outs most of the time (30 s after a kill), so the stories wait together. */
it('a worker process killed after any effect leaves money and notices in agreement', async () => {
  const all = afterSaleStories.filter(({ name }) => STORIES.includes(name));
  expect(all).toHaveLength(STORIES.length);
  const played = sample('stories of killed workers', all, STORIES_PLAYED);
  const recordings = await Promise.all(played.map((story) => recordAfterSale(story)));
  const chosen = recordings.map((whole) => ({ ...whole, boundaries: newAfterSaleBoundaries(whole, known) }));
  const ends = await Promise.all(
    chosen.map((recording) => killAfterSale(recording, sample('kills', recording.boundaries, KILLS_A_STORY))),
  );
  chosen.forEach((recording, index) => results.push({ recording, verdicts: ends[index]?.verdicts ?? [] }));
  kills = ends.reduce((sum, one) => sum + one.kills, 0);
  const wrong = results.flatMap(({ verdicts }) => verdicts.filter((one) => one.violations.length > 0 || !one.reached));
  expect(wrong).toEqual([]);
}, 600_000);
