/** Every `@example` of a docstring is run; where a comment gives a value, that is what must come out. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { transformSync } from '@swc/core';
import ts from 'typescript';
import * as v from 'valibot';
import * as backstep from '../index';
import { lazy } from '../core/once';
import { planOf } from '../bptt/network/passes/pass';
import { encodeNpy } from '../io/npy';
import { encodeNpz } from '../io/npz';
import { tokenizer } from './tokenizers';

const root = join(__dirname, '..');
const folders = [
  'core',
  'cells',
  'losses',
  'bptt',
  'hopfield',
  'data',
  'io',
  'tasks',
  'verify',
  'referee',
  'text',
];

interface Example {
  where: string;
  file: string;
  code: string;
}

/** The examples of a file: each from its `@example` to the next tag or the end of the comment. */
function examplesOf(file: string): Example[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/@example([^]*?)(?:\n\s*\* @|\*\/)/g)].map(({ index, 1: text }) => ({
    where: `${file}:${source.slice(0, index).split('\n').length}`,
    file,
    code: text.replace(/^\s*\* ?/gm, '').trim(),
  }));
}

/** The names that an example may use without defining them; each is made when the example uses it. */
function given(code: string): Record<string, unknown> {
  const net = lazy(() =>
    backstep.network({ layers: [backstep.elman({ input: 2, hidden: 3 })], output: 2, loss: 'softmax' }),
  );
  const batch = { x: [[[1, 0]], [[0, 1]]], targets: [[1], [0]] };
  // a worker started here needs the hook that compiles TypeScript
  const execArgv = ['-r', join(root, 'scripts', 'register.js')];
  const all: Record<string, () => unknown> = {
    v: () => v,
    net: () => {
      net().forward(batch);
      return net();
    },
    batch: () => batch,
    batches: () => Array<unknown>(100).fill(batch),
    problem: () => backstep.problemOfNetwork(net(), batch),
    unit: () => Float64Array.from({ length: 9 }, (_, k) => (k === 0 ? 1 : 0)),
    adam: () => backstep.optimizer(net(), { name: 'adam' }),
    memory: () => backstep.hopfield({ patterns: [[1, 1, 1, 1]] }),
    probe: () => [1, 1, 1, -1],
    source: () => [[0], [1]],
    draw: () => (): void => undefined,
    parallel: () => (network: backstep.Network, threads: number) =>
      backstep.parallel(network, { threads, execArgv }),
    planOf: () => planOf,
    readFileSync: () => readFileSync,
    writeFileSync: () => writeFileSync,
  };
  const used = Object.entries(all).filter(([name]) => new RegExp(`\\b${name}\\b`).test(code));
  return Object.fromEntries(used.map(([name, make]) => [name, make()]));
}

// files are read and written in a folder of their own
const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'backstep-examples-'));
beforeAll(() => {
  process.chdir(folder);
  writeFileSync('poem.txt', 'a rose is a rose');
  writeFileSync('tokenizer.json', tokenizer());
  const array = (...shape: number[]) => {
    const data = new Float64Array(shape.reduce((product, n) => product * n, 1));
    return { dtype: 'F64', shape, data } as const;
  };
  const rnn = {
    weight_ih_l0: array(3, 2),
    weight_hh_l0: array(3, 3),
    bias_ih_l0: array(3),
    bias_hh_l0: array(3),
  };
  writeFileSync('x.npy', encodeNpy(array(3, 4)));
  writeFileSync('arrays.npz', encodeNpz(new Map([['x', array(3, 4)]])));
  writeFileSync('model.npz', encodeNpz(new Map(Object.entries(rnn))));
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

/** `0.00355` → 5: a number is compared to the places that are written. */
const placesOf = (text: string): number => /^-?\d+\.(\d+)$/.exec(text)?.[1].length ?? 12;

/** The value that a comment states; undefined where it is words. */
function stated(comment: string): { value: unknown } | undefined {
  const text = comment.replace(/^\/\/ */, '').replace(/−/g, '-');
  try {
    // literals only: a word would be looked up as a name, and fail
    return { value: (compileFunction(`return (${text});`) as () => unknown)() };
  } catch {
    return undefined;
  }
}

/** Statements whose value a comment behind them states are handed to `check`. */
function instrument(code: string): { program: string; checked: number } {
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.ES2022, true);
  let checked = 0;
  const statements = source.statements.map((statement) => {
    const [comment] = ts.getTrailingCommentRanges(code, statement.end) ?? [];
    const text = comment ? code.slice(comment.pos, comment.end) : '';
    if (!ts.isExpressionStatement(statement) || !stated(text)) return statement.getText();
    checked++;
    return `check(${statement.expression.getText()}, ${JSON.stringify(text)});`;
  });
  return { program: statements.join('\n'), checked };
}

async function run({ code, file }: Example): Promise<number> {
  const { program, checked } = instrument(code);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the file is found at run time
  const own = require(join(root, file)) as Record<string, unknown>;
  const names: Record<string, unknown> = {
    ...own,
    ...backstep,
    ...given(code),
    check(got: unknown, text: string) {
      const { value } = stated(text) as { value: unknown };
      if (typeof value === 'number') expect(got).toBeCloseTo(value, placesOf(text.replace(/^\/\/ */, '')));
      else expect(plainly(got)).toEqual(plainly(value));
    },
  };
  const { code: plain } = transformSync(program, {
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  });
  const body = `return (async () => {\n${plain}\n})();`;
  await (compileFunction(body, Object.keys(names)) as (...all: unknown[]) => Promise<void>)(
    ...Object.values(names),
  );
  return checked;
}

/** Typed arrays as lists, so that an example may write a list. */
const plainly = (value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;

const examples = folders
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  )
  .filter((file) => file.endsWith('.ts'))
  .flatMap(examplesOf);

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(40);
});

test.each(examples)('the example at $where does what it says', async (example) => {
  await run(example);
});

test('an example that states a wrong value is noticed', async () => {
  const wrong = { where: '', file: 'core/tensor.ts', code: 'zeros([2, 3]).shape // [2, 4]' };
  await expect(run(wrong)).rejects.toThrow();
  expect(instrument('a; // 3\nb; // some words').checked).toBe(1);
});
