import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/**
 * Arrows point one way: clients -> workflows <- activities, workers -> all; tests see everything, nothing sees tests.
 * Workflow code is deterministic: it imports nothing of Node and no provider's SDK, and depends on @temporalio alone.
 */
const arrows = (folder, forbidden, extra = []) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: forbidden.map((other) => `**/${other}/**`).concat(forbidden.map((other) => `**/${other}`)),
            message: `${folder} must not depend on this folder.`,
          },
          ...extra,
        ],
      },
    ],
  },
});
const outsideWorld = {
  regex: '^(?!\\.{1,2}/|@temporalio/(workflow|common)$)',
  message: 'Workflow code depends on @temporalio/workflow and on nothing else.',
};
const providerSdk = { regex: '^stripe$', message: "A provider's SDK stops at its adapter." };

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', '.holdfast/**', 'node_modules/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  arrows('workflows', ['activities', 'workers', 'clients', 'test'], [outsideWorld]),
  arrows('activities', ['workers', 'clients', 'test']),
  arrows('activities/storage', ['workers', 'clients', 'test', 'stripe'], [providerSdk]),
  arrows('clients', ['activities', 'workers', 'test'], [providerSdk]),
  arrows('workers', ['test']),
  { files: ['test/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { module: 'writable', require: 'readonly', process: 'readonly', console: 'readonly' } },
  },
  prettier,
);
