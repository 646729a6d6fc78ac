/** Every built-in cell as it is made: its defaults, what it starts from, its forms, and how it is told from others. */
import { isCell, type Cell } from '../cells/cell';
import { cell as cellOf, when } from '../cells/define';
import { variantOf } from '../cells/variant';
import { elman, elmanEquations } from '../cells/elman';
import { embedding, isEmbedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { choiceOf, fittedForm, inForm, kindOf, kinds, type CellForm } from '../cells/kinds';
import { legendreMemory } from '../cells/parts/legendre';
import { lmu } from '../cells/lmu';
import { lstm } from '../cells/lstm';
import { lstm1997 } from '../cells/lstm1997';
import { makers, noteOfCell, remake } from '../cells/makers';
import { mingru } from '../cells/mingru';
import { reservoir } from '../cells/reservoir';
import { cellFromText, textOfCell } from '../cells/text';
import { constant } from '../core/random/init';
import { Random } from '../core/random/random';
import { toFlat, toNested, zeros } from '../core/tensor';

const sizes = { input: 2, hidden: 4 };
const given: Record<string, object> = {
  jordan: { ...sizes, output: 3 },
  clockwork: { ...sizes, periods: [1, 2] },
};
const make = (name: string, options: object = {}): Cell =>
  kinds.get(name, 'test').make({ ...(given[name] ?? sizes), ...options });
const startOf = ({ parameters }: Cell, name: string): number[] => {
  const t = zeros(parameters[name].shape);
  parameters[name].init(t, new Random(2));
  return toFlat(t);
};

const weights = { inputInit: 'glorot', recurrentInit: 'orthogonal' };
const halves = [
  { units: 2, period: 1 },
  { units: 2, period: 2 },
];
/** Defaults of the options besides the sizes and biases, as the documentation states them. */
const defaults: Record<string, object> = {
  elman: { ...weights, activation: 'tanh' },
  lstm: { ...weights, peepholes: false, forgetBias: 1 },
  lstm1997: { ...weights, inputBias: 0 },
  gru: { ...weights, reset: 'after' },
  jordan: { ...weights, output: 3, feedback: 'o', activation: 'tanh' },
  clockwork: { ...weights, modules: halves, offset: 0, activation: 'tanh' },
  lmu: { ...weights, order: 16, theta: 64 },
  reservoir: { spectralRadius: 0.95, inputScale: 1, biasScale: 0.2, leak: 1 },
  mingru: { inputInit: 'glorot' },
  minlstm: { inputInit: 'glorot' },
  diagonal: { inputInit: 'glorot', eigenvalues: 'positive' },
};
/** What is different without biases, besides the biases. */
const bare: Record<string, object> = { lstm: { forgetBias: 0 }, reservoir: { biasScale: 0 } };
const biases = ['b', 'bhn', 'bo'];

describe.each(kinds.names)('%s', (name) => {
  const expected = defaults[name] ?? {};

  test('has these options unless others are given, and keeps them for its checkpoints', () => {
    expect(make(name).options).toMatchObject({ ...sizes, bias: true, ...expected });
    expect(make(name, { bias: false }).options).toMatchObject({
      ...{ ...sizes, bias: false, ...expected },
      ...bare[name],
    });
  });

  test('without biases it has the same parameters but for them, and its equations do not name them', () => {
    const [cell, without] = [make(name), make(name, { bias: false })];
    const names = Object.keys(cell.parameters);
    expect(names.some((p) => biases.includes(p))).toBe(true);
    expect(Object.keys(without.parameters)).toEqual(names.filter((p) => !biases.includes(p)));
    const { forward } = without.equations ?? without.clocked!.active;
    for (const b of biases) expect(forward).not.toMatch(new RegExp(`\\b${b}\\b`));
  });

  test('its sizes are those that were asked for, and its kind is found by its equations', () => {
    const cell = make(name);
    expect(cell).toMatchObject({ name, ...sizes });
    if (name !== 'clockwork') expect(kindOf(cell)?.name).toBe(name);
    expect(isCell(cell)).toBe(true);
  });

  test('its note makes the same cell again', () => {
    const cell = make(name);
    const note = noteOfCell(cell);
    expect(note).toEqual({ cell: name, options: { ...cell.options, ...sizes } });
    const again = remake(JSON.parse(JSON.stringify(note)) as typeof note, makers(), 'test');
    expect(JSON.stringify(again)).toBe(JSON.stringify(cell));
  });
});

describe('the biases start', () => {
  test.each(kinds.names.filter((name) => !['lstm', 'reservoir'].includes(name)))('at 0 in %s', (name) => {
    const cell = make(name);
    for (const b of biases.filter((one) => one in cell.parameters))
      expect(startOf(cell, b)).toEqual(Array<number>(cell.parameters[b].shape[0]).fill(0));
  });

  test('with an open forget gate in an LSTM', () => {
    const [zero, one] = [0, 1].map((value) => Array<number>(4).fill(value));
    expect(startOf(make('lstm'), 'b')).toEqual([...zero, ...one, ...zero, ...zero]);
  });

  test('with the input gate of 1997 where it is asked for', () => {
    const start = startOf(lstm1997({ ...sizes, inputBias: -2 }), 'b');
    expect(start).toEqual([...Array<number>(4).fill(-2), ...Array<number>(8).fill(0)]);
  });

  test('only where there are any: a value for absent ones is refused', () => {
    expect(() => lstm1997({ ...sizes, bias: false, inputBias: 1 })).toThrow(
      'lstm1997: inputBias must be 0 without biases, got 1',
    );
    expect(() => reservoir({ ...sizes, bias: false, biasScale: 0.1 })).toThrow(
      'reservoir: biasScale must be 0 without biases, got 0.1',
    );
    expect(() => lstm1997({ ...sizes, bias: false, inputBias: 0 })).not.toThrow();
    expect(() => reservoir({ ...sizes, bias: false, biasScale: 0 })).not.toThrow();
  });
});

/** The largest size of a start that is uniform, as a share of its bound; almost 1 for hundreds of numbers. */
const reach = (start: readonly number[], bound: number): number => Math.max(...start.map(Math.abs)) / bound;

test('the output weights of a Jordan cell start by Glorot', () => {
  const start = startOf(jordan({ input: 2, hidden: 30, output: 20 }), 'Wo');
  expect(start).toHaveLength(600);
  expect(reach(start, Math.sqrt(6 / 50))).toBeLessThanOrEqual(1);
  expect(reach(start, Math.sqrt(6 / 50))).toBeGreaterThan(0.95);
});

test('a Legendre memory unit starts with the matrices of its memory, for rows, and encoders of unit variance', () => {
  const [D, H, M] = [300, 200, 6];
  const cell = lmu({ input: D, hidden: H, order: M, theta: 30 });
  const { A, B } = legendreMemory(M, 30);
  expect(startOf(cell, 'Am')).toEqual(A[0].flatMap((_, r) => A.map((row) => row[r])));
  expect(startOf(cell, 'Bm')).toEqual(B);
  expect(startOf(cell, 'em')).toEqual(Array<number>(M).fill(0));
  for (const [name, width] of [
    ['ex', D],
    ['eh', H],
  ] as const) {
    expect(reach(startOf(cell, name), Math.sqrt(3 / width))).toBeLessThanOrEqual(1);
    expect(reach(startOf(cell, name), Math.sqrt(3 / width))).toBeGreaterThan(0.95);
  }
  expect(reach(startOf(cell, 'Wm'), Math.sqrt(6 / (M + H)))).toBeLessThanOrEqual(1);
  expect(reach(startOf(cell, 'Wm'), Math.sqrt(6 / (M + H)))).toBeGreaterThan(0.95);
  expect(Object.entries(cell.parameters).flatMap(([p, { fixed }]) => (fixed ? [p] : []))).toEqual([
    'Am',
    'Bm',
  ]);
});

test('a reservoir starts within its scales, every parameter fixed; 0 and 1 are allowed at the ends', () => {
  const cell = reservoir({
    input: 20,
    hidden: 20,
    inputScale: 3,
    biasScale: 0.5,
    spectralRadius: 0.5,
    leak: 0.25,
  });
  for (const [name, bound] of [
    ['Wx', 3],
    ['b', 0.5],
  ] as const) {
    expect(reach(startOf(cell, name), bound)).toBeLessThanOrEqual(1);
    expect(reach(startOf(cell, name), bound)).toBeGreaterThan(0.8);
  }
  expect(startOf(cell, 'leak')).toEqual([0.25]);
  const row = startOf(cell, 'Wh').slice(0, 20);
  expect(Math.hypot(...row)).toBeCloseTo(0.5, 12);
  expect(Object.values(cell.parameters).every(({ fixed }) => fixed)).toBe(true);
  const still = { inputScale: 0, biasScale: 0, spectralRadius: 0, leak: 1 };
  expect(reservoir({ ...sizes, ...still }).options).toMatchObject(still);
  for (const name of ['spectralRadius', 'inputScale', 'biasScale'])
    expect(() => reservoir({ ...sizes, [name]: -0.1 })).toThrow(
      `reservoir: ${name} must be a number >= 0, got -0.1`,
    );
  expect(() => reservoir({ ...sizes, leak: NaN })).toThrow('leak must be above 0 and at most 1, got NaN');
});

test('each gate of a linear recurrence starts for itself', () => {
  const [D, H] = [40, 40];
  const cell = mingru({ input: D, hidden: H, inputInit: 'identity' });
  const t = zeros([D, 2 * H]);
  cell.parameters.Wx.init(t, new Random(1));
  const unit = Array.from({ length: D }, (_, r) =>
    Array.from({ length: 2 * H }, (__, c) => (c % H === r ? 1 : 0)),
  );
  expect(toNested(t)).toEqual(unit);
});

describe('the forms', () => {
  /** The options of a form that are not the defaults, at D = 2, H = 7. */
  const special = (name: string, form: CellForm): object => {
    const kind = kinds.get(name, 'test');
    const wide = { input: 2, hidden: 7, output: 3 };
    const { options = {} } = inForm(kind, form, wide);
    const usual: object = { ...defaults[name], bias: true };
    return Object.fromEntries(
      Object.entries(options).filter(
        ([option, value]) =>
          !['input', 'hidden'].includes(option) &&
          JSON.stringify(value) !== JSON.stringify(usual[option as never]),
      ),
    );
  };
  const modulesOf = (...all: [units: number, period: number][]) => ({
    modules: all.map(([units, period]) => ({ units, period })),
  });

  test('that can be chosen have these options', () => {
    const relu = { activation: 'relu', recurrentInit: 'identity' };
    const chosen = kinds.all.flatMap(({ name, choices }) =>
      Object.entries(choices).map(([choice, form]) => [
        choice,
        choice === 'clockwork' ? {} : special(name, form),
      ]),
    );
    const plain = Object.keys(defaults).map((name) => [name, {}]);
    expect(Object.fromEntries(chosen)).toMatchObject({
      ...Object.fromEntries(plain),
      ...{ 'elman-relu': relu, 'elman-sigmoid': { activation: 'sigmoid' } },
      ...{ 'lstm-peepholes': { peepholes: true }, 'lstm-projection': { projection: 4 } },
      ...{ 'gru-before': { reset: 'before' }, 'jordan-softmax': { feedback: 'p' } },
      'diagonal-signed': { eigenvalues: 'signed' },
    });
  });

  test('that are checked have these options', () => {
    const checked = kinds.all.map(({ name, variants }) => [
      name,
      Object.fromEntries(Object.entries(variants).map(([variant, form]) => [variant, special(name, form)])),
    ]);
    expect(Object.fromEntries(checked)).toMatchObject({
      elman: { tanh: {}, sigmoid: { activation: 'sigmoid' }, relu: { activation: 'relu' } },
      lstm: { '': {}, peepholes: { peepholes: true }, projection: { projection: 4 } },
      lstm1997: { '': {} },
      gru: { 'reset after': {}, 'reset before': { reset: 'before' } },
      jordan: {
        'feedback o': {},
        'feedback p': { feedback: 'p' },
        'feedback o, relu': { activation: 'relu' },
        'feedback p, sigmoid': { feedback: 'p', activation: 'sigmoid' },
      },
      clockwork: {
        '1 2 4': modulesOf([3, 1], [3, 2], [3, 4]),
        '2 3 offset 1, unequal, sigmoid': { ...modulesOf([4, 2], [5, 3]), offset: 1, activation: 'sigmoid' },
        '1 2 3 7, relu': { ...modulesOf([2, 1], [2, 2], [2, 3], [2, 7]), activation: 'relu' },
      },
      lmu: { '': { order: 3, theta: 5 } },
      reservoir: { '': { leak: 0.5 } },
      mingru: { '': {} },
      minlstm: { '': {} },
      diagonal: { 'in (0, 1)': {}, 'in (−1, 1)': { eigenvalues: 'signed' } },
    });
  });

  test('a Jordan cell is as wide as its layer unless an output is given', () => {
    const wide = (output?: number): unknown =>
      choiceOf('jordan')!.make({ input: 2, hidden: 5, ...(output && { output }) }).states;
    expect([wide(), wide(3)]).toEqual([{ o: 5 }, { o: 3 }]);
  });

  test('only a cell of equal parts has another form for a width that they do not divide', () => {
    const clockwork = kinds.get('clockwork', 'test');
    const { clockwork: usual } = clockwork.choices;
    expect(fittedForm(clockwork, usual, 8)).toBe(usual);
    expect(fittedForm(clockwork, usual, 6)).toBe(clockwork.parts?.otherwise);
    const form = {};
    expect(fittedForm(kinds.get('gru', 'test'), form, 7)).toBe(form);
  });
});

describe('a cell is distinguished', () => {
  test('from what is not one', () => {
    const cell = elman(sizes);
    for (const key of ['step', 'stepBackward', 'states'] as const) {
      const { [key]: _, ...rest } = cell;
      expect(isCell(rest)).toBe(false);
    }
    for (const value of [null, undefined, 'elman', 3, () => cell, embedding({ input: 4, width: 2 })])
      expect(isCell(value)).toBe(false);
  });

  test('from an embedding, whatever its name', () => {
    expect(isEmbedding(embedding({ input: 4, width: 2 }))).toBe(true);
    expect(isEmbedding({ ...elman(sizes), name: 'embedding' })).toBe(false);
    for (const value of [null, undefined, elman(sizes), 'embedding']) expect(isEmbedding(value)).toBe(false);
  });

  test('from another kind, by its equations and not by its name', () => {
    const text = (name: string): Cell =>
      cellFromText({ ...sizes, equations: textOfCell(elman(sizes)).replace('cell elman', `cell ${name}`) });
    expect(kindOf(text('elman'))).toBeUndefined();
    expect(kindOf(text('own'))).toBeUndefined();
    expect(kindOf({ ...gru(sizes), options: undefined })).toBeUndefined();
    expect(kindOf({ ...gru(sizes), equations: elman(sizes).equations })).toBeUndefined();
    expect(kindOf(gru({ ...sizes, reset: 'before' }))?.name).toBe('gru');
  });

  test('from a form that has an option which the caller does not know', () => {
    const peepholes = lstm({ ...sizes, peepholes: true });
    expect(kindOf(peepholes, ['bias'])).toBeUndefined();
    expect(kindOf(peepholes, ['peepholes'])?.name).toBe('lstm');
    // the start of a bias is not in the equations
    expect(kindOf(lstm({ ...sizes, forgetBias: 3 }), ['bias'])?.name).toBe('lstm');
  });

  test('by its note: one from a text is saved as its text, one without options by its sizes', () => {
    const equations = textOfCell(gru(sizes));
    expect(noteOfCell(cellFromText({ ...sizes, equations }))).toEqual({
      cell: 'equations',
      options: { ...sizes, equations },
    });
    const own = { ...gru(sizes), name: 'own', options: undefined };
    expect(noteOfCell(own)).toEqual({ cell: 'own', options: sizes });
    expect(() => remake(noteOfCell(own), makers(), 'here')).toThrow(
      /^here: the cell must be one of elman, .*equations, got own/,
    );
  });
});

describe('equations that were read', () => {
  const read = (D: number): Cell =>
    cellOf(elmanEquations(when(true)), {
      sizes: { D, H: 2 },
      init: { Wx: constant(0), Wh: constant(0), b: constant(0) },
    });

  test('are shared by the cells that are made of them, of which the last hundred are kept', () => {
    const [{ statements: first }, { statements: second }] = [read(1), read(2)];
    expect(read(1).statements).toBe(first);
    expect(second).not.toBe(first);
    // the first has been used since the second: a hundred in all are kept
    for (let D = 3; D <= 101; D++) read(D);
    expect(read(1).statements).toBe(first);
    expect(read(2).statements).not.toBe(second);
  });

  test('with some of them replaced make a cell of the same sizes, start and fixed parameters', () => {
    const cell = lmu({ ...sizes, order: 3, theta: 5 });
    const variant = variantOf(cell, {
      forward: cell.equations!.forward.replace('h = tanh(z)', 'h = sigmoid(z)'),
    });
    expect(variant.equations?.forward).toContain('h = sigmoid(z)');
    expect(variant.equations?.backward).toBe(cell.equations?.backward);
    const shapes = ({ parameters }: Cell) =>
      Object.entries(parameters).map(([p, { shape, fixed }]) => [p, shape, fixed]);
    expect(shapes(variant)).toEqual(shapes(cell));
    expect(startOf(variant, 'Am')).toEqual(startOf(cell, 'Am'));
    expect(() => variantOf({ ...cell, equations: undefined }, {})).toThrow(
      'cell: a variant must be of a cell defined by equations, got lmu',
    );
  });

  test('need a size for every letter', () =>
    expect(() => cellOf(lmu(sizes).equations!, { sizes: { D: 2, H: 4 }, init: {} })).toThrow(
      'lmu: every letter of the shapes must have a size, got M',
    ));
});
