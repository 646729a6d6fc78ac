/** What is read from a cell's equations: which lines belong together, the recurrent matrices, the bias of a gate. */
import { embedding } from '../index';
import { gateBias } from '../cells/declared';
import { choiceNames, choiceOf } from '../cells/kinds';
import { inputMatrices, recurrentMatrices } from '../cells/recurrent';
import { cellFromText } from '../cells/text';

const cellOf = (name: string) => choiceOf(name)!.make({ input: 2, hidden: 4 });

describe('each forward statement with its backward and its Jacobian', () => {
  const names = (statement?: { graph: { outputs: object } }): string =>
    Object.keys(statement?.graph.outputs ?? {}).join(' ');
  test.each<[string, string[][]]>([
    ['elman', [['h', 'dz', 'Jh']]],
    ['lstm', [['i f g c o tc h', 'dao dai daf dag dcPrev', 'Jc Jh']]],
    ['lstm-peepholes', [['i f g c o tc h', 'dao dai daf dag dcPrev dpiRow dpfRow dpoRow', 'Jc Jh']]],
    ['gru', [['r z n h', 'dan daz dar du dhPrev', 'Jh']]],
    [
      'gru-before',
      [
        ['r v', 'dar dhPrev', 'Jv'],
        ['z n h', 'dan daz dhPrev', 'Jh'],
      ],
    ],
    ['jordan', [['h', 'dz', 'Jh']]],
    [
      'clockwork',
      [
        ['h', 'dz', 'Jh'],
        ['h', 'dhPrev', 'Jh'],
      ],
    ],
  ])('%s', (name, expected) => {
    const { statements = [] } = cellOf(name);
    expect(statements.map((pair) => [pair.forward, pair.backward, pair.jacobian].map(names))).toEqual(
      expected,
    );
  });

  const pairs = (parameters: string, forward: string, backward: string) => {
    const equations = `cell own\nshapes\n  x [D]   states h [H]   parameters ${parameters}\nforward\n${forward}\nbackward\n${backward}`;
    const { statements = [] } = cellFromText({ input: 2, hidden: 3, equations });
    return statements.map((pair) => [pair.forward, pair.backward].map(names));
  };

  test('one that also gives something else is not its derivative', () => {
    const forward = '  a = x @ Wx + hPrev @ V\n  h = 2 * a';
    const backward = (dV: string): string => `  dh = dhOut + dhNext
  da = 2 * dh
  dx = da @ Wx.T
  dhPrev = da @ V.T
  dWx += x.T @ da
  dV += ${dV}`;
    const of = (dV: string) => pairs('Wx [D, H]   V [H, H]', forward, backward(dV));
    expect(of('hPrev.T @ da')).toEqual([['h', 'da']]);
    // then the same loop also stores dh
    expect(of('hPrev.T @ dh + hPrev.T @ dh')).toEqual([]);
  });

  test('one that also reads the gradient of another value is not its derivative', () =>
    expect(
      pairs(
        'Wx [D, H]   V [H, H]',
        '  a = x @ Wx\n  m = 2 * a\n  q = m @ V\n  h = q + a + hPrev',
        `  dh = dhOut + dhNext
  dm = dh @ V.T
  da = 2 * dm + dh
  dhPrev = dh
  dx = da @ Wx.T
  dWx += x.T @ da
  dV += m.T @ dh`,
      ),
    ).toEqual([]));

  test('a state that is called d, and a gradient called as it, are told apart', () => {
    const { statements = [] } = cellFromText({
      ...{ input: 2, hidden: 3 },
      equations: `cell own
shapes
  x [D]   states d [H]   parameters Wx [D, H]
forward
  a = x @ Wx
  d = tanh(a + dPrev)
backward
  dd = ddOut + ddNext
  da = dd * (1 - d * d)
  ddPrev = da
  dx = da @ Wx.T
  dWx += x.T @ da`,
    });
    expect(statements.map((pair) => [pair.forward, pair.backward].map(names))).toEqual([['d', 'da ddPrev']]);
    expect(statements[0]).not.toHaveProperty('jacobian');
  });
});

describe('the recurrent matrices', () => {
  const whole = (of: string, transposed = false) => ({ of, transposed, then: [] });
  const gates = ['r z', 'n'].map((_, k) => ({ ...whole('Wh'), from: 8 * k, to: 8 + 4 * k }));
  test.each<[string, object[]]>([
    ['elman', [whole('Wh')]],
    ['lstm', [whole('Wh')]],
    ['gru', gates],
    ['gru-before', gates],
    ['jordan-softmax', [{ ...whole('Wf'), then: [{ of: 'Wo', transposed: false }] }]],
    ['clockwork', [whole('Wh')]],
    ['reservoir', [whole('Wh')]],
    ['mingru', []],
    // the projection takes c to h alone, and follows Wh
    ['lstm-projection', [{ ...whole('Wh'), then: [{ of: 'Wp', transposed: false }] }]],
    // u reaches h through the memory, and the memory itself through Bm
    [
      'lmu',
      [
        { ...whole('eh'), then: ['Bm', 'Wm'].map((of) => ({ of, transposed: false })) },
        { ...whole('em'), then: [{ of: 'Bm', transposed: false }] },
        whole('Am'),
        whole('Wh'),
      ],
    ],
  ])('of %s', (name, expected) => expect(recurrentMatrices(cellOf(name))).toEqual(expected));

  /** A cell of one line of equations; its backward is not used here. */
  const matricesOf = (forward: string) =>
    recurrentMatrices({
      ...cellOf('elman'),
      equations: { name: 'own', shapes: '', forward, backward: '' },
    });
  test.each<[string, object[]]>([
    ['h = x @ Wx + b', []],
    ['h = hPrev', []],
    ['h = hPrev @ Wh.T', [whole('Wh', true)]],
    ['h = hPrev @ Wh.T.T', [whole('Wh')]],
    ['h = tanh(2 * hPrev + 1) @ Wh', [whole('Wh')]],
    ['a = sigmoid(hPrev)\nh = (a * x) @ Wh', [whole('Wh')]],
    ['a = x @ Wx\nh = a @ Wh', []],
    ['h = hPrev @ (Wh * Wh)', []],
    // the second follows the first
    ['a = hPrev @ Wh\nh = a @ Wx.T', [{ ...whole('Wh'), then: [{ of: 'Wx', transposed: true }] }]],
    // of two ways the shorter counts
    ['a = hPrev @ Wh\nh = a @ Wx + a', [whole('Wh')]],
    ['a = hPrev @ Wh\nh = a + a @ Wx', [whole('Wh')]],
  ])('of %j', (forward, expected) => expect(matricesOf(forward)).toEqual(expected));

  test('of a state that only feeds another are kept, with the matrices on their way', () => {
    const matrices = (forward: string) =>
      recurrentMatrices({ ...cellOf('lstm'), equations: { name: 'own', shapes: '', forward, backward: '' } });
    const through = [{ of: 'Wx', transposed: false }];
    expect(matrices('h = cPrev @ Wh\nc = cPrev')).toEqual([whole('Wh')]);
    expect(matrices('q = cPrev @ Wh\nh = q @ Wx\nc = cPrev')).toEqual([{ ...whole('Wh'), then: through }]);
    expect(matrices('q = cPrev @ Wh\nh = q @ Wx\nc = hPrev')).toEqual([{ ...whole('Wh'), then: through }]);
    expect(matrices('h = cPrev\nc = hPrev @ Wh')).toEqual([whole('Wh')]);
  });

  test('of one gate are not those of the gates beside it', () => {
    const matrices = (forward: string) =>
      recurrentMatrices({ ...cellOf('gru'), equations: { name: 'own', shapes: '', forward, backward: '' } });
    const [Whrz, Whn] = gates;
    // what is written to n is to the right of z, and r is to the left of it
    expect(matrices('an = hPrev @ Whn\naz = hPrev\nh = az @ Whrz')).toEqual([Whn, Whrz]);
    expect(matrices('ar = hPrev @ Whn\naz = hPrev\nh = az @ Whrz')).toEqual([Whn, Whrz]);
    // all gates are read together
    expect(matrices('an = hPrev @ Whn\nh = a @ Whrz')).toEqual([
      { ...Whn, then: [{ of: 'Wh', from: 0, to: 8, transposed: false }] },
    ]);
  });

  test('of a cell without equations are not known', () =>
    expect(recurrentMatrices({ ...cellOf('elman'), equations: undefined })).toBeUndefined());
});

describe('the matrices of the input', () => {
  test.each([
    ['elman', ['Wx']],
    ['lstm', ['Wx']],
    ['gru-before', ['Wx']],
    ['jordan-softmax', ['Wx']],
    ['clockwork', ['Wx']],
    ['lmu', ['ex', 'Wx']],
    ['minlstm', ['Wx']],
  ])('of %s', (name, expected) => expect(inputMatrices(cellOf(name))).toEqual(expected));

  test.each([
    ['h = x @ Wx.T', ['Wx']],
    ['h = tanh(x @ Wx) * 2', ['Wx']],
    ['h = x @ Wx + x @ Wx', ['Wx']],
    ['a = x @ Wx\nh = x @ Wh + a', ['Wx', 'Wh']],
    ['h = (2 * x) @ Wx', []],
    ['h = hPrev @ Wh', []],
    ['h = x * Wx', []],
    ['h = x @ q', []],
  ])('of %j', (forward, expected) => {
    const equations = { name: 'own', shapes: '', forward, backward: '' };
    expect(inputMatrices({ ...cellOf('elman'), equations })).toEqual(expected);
  });

  test('of a cell without equations are not known', () =>
    expect(inputMatrices({ ...cellOf('elman'), equations: undefined })).toBeUndefined());
});

test('a value of a Jacobian that is not called after a derivative is refused', () => {
  const { equations } = cellOf('elman');
  const text = (name: string) =>
    `cell own
shapes ${equations!.shapes.replace(/\s+/g, ' ')}
forward
  z = x @ Wx + hPrev @ Wh + b
  h = tanh(z)
backward
  dz = (dhOut + dhNext) * (1 - h * h)
  dx = dz @ Wx.T
  dhPrev = dz @ Wh.T
  dWx += x.T @ dz
  dWh += hPrev.T @ dz
  db += sum(dz)
jacobian
  ${name} = Wh.T @ JhPrev
  Jh = ${name} * (1 - h * h)`.replace('shapes ', 'shapes\n  ');
  const make = (name: string) => cellFromText({ input: 2, hidden: 4, equations: text(name) });
  expect(make('Jz').buffers).toEqual({ z: 4, dz: 4 });
  expect(() => make('q')).toThrow('q must begin with J: it is a derivative');
});

test('an inactive module of a clockwork cell keeps its state, and passes its gradient on', () => {
  const { active, inactive } = cellOf('clockwork').clocked!;
  expect(inactive).toEqual({
    forward: 'h = hPrev',
    backward: 'dhPrev = dhOut + dhNext',
    jacobian: 'Jh = JhPrev',
  });
  expect(active.forward).toMatch(/^z = x @ Wx \+ heard @ Wh \+ b\nh = tanh\(z\)$/);
  expect(active.jacobian).toMatch(/^Jz = Wh.T @ JHeard\nJh = Jz \* /);
});

describe('the bias of a gate', () => {
  const of = (name: string, gates: string) => [...gates].map((gate) => gateBias(cellOf(name), gate));
  const at = (k: number) => ({ of: 'b', from: 4 * k, to: 4 * k + 4 });
  test('is where its columns are', () => {
    expect(of('lstm', 'ifgo')).toEqual([0, 1, 2, 3].map(at));
    expect(of('gru', 'rzn')).toEqual([0, 1, 2].map(at));
  });
  test('is none in a cell without that gate, without gates, biases or equations', () => {
    expect(of('lstm', 'zx')).toEqual([undefined, undefined]);
    expect(of('elman', 'h')).toEqual([undefined]);
    const bare = choiceOf('lstm')!.kind.make({ input: 2, hidden: 4, bias: false });
    expect(gateBias(bare, 'f')).toBeUndefined();
    expect(gateBias({ ...cellOf('lstm'), equations: undefined }, 'f')).toBeUndefined();
  });
});

describe('shapes that are no cell', () => {
  const only = 'the input x must be declared, and no other: x [D]';
  test.each([
    ['y [D]   states h [H]   parameters Wx [D, H]', only],
    ['x [D]   u [D]   states h [H]   parameters Wx [D, H]', only],
    ['x [D, H]   states h [H]   parameters Wx [D, H]', only],
    ['x [D]   parameters Wx [D, H]', 'there must be a state: states h [H]'],
    ['x [D]   states h [H, H]   parameters Wx [D, H]', 'a state has one size, its width, but h is [H, H]'],
  ])('%s', (shapes, message) => {
    const equations = `cell own\nshapes\n  ${shapes}\nforward\n  h = hPrev + x @ Wx\nbackward\n  dx = x`;
    expect(() => cellFromText({ input: 2, hidden: 3, equations })).toThrow(
      `own, shapes, line 3, column 3: ${message}`,
    );
  });

  test('a parameter that is never read', () => {
    const equations =
      'cell own\nshapes\n  x [D]   states h [H]   parameters q [H]\nforward\n  h = hPrev\nbackward\n  dx = x';
    expect(() => cellFromText({ input: 2, hidden: 3, equations })).toThrow('q is declared, but never read');
  });
});

test.each([[undefined], [null], [7]])('%s in place of the options of an embedding', (value) =>
  expect(() => embedding(value as never)).toThrow(`embedding: options must be an object, got ${value}`),
);

test('every form has equations, for one kind of cell those of its clock', () => {
  for (const name of choiceNames()) {
    const { equations, clocked } = cellOf(name);
    expect([name, equations !== undefined, clocked !== undefined]).toEqual([
      name,
      name !== 'clockwork',
      name === 'clockwork',
    ]);
  }
});
