/** Cells from text files: the examples, the checks, where they can be used, and messages for invalid ones. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildFrom, blueprintOf } from '../bptt/network/blueprint';
import { gradcheck } from '../bptt/check/gradcheck';
import { bidirectional } from '../bptt/network/layers/layer';
import { network } from '../bptt/network/network';
import { weightInitNames, type Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { mingru } from '../cells/mingru';
import { cellFromText, textOfCell } from '../cells/text';
import { functionNames } from '../core/equations/parse';
import { EquationError } from '../core/equations/error';
import { toFlat } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';

const folder = join(__dirname, '..', 'examples', 'cells');
const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
const textOf = (file: string): string => readFileSync(join(folder, file), 'utf8');
const cellOf = (file: string, input = 3, hidden = 4) =>
  cellFromText({ input, hidden, equations: textOf(file) });

test('there are three examples', () => expect(files).toHaveLength(3));

describe.each(files)('%s', (file) => {
  test('its gradients are right, over unequal lengths too, and it states its Jacobian or none', () => {
    const report = gradcheck(cellOf(file), { lengths: [4, 2, 3] });
    expect(report.rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.ok).toBe(true);
  });

  test('a network of it is saved and loaded with its equations, and computes the same', () => {
    const layers = [bidirectional(cellOf(file)), cellOf(file, 8, 5)];
    const net = network({ layers, output: 2, loss: 'softmax', seed: 3 });
    const loaded = decodeCheckpoint(encodeCheckpoint({ network: net })).network;
    const x = Array.from({ length: 3 }, () => [[1, -0.5, 0.25]]);
    const batch = { x, targets: [[0], [1], [1]] };
    expect(toFlat(loaded.forward(batch).output)).toEqual(toFlat(net.forward(batch).output));
  });

  test('another thread builds the same from its blueprint', () => {
    const net = network({ layers: [cellOf(file)], seed: 1 });
    expect(() => buildFrom(blueprintOf(net, false), {})).not.toThrow();
  });
});

const good = textOf('mgu.txt');
const numbered = (count: number, line: (k: number) => string): string =>
  Array.from({ length: count }, (_, k) => line(k)).join('');

test('comments may stand anywhere, also between shapes', () => {
  const equations = good.replace('  parameters', '  # what is learned\n# of [2H]\n  parameters');
  const { parameters } = cellFromText({ input: 3, hidden: 4, equations });
  expect(Object.keys(parameters)).toEqual(['Wx', 'Wh', 'b']);
});

describe('the file', () => {
  const plain = textOfCell(elman({ input: 3, hidden: 4 }));
  const bare = ({ parameters, equations }: Cell) => [
    Object.entries(parameters).map(([p, { shape }]) => [p, shape]),
    Object.values<string>({ ...equations }).map((part) => part.replace(/\s+/g, ' ').trim()),
  ];
  const read = (equations: string): unknown => bare(cellFromText({ input: 3, hidden: 4, equations }));

  test.each([
    ['from an editor that marks its encoding', `\uFEFF${plain}`],
    ['with the line ends of Windows', plain.replaceAll('\n', '\r\n')],
    ['with tabs, and blanks behind its lines', plain.replace(/^ {2}/gm, '\t').replaceAll('\n', '  \n')],
    ['with a comment and blank lines before its name', `# mine\n\n   # and\n${plain}`],
    ['with a comment behind each section', plain.replace(/^(shapes|forward|backward)$/gm, '$1   # here')],
    [
      'with its sections in another order',
      plain.replace(/(forward\n[^]*?)(backward\n[^]*?)(jacobian)/, '$2$1$3'),
    ],
  ])('%s, is the same cell', (_, text) => expect(read(text)).toEqual(read(plain)));

  test('may have 200,000 characters', () => {
    const filled = (count: number): string => `${plain}\n#`.padEnd(count, 'x');
    expect(read(filled(200_000))).toEqual(read(plain));
    expect(() => read(filled(200_001))).toThrow(
      'cell, line 1, column 1: the text must have at most 200000 characters, got 200001',
    );
  });

  test('is written with one section after the other, and without those that are empty', () => {
    expect(plain.startsWith('cell elman\n\nshapes\n  x [D]   states h [H]   parameters Wx [D, H]')).toBe(
      true,
    );
    expect(plain.match(/^\w+$/gm)).toEqual(['shapes', 'forward', 'backward', 'jacobian', 'start']);
    expect(plain.endsWith('\n\nstart\n  Wh orthogonal')).toBe(true);
    expect(plain).not.toMatch(/^ *\n {2}/m);
    // two parts of one matrix are named once
    expect(textOfCell(gru({ input: 3, hidden: 4 })).endsWith('\n\nstart\n  Wh orthogonal')).toBe(true);
    const { jacobian: _, ...equations } = mingru({ input: 3, hidden: 4 }).equations!;
    const text = textOfCell({ ...mingru({ input: 3, hidden: 4 }), equations });
    expect(text.match(/^\w+$/gm)).toEqual(['shapes', 'forward', 'backward']);
  });

  test.each([
    ['cell 9x', 1],
    ['cell a b', 1],
    ['cell', 1],
    ['cells mgu', 1],
    ['\nshapes', 2],
    ['\n\n  cell mgu', 3],
  ])('that begins with %j is refused there', (text, line) =>
    expect(() => read(text)).toThrow(`cell, line ${line}, column 1: the text must begin with: cell NAME`),
  );

  test.each<[string, (text: string) => string, string]>([
    [
      'an unknown section',
      (t) => t.replace('forward\n', 'forwards\n'),
      'elman, line 6, column 1: unknown section "forwards" (did you mean forward?); indent the lines of a section',
    ],
    [
      'words behind a section',
      (t) => t.replace('forward\n', 'forward now\n'),
      'elman, line 6, column 1: unknown section "forward now"',
    ],
    [
      'a section twice',
      (t) => t.replace('backward\n', 'forward\n'),
      'elman, line 10, column 1: there are two sections forward',
    ],
    ['no shapes', (t) => t.replace(/shapes\n.*\n/, ''), 'there is no section shapes'],
    ['no forward', (t) => t.replace(/forward\n(.*\n)*?\n/, ''), 'there is no section forward'],
    [
      'too many words for a start',
      (t) => `${t} 2`,
      'elman, start, line 24, column 3: Wh must start as a number or one of glorot, orthogonal, uniform, normal, identity, zeros, got orthogonal 2',
    ],
    [
      'no start',
      (t) => t.replace('Wh orthogonal', 'Wh'),
      'Wh must start as a number or one of glorot, orthogonal, uniform, normal, identity, zeros, got nothing',
    ],
    [
      'a start that is not finite',
      (t) => t.replace('Wh orthogonal', 'Wh Infinity'),
      'Wh must start as a number or one of glorot, orthogonal, uniform, normal, identity, zeros, got Infinity',
    ],
    [
      'a start on a later line',
      (t) => `${t}\n  Wx glorot # right\n\n    q 1`,
      'elman, start, line 27, column 5: unknown parameter "q"',
    ],
  ])('with %s is refused with its place', (_, change, message) => {
    const text = change(plain);
    expect(text).not.toBe(plain);
    expect(() => read(text)).toThrow(message);
  });

  test('must be a text, and its options those that there are', () => {
    const make = (options: object) => () =>
      cellFromText({ input: 3, hidden: 4, equations: plain, ...options });
    expect(make({ equations: 7 })).toThrow('cellFromText: equations must be a text, got 7');
    expect(make({ hidden: 0 })).toThrow('cellFromText: hidden must be a whole number >= 1, got 0');
    expect(make({ input: 0 })).toThrow('cellFromText: input must be a whole number >= 1, got 0');
    expect(make({ units: 1 })).toThrow(
      'cellFromText: options must be among input, hidden, equations, name, layerNorm, residual, got units',
    );
    expect(() => textOfCell({ ...elman({ input: 3, hidden: 4 }), equations: undefined })).toThrow(
      'textOfCell: the cell must be made from equations, as a text, got elman',
    );
    expect(() => textOfCell(jordan({ input: 3, hidden: 4, output: 2 }))).toThrow(
      'textOfCell: the shapes of the cell must be of D and H alone, got O',
    );
  });
});

test.each(weightInitNames)('a parameter that starts %s starts as in a built-in cell', (name) => {
  const weights = (cell: Cell): number[] =>
    toFlat(network({ layers: [cell], seed: 2 }).parameters.values['l0.Wx']);
  const equations = `${textOfCell(elman({ input: 4, hidden: 4 })).replace(/start\n[^]*$/, '')}start\n  Wx ${name}`;
  expect(weights(cellFromText({ input: 4, hidden: 4, equations }))).toEqual(
    weights(elman({ input: 4, hidden: 4, inputInit: name })),
  );
});

test('how parameters start: by name, by number, gate by gate, or as they do by default', () => {
  const start = (text: string): Record<string, number[]> => {
    const equations = good.replace(/start\n[^]*$/, text);
    const net = network({ layers: [cellFromText({ input: 3, hidden: 4, equations })], seed: 2 });
    return Object.fromEntries(Object.entries(net.parameters.values).map(([name, t]) => [name, toFlat(t)]));
  };
  const {
    'l0.Wx': Wx,
    'l0.Wh': Wh,
    'l0.b': b,
  } = start('start\n  Wx zeros\n  Wh identity   # each gate\n  b -1.5');
  expect(Wx).toEqual(Array<number>(24).fill(0));
  expect(Wh).toEqual([0, 1, 2, 3].flatMap((r) => Array.from({ length: 8 }, (_, c) => (c % 4 === r ? 1 : 0))));
  expect(b).toEqual(Array<number>(8).fill(-1.5));
  const { 'l0.Wx': drawn, 'l0.b': zero } = start('');
  expect(new Set(drawn).size).toBe(24);
  expect(zero).toEqual(Array<number>(8).fill(0));
});

test.each<[string, string, RegExp]>([
  ['empty', '', /cell, line 1, column 1: the text must begin with: cell NAME/],
  ['binary', '\0\x01\x02', /the text must begin with: cell NAME/],
  ['without a name', good.replace('cell mgu', 'cell'), /the text must begin with: cell NAME/],
  [
    'without backward',
    good.replace(/backward[^]*$/, ''),
    /mgu, line \d+, column \d+: there is no section backward/,
  ],
  [
    'an unknown section',
    good.replace('backward', 'backwards'),
    /unknown section "backwards" \(did you mean backward\?\)/,
  ],
  ['a section twice', `${good}\nforward\n  h = x`, /there are two sections forward/],
  [
    'an unknown parameter',
    good.replace('Wx glorot', 'Wq glorot'),
    /mgu, start, line 39, column 3: unknown parameter "Wq" \(did you mean Wx\?\)/,
  ],
  [
    'a start that is none',
    good.replace('Wx glorot', 'Wx gloro'),
    /Wx must start as a number or one of glorot, .*, got gloro/,
  ],
  [
    'a wrong name',
    good.replace('dhNext', 'dhNex'),
    /mgu, backward, line 19, column 16: unknown name "dhNex" \(did you mean dhNext\?\)/,
  ],
  [
    'an output never written',
    good.replace('  h = (1 - f) * hPrev + f * n', ''),
    /mgu, forward, line \d+, column \d+: h is never written/,
  ],
  [
    'a name that every object has',
    good.replaceAll('Wx', 'constructor'),
    /mgu, shapes, line 7, column 14: the name constructor is reserved/,
  ],
  [
    'such a name before that of a gate',
    good.replace('tanh(an)', 'toStringf'),
    /mgu, forward, line 15, column 7: unknown name "toStringf"/,
  ],
  [
    'a gate that reads itself',
    good.replace('tanh(an)', 'tanh(n)'),
    /mgu, forward, line 15, column 12: n is read before it is written/,
  ],
  [
    'a gate that is read by what it has replaced',
    good.replace('  v = f * hPrev', '  v = af * hPrev'),
    /mgu, forward, line 13, column 7: af has been overwritten by f/,
  ],
  [
    'the derivative of a gate that is read by what it has replaced',
    good.replace('Jv = Jf * hPrev', 'Jv = Jaf * hPrev'),
    /mgu, jacobian, line 33, column 8: Jaf has been overwritten by Jf/,
  ],
  ...(
    [
      ['an, forward', 'an += v @ Whn', 'an += x @ Wx', 'an is [B, H], but x @ Wx is [B, 2H]'],
      ['h, forward', 'h = (1 - f) * hPrev + f * n', 'h = x + 0 * sum(n, axis=1)', 'h is [B, H], but'],
      [
        'dhPrev, backward',
        'dhPrev = dh * (1 - f) + dv * f + daf @ Whf.T',
        'dhPrev = da @ Wx.T',
        'dhPrev is [B, H], but da @ Wx.T is [B, D]',
      ],
      ['dx, backward', 'dx = da @ Wx.T', 'dx = dh', 'dx is [B, D], but dh is [B, H]'],
      ['dWx, backward', 'dWx += x.T @ da', 'dWx += x.T @ dh', 'dWx is [D, 2H], but x.T @ dh is [D, H]'],
      ['dan, backward', 'dan = dh * f * (1 - n * n)', 'dan = x', 'dan is [B, H], but x is [B, D]'],
      [
        'Jh, jacobian',
        'Jh = JhPrev + Jf * (n - hPrev) + f * (Jn - JhPrev)',
        'Jh = Ja',
        'Jh is [H, n], but Ja is [2H, n]',
      ],
    ] as const
  ).map(([what, right, wrong, message]): [string, string, RegExp] => [
    `a wrong shape of ${what}`,
    good.replace(right, wrong),
    new RegExp(`mgu, ${what.split(', ')[1]}, line \\d+, .*${message.replace(/[[\]().+*]/g, '\\$&')}`),
  ]),
  [
    'lines in a circle',
    good.replace('sigmoid(af)', 'sigmoid(v)'),
    /mgu, forward, line 12, column 15: v is read before it is written/,
  ],
  [
    '10,000 brackets',
    good.replace('tanh(an)', `${'('.repeat(10_000)}an${')'.repeat(10_000)}`),
    /a line must have at most 2000 characters, got 20008/,
  ],
  [
    '900 brackets',
    good.replace('tanh(an)', `${'('.repeat(900)}an${')'.repeat(900)}`),
    /an expression must nest at most 100 deep/,
  ],
  [
    '10,000 lines, each of which reads the one before',
    good.replace('forward\n', `forward\n  q0 = hPrev\n${numbered(10_000, (k) => `  q${k + 1} = q${k}\n`)}`),
    /mgu, forward, line 1010, column 3: a block must have at most 1000 lines, sums and products/,
  ],
  [
    '3,000 sums',
    good.replace('forward\n', `forward\n${numbered(3000, (k) => `  q${k} = x - sum(x, axis=1)\n`)}`),
    /a block must have at most 1000 lines, sums and products/,
  ],
  [
    'a name of 190,000 letters',
    good.replace('states h', `states h, ${'z'.repeat(190_000)}`),
    /mgu, shapes, line 6, column 21: a name must have at most 64 characters, got 190000/,
  ],
  [
    'a section of 180,000 characters: it is not quoted whole',
    good.replace('shapes', `shapes ${' '.repeat(180_000)}x`),
    /^.{500,600}…\n/,
  ],
  ['what acts on a terminal', good.replace('backward', '\x1b[31mback'), /unknown section "·\[31mback"/],
  ['10,000 lines', good.replace('forward\n', `forward\n${'  q = x\n'.repeat(10_000)}`), /q is written twice/],
  ['100 MB', 'x'.repeat(100_000_000), /the text must have at most 200000 characters/],
])('%s: refused with its place', (_name, equations, message) => {
  const make = (): unknown => cellFromText({ input: 3, hidden: 4, equations });
  expect(make).toThrow(EquationError);
  expect(make).toThrow(message);
});

test('the guide names every function and start of the notation', () => {
  const guide = readFileSync(join(__dirname, '..', 'docs', 'guide', 'own-cell.md'), 'utf8');
  for (const name of functionNames) expect(guide).toContain(`\`${name}(`);
  for (const name of weightInitNames) expect(guide).toContain(`\`${name}\``);
});
