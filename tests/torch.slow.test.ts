/** Exports to PyTorch and back: it computes the same results, and continues training with the same losses. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  bidirectional,
  clipGlobalNorm,
  elman,
  embedding,
  gru,
  lstm,
  network,
  optimizer,
  schedule as scheduleOf,
  toFlat,
  type Batch,
  type Network,
  type NetworkOptions,
  type Optimizer,
  type OptimizerOptions,
  type ScheduleOptions,
} from '../index';
import { PACKAGE, readTextOf } from '../text/corpus';
import { newSettings, type TextSettings } from '../text/settings';
import { Trainer } from '../text/trainer';
import { encodeCheckpoint } from '../io/checkpoint';
import type { ImportOptions } from '../io/foreign';
import { decodeNpz } from '../io/npz';
import { decodeSafetensors, encodeSafetensors, type SafeTensor } from '../io/safetensors';
import { readText } from '../text/read';
import { parseVector } from '../verify/vectors';
import { verify } from '../verify/verify';
import { Vocabulary } from '../io/vocabulary';
import { fromPytorch } from '../io/torch/import';
import { torchOptimizerCall } from '../io/torch/optimizers';
import { pytorchProject } from '../io/torch/project';
import type { PytorchProject } from '../io/torch/script';
import { backstep } from './command';
import { describeWith, pythonWith, run } from './outside';

const [D, H] = [3, 5];
const one = { input: D, hidden: H };
const next = { input: H, hidden: H };

type Options = Partial<NetworkOptions> & Pick<NetworkOptions, 'layers'>;
const adam: OptimizerOptions = { name: 'adam', learningRate: 0.02 };
const cases: [string, Options, OptimizerOptions?, Partial<PytorchProject>?][] = [
  ['lstm', { layers: [lstm(one), lstm(next)], loss: 'softmax' }, { ...adam, amsgrad: true }],
  ['lstm_float32', { layers: [lstm(one)], loss: 'softmax', dtype: 'float32' }, adam],
  [
    'gru_characters',
    { layers: [gru({ ...one, input: 5 })], output: 5, loss: 'softmax' },
    adam,
    { vocabulary: Vocabulary.of('añ"\n'), clip: 0.1 },
  ],
  [
    'projection',
    {
      layers: [
        bidirectional(lstm({ ...one, projection: 2 })),
        bidirectional(lstm({ input: 4, hidden: H, projection: 2 })),
      ],
      loss: 'softmax',
      trainInitial: true,
    },
    adam,
  ],
  [
    'gru_both_ends',
    { layers: [bidirectional(gru(one))], loss: 'squared', T: 4 } as Options,
    { name: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true },
    { T: 4 },
  ],
  [
    'relu',
    { layers: [elman({ ...one, activation: 'relu' })], loss: 'bernoulli' },
    { name: 'rmsprop', learningRate: 0.01, centered: true, momentum: 0.5 },
  ],
  [
    'no_biases',
    { layers: [elman({ ...one, bias: false })], loss: 'squared', reduction: 'sum' },
    { name: 'adagrad', learningRate: 0.05 },
  ],
  [
    'many_to_one',
    { layers: [bidirectional(lstm(one))], loss: 'bernoulli', topology: 'many-to-one' },
    { name: 'adamw', learningRate: 0.01 },
  ],
  [
    'embedding',
    { layers: [embedding({ input: 6, width: D }), gru(one)], loss: 'softmax' },
    adam,
    { clip: 0.1, schedule: { name: 'cosine', steps: 4, minimum: 0.1, warmUp: 2 } },
  ],
  [
    'first_states',
    { layers: [lstm(one), lstm(next)], loss: 'squared', trainInitial: true },
    { ...adam, weightDecay: 0.01 },
    { schedule: { name: 'step', every: 1 } },
  ],
  [
    'one_first_state',
    {
      layers: [bidirectional(gru(one)), bidirectional(gru({ ...one, input: 2 * H }))],
      loss: 'softmax',
      trainInitial: 'shared',
    },
    { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
    { schedule: { name: 'step', every: 3, factor: 0.5 } },
  ],
  [
    'ended_schedule',
    { layers: [gru(one)], loss: 'softmax' },
    adam,
    { schedule: { name: 'cosine', steps: 3 } }, // of the three steps that PyTorch makes, one is within it
  ],
  [
    'exponential',
    { layers: [gru(one)], loss: 'softmax' },
    adam,
    { schedule: { name: 'exponential', every: 5, factor: 0.5, warmUp: 1 } },
  ],
  [
    'one_cycle',
    { layers: [gru(one)], loss: 'softmax' },
    adam,
    { schedule: { name: 'one-cycle', steps: 5, peak: 0.5 } },
  ],
  ['last_of_gru', { layers: [gru(one)], loss: 'softmax', topology: 'many-to-one', reduction: 'sum' }],
  ['no_loss', { layers: [lstm(one)], output: undefined }],
];

interface Trained {
  net: Network;
  made: Optimizer | undefined;
  batch: Batch;
}
const array = ({ shape, data }: SafeTensor) => ({ shape: [...shape], numbers: Array.from(data, Number) });

/** Writes a network's project after two steps of training, and returns everything needed to continue training. */
function write(folder: string, [name, options, how, more = {}]: (typeof cases)[number]): Trained {
  const { layers, ...rest } = options as Options & { T?: number };
  delete rest.T;
  const net = network({ layers, output: 2, seed: 3, ...rest });
  const made = how && optimizer(net, how);
  const folderOf = join(folder, name);
  mkdirSync(folderOf);
  const first = pytorchProject({ network: net, ...more });
  const stored = decodeSafetensors(first['batch.safetensors'] as Uint8Array).tensors;
  const [x, targets] = ['x', 'targets'].map((key) => stored.get(key));
  const batch = { x: array(x as SafeTensor), ...(targets && { targets: array(targets) }) };
  for (let step = 0; made && step < 2; step++) trainStep({ net, made, batch }, more);
  for (const [file, contents] of Object.entries(pytorchProject({ network: net, optimizer: made, ...more })))
    writeFileSync(join(folderOf, file), contents);
  return { net, made, batch };
}

function trainStep({ net, made, batch }: Trained, { clip, schedule }: Partial<PytorchProject> = {}): number {
  net.parameters.zeroGradients();
  const pass = net.forward(batch);
  const { loss } = pass;
  pass.backward();
  if (clip !== undefined) clipGlobalNorm(net.parameters, clip);
  made?.step(made.learningRate * scheduleOf(schedule ?? { name: 'constant' })(made.steps));
  return loss;
}

/** The first project once more, with one weight changed in its seventh digit. */
function spoil(folder: string): void {
  const spoilt = join(folder, 'spoilt');
  cpSync(join(folder, cases[0][0]), spoilt, { recursive: true });
  const file = join(spoilt, 'weights.safetensors');
  const { tensors } = decodeSafetensors(readFileSync(file));
  const { data } = tensors.get('rnn.weight_hh_l0') as { data: Float64Array };
  data[0] += 1e-6;
  writeFileSync(file, encodeSafetensors(tensors));
}

/** Steps that PyTorch makes of an exported text model. */
const GO_ON = 20;

/** A run of `backstep train` that is exported after 4 steps, with its text; the losses of the next steps of the run here. */
async function writeHalfway(folder: string, cell: 'elman' | 'lstm' | 'gru' | 'clockwork'): Promise<number[]> {
  mkdirSync(folder);
  const file = join(folder, 'text.txt');
  // six chunks in one pass: it is begun anew several times; a byte order mark is no symbol, CR LF are two
  writeFileSync(
    file,
    '\uFEFFHört, ihr Leut, und laßt euch sagen:\r\nunsre Glock hat zehn geschlagen. Zehn Gebote setzt',
  );
  const text = readText(file);
  const settings = (steps: number): TextSettings =>
    newSettings(
      {
        cell,
        embedding: 4,
        layers: 2, // their states must not change places
        hidden: cell === 'clockwork' ? 8 : 5, // its slowest module holds for two chunks
        batch: 3,
        seq: 4,
        dtype: 'float64',
        clip: 0.3,
        schedule: 'warmup:2,cosine:30',
        steps,
      },
      file,
      text.sha256,
      'wasm',
    );
  const run = async (steps: number): Promise<{ trainer: Trainer; losses: number[] }> => {
    const trainer = Trainer.begin(settings(steps), text);
    const losses: number[] = [];
    await trainer.run({ signal: new AbortController().signal, onStep: ({ loss }) => losses.push(loss) });
    expect(trainer.streams.chunks).toBe(6);
    return { trainer, losses };
  };
  await exported((await run(4)).trainer, folder);
  return (await run(4 + GO_ON)).losses.slice(4);
}

/** The model of the default settings after 300 steps, exported. */
async function writeDefault(folder: string): Promise<void> {
  mkdirSync(folder);
  const text = readTextOf(undefined, 'train');
  const trainer = Trainer.begin(newSettings({ steps: 300 }, PACKAGE, text.sha256, 'wasm'), text);
  await trainer.run({ signal: new AbortController().signal, onStep: () => true });
  await exported(trainer, folder);
}

async function exported(trainer: Trainer, folder: string): Promise<void> {
  writeFileSync(join(folder, 'checkpoint.safetensors'), encodeCheckpoint(trainer.checkpoint()));
  await backstep('export', folder, '--to', 'torch-script-py', '--out', folder);
}

/** The bound that a project's own check gives itself for its output. */
const boundIn = (printed: string): number =>
  Number(/^output within \S+ \(bound (\S+)\).*: ok$/m.exec(printed)?.[1]);

const lossesIn = (printed: string): number[] =>
  [...printed.matchAll(/^step \d+ loss (\S+)$/gm)].map(([, loss]) => Number(loss));

const python = pythonWith('torch');
describeWith(python, 'PyTorch is not installed: apt-get install python3-torch')('PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-torch-'));
  let trained: Trained[];
  let printed: Record<string, string>;
  let goneOn: number[][];
  beforeAll(async () => {
    trained = cases.map((one) => write(folder, one));
    spoil(folder);
    goneOn = [];
    for (const cell of ['elman', 'lstm', 'gru', 'clockwork'] as const)
      goneOn.push(await writeHalfway(join(folder, `characters_${cell}`), cell));
    await writeDefault(join(folder, 'default'));
    printed = JSON.parse(run(python as string, ['tests/runtimes/torch_models.py', folder])) as typeof printed;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(cases.map(([name, , how, more], k) => [name, how, more, k] as const))(
    '%s: computes the same, and trains on with the same losses',
    (name, how, more, k) => {
      expect(boundIn(printed[name])).toBeLessThan(1e-12);
      const losses = lossesIn(printed[name]);
      expect(losses).toHaveLength(name === 'no_loss' ? 0 : 3);
      if (!how) return;
      const bound = name.endsWith('float32') ? 1e-6 : 1e-10;
      for (const loss of losses) {
        const ours = trainStep(trained[k], more);
        expect(Math.abs(loss - ours)).toBeLessThanOrEqual(bound * Math.max(1, Math.abs(ours)));
      }
    },
  );

  it('says where the learning rate comes to be 0, and nowhere else', () => {
    const ended = /^the schedule ends before the last step: the learning rate is then 0/m;
    expect(Object.keys(printed).filter((name) => ended.test(printed[name]))).toEqual(['ended_schedule']);
  });

  it.each([
    ['elman', 0],
    ['lstm', 1],
    ['gru', 2],
    ['clockwork', 3],
  ])(
    '%s on a text goes on where the training left off: place, states, memory and learning rate',
    (cell, k) => {
      const losses = lossesIn(printed[`characters_${cell}`]);
      expect(losses).toHaveLength(GO_ON);
      losses.forEach((loss, step) => expect(Math.abs(loss - goneOn[k][step])).toBeLessThan(1e-10));
      // a model that starts anew in any of these makes other losses than these by far
      expect(new Set(losses.map((loss) => loss.toFixed(4))).size).toBe(GO_ON);
    },
  );

  it('the model of the default settings passes its own check, whose bound would show a weight off by 1e-6', () => {
    expect(boundIn(printed.default)).toBeLessThan(1e-10);
    expect(lossesIn(printed.default)).toHaveLength(3);
  });

  it('trains on in two processes, with the same losses', async () => {
    // the networks trained above have changed since they were exported: compare with the results PyTorch found itself
    const names = ['gru_characters', 'one_first_state', 'characters_lstm'];
    const all = await Promise.all(
      names.map((name) => {
        const script = join(folder, name, 'model.py');
        const text = name === 'characters_lstm' ? ['--text', join(folder, name, 'text.txt')] : [];
        // the launcher of PyTorch 1.13 on Python 3.11 starts nothing unless outputs are redirected
        const outputs = ['--redirects', '1', '--tee', '1', '--log_dir', join(folder, name)];
        // each on a free port: --standalone always takes the same one
        const alone = ['--rdzv_backend', 'c10d', '--rdzv_endpoint', 'localhost:0', '--rdzv_id', name];
        const launch = ['-m', 'torch.distributed.run', ...alone, '--nproc_per_node', '2', ...outputs];
        return promisify(execFile)(python as string, [
          ...launch,
          script,
          '--train',
          text.length > 0 ? `${GO_ON}` : '3',
          ...text,
        ]);
      }),
    );
    names.forEach((name, k) => {
      const together = all[k].stdout.replaceAll(/^\[default\d\]:/gm, '');
      expect(boundIn(together)).toBeLessThan(1e-12);
      const [alone, both] = [lossesIn(printed[name]), lossesIn(together)];
      expect(both).toHaveLength(alone.length);
      both.forEach((loss, step) => expect(Math.abs(loss - alone[step])).toBeLessThan(1e-10));
    });
  });

  it('a weight that is another is noticed', () => expect(printed.spoilt).toMatch(/: FAIL\nexit 1$/m));

  it.each<[string, ImportOptions, string]>([
    ['lstm', {}, 'lstm'],
    ['gru', {}, 'bidirectional gru, bidirectional gru'],
    ['relu', { activation: 'relu' }, 'elman'],
    ['projected', {}, 'bidirectional lstm, bidirectional lstm'],
    ['bare', { cell: 'lstm' }, 'bidirectional lstm'],
    ['parallel', {}, 'gru'],
  ])("%s, a stranger's model, computes the same here", (name, options) => {
    const read = (file: string) => decodeNpz(readFileSync(join(folder, file)));
    const net = fromPytorch(read(`${name}.npz`), options);
    const { x, y } = Object.fromEntries(read(`${name}.io.npz`)) as Record<string, SafeTensor>;
    const output = toFlat(net.forward({ x: array(x) }).output);
    expect(output).toHaveLength(y.data.length);
    output.forEach((v, k) => expect(Math.abs(v - Number(y.data[k]))).toBeLessThan(1e-10));
  });

  it.each(['gru', 'relu', 'lstm', 'projected', 'last'])(
    '%s: a vector made as examples/ shows agrees, gradients and all',
    (name) => {
      const { ok, gradients } = verify(parseVector(readFileSync(join(folder, `${name}.json`), 'utf8')));
      expect({ ok, compared: gradients.where !== '' }).toEqual({ ok: true, compared: true });
    },
  );
});

it('a script is made of numbers: an option that is code is refused', () => {
  const code = 'True); import os; os.system("true"' as unknown as boolean;
  const call = () => torchOptimizerCall({ name: 'sgd', learningRate: 0.1, nesterov: code });
  expect(call).toThrow(/^torch: options of the optimizer must be numbers or booleans, got True\); import/);
});

it('a vocabulary is a string in the script, whatever is in it', () => {
  const layers = [gru({ input: 8, hidden: 2 })];
  const vocabulary = Vocabulary.of('"\\\n\'#{}');
  const { 'model.py': script } = pytorchProject({ network: network({ layers, output: 8 }), vocabulary });
  expect(script).toContain(`\nVOCABULARY = ${JSON.stringify(String(vocabulary))}  #`);
});

it('what turns text round is escaped in the script, and is the same symbol to Python', () => {
  const symbols = '\x9b\u202e\u{e0041}';
  const layers = [gru({ input: 4, hidden: 2 })];
  const made = { network: network({ layers, output: 4 }), vocabulary: Vocabulary.of(symbols) };
  const script = pytorchProject(made)['model.py'] as string;
  expect(script).toContain(String.raw`VOCABULARY = "\U0000009b\U0000202e\U000e0041"  #`);
});

it('states of another number of rows are refused', () => {
  const net = network({ layers: [gru(one)], output: 2, loss: 'softmax' });
  expect(() => pytorchProject({ network: net, B: 3, states: { 'l0.h': new Float64Array(10) } })).toThrow(
    'torch: state l0.h must be [15], got [10] (B = 3 rows of 5 units)',
  );
});

it('a schedule out of range gets into no script', () => {
  const net = network({ layers: [gru(one)] });
  const schedule = { name: 'step', every: '1; import os' } as unknown as ScheduleOptions;
  expect(() => pytorchProject({ network: net, schedule })).toThrow(
    'schedule: every must be a whole number >= 1',
  );
});

describe("a stranger's file that does not fit is named", () => {
  const f64 = (shape: number[]): SafeTensor => ({
    dtype: 'F64',
    shape,
    data: new Float64Array(shape.reduce((n, d) => n * d, 1)),
  });
  const model = () =>
    new Map([
      ['rnn.weight_ih_l0', f64([20, 3])],
      ['rnn.weight_hh_l0', f64([20, 5])],
      ['rnn.bias_ih_l0', f64([20])],
      ['rnn.bias_hh_l0', f64([20])],
      ['fc.weight', f64([2, 5])],
      ['fc.bias', f64([2])],
    ]);

  it('a model that fits', () =>
    expect(fromPytorch(model()).parameters.count).toBe(20 * 3 + 20 * 5 + 20 + 12));

  it('an embedding is read where its name says that it is one', () => {
    const stored = model().set('word_embeddings.weight', f64([9, 3]));
    const { architecture, parameters, input } = fromPytorch(stored);
    expect([architecture.embedding?.width, input, parameters.count]).toEqual([
      3,
      9,
      20 * 3 + 20 * 5 + 20 + 12 + 27,
    ]);
    stored.set('word_embeddings.weight', f64([9, 4]));
    expect(() => fromPytorch(stored)).toThrow(
      'import: word_embeddings.weight must be [9, 3], got [9, 4] (the first',
    );
  });

  it.each<[string, (s: Map<string, SafeTensor>) => unknown, RegExp, ImportOptions?]>([
    [
      'nothing recurrent',
      (s) => s.forEach((_, name) => name.startsWith('rnn') && s.delete(name)),
      /^import: the file must hold the weights of one nn\.RNN, LSTM or GRU, got \[\]/,
    ],
    ['two recurrent modules', (s) => s.set('decoder.weight_ih_l0', f64([20, 3])), /got \[rnn\., decoder\.\]/],
    [
      'a projection that does not fit the matrix that is fed back',
      (s) => s.set('rnn.weight_hr_l0', f64([3, 5])).set('fc.weight', f64([2, 3])),
      /^pytorch: rnn\.weight_hh_l0 must be \[20, 3\], got \[20, 5\]/,
    ],
    [
      'a projection of a GRU',
      (s) => s.set('rnn.weight_hh_l0', f64([15, 3])).set('rnn.weight_hr_l0', f64([3, 5])),
      /^import: weight_hh_l0 must be an LSTM's, which has a projection, got gru \(weight_hh_l0 holds 3 blocks of 5 units\)/,
    ],
    [
      'two linear layers',
      (s) => s.set('out.weight', f64([2, 2])),
      /must be the weight and bias of one nn\.Linear, got \[fc\.weight, fc\.bias, out\.weight\]/,
    ],
    [
      'a linear layer of another width',
      (s) => s.set('fc.weight', f64([2, 4])),
      /^import: fc\.weight must be \[5\], got \[4\]/,
    ],
    ['a missing matrix', (s) => s.delete('rnn.weight_ih_l0'), /^import: the file must hold weight_ih_l0/],
    ['a missing bias', (s) => s.delete('rnn.bias_hh_l0'), /^pytorch: the file must hold rnn\.bias_hh_l0/],
    [
      'a layer that is missing in between',
      (s) => s.set('rnn.weight_hh_l2', f64([20, 5])),
      /^pytorch: tensors must be among .*, got rnn\.weight_hh_l2/,
    ],
    [
      'half numbers of blocks',
      (s) => s.set('rnn.weight_hh_l0', f64([7, 5])),
      /must hold 1, 3 or 4 blocks of 5 units, got 1\.4/,
    ],
    ['another cell than is asked for', () => 0, /^import: the cell must be lstm, got gru/, { cell: 'gru' }],
    [
      'a reset that PyTorch lacks',
      () => 0,
      /^import: reset must be 'after', got before/,
      { reset: 'before' },
    ],
  ])('%s', (_name, spoil, message, options = {}) => {
    const stored = model();
    spoil(stored);
    expect(() => fromPytorch(stored, options)).toThrow(message);
  });
});
