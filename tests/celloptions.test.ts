/** The options of every registered cell: each invalid value is refused with the cell's name and the allowed values. */
import { clockworkCounts } from '../index';
import { surroundingNames, type Cell } from '../cells/cell';
import { declaredSizes } from '../cells/declared';
import { choiceNames, choiceOf, inForm, kinds } from '../cells/kinds';
import { declare } from '../core/equations/declare';
import { numberOf } from '../core/equations/shapes';

const initializers = 'glorot, orthogonal, uniform, normal, identity, zeros';
const activations = 'tanh, sigmoid, relu';
const oneOf = (what: string, names: string, got: string) => `${what} must be one of ${names}, got ${got}`;

/** Invalid values of an option, whichever cell has it, and the message after the cell's name. */
const invalid: Record<string, [value: unknown, message: string][]> = {
  input: [
    [0, 'input must be a whole number >= 1, got 0'],
    [2.5, 'input must be a whole number >= 1, got 2.5'],
    ['2', "input must be a whole number >= 1, got the string '2'"],
    [undefined, 'input must be a whole number >= 1, got undefined'],
  ],
  hidden: [
    [0, 'hidden must be a whole number >= 1, got 0'],
    [NaN, 'hidden must be a whole number >= 1, got NaN'],
    [undefined, 'hidden must be a whole number >= 1, got undefined'],
  ],
  output: [[0, 'output must be a whole number >= 1, got 0']],
  bias: [
    ['no', 'bias must be true or false, got no'],
    [0, 'bias must be true or false, got 0'],
    [null, 'bias must be true or false, got null'],
  ],
  projection: [
    [0, 'projection must be a whole number >= 1, got 0'],
    [1.5, 'projection must be a whole number >= 1, got 1.5'],
  ],
  order: [[0, 'order must be a whole number >= 1, got 0']],
  spectralRadius: [[-1, 'spectralRadius must be a number >= 0, got -1']],
  inputScale: [[Infinity, 'inputScale must be a number >= 0, got Infinity']],
  biasScale: [['0', "biasScale must be a number >= 0, got the string '0'"]],
  leak: [
    [0, 'leak must be above 0 and at most 1, got 0'],
    [1.5, 'leak must be above 0 and at most 1, got 1.5'],
  ],
  theta: [
    [0.5, 'theta must be a number >= 1, got 0.5'],
    [Infinity, 'theta must be a number >= 1, got Infinity'],
    ['5', "theta must be a number >= 1, got the string '5'"],
  ],
  peepholes: [[1, 'peepholes must be true or false, got 1']],
  gateNorm: [['yes', 'gateNorm must be true or false, got yes']],
  truncated: [['yes', 'truncated must be true or false, got yes']],
  inputInit: [
    ['glorott', `${oneOf('the initializer', initializers, 'glorott')} (did you mean glorot?)`],
    [7, oneOf('the initializer', initializers, '7')],
  ],
  recurrentInit: [['toString', oneOf('the initializer', initializers, 'toString')]],
  activation: [['tan', `${oneOf('activation', activations, 'tan')} (did you mean tanh?)`]],
  feedback: [['q', oneOf('feedback', 'o, p', 'q')]],
  eigenvalues: [['real', oneOf('eigenvalues', 'positive, signed', 'real')]],
  reset: [['never', oneOf('reset', 'after, before', 'never')]],
  chrono: [
    [NaN, 'chrono must be a finite number, got NaN'],
    [2, 'chrono must be 0 or a number > 2, got 2'],
  ],
  forgetBias: [[Infinity, 'forgetBias must be a finite number, got Infinity']],
  inputBias: [[NaN, 'inputBias must be a finite number, got NaN']],
  offset: [
    [-1, 'offset must be a whole number >= 0, got -1'],
    [0.5, 'offset must be a whole number >= 0, got 0.5'],
  ],
};

const sizes = { input: 2, hidden: 4 };
const messageOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe.each(kinds.all.map((kind) => [kind.name, kind] as const))('%s', (name, kind) => {
  // as a user writes them: those of a clockwork cell are its periods, not its modules
  const given: object =
    name === 'clockwork'
      ? { ...sizes, periods: [1, 2] }
      : { ...sizes, ...(name === 'jordan' && { output: 3 }), ...(name === 'lstm' && { projection: 2 }) };
  const cell = kind.make(given);
  const options = Object.keys(cell.options ?? {}).filter((option) => option !== 'modules');

  test('every option has a case in the table', () =>
    expect(options.filter((option) => !(option in invalid))).toEqual([]));

  const cases = options.flatMap((option) =>
    invalid[option].map(([value, message]) => ({ option, value, message })),
  );
  // a dense layer can also do without
  if (name === 'dense')
    for (const one of cases) one.message = one.message.replace(activations, `${activations}, none`);
  // the units of modules are counted first
  const special = (option: string): boolean => name === 'clockwork' && option === 'hidden';
  test.each(cases.filter(({ option }) => !special(option)))('$option: $value', ({ option, value, message }) =>
    expect(messageOf(() => kind.make({ ...given, [option]: value }))).toBe(`${name}: ${message}`),
  );

  test('an unknown option is refused with those that there are', () => {
    const message = messageOf(() => kind.make({ ...given, nothing: 1 }));
    expect(message.startsWith(`${name}: options must be among input, hidden, bias, `)).toBe(true);
    const listed = /among (.*), got nothing$/.exec(message)?.[1].split(', ') ?? [];
    const around: readonly string[] = surroundingNames;
    const own = listed.filter((option) => !['modules', 'periods', ...around].includes(option));
    expect(own.sort()).toEqual(options.sort());
    const able = name !== 'clockwork' && name !== 'reservoir';
    expect(listed.filter((option) => around.includes(option))).toEqual(able ? around : []);
  });

  test.each([[undefined], [null], [3], ['lstm']])('%s in place of the options', (value) =>
    expect(messageOf(() => kind.make(value))).toMatch(`${name}: options must be an object, got ${value}`),
  );

  test('what a cell states as its options makes the same cell', () => {
    const again = kind.make({ ...cell.options, ...sizes });
    expect({ ...again.parameters }).toMatchObject(
      Object.fromEntries(Object.entries(cell.parameters).map(([p, { shape }]) => [p, { shape }])),
    );
    expect(JSON.stringify(again)).toBe(JSON.stringify(cell));
  });
});

describe('modules of a clockwork cell', () => {
  test.each<[string, object, string]>([
    ['neither', {}, 'either modules or hidden and periods must be lists, got undefined'],
    [
      'both',
      { hidden: 4, periods: [1], modules: [] },
      'either modules or hidden and periods must be lists, got []',
    ],
    ['none', { hidden: 4, periods: [] }, 'there must be at least one module, got none'],
    ['no hidden', { periods: [1] }, 'hidden must be a whole number >= 1, got undefined'],
    [
      'uneven',
      { hidden: 5, periods: [1, 2] },
      'hidden must be a multiple of 2, got 5 (one equal part for each period)',
    ],
    [
      'equal periods',
      { hidden: 4, periods: [2, 2] },
      'periods must increase from module to module, got 2, 2',
    ],
    [
      'falling',
      { hidden: 6, periods: [1, 4, 2] },
      'periods must increase from module to module, got 1, 4, 2',
    ],
    ['period 0', { hidden: 4, periods: [0, 1] }, 'period 0 must be a whole number >= 1, got 0'],
    ['half a period', { hidden: 4, periods: [1, 1.5] }, 'period 1 must be a whole number >= 1, got 1.5'],
    ['no module', { modules: [undefined] }, 'module 0 must be an object of units and period, got undefined'],
    ['null', { modules: [null] }, 'module 0 must be an object of units and period, got null'],
    [
      'no units',
      { modules: [{ period: 1 }] },
      'units of module 0 must be a whole number >= 1, got undefined',
    ],
    [
      'another sum',
      {
        hidden: 4,
        modules: [
          { units: 2, period: 1 },
          { units: 3, period: 2 },
        ],
      },
      'hidden must be 5, got 4 (the sum of all units)',
    ],
  ])('%s', (_name, options, message) => {
    expect(messageOf(() => kinds.get('clockwork', 'test').make({ input: 2, ...options }))).toBe(
      `clockwork: ${message}`,
    );
    expect(messageOf(() => clockworkCounts(options))).toBe(`clockworkCounts: ${message}`);
  });

  test('hidden may state the sum of the units', () => {
    const modules = [
      { units: 2, period: 1 },
      { units: 3, period: 2 },
    ];
    expect(clockworkCounts({ hidden: 5, modules })).toEqual(clockworkCounts({ modules }));
  });
});

test('forgetBias is refused without biases, and 0 is taken', () => {
  const { make } = kinds.get('lstm', 'test');
  expect(messageOf(() => make({ ...sizes, bias: false, forgetBias: 1 }))).toBe(
    'lstm: forgetBias must be 0 without biases, got 1',
  );
  expect(Object.keys(make({ ...sizes, bias: false, forgetBias: 0 }).parameters)).toEqual(['Wx', 'Wh']);
});

describe('the forms of the cells', () => {
  test('have these names, on the command line and elsewhere', () =>
    expect(choiceNames()).toEqual(
      'elman elman-relu elman-sigmoid lstm lstm-peepholes lstm-norm lstm-projection lstm1997 lstm1997-truncated gru gru-before jordan jordan-softmax clockwork lmu reservoir mingru minlstm diagonal diagonal-signed dense'.split(
        ' ',
      ),
    ));

  test('are called in texts', () =>
    expect(kinds.all.map(({ title }) => title)).toEqual([
      'Elman',
      'LSTM',
      'LSTM of 1997',
      'GRU',
      'Jordan',
      'Clockwork',
      'Legendre memory unit',
      'Reservoir',
      'minGRU',
      'minLSTM',
      'Diagonal linear unit',
      'Dense layer',
    ]));

  test('an unknown one has no kind', () => expect(choiceOf('lstm-peephole')).toBeUndefined());

  test('a clockwork cell of a width that four periods do not divide has fewer', () => {
    const { parts } = kinds.get('clockwork', 'test');
    const periods = [9, 6, 10, 7].map(
      (hidden) =>
        inForm(kinds.get('clockwork', 'test'), parts!.otherwise, { input: 2, hidden }).options?.modules,
    );
    const times = periods.map((modules) => (modules as { period: number }[]).map(({ period }) => period));
    expect(times).toEqual([[1, 2, 4], [1, 2, 4], [1, 2], [1]]);
    expect(parts).toMatchObject({ count: 4, why: 'its modules of periods 1, 2, 4, 8 are of one size' });
  });
});

/** What a step keeps for its backward pass, and what backward needs in between, at D = 2, H = 4; gates share a buffer. */
const stored: Record<string, [states: object, buffers: object]> = {
  elman: [{ h: 4 }, { z: 4, dz: 4 }],
  'elman-relu': [{ h: 4 }, { z: 4, dz: 4 }],
  'elman-sigmoid': [{ h: 4 }, { z: 4, dz: 4 }],
  lstm: [
    { h: 4, c: 4 },
    { a: 16, tc: 4, da: 16 },
  ],
  'lstm-peepholes': [
    { h: 4, c: 4 },
    { a: 16, tc: 4, da: 16, dpiRow: 4, dpfRow: 4, dpoRow: 4 },
  ],
  'lstm-norm': [
    { h: 4, c: 4 },
    {
      ...{ u: 16, eu: 16, su: 1, nu: 16, v: 16, ev: 16, sv: 1, nv: 16, a: 16, ec: 4, sc: 1, nc: 4, tc: 4 },
      ...{ dz: 4, dnc: 4, da: 16, dnu: 16, du: 16, dnv: 16, dv: 16 },
      // what is summed, and sums
      ...{
        euPart: 1,
        suPartRow: 16,
        suPart: 1,
        evPart: 1,
        svPartRow: 16,
        svPart: 1,
        ecPart: 1,
        scPartRow: 4,
      },
      ...{
        scPart: 1,
        dcPart: 1,
        dcPart2Row: 4,
        dcPart2: 1,
        duPart: 1,
        duPart2Row: 16,
        duPart2: 1,
        dvPart: 1,
      },
      ...{
        dvPart2Row: 16,
        dvPart2: 1,
        dgxRow: 16,
        dghRow: 16,
        dgcRow: 4,
        aPart: 1,
        aPart2Row: 16,
        aPart2: 1,
      },
      ...{ ncPart: 1, ncPart2Row: 4, ncPart2: 1 },
    },
  ],
  'lstm-projection': [
    { h: 2, c: 4 },
    { a: 16, tc: 4, m: 4, dh: 2, dm: 4, da: 16 },
  ],
  lstm1997: [
    { h: 4, c: 4 },
    { a: 12, tc: 4, da: 12 },
  ],
  'lstm1997-truncated': [
    { h: 4, c: 4 },
    { r: 4, a: 12, tc: 4, da: 12 },
  ],
  gru: [{ h: 4 }, { a: 12, u: 4, da: 12, du: 4 }],
  'gru-before': [{ h: 4 }, { a: 12, v: 4, da: 12, dv: 4 }],
  jordan: [{ o: 4 }, { z: 4, h: 4, do: 4, dh: 4, dz: 4 }],
  'jordan-softmax': [
    { o: 4 },
    { logSum: 1, p: 4, z: 4, h: 4, do: 4, dh: 4, dz: 4, dp: 4, flow: 4, flowSum: 1 },
  ],
  clockwork: [{ h: 4 }, { z: 4, dz: 4 }],
  lmu: [
    { h: 4, m: 16 },
    { u: 1, z: 4, dz: 4, dm: 16, du: 1 },
  ],
  reservoir: [{ h: 4 }, { z: 4, g: 4, dz: 4, eachRow: 4, each: 1 }],
  mingru: [{ h: 4 }, { a: 8, da: 8 }],
  minlstm: [{ h: 4 }, { a: 12, p: 4, q: 4, da: 12 }],
  diagonal: [{ h: 4 }, { a: 8, p: 4, da: 8 }],
  'diagonal-signed': [{ h: 4 }, { a: 8, p: 4, da: 8 }],
  dense: [{ h: 4 }, { z: 4, dz: 4 }],
};

test('every form is in that table', () => expect(Object.keys(stored)).toEqual(choiceNames()));

test.each(Object.entries(stored))(
  'a step of %s keeps what its backward reads, and no more',
  (name, [states, buffers]) => {
    const cell = choiceOf(name)?.make(sizes);
    expect(cell?.states).toEqual(states);
    expect(cell?.buffers).toEqual(buffers);
  },
);

test('gates and their pre-activations are columns of one buffer, in the order in which they are stored', () => {
  const partsOf = (name: string) =>
    Object.fromEntries(
      Object.entries(choiceOf(name)?.make(sizes).parts ?? {}).map(([part, { of, from, to }]) => [
        part,
        `${of} ${from}–${to}`,
      ]),
    );
  const gates = (names: string, buffer: string, of: string) =>
    Object.fromEntries([...names].map((gate, k) => [`${of}${gate}`, `${buffer} ${4 * k}–${4 * k + 4}`]));
  expect(partsOf('lstm')).toEqual({
    ...gates('ifgo', 'a', ''),
    ...gates('ifgo', 'a', 'a'),
    ...gates('ifgo', 'da', 'da'),
  });
  expect(partsOf('gru')).toEqual({
    ...{ ...gates('rzn', 'a', ''), ...gates('rzn', 'a', 'a'), ...gates('rzn', 'da', 'da') },
    ...{ arz: 'a 0–8', darz: 'da 0–8' },
    ...{ Whrz: 'Wh 0–8', Whn: 'Wh 8–12', dWhrz: 'dWh 0–8', dWhn: 'dWh 8–12' },
  });
  expect(partsOf('elman')).toEqual({});
});

test.each(choiceNames())(
  '%s: the letters of its shapes have the sizes of its states and parameters',
  (name) => {
    const made = choiceOf(name)?.make({ input: 3, hidden: 8, output: 2 }) as Cell;
    const { equations, states, parameters } = made;
    if (equations === undefined) return;
    const letters = declaredSizes(made, equations);
    expect(letters).toMatchObject({ D: 3, H: 8 });
    const { sections } = declare(equations.shapes, ['states', 'parameters'], name);
    const valueOf = (size: string): number | undefined => numberOf(size, letters);
    for (const [s, width] of Object.entries(states)) expect(sections.states[s].map(valueOf)).toEqual([width]);
    for (const [p, { shape }] of Object.entries(parameters))
      expect(sections.parameters[p].map(valueOf)).toEqual(shape);
  },
);
