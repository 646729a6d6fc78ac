import { associate, spoil } from '../playground/engine/associate';
import { FlowMeter, lastStepFlow, wayOf } from '../playground/engine/flow';
import { load } from '../playground/engine/load';
import { Session, type GradientNorms } from '../playground/engine/session';
import { traceOf } from '../bptt/trace/numbers';
import {
  settingsFor,
  fromLink,
  pageSettings,
  tabNames,
  pageTaskNames,
  toLink,
  type PageSettings,
} from '../playground/engine/settings';
import { worked } from '../bptt/trace/arithmetic';
import { trackInWords } from '../playground/panels/track';
import { rowOf, verdictText } from '../playground/panels/verdict';
import { csvOf, hasRisen, History, meansOf } from '../playground/ui/history';
import { commonStart, completed, completions, wordBefore } from '../playground/ui/complete';
import { labelOf, placedLabels } from '../playground/ui/labels';
import { rounds, tens } from '../playground/ui/marks';
import { pictureOf } from '../playground/ui/picture';
import { network } from '../bptt/network/network';
import { optimizer } from '../bptt/train/optimizers';
import { networkSettings, trainingSettings } from '../bptt/train/settings';
import { canBe, type Setting } from '../core/setting';
import { kinds } from '../cells/kinds';
import { lstm } from '../cells/lstm';
import { encodeCheckpoint } from '../io/checkpoint';
import { Vocabulary } from '../io/vocabulary';
import { toFlat } from '../core/tensor';
import { distance } from './executors';
import { planOf } from '../bptt/network/passes/pass';
import { runnerOf } from '../bptt/network/network';

const small: PageSettings = { ...settingsFor('text'), hidden: 12, batch: 4, seq: 12, window: 12 };
const train = (session: Session, steps: number): number[][] =>
  Array.from({ length: steps }, () => session.step().map(({ loss }) => loss));

describe('settings', () => {
  test.each(pageTaskNames)('%s: a link holds all that differs from the defaults', (task) => {
    const usual = settingsFor(task);
    expect(toLink(usual)).toBe(`task=${task}`);
    const other: PageSettings = {
      ...usual,
      cell: 'gru',
      hidden: 20,
      lr: 0.5,
      seed: 7,
      bidirectional: true,
    };
    other.window = other.seq;
    expect(fromLink(`#${toLink(other)}`)).toEqual({ settings: other, tab: 'train', wrong: [] });
  });

  test('invalid values in a link are reported, and the defaults are used', () => {
    const { settings, wrong } = fromLink('#task=sine&hidden=1e9&cell=perceptron&seed=&color=red&window=500');
    expect(wrong).toEqual(['hidden: 1e9', 'cell: perceptron', 'seed: ', 'color: red', 'window: 500']);
    expect(settings).toEqual(settingsFor('sine'));
    expect(fromLink('#task=chess').wrong).toEqual(['task: chess']);
    expect(fromLink('#embed=loss&tab=train').wrong).toEqual([]);
    expect(fromLink('#embed&tab=check').wrong).toEqual([]);
    expect(fromLink('#embed=loss&tab=time').wrong).toEqual(['embed: loss']);
    expect(fromLink('#tab=chess')).toEqual({
      settings: settingsFor('text'),
      tab: 'train',
      wrong: ['tab: chess'],
    });
  });

  test('a setting of training runs has its name, label and bounds on the page too', () => {
    const shared = { ...trainingSettings, ...networkSettings } as Readonly<Record<string, Setting>>;
    const both = Object.entries<Setting>(pageSettings).filter(([name]) => name in shared);
    expect(both.length).toBeGreaterThan(10);
    for (const [name, { kind, label }] of both.filter(([name]) => name !== 'text'))
      expect([name, kind, label]).toEqual([name, shared[name].kind, shared[name].label]);
    for (const task of pageTaskNames)
      for (const [name, value] of Object.entries(settingsFor(task)))
        expect([name, value, canBe(pageSettings[name as keyof PageSettings], value)]).toEqual([
          name,
          value,
          true,
        ]);
  });

  test('a link with the names that settings had before still works', () => {
    const link = 'task=sine&learningRate=0.5&length=20&window=20&radius=1.5&forget=2&clip=0';
    expect(fromLink(link)).toEqual({
      settings: {
        ...settingsFor('sine'),
        ...{ lr: 0.5, seq: 20, window: 20, spectralRadius: 1.5, forgetBias: 2, clip: 'off' },
      },
      tab: 'train',
      wrong: [],
    });
    expect(fromLink('length=1000').wrong).toEqual(['length: 1000']);
  });

  test('a link holds the tab; one that names a tab as it was called before still opens it', () => {
    for (const tab of tabNames) expect(fromLink(toLink(small, tab)).tab).toBe(tab);
    expect(fromLink('#tab=proof')).toEqual({ settings: settingsFor('text'), tab: 'check', wrong: [] });
  });
});

describe('what a link leaves out, the browser keeps beside it', () => {
  const long = 'so much depends upon '.repeat(300);

  test.each([
    ['a text too long for a link', { ...small, text: long }],
    ['the text of a task that reads none', { ...settingsFor('sine'), text: 'a text of my own' }],
  ])('%s', (_what, settings) => {
    const link = toLink(settings);
    expect(link).not.toContain('text=');
    expect(fromLink(link, { text: settings.text }).settings).toEqual(settings);
    expect(fromLink(link).settings).toEqual({ ...settings, text: small.text });
  });

  test('what the link says itself goes first, and what somebody else kept is nothing', () => {
    expect(fromLink('text=mine', { text: 'kept' }).settings.text).toBe('mine');
    for (const saved of [null, undefined, 'text', { text: 5 }, { other: 1 }])
      expect(fromLink('task=text', saved).settings).toEqual(settingsFor('text'));
  });
});

describe('a run that diverges', () => {
  const wild = fromLink('task=sine&cell=jordan&optimizer=sgd&lr=10&clip=off').settings;

  test('says at which step and in what, keeps its last finite weights, and is over', () => {
    const session = new Session(wild);
    const points: number[] = [];
    const on = (): void => {
      for (let k = 0; k < 200; k++) points.push(...session.step().flatMap(({ loss, norm }) => [loss, norm]));
    };
    expect(on).toThrow(/^jordan, step \d+: the loss must be finite, got (Infinity|NaN) \(first in /);
    expect(points.length).toBeGreaterThan(20);
    expect(points.every(Number.isFinite)).toBe(true);
    const { network: net } = session.runs[0];
    expect(net.parameters.flat.data.every(Number.isFinite)).toBe(true);
    const count = points.length;
    expect(on).toThrow(`step ${count / 2 + 1}: `);
    expect(points).toHaveLength(count);
  });

  test('the mean of losses that are almost too large is one', () => {
    const history = new History();
    history.add(Array.from({ length: 1400 }, (_, k) => ({ step: k + 1, loss: 1.7e308, norm: 1 })));
    expect(history.curve(history.losses).means.every((mean) => mean === 1.7e308)).toBe(true);
  });

  test('numbers that are not finite make no verdict', () => {
    const way = wayOf('h', [NaN, Infinity, 1]);
    expect(way).toEqual({ state: 'h' });
    expect(rowOf(way)).toEqual(['‖∂L/∂h‖', '–', '–', '–', 'not finite, or 0']);
  });
});

describe('a session', () => {
  test('both networks see the same batches: a cell against itself runs level', () => {
    for (const [one, two] of train(new Session({ ...small, against: small.cell }), 5)) expect(two).toBe(one);
  });

  test.each(['lstm', 'clockwork'] as const)(
    'a checkpoint of %s goes on as if it had never been saved',
    (cell) => {
      const session = new Session({ ...small, cell });
      train(session, 5);
      const bytes = session.checkpoint(0, [1, 2]);
      const { session: loaded, saysTask } = load(bytes, settingsFor('sine'));
      expect(saysTask).toBe(true);
      expect(loaded.settings).toEqual({ ...small, cell });
      expect(loaded.started.steps).toBe(5);
      expect(loaded.sample(0, 30, 0.5)).toBe(session.sample(0, 30, 0.5));
      expect(train(loaded, 5)).toEqual(train(session, 5));
    },
  );

  test('a checkpoint of the command line goes on with the text of the page', () => {
    const vocabulary = Vocabulary.of(small.text);
    const layers = [lstm({ input: vocabulary.size, hidden: 9 })];
    const net = network({ layers, output: vocabulary.size, loss: 'softmax', dtype: 'float32' });
    const adam = optimizer(net, { name: 'adam', learningRate: 0.003 });
    const states = { 'l0.h': new Float64Array(5 * 9), 'l0.c': new Float64Array(5 * 9) };
    const bytes = encodeCheckpoint({
      network: net,
      optimizer: adam,
      states,
      vocabulary,
      training: { settings: {} },
      // beyond its 0 steps, no curve can have gone
      curves: { training: [8, 2.5] },
    });
    const { session, points, saysTask } = load(bytes, { ...small, cell: 'gru', against: 'gru' });
    expect([points, saysTask]).toEqual([[], false]);
    const own = { cell: 'lstm', hidden: 9, against: 'none', optimizer: 'adam', lr: 0.003 };
    expect(session.settings).toEqual({ ...small, ...own });
    const losses = train(session, 20).flat();
    expect(losses[19]).toBeLessThan(losses[0]);
    expect(session.trace(0, 0).layers).toHaveLength(1);
  });

  test('settings that a file cannot mean are left out', () => {
    const session = new Session(small);
    const { network: net, optimizer: made } = session.runs[0];
    const training = { playground: { ...small, batch: 1e9, text: undefined, seed: 'x' } };
    const bytes = encodeCheckpoint({
      network: net,
      optimizer: made,
      vocabulary: session.task.vocabulary,
      training,
    });
    expect(load(bytes, { ...small, batch: 3, seed: 8 }).session.settings).toEqual({
      ...small,
      batch: 3,
      seed: 8,
    });
  });

  test('a checkpoint of something else is refused', () => {
    expect(() => load(new Uint8Array(20), small)).toThrow(/checkpoint: the file must be a whole checkpoint/);
  });

  test('a text that is too short is refused', () => {
    expect(() => new Session({ ...small, text: 'abc' })).toThrow(/the text must hold at least 49 symbols/);
    expect(() => new Session({ ...small, text: '' })).toThrow('text: it must hold some characters, got none');
  });
});

describe('a trace', () => {
  const cases: Partial<PageSettings>[] = [
    ...kinds.names.map((cell) => ({ cell })),
    { cell: 'lstm', layers: 2 },
    { cell: 'gru', bidirectional: true, layers: 2 },
  ];
  test.each(cases)('of %j: its numbers are those of the network', (some) => {
    const { network: net } = new Session({ ...small, ...some }).runs[0];
    const classes = [3, 1, 4, 1, 5, 9];
    const batch = {
      x: { shape: [6, 1], numbers: classes },
      targets: { shape: [6, 1], numbers: [...classes].reverse() },
    };
    const { layers, loss, T } = traceOf(runnerOf(net).lay(batch));
    const pass = net.forward(batch);
    expect(distance([loss], [pass.loss])).toBeLessThan(1e-12);
    pass.backward();
    const { unrolls } = planOf(pass);
    layers.forEach(({ tracks, steps }, k) => {
      for (let t = 0; t < T; t++) {
        const v = unrolls[k].at(t);
        for (const [name, track] of Object.entries(tracks))
          if (v[name] && name !== 'do')
            expect([name, distance(track[t], toFlat(v[name]))]).toEqual([name, expect.closeTo(0, 11)]);
        expect(steps[t].forward.length).toBeGreaterThan(0);
        const [o] = Object.keys(tracks);
        tracks[`d${o}`][t].forEach((d, j) =>
          expect(d).toBe(tracks[`d${o}Out`][t][j] + tracks[`d${o}Next`][t][j]),
        );
      }
    });
  });

  test('leaves the gradients of the weights as they were', () => {
    const session = new Session(small);
    train(session, 1);
    const { flatGradients } = session.runs[0].network.parameters;
    const before = flatGradients.data.slice();
    session.trace(0, 0);
    expect(flatGradients.data).toEqual(before);
  });

  test.each([
    [
      'lstm',
      [
        'h: hidden state',
        'c: cell state',
        'f: forget gate',
        'i: input gate',
        'g: candidate',
        'o: output gate',
      ],
    ],
    ['lmu', ['h: hidden state', 'm']],
    ['diagonal', ['h: hidden state', 'p']],
  ])('of %s: its values by name, then the gradients', (cell, values) => {
    const [{ tracks }] = new Session({ ...settingsFor('sine'), cell, hidden: 3 }).trace(0, 0).layers;
    expect(Object.keys(tracks).map((name) => trackInWords(name, 'h'))).toEqual([
      ...values,
      ...['dh: gradient', 'dhOut: gradient from the output', 'dhNext: gradient from the step after'],
    ]);
  });

  test('its lines, with the numbers put in', () => {
    const session = new Session({ ...small, cell: 'elman' });
    train(session, 3);
    const { layers } = session.trace(0, 0);
    const lines = worked(layers[0].steps[4].forward, 5, layers[0]);
    expect(lines.map(({ line }) => line)).toEqual(['z = x @ Wx + b', 'z += hPrev @ Wh', 'h = tanh(z)']);
    const [looked, added, h] = lines.map(({ sums: [sum] }) => sum);
    expect(looked.numbers).toMatch(/^1\.0+ · \S+ [+−] \S+$/); // the row of the symbol, and the bias
    expect(added.numbers).toMatch(/ \+ \(9 more: \S+\)$/);
    expect(h.numbers).toBe(`tanh(${added.result})`);
  });
});

describe('gradient flow', () => {
  test('nothing comes back over the cut of a window, whatever the loss of the last step alone does', () => {
    const flowOf = (window: number): GradientNorms => {
      const session = new Session({ ...small, cell: 'elman', window });
      train(session, 1);
      return session.flow(0);
    };
    const [cut, whole] = [flowOf(4), flowOf(12)];
    expect(distance(cut.training.slice(8), whole.training.slice(8))).toBeLessThan(1e-12);
    expect(distance(cut.training.slice(7, 8), whole.training.slice(7, 8))).toBeGreaterThan(1e-3);
    expect(cut.lastStep.every((norm) => norm > 0)).toBe(true);
  });

  test.each([
    [0.4, (ratio: number) => ratio < 1e-3],
    [2, (ratio: number) => ratio > 0.05],
  ])('a spectral radius of %d makes it what it should be', (radius, fits) => {
    const session = new Session({ ...small, cell: 'elman', spectralRadius: radius, lr: 1e-5 });
    const { lastStep, T } = session.flow(0);
    expect(fits(lastStep[0] / lastStep[T - 1])).toBe(true);
  });
});

describe('the verdict', () => {
  /** An error that keeps `rate` of its norm in each of `T − 1` steps back. */
  const way = (rate: number, T: number): ReturnType<typeof wayOf> =>
    wayOf(
      'h',
      Array.from({ length: T }, (_, t) => 3 * rate ** (T - 1 - t)),
    );

  test.each([
    [0.5, 3, 'it vanishes'], // 0.25 is left: few steps are no excuse
    [0.5, 40, 'it vanishes'],
    [2, 3, 'it explodes'],
    [1.2, 100, 'it explodes'],
    [0.98, 10, 'it holds'],
    [0.98, 200, 'it fades slowly'], // 0.018 is left
    [1.02, 10, 'it holds'],
    [1.02, 200, 'it grows slowly'],
    [1, 200, 'it holds'],
  ])('%d of the norm a step, over %d steps: %s', (rate, T, verdict) => {
    expect(verdictText(way(rate, T))).toBe(verdict);
  });

  test('its numbers', () => {
    expect(rowOf(way(0.5, 4))).toEqual([
      '‖∂L/∂h‖',
      '× 0.500',
      'half after 1.00 steps',
      '× 0.125 over 3 steps',
      'it vanishes',
    ]);
    expect(rowOf(way(2, 3))[2]).toBe('doubled after 1.00 steps');
    expect(rowOf(way(1, 3))[2]).toBe('stays');
  });

  test("an lstm's c begins a step before its h", () => {
    const { found } = wayOf('c', [0.25, 0.5, 1, 0]);
    expect(found?.steps).toBe(2);
    expect(found?.left).toBe(0.25);
    expect(found?.trend.rate).toBeCloseTo(0.5, 12);
  });
});

describe('gradient flow before training', () => {
  test.each([
    ['spectralRadius', 0.4, 1.5],
    ['forgetBias', -3, 3],
  ] as const)('%s at the start decides how much is kept', (name, low, high) => {
    const rates = [low, high].map((value) => {
      const cell = name === 'forgetBias' ? 'lstm' : 'elman';
      const session = new Session({ ...small, cell, [name]: value });
      const { ways } = session.flow(0);
      expect(session.runs[0].steps).toBe(0);
      return ways.at(-1)?.found?.trend.rate ?? NaN;
    });
    expect(rates[1]).toBeGreaterThan(2 * rates[0]);
  });

  test('of an lstm, h and c are told apart: c is what the forget gate keeps', () => {
    const session = new Session({ ...small, layers: 2, forgetBias: 3 });
    const { names, ways, lastStep, T } = session.flow(0);
    expect(names).toEqual(['l0 h', 'l0 c', 'l1 h', 'l1 c']);
    expect(ways.map(({ state }) => state)).toEqual(['h', 'c']);
    expect(session.started.runs[0].layers).toEqual(['l0', 'l1']);
    expect(session.flow(0).ways[1].found?.steps).toBe(T - 2);

    const { network: net } = session.runs[0];
    const probe = new FlowMeter(net.architecture.layers, T);
    const batch = session.task.batch(0);
    const { unrolls } = planOf(lastStepFlow(net, batch, probe));
    unrolls.forEach((unroll, l) => {
      for (let t = 0; t < T; t++) {
        const v = unroll.at(t);
        const [out, next, c] = [v.dhOut, v.dhNext, v.dcNext].map(toFlat);
        const h = Math.hypot(...out.map((d, k) => d + next[k]));
        expect(distance([probe.norms[2 * l * T + t]], [h])).toBeLessThan(1e-12);
        expect(distance([probe.norms[(2 * l + 1) * T + t]], [Math.hypot(...c)])).toBeLessThan(1e-12);
      }
    });
    expect(lastStep).toHaveLength(4 * T);
  });
});

test('a memory recalls what was spoilt, and its energy falls', () => {
  const patterns = [
    Array.from({ length: 30 }, (_, k) => (k % 2 ? 1 : -1)),
    Array.from({ length: 30 }, (_, k) => (k < 15 ? 1 : -1)),
  ];
  const probe = spoil({ picture: patterns[0], fraction: 0.1, seed: 3 });
  const { moments, overlap, pattern } = associate({
    patterns,
    storage: 'hebbian',
    probe,
    mode: 'asynchronous',
    seed: 1,
  });
  expect([pattern, overlap]).toEqual([0, 1]);
  moments.slice(1).forEach(({ energy }, k) => expect(energy).toBeLessThan(moments[k].energy));
});

test('a loaded run brings its curve along, as far as it is one', () => {
  const session = new Session(small);
  train(session, 4);
  const curve = [1, 3, 2, 2.5, 2, 9, 3, NaN, 4, 2, 5, 1];
  expect(load(session.checkpoint(0, curve), small).points).toEqual(
    [
      [1, 3],
      [2, 2.5],
      [4, 2],
    ].map(([step, loss]) => ({ step, loss, norm: NaN })),
  );
});

test('of a loaded run norms are not known: a curve goes on without them, and a file leaves them empty', () => {
  const history = new History();
  const loaded = [8, 16, 24].map((step) => ({ step, loss: step, norm: NaN }));
  history.add([...loaded, { step: 25, loss: 1, norm: 2 }]);
  expect(history.curve(history.losses)).toEqual({ steps: [8, 16, 24, 25], means: [8, 16, 24, 1], each: 8 });
  expect(history.curve(history.norms).means).toEqual([NaN, NaN, NaN, 2]);
  expect(meansOf(8)).toBe('each point is the mean of up to 8 steps');
  expect(meansOf(1)).toBe('');
  const file = csvOf(['gru'], [history]).trim().split('\n');
  expect(file).toEqual(['step,gru loss,gru gradient norm', '8,8,', '16,16,', '24,24,', '25,1,2']);
});

test('a curve that grows in parts is that of all its points', () => {
  const points = Array.from({ length: 3000 }, (_, k) => ({ step: k + 1, loss: Math.sin(k), norm: 1 }));
  const [whole, grown] = [new History(), new History()];
  whole.add(points);
  for (let from = 0; from < points.length; from += 170) {
    grown.add(points.slice(from, from + 170));
    grown.curve(grown.losses);
  }
  expect(grown.curve(grown.losses)).toEqual(whole.curve(whole.losses));
});

test('a loss has risen when the last ten steps have more than twice that of the first ten', () => {
  const from = (first: number, last: number, between = 0): number[] => [
    ...Array<number>(10).fill(first),
    ...Array<number>(between).fill(first),
    ...Array<number>(10).fill(last),
  ];
  expect(hasRisen(from(1, 2.1))).toBe(true);
  expect(hasRisen(from(1, 2.1, 500))).toBe(true);
  expect(hasRisen(from(1, 1.9))).toBe(false);
  expect(hasRisen(from(1, 50).slice(0, 19))).toBe(false);
  expect(hasRisen([])).toBe(false);
});

test('the marks of an axis', () => {
  expect(rounds(0, 3.2)).toEqual([0, 1, 2, 3]);
  expect(rounds(-0.5, 0.5)).toEqual([-0.4, -0.2, 0, 0.2, 0.4]);
  expect(rounds(1, 350)).toEqual([100, 200, 300]);
  expect(rounds(1, 1)).toEqual([]);
  expect(tens(0.003, 20)).toEqual([0.01, 0.1, 1, 10]);
  expect(tens(1e-12, 1)).toEqual([1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]);
});

test('the trace of adding reads a value and its marker at each step', () => {
  const { read, reads } = new Session(settingsFor('adding')).trace(0, 3);
  expect(reads).toEqual(['value', 'marker']);
  const markers = read.map(([, marker]) => marker);
  expect(markers.filter((marker) => marker === 1)).toHaveLength(2);
  expect(markers.filter((marker) => marker === -1).length).toBeGreaterThan(0);
});

describe('labels', () => {
  test('are seen, and short', () => {
    expect([' ', '\n', '\t', 'é', '\u202e', '\u00a0'].map((symbol) => labelOf(symbol, 1))).toEqual([
      '␣',
      '⏎',
      '⇥',
      'é',
      '·',
      '·',
    ]);
    expect([-0.526, 1, 0, -1, 0.04].map((v) => labelOf(v, 2))).toEqual(['−0.53', '1', '0', '−1', '0.04']);
    expect(labelOf(0.04, 1)).toBe('0');
  });

  test.each([4, 11, 19.5, 60])('touch neither each other nor the edges, columns of %d', (column) => {
    const texts = Array.from({ length: 50 }, (_, k) => (k % 3 === 0 ? '−0.53' : String(k)));
    const widthOf = (text: string): number => 7.2 * text.length;
    const right = 30 + 50 * column;
    const shown = placedLabels(texts, widthOf, { left: 30, column, right });
    expect(shown.length).toBeGreaterThan(1);
    shown.forEach(({ text, x }, k) => {
      const from = k === 0 ? 0 : shown[k - 1].x + widthOf(shown[k - 1].text) / 2;
      expect(x - widthOf(text) / 2).toBeGreaterThanOrEqual(from);
      expect(x + widthOf(text) / 2).toBeLessThanOrEqual(right);
    });
    // where there is room, none is left out
    if (column > 40) expect(shown).toHaveLength(50);
  });
});

describe('a picture of curves', () => {
  const curves = (logarithmic: boolean): string =>
    pictureOf({
      names: { x: 'step', y: 'loss' },
      x: [1, 2, 3, 4, 5],
      curves: [{ label: 'gru', color: '#123456', y: [1, 0.1, null, 0.001, 0.001] }],
      ends: { x: [1, 5], y: [0.001, 1] },
      logarithmic,
      ground: '#ffffff',
      ink: '#777777',
      note: '',
    });
  const path = (svg: string): [x: number, y: number][] => {
    const [, d] = /stroke="#123456" stroke-width="2" d="([^"]*)"/.exec(svg) as RegExpExecArray;
    return d
      .split(/[ML]/)
      .flatMap((point) => (point ? [point.split(' ').map(Number) as [number, number]] : []));
  };

  test('lies on the scale that it is given: three powers of ten are three equal parts, or nearly nothing', () => {
    const [top, next, low] = path(curves(true)).map(([, y]) => y);
    expect((next - top) / (low - top)).toBeCloseTo(1 / 3, 3);
    const [first, second, last] = path(curves(false)).map(([, y]) => y);
    expect((second - first) / (last - first)).toBeCloseTo(0.9 / 0.999, 3);
    expect(curves(true)).toContain('>10⁻²<');
    expect(curves(true)).toContain('loss (logarithmic)');
  });

  test('begins anew behind a gap', () => {
    expect(/stroke-width="2" d="([^"]*)"/.exec(curves(true))?.[1].match(/[ML]/g)?.join('')).toBe('MLML');
  });

  test('has its words outside the field of the curves', () => {
    const svg = curves(false);
    const [, left, top, foot, right] = /d="M(\d+) (\d+)V(\d+)H(\d+)"/.exec(svg) as RegExpExecArray;
    const inside = [...svg.matchAll(/<text x="([^"]+)" y="([^"]+)"([^>]*)>/g)].filter(
      ([, x, y]) =>
        Number(x) > Number(left) &&
        Number(x) < Number(right) &&
        Number(y) > Number(top) &&
        Number(y) <= Number(foot),
    );
    expect(inside).toEqual([]);
  });
});

test('a curve of many steps is their means', () => {
  const history = new History();
  history.add(Array.from({ length: 2100 }, (_, k) => ({ step: k + 1, loss: k % 3, norm: 1 })));
  const { steps, means, each } = history.curve(history.losses);
  expect(each).toBe(3);
  expect(steps).toHaveLength(700);
  expect(steps.at(-1)).toBe(2100);
  expect(new Set(means)).toEqual(new Set([1]));
});

describe('completing a name', () => {
  const names = ['dhOut', 'dhNext', 'dhPrev', 'dWx', 'h'];

  test('takes the word before the caret', () => {
    expect(wordBefore('dz = dhO', 8)).toBe('dhO');
    expect(wordBefore('dz = dhO', 4)).toBe('');
    expect(wordBefore('2dh', 3)).toBe('dh');
  });

  test('offers the names that begin with it, and completes as far as they agree', () => {
    expect(completions('DHN', names)).toEqual(['dhNext']);
    expect(completions('d', names)).toEqual(['dhOut', 'dhNext', 'dhPrev', 'dWx']);
    expect(completions('', names)).toEqual([]);
    expect(completions('dWx', names)).toEqual([]);
    expect(commonStart(['dhOut', 'dhNext'])).toBe('dh');
    expect(commonStart(['dhOut'])).toBe('dhOut');
    expect(commonStart([])).toBe('');
    expect(completed('DH', names)).toBe('dh');
    expect(completed('dho', names)).toBe('dhOut');
    expect(completed('x', names)).toBe('x');
    expect(completed('ab', ['abX', 'aBy'])).toBe('ab');
  });
});
