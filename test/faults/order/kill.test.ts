import { closeConnections } from '../../support/environment';
import { wrongsAtTheEnd } from './checks';
import { createFaultWorld } from '../fault-world';
import { KilledWorker } from './kill';
import { newBoundaries, record, runCases } from './matrix';
import { report } from '../report';
import type { StoryResult } from '../report';
import { sample } from '../../support/property';
import { stories } from './stories';
import type { Story } from './stories';

const results: StoryResult[] = [];
const known = new Set<string>();
let kills = 0;

/** For every day; the whole matrix kills at every boundary. */
const KILLS_A_STORY = 3;

afterAll(async () => {
  await closeConnections();
  console.log(`${report('fault matrix, killed processes', results)}\n${kills} processes were killed`);
});

/** Stories wait for time-outs most of the time (30 s after a kill), so they wait together. */
it('a worker process killed after any effect leaves money, stock and orders in agreement', async () => {
  const { parcels, cancel, outOfStock, renewal, refused } = stories;
  const played = sample<Story>('stories of killed workers', [parcels, cancel, outOfStock, renewal, refused], 2);
  const worlds = await Promise.all(
    played.map((story) => createFaultWorld({ policy: story.policy, withoutWorker: true })),
  );
  const workers = worlds.map((world) => new KilledWorker(world));
  try {
    const recordings = await Promise.all(
      played.map(async (story, index) => {
        await workers[index]?.start();
        return record(worlds[index]!, story);
      }),
    );
    const chosen = recordings.map((whole) => ({ ...whole, boundaries: newBoundaries(whole, known) }));
    await Promise.all(
      chosen.map(async (recording, index) => {
        const boundaries = sample('kills', recording.boundaries, KILLS_A_STORY);
        const faults = boundaries.map((boundary) => ({ ...boundary, mode: 'kill' as const }));
        const verdicts = await runCases(worlds[index]!, recording, faults, (step, plays, run) =>
          workers[index]!.around(step, plays, run),
        );
        results.push({ recording, verdicts });
      }),
    );
    const wrong = results.flatMap(({ verdicts }) =>
      verdicts.filter((one) => one.violations.length > 0 || !one.reached),
    );
    expect(wrong).toEqual([]);
    for (const world of worlds) expect(await wrongsAtTheEnd(world)).toEqual([]);
  } finally {
    kills = workers.reduce((sum, one) => sum + one.kills, 0);
    await Promise.all(workers.map((worker) => worker.kill()));
    await Promise.all(worlds.map((world) => world.close()));
  }
}, 400_000);
