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
    patterns.push(closed('\\.\\./', above, room));
  }
  return { files: [`${room}/**/*.ts`], rules: { 'no-restricted-imports': ['error', { patterns }] } };
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
  ...Object.keys(rooms).map(importsPointDown),
);
