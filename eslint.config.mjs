import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Imports point down only: core <- cells, losses, hopfield <- bptt <- io <- papers <- cli; tasks stand on core alone.
// Each folder lists what lies above it, or beside it.
const above = {
  core: ['cells', 'losses', 'hopfield', 'tasks', 'bptt', 'io', 'papers', 'cli'],
  cells: ['losses', 'hopfield', 'tasks', 'bptt', 'io', 'papers', 'cli'],
  losses: ['cells', 'hopfield', 'tasks', 'bptt', 'io', 'papers', 'cli'],
  hopfield: ['cells', 'losses', 'tasks', 'bptt', 'io', 'papers', 'cli'],
  tasks: ['cells', 'losses', 'hopfield', 'bptt', 'io', 'papers', 'cli'],
  bptt: ['tasks', 'io', 'papers', 'cli'],
  io: ['tasks', 'papers', 'cli'],
  papers: ['cli'],
  cli: [],
};
const aside = ['benchmarks', 'examples', 'playground', 'scripts', 'tests'];

/** no-restricted-imports for one folder: nothing from the folders above, nothing from beside the product. */
function importsPointDown(folder, higher) {
  const closed = [...higher, ...aside];
  return {
    files: [`${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${closed.join('|')})(/|$)`,
              message: `${folder}/ may not import from here: imports point down only (core <- cells, losses, hopfield <- bptt <- io <- papers <- cli).`,
            },
            {
              regex: '^(\\.\\./)+(index(\\.js)?)?$',
              message: 'The public face index.ts is for users; import the file that has the thing.',
            },
          ],
        },
      ],
    },
  };
}

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.cache/', 'docs/.vitepress/', 'docs/.book/', 'docs/site/']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable', process: 'readonly', __dirname: 'readonly' },
    },
  },
  ...Object.entries(above).map(([folder, higher]) => importsPointDown(folder, higher)),
);
