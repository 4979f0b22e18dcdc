import { closeConnections } from '../../support/environment';
import { recordAfterSale, runAfterSale } from './matrix';
import type { AfterSaleRecording } from './matrix';
import { afterSaleBugs } from './bugs';
import { sample } from '../../support/property';

const caught: string[] = [];
const played = sample('seeded bugs after the sale', afterSaleBugs, 2);

afterAll(async () => {
  await closeConnections();
  console.log(`seeded bugs after the sale caught: ${caught.length} of ${played.length}\n${caught.join('\n')}`);
});

describe('the matrix after the sale catches', () => {
  it.each(played)(
    '$name',
    async ({ name, story, fault, caughtAs, sabotage }) => {
      // Some bugs break the story even without a fault; that is a catch as well.
      const recording: AfterSaleRecording | Error = await recordAfterSale(story, sabotage).catch(
        (error: unknown) => error as Error,
      );
      const found =
        recording instanceof Error
          ? [recording.message]
          : (await runAfterSale(recording, [fault], sabotage)).flatMap((one) => one.violations);
      expect(found.join('\n')).toMatch(caughtAs);
      caught.push(`- ${name}: ${found.find((one) => caughtAs.test(one))}`);
    },
    120_000,
  );
});
