// Mutation testing of the pure rules: `npm run test:mutation`, outside CI (docs/testing.md).
// `-- --mutate workflows/domain/order/**/*.ts` looks at one folder.
/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'jest',
  jest: { configFile: 'test/support/mutation.jest.config.js' },
  // Of workflows/kit only what runs outside of a workflow. The rest (exceptions, lifecycle, saga, signal, versioning, and the
  // deadlines of waiting.ts) runs in the sandbox of a worker, whose bundle is made before a mutant is switched on;
  // activity-options, define, messages, search-attributes and start are constants and types.
  mutate: [
    'workflows/domain/**/*.ts',
    'workflows/kit/{answers,failures,local-first,names}.ts',
    // Backoff and SerialQueue.
    'workflows/kit/waiting.ts:55-94',
  ],
  // Texts for people are read by people; a test that repeats them proves nothing.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  // Constants that are read while a file loads: each would run every test, and most are limits whose value is a decision.
  ignoreStatic: true,
  ignorePatterns: ['dist', '.holdfast', 'test/replay/histories'],
  reporters: ['clear-text', 'html'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: 'reports/mutation.html' },
  tempDirName: 'reports/stryker',
  concurrency: 2,
  thresholds: { break: 90 },
};
