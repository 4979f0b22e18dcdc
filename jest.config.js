// One Temporal server, one Postgres and one Redis serve the whole run (test/support/global-setup.ts);
// every test makes its own database, task queue and Stripe simulator, so files run side by side.
const common = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' }],
  },
};

/** @type {import('jest').Config} */
module.exports = {
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  maxWorkers: 2,
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/.ci/file-times.mjs'],
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/{workflows,activities,workers,clients,replay}/**/*.test.ts'],
    },
    { ...common, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.test.ts'] },
    // Only when asked for: it writes the histories that test/replay holds the workflows to.
    ...(process.env.HOLDFAST_RECORD === undefined
      ? []
      : [{ ...common, displayName: 'recording', testMatch: ['<rootDir>/test/replay/recording.ts'] }]),
  ],
};
