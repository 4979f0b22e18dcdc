import { closeConnections } from '../support/world';
import { chosen, record } from './record';

/*
 * Plays every path, or those that are named, and writes their histories: `HOLDFAST_RECORD=all npx jest test/replay/recording`. A jest file
 * only so that the run's servers are there; jest.config.mjs takes it in where HOLDFAST_RECORD is set. See record.ts for when
 * recording anew is right.
 */
const what = process.env['HOLDFAST_RECORD'] ?? 'all';

afterAll(closeConnections);

it('records the history of every path that is chosen', async () => {
  const expected = (await chosen(what)).length;
  const counts = await record(what);
  const lines = [...counts].sort().map(([name, events]) => `  ${String(events).padStart(4)} events  ${name}`);
  process.stdout.write(`${lines.join('\n')}\n`);
  expect(counts.size).toBe(expected);
}, 300_000);
