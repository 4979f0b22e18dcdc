// Prints what failed, with the head of each message, and the closing line "N passed, N failed".
// usage: node .ci/summary.mjs <jest's JSON report> [failed step ...]
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [path, ...steps] = process.argv.slice(2);
const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;

const head = (message) => message.split('\n').slice(0, 30).join('\n');
for (const file of report?.testResults ?? []) {
  const name = relative(process.cwd(), file.name);
  const tests = file.assertionResults.filter((test) => test.status === 'failed');
  for (const test of tests)
    console.log(`FAILED ${name} > ${test.fullName}\n${head(test.failureMessages.join('\n'))}\n`);
  if (file.status === 'failed' && tests.length === 0) console.log(`FAILED ${name}\n${head(file.message)}\n`);
}
if (steps.length > 0) console.log(`failed steps: ${steps.join(' ')}`);

// A test file that cannot even be loaded has no failed tests of its own; it must not look green.
let failed = report ? report.numFailedTests + report.numRuntimeErrorTestSuites : 1;
if (failed === 0) failed = steps.length;
console.log(`${report?.numPassedTests ?? 0} passed, ${failed} failed`);
