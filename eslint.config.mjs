import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import rooms from './scripts/rooms.json' with { type: 'json' };

/** What each room may import, besides itself; within `bptt/`, what each of its rooms may import of the others. */
const aside = ['benchmarks', 'docs', 'examples', 'playground', 'scripts', 'tests'];
const tops = Object.keys(rooms).filter((room) => !room.includes('/'));
const inside = (room) => Object.keys(rooms).filter((name) => name.startsWith(`${room}/`));

const closed = (from, names, room) => ({
  regex: `^${from}(${names.join('|')})(/|$)`,
  message: `${room}/ may not import from here: imports point down only, as scripts/rooms.json says.`,
});

/** no-restricted-imports for one room: nothing from the rooms above or beside it, nothing from outside the product. */
function importsPointDown(room) {
  const [top, part] = room.split('/');
  const patterns = [
    closed(
      '(\\.\\./)+',
      [...tops.filter((name) => name !== top && !rooms[top].includes(name)), ...aside],
      top,
    ),
    {
      regex: '^(\\.\\./)+(index(\\.js)?)?$',
      message: 'The public face index.ts is for users; import the file that has the thing.',
    },
  ];
  if (part !== undefined) {
    const others = inside(top).map((name) => name.split('/')[1]);
    const above = others.filter((name) => name !== part && !rooms[room].includes(name));
    patterns.push(closed('(\\.\\./)+', above, room));
  }
  return { files: [`${room}/**/*.ts`], rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

/**
 * A function of more than 60 lines holds more than one idea. Those that are listed hold one: a kernel, of which the order
 * of instructions is the idea; a plan, laid out in the order of its memory; a file in the format of others, read or written
 * from its beginning to its end; a list of cases.
 */
const longFunctions = {
  files: [...tops, 'docs', 'examples', 'playground', 'scripts'].map((room) => `${room}/**/*.ts`),
  ignores: [
    '**/tests/**',
    ...['core/programs/matmul.ts', 'core/wasm/{emit-gemm,gemm-pack,gemm-tiles}.ts'],
    'bptt/network/passes/plan.ts',
    ...[
      'conformance/{onnx,webnn}{suite,write}.ts',
      'io/torch/{predict,template}.ts',
      'learn/forecast/prepare.ts',
    ],
    'bptt/check/suite/topologycases.ts',
  ],
  rules: { 'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }] },
};

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
  longFunctions,
  ...Object.keys(rooms).map(importsPointDown),
);
