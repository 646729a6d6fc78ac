/** Registered cells, losses, optimizers, schedules and formats appear wherever such things are listed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { checkProblem } from '../bptt/check/gradcheck';
import { caseGroups, casesOfText, suite } from '../bptt/check/suite/suite';
import { trainingSettings } from '../bptt/train/settings';
import { gateBias } from '../cells/declared';
import { add as addBench } from '../cli/bench';
import { add as addExport } from '../cli/export';
import { add as addImport } from '../cli/import';
import { commandNames } from '../cli/main';
import { add as addTrain } from '../cli/train';
import { registryList } from '../docs/build/lists';
import {
  cell,
  cellFromText,
  decodeCheckpoint,
  encodeCheckpoint,
  encodeOnnx,
  exactCheck,
  gradcheck,
  gru,
  init,
  loss,
  lossNames,
  mutationScore,
  network,
  parallel,
  pytorchProject,
  registerCell,
  registerFormat,
  registerLoss,
  registerOptimizer,
  registerSchedule,
  toKeras,
  type CellKindDefinition,
  type FormatDefinition,
} from '../index';
import { allFormats } from '../io/formats';
import { choiceOf, kinds, type CellSizes } from '../cells/kinds';
import { WorkloadRun } from '../measure/workloads';
import { networkOf } from '../playground/engine/model';
import { pageSettings, settingsFor } from '../playground/engine/settings';
import { cellLabel, isCellSetting, makeCell } from '../run/cellchoice';
import { readSchedule } from '../run/settings';

const leaky = `cell own-leaky
shapes
  x [D]   states h [H]   parameters Wx [D, H]
forward
  n = tanh(x @ Wx)
  h = 0.5 * hPrev + 0.5 * n
backward
  dh = dhOut + dhNext
  da = 0.5 * dh * (1 - n * n)
  dhPrev = 0.5 * dh
  dx = da @ Wx.T
  dWx += x.T @ da`;

registerCell({
  ...{ name: 'own-leaky', title: 'Leaky unit' },
  make: (sizes: CellSizes) => cellFromText({ ...sizes, equations: leaky }),
});
/** Made by a program: its rate is an option, and a form has another one. */
registerCell({
  name: 'own-coded',
  make: ({ input, hidden, rate = 0.5 }: CellSizes & { rate?: number }) =>
    cell(
      {
        name: 'own-coded',
        shapes: 'x [D]   states h [H]   parameters Wx [D, H]',
        forward: `h = ${rate} * hPrev + x @ Wx`,
        backward: `
          dh = dhOut + dhNext
          dhPrev = ${rate} * dh
          dx = dh @ Wx.T
          dWx += x.T @ dh`,
      },
      { sizes: { D: input, H: hidden }, init: { Wx: init.glorot() }, options: { rate } },
    ),
  choices: { 'own-coded': {}, 'own-coded-slow': { rate: 0.875 } },
});
registerFormat({
  ...{ name: 'own-widths', title: 'widths', help: 'the width of each layer, as text' },
  write: {
    path: 'widths.txt',
    options: {
      ownUnit: { kind: 'text', label: 'Unit', unit: 'word', help: 'what is counted', must: 'a word' },
    },
    files: ({ network: { architecture } }, { ownUnit = 'units' }) => ({
      '': architecture.layers
        .map((layer) => `${(layer as { hidden: number }).hidden} ${String(ownUnit)}\n`)
        .join(''),
    }),
    use: (out) => `cat ${out}`,
  },
  read: {
    network: () => network({ layers: [gru({ input: 2, hidden: 3 })] }),
    how: 'Whatever is in the file, a small GRU comes out of it.',
  },
});
registerLoss(
  loss({
    name: 'own-loss',
    title: 'quartic error',
    targets: 'numbers',
    forward: `
      e = y - target
      rowLoss = sum(e * e * e * e, axis=1)`,
    backward: 'dy = weight * 4 * e * e * e',
  }),
);
registerOptimizer({
  name: 'own-signs',
  title: 'signs',
  defaults: { learningRate: 0.01 },
  update: () => ({
    states: [],
    equations: 'p = pPrev - lr * (step(g) - step(-g))',
    numbers: (_t, lr) => ({ lr }),
  }),
});
registerSchedule({
  name: 'own-halving',
  options: ['every'],
  factor:
    ({ every }) =>
    (t) =>
      2 ** -Math.floor(t / every),
});

const help = (add: (program: Command) => void): string => {
  const program = new Command();
  add(program);
  return program.commands[0].helpInformation();
};

describe('a cell', () => {
  test('has its cases in the check suite, all of which pass, and its mutants, all of which are noticed', () => {
    const cases = casesOfText(leaky);
    expect(cases.map(({ name }) => name)).toEqual([
      'own-leaky',
      'own-leaky, lengths',
      'own-leaky in both directions',
    ]);
    const [{ problem, cells }] = cases;
    expect(checkProblem(problem(1), cells, { seed: 1 }).ok).toBe(true);
    const { killed, total } = mutationScore(problem(1), { oracles: ['exact'] });
    expect([killed, total > 20]).toEqual([total, true]);
  });
  test('is a choice of --cell, by the text of its file', () => {
    expect(isCellSetting(leaky)).toBe(true);
    expect(makeCell(leaky, { input: 2, hidden: 3 }).name).toBe('own-leaky');
    expect(cellLabel(leaky)).toBe('own-leaky (from a file)');
  });
  test('has a forget gate for --forget-bias where its equations have one with a bias', () => {
    const sizes = { input: 2, hidden: 3 };
    const gated = readFileSync(join(__dirname, '..', 'examples', 'cells', 'coupled-lstm.txt'), 'utf8');
    expect(gateBias(makeCell(leaky, sizes), 'f')).toBeUndefined();
    expect(gateBias(makeCell('lstm', sizes), 'f')).toEqual({ of: 'b', from: 3, to: 6 });
    expect(gateBias(makeCell(gated, sizes), 'f')).toEqual({ of: 'b', from: 0, to: 3 });
    for (const cell of ['gru', 'lstm1997', 'elman', 'clockwork'])
      expect(gateBias(makeCell(cell, { input: 2, hidden: 4 }), 'f')).toBeUndefined();
  });
});

describe('a registered cell', () => {
  const own = ['own-leaky', 'own-coded', 'own-coded-slow'];
  const made = own.map((name) => [name, makeCell(name, { input: 2, hidden: 3 })] as const);

  test('is tried by the check suite in each of its forms, alone and in both directions', () => {
    const all = suite();
    expect(new Set(all.map(({ group }) => group))).toEqual(new Set(caseGroups()));
    const own = all.filter(({ name }) => name.includes('own-'));
    const forms = ['own-leaky', 'own-coded', 'own-coded slow'];
    expect(own.map(({ name }) => name).sort()).toEqual(
      [
        ...forms.flatMap((form) => [form, `${form}, lengths`, `bidirectional ${form}`]),
        ...forms.map((form) => `bidirectional ${form}, lengths`),
        'network one layer, own-loss, lengths',
      ].sort(),
    );
    for (const { problem } of own.filter(({ name }) => forms.includes(name)))
      expect(exactCheck(problem(1)).proved).toBe(true);
  });
  test('is a choice of the command line, and stands in its help', () => {
    expect(trainingSettings.cell.names()).toEqual(expect.arrayContaining(own));
    for (const add of [addTrain, addBench]) for (const name of own) expect(help(add)).toContain(name);
    expect(made.map(([, { name }]) => name)).toEqual(['own-leaky', 'own-coded', 'own-coded']);
    expect(made.map(([name]) => isCellSetting(name))).toEqual([true, true, true]);
  });
  test('is read from a checkpoint with its options', () => {
    const net = network({ layers: [makeCell('own-coded-slow', { input: 2, hidden: 3 })], output: 2 });
    const [back] = decodeCheckpoint(encodeCheckpoint({ network: net })).network.architecture.layers;
    expect('options' in back && back.options).toEqual({ rate: 0.875 });
    expect('equations' in back && back.equations?.forward).toContain('0.875');
  });
  test('is in the menus of the page by its title, and the page trains it', () => {
    for (const { names } of [pageSettings.cell, pageSettings.against])
      expect(names()).toEqual(expect.arrayContaining(['own-leaky', 'own-coded']));
    expect([kinds.get('own-leaky', 'test').title, kinds.get('own-coded', 'test').title]).toEqual([
      'Leaky unit',
      'own-coded',
    ]);
    const task = { input: 3, output: 2, loss: 'squared', topology: 'many-to-many' } as const;
    const net = networkOf({ ...settingsFor('sine'), hidden: 4, forgetBias: 3 }, 'own-leaky', task);
    expect(
      gradcheck(net, { batch: { x: [[[1, 2, 3]], [[0, 1, 0]]], targets: [[[1, 0]], [[0, 1]]] } }).ok,
    ).toBe(true);
  });
  test.each(own)('is a workload to measure: %s', (name) => {
    const sizes = { name: 'W', D: 5, H: 7, B: 3, T: 4 };
    const { loss: value, gradientNorm } = new WorkloadRun(
      { ...sizes, cell: name },
      { dtype: 'float64' },
    ).outcome();
    expect([value > 0, gradientNorm > 0]).toEqual([true, true]);
  });
  test('stands in the book', () =>
    expect(registryList('cells', 'test')).toContain('`own-coded`, `own-coded-slow`'));
  test('that is made by a program is refused by other threads by its name', async () => {
    const net = network({
      layers: [makeCell('own-coded', { input: 2, hidden: 3 })],
      output: 2,
      loss: 'squared',
    });
    await expect(parallel(net, { threads: 2 })).rejects.toThrow(
      /^parallel: l0 must be a cell that other threads can build, one of elman, .*, got own-coded/,
    );
  });
  test.each(made)('is refused by exporters by its name, or written from its equations: %s', (name, one) => {
    const net = network({ layers: [one], output: 2 });
    const refused = `l0 must be a built-in elman, lstm or gru, got ${one.name}`;
    expect(() => encodeOnnx(net)).toThrow(`onnx: ${refused}`);
    expect(() => toKeras(net)).toThrow(`keras: ${refused}`);
    expect(pytorchProject({ network: net })['model.py']).toContain('class Own');
    expect(help(addImport)).not.toContain(name);
  });
  test.each<[string, Partial<CellKindDefinition>, string]>([
    ['a name that is taken', { name: 'gru-before' }, 'the name must be new, got gru-before'],
    ['a choice that is taken', { choices: { gru: {} } }, 'the name must be new, got gru'],
    ['the name of what texts are saved as', { name: 'equations' }, 'the name must be new, got equations'],
    ['a name that is a path', { name: 'a/b' }, 'a name must be of letters, digits, _ and -, got a/b'],
    [
      'a cell that calls itself otherwise',
      { name: 'own-other' },
      'the cell must call itself own-other, got own-leaky',
    ],
  ])('cannot have %s', (_what, wrong, message) => {
    const { make } = kinds.get('own-leaky', 'test');
    expect(() => registerCell({ name: 'own-new', make, ...wrong })).toThrow(`registerCell: ${message}`);
    expect([kinds.has('own-new'), choiceOf('own-other')]).toEqual([false, undefined]);
  });
});

describe('an exporter refuses what it does not know, by name', () => {
  const net = network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'squared' });
  Object.assign(net.architecture, { strange: true });
  test.each([
    ['onnx', () => encodeOnnx(net), ['embedding, layers', 'dropout, variational, frozen']],
    ['keras', () => toKeras(net), ['embedding, layers', 'dropout, variational, frozen']],
    [
      'torch',
      () => pytorchProject({ network: net }),
      ['embedding, layers, encoder, encoderEmbedding, attention, feed, start', 'dropout'],
    ],
  ])('%s: a part of a network', (where, write, [layers, known]) =>
    expect(write).toThrow(
      `${where}: the network must be made of topology, ${layers}, output, loss, ${known}, trainInitial, dtype, got strange`,
    ),
  );
});

describe('a format', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-own-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'checkpoint.safetensors');
  const run = (...words: string[]): void => {
    const program = new Command('backstep').exitOverride();
    for (const add of [addExport, addImport]) add(program);
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      program.parse(words, { from: 'user' });
    } finally {
      write.mockRestore();
    }
  };
  beforeAll(() =>
    writeFileSync(file, encodeCheckpoint({ network: network({ layers: [gru({ input: 2, hidden: 3 })] }) })),
  );

  test('stands in the help of both commands, with its options and how its files come about', () => {
    const text = help(addExport);
    for (const part of ['own-widths', '--own-unit <word>', 'own-widths: what is counted'])
      expect(text).toContain(part);
    expect(help(addImport)).toContain('own-widths');
  });
  test('is written and read', () => {
    run('export', file, '--to', 'own-widths', '--own-unit', 'cells');
    expect(readFileSync(join(folder, 'widths.txt'), 'utf8')).toBe('3 cells\n');
    run('export', file, '--to', 'npz');
    run('import', join(folder, 'weights.npz'), '--from', 'own-widths', '--out', join(folder, 'back'));
    expect(decodeCheckpoint(readFileSync(join(folder, 'back'))).network.parameters.count).toBeGreaterThan(0);
  });
  test('has its options refused elsewhere', () =>
    expect(() => run('export', file, '--to', 'npz', '--own-unit', 'cells')).toThrow(
      'export: --own-unit must be left out with --to npz, got it',
    ));
  test('stands in the book', () => expect(registryList('formats', 'test')).toContain('`--to own-widths`'));
  test.each<[string, Partial<FormatDefinition>, string]>([
    ['a name that is taken', { name: 'onnx' }, 'the name must be new, got onnx'],
    ['no use', { write: undefined }, 'own-none must write or read, got neither'],
    [
      'the option of another',
      {
        write: {
          path: '',
          files: () => ({}),
          use: () => '',
          options: { states: pageSettings.bidirectional },
        },
      },
      'an option must have a new name, got states',
    ],
  ])('cannot have %s', (_what, wrong, message) => {
    const plain = { path: 'x', files: () => ({}), use: () => '' };
    const made: FormatDefinition = { name: 'own-none', title: '', help: '', write: plain };
    expect(() => registerFormat({ ...made, ...wrong })).toThrow(`registerFormat: ${message}`);
  });
});

test('the table of commands in the README has a row for each of them, and no other', () => {
  const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');
  const [, section] = /^## The command line\n([^]*?)^## /m.exec(readme) ?? [];
  const heads = Array.from(section.matchAll(/^\| (`.*?) *\|/gm), ([, head]) => head);
  const named = heads.flatMap((head) => Array.from(head.matchAll(/`([a-z]+)/g), ([, name]) => name));
  expect([...new Set(named)].sort()).toEqual([...commandNames].sort());
});

test('the table of formats in the README has a row for each that is built in', () => {
  const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');
  const [, table] = /^## Import and export\n\n([^]*?)\n\n/m.exec(readme) ?? [];
  const [, , ...rows] = table.split('\n').map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((text) => text.trim()),
  );
  const builtIn = allFormats().filter(({ name }) => !name.startsWith('own-'));
  expect(rows).toEqual(
    builtIn.map(({ name, title, tested, write, read }) => [
      title,
      write ? `\`--to ${name}\`` : '',
      read ? `\`--from ${name}\`` : '',
      tested,
    ]),
  );
});

describe('a loss', () => {
  test('is tried by the check suite', () => {
    const found = suite().filter(({ name }) => name.includes('own-loss'));
    expect(found.map(({ name }) => name)).toEqual(['network one layer, own-loss, lengths']);
    expect(exactCheck(found[0].problem(1)).proved).toBe(true);
  });
  test('is a choice of the command line', () => expect(help(addImport)).toContain('own-loss'));
  test('stands in the book', () => expect(registryList('losses', 'test')).toContain('quartic error'));
  test('is read from a checkpoint', () => {
    const net = network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'own-loss' });
    expect(decodeCheckpoint(encodeCheckpoint({ network: net })).network.architecture.loss).toBe('own-loss');
    expect(lossNames()).toContain('own-loss');
  });
});

describe('an optimizer', () => {
  test('is a choice of the command line and a setting', () => {
    expect(trainingSettings.optimizer.names()).toContain('own-signs');
    expect(help(addTrain)).toContain('own-signs');
  });
  test('stands in the book', () => expect(registryList('optimizers', 'test')).toContain('`own-signs`'));
  test('is in the menu of the page', () => expect(pageSettings.optimizer.names()).toContain('own-signs'));
});

test('a schedule is read from the command line, and named in its help', () => {
  expect(readSchedule('own-halving:10', null)).toEqual({ name: 'own-halving', every: 10 });
  expect(help(addTrain)).toContain('own-halving');
  expect(registryList('schedules', 'test')).toContain('own-halving');
});
