// A jest reporter: what each test file took, the slowest first, at the end of a run and whole in reports/test-times.txt.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';

const SHOWN = 20;
const OUT = 'reports/test-times.txt';

const seconds = (ms) => (ms / 1000).toFixed(1).padStart(8);

export default class FileTimes {
  onRunComplete(_contexts, { testResults, startTime }) {
    const files = testResults
      .filter((one) => one.perfStats.end > 0)
      .map(({ testFilePath, testResults: tests, perfStats }) => ({
        name: relative(process.cwd(), testFilePath),
        ms: perfStats.end - perfStats.start,
        // The rest is what loading the file and its hooks outside of tests took.
        testsMs: tests.reduce((sum, test) => sum + (test.duration ?? 0), 0),
        tests: tests.length,
      }))
      .sort((a, b) => b.ms - a.ms);
    // A run of a few files says its times itself.
    if (files.length <= SHOWN) return;
    const lines = files.map(
      ({ name, ms, testsMs, tests }) => `${seconds(ms)}${seconds(testsMs)}${String(tests).padStart(7)}  ${name}`,
    );
    const head = '    file   tests  count  (seconds)';
    mkdirSync(dirname(OUT), { recursive: true });
    writeFileSync(OUT, [head, ...lines, ''].join('\n'));
    const sumMs = files.reduce((sum, one) => sum + one.ms, 0);
    const summary = `${files.length} files took ${seconds(sumMs).trim()} s in ${seconds(Date.now() - startTime).trim()} s; all of them: ${OUT}`;
    process.stderr.write(`\n${[head, ...lines.slice(0, SHOWN), summary].join('\n')}\n`);
  }
}
