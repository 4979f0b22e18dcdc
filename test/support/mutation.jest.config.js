// The tests of the pure rules alone: no server is started for them.
module.exports = {
  rootDir: '../..',
  // Jest lists these folders anew for each mutant: they are all that the pure tests import.
  roots: [
    '<rootDir>/test/workflows/domain',
    '<rootDir>/test/workflows/kit',
    '<rootDir>/test/support',
    '<rootDir>/workflows',
  ],
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/workflows/{domain/**,kit}/*.test.ts'],
  // Played by a real worker, from a bundle.
  testPathIgnorePatterns: ['/test/workflows/kit/lifecycle.test.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' }],
  },
};
