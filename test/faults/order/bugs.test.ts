import { closeConnections } from '../../support/environment';
import { sampleCart } from '../../support/carts';
import { seededBugs } from './bugs';
import { wrongsAtTheEnd } from './checks';
import { createFaultWorld } from '../fault-world';
import { record, runCases } from './matrix';
import type { Recording } from './matrix';
import { sample } from '../../support/property';
import { stories } from './stories';

const caught: string[] = [];
/** A few for every day: each takes a world of its own, and some a bundle. */
const played = sample('seeded bugs', seededBugs, 3);

afterAll(async () => {
  await closeConnections();
  console.log(`seeded bugs caught: ${caught.length} of ${played.length}\n${caught.join('\n')}`);
});

it('the final check of the matrix finds what stays wrong', async () => {
  const world = await createFaultWorld();
  try {
    await record(world, stories.cancel);
    expect(await wrongsAtTheEnd(world)).toEqual([]);
    await world.dependencies.pool.query(
      `UPDATE stock SET on_hand = on_hand + 1, reserved = reserved + 1 WHERE sku = 'TEAPOT-1L'`,
    );
    const placed = await world.holdfast.checkout(sampleCart());
    expect(placed.state).toBe('placed');
    // Its hold ends, and nobody says so.
    world.simulator.setWebhookFaults({ dropTypes: ['*'] });
    world.simulator.clock.advanceBy(8 * 24 * 3_600_000);
    const found = (await wrongsAtTheEnd(world)).join('\n');
    expect(found).toContain('stock_differs_from_reservations');
    expect(found).toContain('open without a hold');
  } finally {
    await world.close();
  }
});

describe('the matrix catches', () => {
  it.each(played)('$name', async ({ name, story, faults, caughtAs, sabotage }) => {
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
