import { createWorld, type World, type WorldOptions } from '../world';
import { violations } from './invariants';

/** Plays `body` in a world of its own, in which everything must agree afterwards. */
export async function withWorld(options: WorldOptions, body: (own: World) => Promise<void>): Promise<void> {
  const own = await createWorld(options);
  try {
    await body(own);
    expect(await violations(own)).toEqual([]);
  } finally {
    await own.close();
  }
}
