import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal, type JournalEntry } from '../../../../../workers/embedded/stripe/state/journal';

let folder: string;
let stateFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-journal-'));
  stateFile = join(folder, 'numbers.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('the journal', () => {
  class Numbers {
    readonly values = new Map<string, number>();
    apply([id, { n }]: JournalEntry & [string, { n?: number }]): void {
      this.values.set(id, n ?? NaN);
    }
    *live(): Generator<JournalEntry> {
      for (const [id, n] of this.values) yield [id, { n }];
    }
    liveCount = (): number => this.values.size;
  }

  it('is rewritten when most of it is outdated, and keeps what changes meanwhile', async () => {
    const numbers = new Numbers();
    const journal = await Journal.open(stateFile, numbers);
    let largest = 0;
    const change = (n: number): void => {
      // Every tenth is changed once only: where a rewrite lost it, nothing brings it back.
      const id = `${n % 10 === 0 ? n : n % 1000}-${'x'.repeat(500)}`;
      numbers.values.set(id, n);
      journal.append([[id, { n }]]);
    };
    for (let n = 0; n < 30_000; n += 1) {
      change(n);
      if (n % 500 !== 0) continue;
      // Lets a rewrite take one step, so that it runs across many changes.
      await new Promise((resolve) => setImmediate(resolve));
      // A slow disk must not decide how large the file gets.
      if (n % 6_000 === 0) await journal.rewritten();
      largest = Math.max(largest, statSync(stateFile).size);
    }
    await journal.rewritten();
    change(30_001);
    await journal.close();
    const whole = 30_000 * 530;
    expect(largest).toBeLessThan(whole * 0.8);
    const read = new Numbers();
    await (await Journal.open(stateFile, read)).close();
    expect(read.values).toEqual(numbers.values);
  });
});
