import { closeConnections } from '../support/environment';
import { seededBugs } from './bugs';
import { createFaultWorld } from './fault-world';
import { record, runCases } from './matrix';
import type { Recording } from './matrix';

const caught: string[] = [];

afterAll(async () => {
  await closeConnections();
  console.log(`seeded bugs caught: ${caught.length} of ${seededBugs.length}\n${caught.join('\n')}`);
});

describe('the matrix catches', () => {
  it.each(seededBugs)('$name', async ({ name, story, faults, caughtAs, sabotage }) => {
    const world = await createFaultWorld({ sabotage: await sabotage() });
    try {
      // Some bugs break the story even without a fault; that is a catch as well.
      const recording: Recording | Error = await record(world, story).catch((error: unknown) => error as Error);
      const found =
        recording instanceof Error
          ? [recording.message]
          : (await runCases(world, recording, faults)).flatMap((one) => one.violations);
      expect(found.join('\n')).toMatch(caughtAs);
      caught.push(`- ${name}: ${found[0]}`);
    } finally {
      await world.close();
    }
  });
});
