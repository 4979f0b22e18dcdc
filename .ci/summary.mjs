// Prints what failed, with the head of each message, and the closing line "N passed, N failed".
// usage: node .ci/summary.mjs <jest's JSON report> ... -- [failed step ...]
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const given = process.argv.slice(2);
const paths = given.slice(0, given.indexOf('--'));
const steps = given.slice(paths.length + 1);
const reports = paths.filter(existsSync).map((path) => JSON.parse(readFileSync(path, 'utf8')));

const head = (message) => message.split('\n').slice(0, 30).join('\n');
for (const file of reports.flatMap((one) => one.testResults)) {
  const name = relative(process.cwd(), file.name);
  const tests = file.assertionResults.filter((test) => test.status === 'failed');
  for (const test of tests)
    console.log(`FAILED ${name} > ${test.fullName}\n${head(test.failureMessages.join('\n'))}\n`);
  if (file.status === 'failed' && tests.length === 0) console.log(`FAILED ${name}\n${head(file.message)}\n`);
}
if (steps.length > 0) console.log(`failed steps: ${steps.join(' ')}`);

const sum = (count) => reports.map(count).reduce((all, one) => all + one, 0);
// A test file that cannot even be loaded has no failed tests of its own, and a run that broke off has no report; neither is green.
let failed = sum((one) => one.numFailedTests + one.numRuntimeErrorTestSuites) + paths.length - reports.length;
if (failed === 0) failed = steps.length;
console.log(`${sum((one) => one.numPassedTests)} passed, ${failed} failed`);
