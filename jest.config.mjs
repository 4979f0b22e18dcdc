import { availableParallelism } from 'node:os';

// One Temporal server, one Postgres and one Redis serve the whole run (test/support/global-setup.ts);
// every test makes its own database, task queue and Stripe simulator, so files run side by side.
const common = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' }],
  },
};

/** Tests of which `npm test` plays a sample and `npm run test:matrix` the whole. */
const matrix = [
  'test/faults/**/*.test.ts',
  'test/workflows/model/*.test.ts',
  'test/workflows/after-sale-webhooks.test.ts',
  'test/clients/gateway/hostile*.test.ts',
];

/** @type {import('jest').Config} */
export default {
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // Test files wait for servers and for each other's answers more than half of their time.
  maxWorkers: Math.min(2 * availableParallelism(), 6),
  // What test files leave behind adds up: a process that ran fifty of them holds 2 GB.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 60_000,
  testSequencer: '<rootDir>/.ci/slow-first.mjs',
  reporters: ['default', '<rootDir>/.ci/file-times.mjs'],
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/test/{workflows,activities,workers,clients,replay}/**/*.test.ts',
        ...matrix.map((path) => `!**/${path}`),
      ],
    },
    { ...common, displayName: 'matrix', testMatch: matrix.map((path) => `<rootDir>/${path}`) },
    // Only when asked for: it writes the histories that test/replay holds the workflows to.
    ...(process.env.HOLDFAST_RECORD === undefined
      ? []
      : [{ ...common, displayName: 'recording', testMatch: ['<rootDir>/test/replay/recording.ts'] }]),
  ],
};
