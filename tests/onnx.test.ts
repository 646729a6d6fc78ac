/** ONNX models: onnxruntime computes the same outputs, and the checker of the onnx package accepts them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bidirectional,
  clockwork,
  elman,
  embedding,
  gru,
  jordan,
  lstm,
  network,
  Random,
  toFlat,
  type Layer,
  type Network,
  type NetworkOptions,
} from '../index';
import { fillFrom } from '../core/tensor';
import { encodeOnnx, onnxInputs, type OnnxOptions } from '../io/onnx/model';
import { describeWith, hasRuntimes, pythonWith, run } from './outside';

const [D, H, T, B, O] = [3, 5, 6, 4, 2];
const lengths = [6, 2, 5, 1];
const one = { input: D, hidden: H };
const next = { input: H, hidden: H };
const wide = { input: 2 * H, hidden: H };

/** Every architecture that can be exported. */
const architectures: [string, Partial<NetworkOptions> & Pick<NetworkOptions, 'layers'>, OnnxOptions?][] = [
  ['elman, tanh', { layers: [elman(one)] }],
  ['elman, relu', { layers: [elman({ ...one, activation: 'relu' })] }],
  ['elman, sigmoid', { layers: [elman({ ...one, activation: 'sigmoid' })] }],
  ['elman, no biases', { layers: [elman({ ...one, bias: false })] }],
  ['lstm', { layers: [lstm(one)] }],
  ['lstm, no biases', { layers: [lstm({ ...one, bias: false })] }],
  ['lstm, peepholes', { layers: [lstm({ ...one, peepholes: true })] }],
  ['lstm, no output layer', { layers: [lstm(one)], output: undefined }],
  ['gru, reset after', { layers: [gru(one)] }],
  ['gru, reset before', { layers: [gru({ ...one, reset: 'before' })] }],
  ['gru, no biases', { layers: [gru({ ...one, bias: false })] }],
  ['deep lstm', { layers: [lstm(one), lstm(next), lstm(next)] }],
  ['deep, all kinds', { layers: [gru(one), lstm({ ...next, hidden: 4 }), elman({ input: 4, hidden: 3 })] }],
  ['bidirectional elman', { layers: [bidirectional(elman({ ...one, activation: 'relu' }))] }],
  ['bidirectional lstm', { layers: [bidirectional(lstm(one))] }],
  ['bidirectional lstm, peepholes', { layers: [bidirectional(lstm({ ...one, peepholes: true }))] }],
  ['bidirectional gru', { layers: [bidirectional(gru(one))] }],
  ['deep bidirectional', { layers: [bidirectional(lstm(one)), bidirectional(lstm(wide))] }],
  ['two kinds in one layer', { layers: [bidirectional(lstm(one), gru({ ...one, hidden: 4 }))] }],
  ['many to one', { layers: [lstm(one), gru(next)], topology: 'many-to-one' }],
  [
    'many to one, from both ends',
    { layers: [bidirectional(gru(one)), bidirectional(lstm(wide), elman(wide))], topology: 'many-to-one' },
  ],
  ['many to one, no output layer', { layers: [gru(one)], topology: 'many-to-one', output: undefined }],
  ['dropout, which is off', { layers: [lstm(one), lstm(next)], dropout: 0.5 }],
  ['trained initial states', { layers: [bidirectional(lstm(one)), gru(wide)], trainInitial: true }],
  ['float64, rounded', { layers: [gru(one)], dtype: 'float64' }],
  ['class numbers', { layers: [lstm(one)] }, { classes: true }],
  ['embedding', { layers: [embedding({ input: D, width: H }), lstm(next)] }, { classes: true }],
  ['embedding of probabilities', { layers: [embedding({ input: D, width: H }), gru(next)] }],
  ['shared initial states', { layers: [gru(one), bidirectional(elman(next))], trainInitial: 'shared' }],
  ['class numbers, trained states', { layers: [gru(one)], trainInitial: true }, { classes: true }],
];

/** A network with every parameter away from zero, so that a swapped gate or a lost bias shows. */
function networkOf(options: Partial<NetworkOptions> & Pick<NetworkOptions, 'layers'>): Network {
  const net = network({ output: O, dtype: 'float32', ...options });
  const random = new Random(7);
  for (const t of Object.values(net.parameters.values))
    fillFrom(
      t,
      toFlat(t).map(() => 0.6 * random.normal()),
    );
  return net;
}

interface Numbers {
  type: 'float32' | 'int32' | 'int64';
  dims: number[];
  data: number[];
}
interface Trial {
  net: Network;
  options: OnnxOptions;
  feeds: Record<string, Numbers>;
  /** The network's own outputs, by the model's names. */
  expected: Record<string, number[]>;
}

function trialOf(
  options: Partial<NetworkOptions> & Pick<NetworkOptions, 'layers'>,
  onnx: OnnxOptions,
): Trial {
  const net = networkOf(options);
  const random = new Random(3);
  const float = (dims: number[]): Numbers => {
    const data = Array.from({ length: dims.reduce((n, d) => n * d) }, () => Math.fround(random.normal()));
    return { type: 'float32', dims, data };
  };
  const x: Numbers = onnx.classes
    ? { type: 'int64', dims: [T, B], data: Array.from({ length: T * B }, () => random.below(D)) }
    : float([T, B, D]);
  const feeds: Record<string, Numbers> = { x };
  if (onnx.lengths) feeds.lengths = { type: 'int32', dims: [B], data: lengths };

  const initial: Record<string, number[]> = {};
  const { states } = net.forward({ x: { shape: x.dims, numbers: x.data } });
  if (onnx.states) {
    for (const [name, { shape }] of Object.entries(states)) {
      const given = float(shape);
      feeds[`${name.replace('.', '_')}0`] = given;
      initial[name] = given.data;
    }
  }
  const result = net.forward({
    x: { shape: x.dims, numbers: x.data },
    ...(onnx.lengths && { lengths }),
    ...(onnx.states && { initial }),
  });
  const expected: Record<string, number[]> = { y: toFlat(result.output) };
  if (onnx.states) {
    for (const name of Object.keys(states))
      expected[`${name.replace('.', '_')}n`] = toFlat(result.states[name]);
  }
  return { net, options: onnx, feeds, expected };
}

const variants: OnnxOptions[] = [{}, { lengths: true }, { states: true }, { lengths: true, states: true }];
const trials = architectures.flatMap(([name, options, given = {}]) =>
  variants.map((variant): [string, Trial] => {
    const onnx = { ...given, ...variant };
    return [[name, ...Object.keys(variant)].join(', '), trialOf(options, onnx)];
  }),
);

const folder = mkdtempSync(join(tmpdir(), 'backstep-onnx-'));
const fileOf = (k: number): string => join(folder, `${k}.onnx`);
beforeAll(() => {
  trials.forEach(([, { net, options }], k) => writeFileSync(fileOf(k), encodeOnnx(net, options)));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('what a model must be fed is known by name', () => {
  for (const [, { net, options, feeds }] of trials)
    expect(onnxInputs(net, options)).toEqual(Object.keys(feeds));
});

const missing = 'onnxruntime is not installed: ONNXRUNTIME_NODE_INSTALL=skip npm ci --prefix tests/runtimes';
describeWith(hasRuntimes(), missing)('onnxruntime computes the same, within 1e-5', () => {
  let results: Record<string, Numbers>[];
  beforeAll(() => {
    const list = trials.map(([, { feeds }], k) => ({ file: fileOf(k), feeds }));
    results = JSON.parse(run('node', ['tests/runtimes/onnx.js'], JSON.stringify(list))) as typeof results;
  });

  it.each(trials.map(([name, trial], k) => [name, trial, k] as const))(
    '%s',
    (_name, { net, options, expected }, k) => {
      expect(Object.keys(results[k]).sort()).toEqual(Object.keys(expected).sort());
      for (const [name, numbers] of Object.entries(expected)) {
        const { data, dims } = results[k][name];
        expect(data).toHaveLength(numbers.length);
        expect(dims.reduce((n, d) => n * d)).toBe(numbers.length);
        // values past a row's end are undefined
        const padded = options.lengths && name === 'y' && net.architecture.topology === 'many-to-many';
        const valid = (i: number): boolean => {
          const row = Math.floor(i / net.output);
          return !padded || Math.floor(row / B) < lengths[row % B];
        };
        const errors = numbers.map((v, i) => (valid(i) ? Math.abs(v - data[i]) : 0));
        expect(Math.max(...errors)).toBeLessThan(1e-5);
      }
    },
  );

  it('any number of steps and rows will do', () => {
    const net = networkOf({ layers: [bidirectional(lstm(one)), gru(wide)], trainInitial: true });
    const file = join(folder, 'any.onnx');
    writeFileSync(file, encodeOnnx(net));
    const shapes = [
      [1, 1, D],
      [9, 2, D],
      [2, 7, D],
    ];
    const list = shapes.map((dims) => {
      const data = Array.from({ length: dims[0] * dims[1] * D }, (_, k) => Math.fround(Math.sin(k)));
      return { file, feeds: { x: { type: 'float32', dims, data } } };
    });
    const all = JSON.parse(run('node', ['tests/runtimes/onnx.js'], JSON.stringify(list))) as typeof results;
    all.forEach(({ y }, k) => {
      expect(y.dims).toEqual([shapes[k][0], shapes[k][1], O]);
      const { output } = net.forward({ x: { shape: shapes[k], numbers: list[k].feeds.x.data } });
      toFlat(output).forEach((v, i) => expect(Math.abs(v - y.data[i])).toBeLessThan(1e-5));
    });
  });

  it('a gate in another place would be noticed', () => {
    const trial = trialOf({ layers: [lstm(one)] }, {});
    const { Wx } = { Wx: trial.net.parameters.values['l0.Wx'] };
    const other = toFlat(Wx).map((v, k, all) => {
      const gate = Math.floor((k % (4 * H)) / H);
      return gate === 0 ? all[k + 3 * H] : gate === 3 ? all[k - 3 * H] : v;
    });
    fillFrom(Wx, other);
    const file = join(folder, 'swapped.onnx');
    writeFileSync(file, encodeOnnx(trial.net));
    const [{ y }] = JSON.parse(
      run('node', ['tests/runtimes/onnx.js'], JSON.stringify([{ file, feeds: trial.feeds }])),
    ) as typeof results;
    expect(Math.max(...trial.expected.y.map((v, k) => Math.abs(v - y.data[k])))).toBeGreaterThan(1e-2);
  });
});

const python = pythonWith('onnx');
describeWith(python, 'the onnx package for Python is not installed: apt-get install python3-onnx')(
  'the checker of the onnx package',
  () => {
    it('accepts every model', () => {
      const files = trials.map((_, k) => fileOf(k));
      const accepted = run(python as string, ['tests/runtimes/check.py', ...files]);
      expect(accepted.trim().split('\n')).toEqual(files);
    });

    it('refuses a model that is cut off', () => {
      const file = join(folder, 'cut.onnx');
      writeFileSync(file, encodeOnnx(trials[0][1].net).slice(0, -20));
      expect(() => run(python as string, ['tests/runtimes/check.py', file])).toThrow(/must succeed/);
    });
  },
);

describe('what ONNX has no node for is refused', () => {
  it.each<[string, Layer[], RegExp]>([
    [
      'jordan',
      [jordan({ ...one, output: 2 })],
      /^onnx: l0 must be a built-in elman, lstm or gru, got jordan \(ONNX has /,
    ],
    [
      'clockwork',
      [lstm(one), clockwork({ input: H, hidden: 4, periods: [1, 2] })],
      /^onnx: l1 must be .*, got clockwork/,
    ],
    ['a projection', [lstm({ ...one, projection: 2 })], /^onnx: l0 must be .*, got lstm with projection/],
    [
      'a reverse cell of your own',
      [bidirectional(gru(one), { ...gru(one), name: 'mine' })],
      /^onnx: l0r must be .*, got mine/,
    ],
  ])('%s', (_name, layers, message) => {
    expect(() => encodeOnnx(network({ layers }))).toThrow(message);
  });

  it('an unknown option', () =>
    expect(() => encodeOnnx(networkOf({ layers: [gru(one)] }), { state: true } as OnnxOptions)).toThrow(
      'onnx: options must be among classes, lengths, states, metadata, got state',
    ));
});
