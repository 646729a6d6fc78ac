/**
 * The equations in the comment at the top of each cell file are what the code executes: the recorded products, sums
 * and statements are printed and compared with the comment, line by line and in order.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { derivativesOf, uprightAt } from '../bptt/jacobian';
import { Unroll } from '../bptt/unroll';
import { affine, affineBackward, affineParameters } from '../cells/affine';
import type { Cell, Parameter } from '../cells/cell';
import { clockwork, part, type ClockworkOptions } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { embed, embedBackward } from '../cells/embedding';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm, lstmBackward, lstmForward, lstmJacobian } from '../cells/lstm';
import { lstm1997 } from '../cells/lstm1997';
import { Program, type Operation } from '../core/program';
import { print } from '../core/statement';
import { transpose, zeros, type Tensor, type Tensors } from '../core/tensor';

const folder = join(__dirname, '..', 'cells');
const source = (file: string): string => readFileSync(join(folder, file), 'utf8');

interface Equation {
  text: string;
  /** What stands in brackets behind it: other right-hand sides, for other variants. */
  remark: string;
}
type Block = 'Forward' | 'Backward' | 'Jacobian';
type Header = Record<Block, Equation[]>;

/** The equations of a file's first comment; of several blocks of one name, those whose title goes on with `which`. */
function headerOf(text: string, which = ''): Header {
  const comment = /\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  const lines = comment.split('\n').map((line) => line.replace(/^ \* ?/, ''));
  const blockOf = (title: Block): Equation[] => {
    const start = lines.findIndex((line) => line.startsWith(title) && line.includes(which));
    if (start < 0 && title === 'Jacobian') return []; // the output layer has no memory, and so none
    if (start < 0) throw new Error(`the header has no block ${title}`);
    const length = lines.slice(start + 1).findIndex((line) => !line.startsWith('  '));
    return lines.slice(start + 1, start + 1 + length).map((line) => {
      const [, equation, remark = ''] = /^ {2}(\S+ \+?= .*?)(?:\s+\(((?:or|with) .*)\))?$/.exec(line) ?? [];
      if (equation === undefined) throw new Error(`not an equation: ${line}`);
      return { text: equation, remark };
    });
  };
  return { Forward: blockOf('Forward'), Backward: blockOf('Backward'), Jacobian: blockOf('Jacobian') };
}

const same = (p: readonly number[], q: readonly number[]): boolean => p.join() === q.join();
const isView = (t: Tensor, of: Tensor): boolean =>
  t.data === of.data && t.offset === of.offset && same(t.shape, of.shape) && same(t.stride, of.stride);

/** All names a tensor goes by; gates go by the name of their pre-activation too, whose place they take. */
function namesOf(t: Tensor, v: Tensors): string[] {
  const names = Object.keys(v).filter((name) => v[name] && isView(t, v[name]));
  const turned = Object.keys(v).filter(
    (name) => v[name]?.shape.length === 2 && isView(t, transpose(v[name])),
  );
  return [...names, ...turned.map((name) => `${name}ᵀ`)];
}

/** Each line that an operation prints, with every choice of names for its operands. */
function linesOf(operation: Operation, v: Tensors): string[][] {
  const all = (...operands: Tensor[]): string[][] =>
    operands
      .map((t) => namesOf(t, v))
      .reduce<string[][]>((left, names) => left.flatMap((l) => names.map((name) => [...l, name])), [[]]);
  const sign = 'accumulate' in operation && operation.accumulate ? '+=' : '=';
  if (operation.kind === 'product') {
    const { a, b, out, bias } = operation;
    const lines = all(out, a, b, ...(bias ? [bias] : []));
    return [lines.map(([o, p, q, r]) => `${o} ${sign} ${p} ${q}${r ? ` + ${r}` : ''}`)];
  }
  if (operation.kind === 'reduction') {
    const { what, out, from } = operation;
    const text = (p: string): string => (what === 'sumRows' ? `Σ ${p}` : `${what}(${p})`);
    return [all(out, from).map(([o, p]) => `${o} ${sign} ${text(p)}`)];
  }
  // the names inside a statement must be those of the tensors it was given; …Kept is what lay there before
  for (const [name, t] of Object.entries({ ...operation.inputs, ...operation.outputs })) {
    const named = v[name.replace(/Kept$/, '')];
    expect([name, named.data === t.data, named.offset - t.offset]).toEqual([name, true, 0]);
  }
  return print(operation.graph).map((line) => [line]);
}

type Printed = Record<Block, string[][]>;

function printed(record: Record<Block, (program: Program) => void>, v: Tensors): Printed {
  const block = (name: Block): string[][] => {
    const program = new Program();
    record[name](program);
    return program.operations.flatMap((operation) => linesOf(operation, v));
  };
  return { Forward: block('Forward'), Backward: block('Backward'), Jacobian: block('Jacobian') };
}

/** What a cell records for the second of three steps; `more` names further tensors of that step. */
function printedCell(cell: Cell, more: (v: Tensors) => Tensors = () => ({})): Printed {
  const B = 2;
  const make = (): Tensors =>
    Object.fromEntries(Object.entries(cell.parameters).map(([name, { shape }]) => [name, zeros(shape)]));
  const [x, dx] = [zeros([3 * B, cell.input]), zeros([3 * B, cell.input])];
  const unroll = new Unroll(cell, {
    T: 3,
    B,
    dtype: 'float64',
    x,
    dx,
    parameters: make(),
    gradients: make(),
  });
  const v = unroll.at(1);
  const upright = { ...derivativesOf(unroll).buffers, ...uprightAt(unroll, 1, 0) };
  const steps = named(cell, v, { ...v, ...more(v) });
  const jacobian = printed(
    { ...silent, Jacobian: (program) => cell.jacobian?.(program, upright, 1) },
    { ...upright, ...moreUpright(upright) },
  );
  return { ...steps, Jacobian: jacobian.Jacobian };
}

const silent: Record<Block, () => void> = {
  Forward: () => undefined,
  Backward: () => undefined,
  Jacobian: () => undefined,
};

/** Of one module, what it hears is all of hPrev; a sum over rows goes to a vector. */
const moreUpright = ({ JhPrev, JflowSum }: Partial<Tensors>): Tensors => ({
  ...(JhPrev && { JHeard: JhPrev }),
  ...(JflowSum && { JflowSum: JflowSum.pick(0) }),
});

/** What a cell records, under the names of `names`. */
const named = (cell: Cell, v: Tensors, names: Tensors): Printed =>
  printed(
    {
      ...silent,
      Forward: (program) => cell.step(program, v, 1),
      Backward: (program) => cell.stepBackward(program, v, 1),
    },
    names,
  );

/** The printed lines; where operands have several names, with those that `header` uses. */
const choose = (lines: string[][], header: string[]): string[] =>
  lines.map((choices) => choices.find((line) => header.includes(line)) ?? choices[0]);

const texts = (equations: Equation[]): string[] => equations.map(({ text }) => text);
const blocks = ['Forward', 'Backward', 'Jacobian'] as const;

const sizes = { input: 3, hidden: 5 };
const withBiases: [string, string, () => Printed][] = [
  ['elman', 'elman.ts', () => printedCell(elman(sizes))],
  ['lstm', 'lstm.ts', () => printedCell(lstm(sizes))],
  ['lstm1997', 'lstm1997.ts', () => printedCell(lstm1997(sizes))],
  ['gru, reset after', 'gru.ts', () => printedCell(gru(sizes))],
  ['gru, reset before', 'grubefore.ts', () => printedCell(gru({ ...sizes, reset: 'before' }))],
  ["jordan, feedback 'p'", 'jordan.ts', () => printedCell(jordan({ ...sizes, output: 4, feedback: 'p' }))],
  ['affine', 'affine.ts', printedAffine],
  ['embedding', 'embedding.ts', printedEmbedding],
];
const withoutBiases: [string, string, () => Printed][] = [
  ['elman', 'elman.ts', () => printedCell(elman({ ...sizes, bias: false }))],
  ['lstm', 'lstm.ts', () => printedCell(lstm({ ...sizes, bias: false }))],
  ['lstm1997', 'lstm1997.ts', () => printedCell(lstm1997({ ...sizes, bias: false }))],
  ['gru, reset after', 'gru.ts', () => printedCell(gru({ ...sizes, bias: false }))],
  ['gru, reset before', 'grubefore.ts', () => printedCell(gru({ ...sizes, bias: false, reset: 'before' }))],
  [
    "jordan, feedback 'p'",
    'jordan.ts',
    () => printedCell(jordan({ ...sizes, output: 4, feedback: 'p', bias: false })),
  ],
];

function printedEmbedding(): Printed {
  const [N, V, W] = [4, 5, 3];
  const v: Tensors = { x: zeros([N, V]), dx: zeros([N, V]), e: zeros([N, W]), de: zeros([N, W]) };
  Object.assign(v, { E: zeros([V, W]), dE: zeros([V, W]) });
  return printed({ ...silent, Forward: (p) => embed(p, v), Backward: (p) => embedBackward(p, v) }, v);
}

function printedAffine(): Printed {
  const [N, H, O] = [4, 5, 3];
  const parameters: Record<string, Parameter> = affineParameters(H, O);
  const v: Tensors = { h: zeros([N, H]), dh: zeros([N, H]), y: zeros([N, O]), dy: zeros([N, O]) };
  for (const [name, { shape }] of Object.entries(parameters)) {
    v[name] = zeros(shape);
    v[`d${name}`] = zeros(shape);
  }
  return printed({ ...silent, Forward: (p) => affine(p, v), Backward: (p) => affineBackward(p, v) }, v);
}

test('every cell file is compared', () => {
  const compared = [...withBiases.map(([, file]) => file), 'peephole.ts', 'clockwork.ts'];
  const files = readdirSync(folder).filter((file) => / \* Forward/.test(source(file)));
  expect(files.sort()).toEqual(compared.sort());
});

describe.each(withBiases)('%s', (_name, file, print) => {
  test.each(blocks)(`%s: the header of ${file} is what is executed`, (block) => {
    const header = texts(headerOf(source(file))[block]);
    expect(choose(print()[block], header)).toEqual(header);
  });
});

describe.each(withoutBiases)('%s without biases', (_name, file, print) => {
  test.each(blocks)(`%s: the header of ${file}, less its biases, is what is executed`, (block) => {
    const header = texts(headerOf(source(file))[block])
      .filter((line) => !/^db(hn|o)? /.test(line))
      .map((line) => line.replace(/ \+ b(hn|o)?$/, ''));
    expect(choose(print()[block], header)).toEqual(header);
  });
});

/** What marks the lines of jordan.ts that one kind of feedback has and the other has not. */
const only = "with feedback 'p' only";

describe('the alternatives in brackets', () => {
  test.each([
    ['elman', 'sigmoid'],
    ['elman', 'relu'],
    ['jordan', 'sigmoid'],
    ['jordan', 'relu'],
  ] as const)('%s with %s', (name, activation) => {
    const header = headerOf(source(`${name}.ts`));
    const cells = {
      elman: () => elman({ ...sizes, activation }),
      jordan: () => jordan({ ...sizes, output: 4, feedback: 'p', activation }),
    };
    const lines = printedCell(cells[name]());
    let alternatives = 0;
    for (const block of blocks) {
      const expected = header[block].map(({ text, remark }) => {
        if (!remark || remark === only) return text;
        alternatives++;
        const others = remark.replace(/^or /, '').split(', or ');
        expect(others).toHaveLength(2);
        return text.replace(/= .*$/, `= ${others[activation === 'sigmoid' ? 0 : 1]}`);
      });
      expect(choose(lines[block], expected)).toEqual(expected);
    }
    expect(alternatives).toBe(3);
  });

  test("jordan with feedback 'o': what is not marked", () => {
    const header = headerOf(source('jordan.ts'));
    const lines = printedCell(jordan({ ...sizes, output: 4 }));
    let marked = 0;
    for (const block of blocks) {
      const expected = texts(header[block].filter(({ remark }) => remark !== only));
      expect(choose(lines[block], expected)).toEqual(expected);
      marked += header[block].length - expected.length;
    }
    expect(marked).toBe(8);
  });

  test('lstm with peepholes: the statements of peephole.ts between the products of lstm.ts', () => {
    const [lstmHeader, header] = [headerOf(source('lstm.ts')), headerOf(source('peephole.ts'))];
    const lines = printedCell(lstm({ ...sizes, peepholes: true }));
    const plain = printedCell(lstm(sizes));
    for (const block of blocks) {
      const own = texts(header[block]);
      const all = choose(lines[block], [...own, ...texts(lstmHeader[block])]);
      expect(all.filter((line) => own.includes(line))).toEqual(own);
      // what is left are the products and sums that lstm.ts states, all of them, in its order
      const statements = [lstmForward, lstmBackward, lstmJacobian].flatMap(({ graph }) => print(graph));
      const products = choose(plain[block], texts(lstmHeader[block])).filter(
        (line) => !statements.includes(line),
      );
      expect(all.filter((line) => !own.includes(line))).toEqual(products);
    }
  });

  test('lstm.ts says of the peepholes what peephole.ts says', () => {
    const header = headerOf(source('lstm.ts'));
    const others = headerOf(source('peephole.ts'));
    let alternatives = 0;
    for (const block of blocks) {
      for (const { text, remark } of header[block]) {
        if (!remark) continue;
        alternatives++;
        const [left, right] = text.split(' = ');
        const changed = remark
          .replace('with peepholes: ', '')
          .replace(/, after J?c$/, '')
          .replace('…', right);
        expect(texts(others[block])).toContain(`${left} = ${changed}`);
      }
    }
    expect(alternatives).toBe(8);
  });
});

describe('clockwork, one module that fires or holds at t = 1', () => {
  // of one module, what it hears is all of hPrev
  const heard = (v: Tensors): Tensors => ({ heard: v.hPrev, dHeard: v.dhPrev });
  const lines = (options: Omit<ClockworkOptions, 'input'>): Printed =>
    printedCell(clockwork({ input: 3, ...options }), heard);
  const header = (which: string): Header => headerOf(source('clockwork.ts'), which);

  test.each(blocks)('%s: a module that fires', (block) => {
    const expected = texts(header('fires')[block]);
    expect(expected.length).toBeGreaterThan(1);
    expect(choose(lines({ hidden: 5, periods: [1] })[block], expected)).toEqual(expected);
  });

  test.each(blocks)('%s: a module that fires, without biases', (block) => {
    const expected = texts(header('fires')[block])
      .filter((line) => !line.startsWith('db '))
      .map((line) => line.replace(/ \+ b$/, ''));
    expect(choose(lines({ hidden: 5, periods: [1], bias: false })[block], expected)).toEqual(expected);
  });

  test.each(['sigmoid', 'relu'] as const)('with %s', (activation) => {
    const printed = lines({ hidden: 5, periods: [1], activation });
    for (const block of blocks) {
      const expected = header('fires')[block].map(({ text, remark }) => {
        const others = remark.replace(/^or /, '').split(', or ');
        return remark ? text.replace(/= .*$/, `= ${others[activation === 'sigmoid' ? 0 : 1]}`) : text;
      });
      expect(choose(printed[block], expected)).toEqual(expected);
    }
  });

  test.each(blocks)('%s: a module that holds; the input has no gradient then', (block) => {
    const expected = texts(header('holds')[block]);
    expect(expected).toHaveLength(1);
    const rest = block === 'Backward' ? ['dx = 0'] : [];
    expect(choose(lines({ hidden: 5, periods: [2] })[block], expected)).toEqual([...expected, ...rest]);
  });

  test('of two modules, the first fires and the second holds: the lines of both, each of its own units', () => {
    const cell = clockwork({ input: 3, hidden: 4, periods: [1, 2] });
    const B = 2;
    const v: Tensors = Object.fromEntries(['x', 'dx'].map((name) => [name, zeros([B, 3])] as const));
    for (const name of ['h', 'hPrev', 'dhOut', 'dhNext', 'dhPrev', 'z', 'dz']) v[name] = zeros([B, 4]);
    for (const [name, { shape }] of Object.entries(cell.parameters))
      Object.assign(v, { [name]: zeros(shape), [`d${name}`]: zeros(shape) });
    const program = new Program();
    cell.step(program, v, 1);
    cell.stepBackward(program, v, 1);
    const [fast, slow] = [part(v, { from: 0, to: 2 }), part(v, { from: 2, to: 4 })];
    const printedBy = (names: Tensors): string[] =>
      program.operations.flatMap((operation) => {
        const own = Object.entries(
          operation.kind === 'pointwise' ? { ...operation.inputs, ...operation.outputs } : {},
        ).every(([name, t]) => t.data === names[name].data && t.offset === names[name].offset);
        const lines = own ? linesOf(operation, names) : [];
        return lines.flatMap((choices) => choices.slice(0, 1));
      });
    const of = (which: string): string[] =>
      (['Forward', 'Backward'] as const).flatMap((block) => texts(header(which)[block]));
    expect(printedBy(fast)).toEqual(of('fires'));
    // operations on the fast module's tensors have no name there, and so no line
    expect(printedBy(slow)).toEqual(of('holds'));
  });
});

describe('the comparison itself can fail', () => {
  test.each([
    ['a sign', 'h = (1 - z) * n + z * hPrev\n *\n * B', 'h = (1 + z) * n + z * hPrev\n *\n * B'],
    ['an order', 'u = hPrev Whn + bhn', 'u = Whn hPrev + bhn'],
    ['a transpose', 'dx = da Wxᵀ', 'dx = da Wx'],
    ['an accumulation', 'dWx += xᵀ da', 'dWx = xᵀ da'],
    ['another tensor of the same shape', 'dWhn += hPrevᵀ du', 'dWhn += hᵀ du'],
    ['a factor of the Jacobian', '(Jr * u + r * Ju) * (1 - n * n)', '(Jr * u + Ju) * (1 - n * n)'],
    ['a line too few', ' *   dbhn += Σ du\n', ''],
    ['a line too many', ' *   du = dan * r\n', ' *   du = dan * r\n *   dv = dan * r\n'],
  ])('%s', (_what, right, wrong) => {
    const text = source('gru.ts');
    expect(text).toContain(right);
    const header = headerOf(text.replace(right, wrong));
    const lines = printedCell(gru(sizes));
    const agrees = blocks.every((block) => {
      const expected = texts(header[block]);
      return same(choose(lines[block], expected) as never, expected as never);
    });
    expect(agrees).toBe(false);
  });

  test('a line that is no equation is refused', () => {
    expect(() => headerOf(source('gru.ts').replace('du = dan * r', 'du is dan times r'))).toThrow(
      'not an equation',
    );
  });
});
