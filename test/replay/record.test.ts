import { closeConnections } from '../support/world';
import { paths, record } from './record';

/** Records only when it is asked to; see record.ts for when that is right. */
const what = process.env['HOLDFAST_RECORD'] ?? '';

afterAll(closeConnections);

it('names every path once', () => {
  expect(new Set(paths.map((path) => path.name)).size).toBe(paths.length);
});

(what === '' ? it.skip : it)(
  'records the history of every path (HOLDFAST_RECORD=all), or of one',
  async () => {
    const counts = await record(what);
    const lines = [...counts].sort().map(([name, events]) => `  ${String(events).padStart(4)} events  ${name}`);
    process.stdout.write(`${lines.join('\n')}\n`);
    expect(counts.size).toBe(what === 'all' ? paths.length : 1);
  },
  180_000,
);
