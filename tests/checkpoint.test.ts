/** Checkpoints: everything is restored bit for bit, and malformed files are refused by name. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  copyNetwork,
  decodeNpy,
  decodeNpz,
  elman,
  encodeNpz,
  encodeOnnx,
  fromKeras,
  fromPytorch,
  gru,
  lstm,
  network,
  optimizer,
  toFlat,
  toKeras,
  pytorchProject,
  type Cell,
  type Dtype,
} from '../index';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { clearUp, writeBeside, writeWhole } from '../io/files';
import { decodeSafetensors, encodeSafetensors, type SafeFile } from '../io/safetensors';
import { Vocabulary } from '../io/vocabulary';
import { testErrors } from './errors';

const stacks: [string, () => Cell[]][] = [
  ['LSTM', () => [lstm({ input: 3, hidden: 5 }), lstm({ input: 5, hidden: 5 })]],
  ['LSTM without biases', () => [lstm({ input: 3, hidden: 5, bias: false })]],
  ['LSTM with peepholes', () => [lstm({ input: 3, hidden: 5, peepholes: true })]],
  ['GRU', () => [gru({ input: 3, hidden: 5 })]],
  ['GRU, reset before', () => [gru({ input: 3, hidden: 5, reset: 'before' })]],
  ['Elman, relu', () => [elman({ input: 3, hidden: 5, activation: 'relu' })]],
  ['mixed', () => [gru({ input: 3, hidden: 4 }), lstm({ input: 4, hidden: 6 })]],
];
const x = [[[1, 0.5, -1]], [[0, 2, 1]], [[-1, 1, 0.25]]];
const targets = [[0], [2], [1]];

function trained(layers: Cell[], dtype: Dtype) {
  const net = network({
    layers,
    output: 4,
    loss: 'softmax',
    dropout: 0.1,
    trainInitial: true,
    dtype,
    seed: 5,
  });
  const adam = optimizer(net, { name: 'adam', learningRate: 0.02, amsgrad: true });
  for (let step = 0; step < 3; step++) {
    net.parameters.zeroGradients();
    const pass = net.forward({ x, targets }, { training: true });
    pass.backward();
    adam.step();
  }
  return { net, adam };
}

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  it.each(stacks)('%s comes back to the bit, and goes on as if it had never stopped', (_name, layers) => {
    const { net, adam } = trained(layers(), dtype);
    const bytes = encodeCheckpoint({ network: net, optimizer: adam });
    const back = decodeCheckpoint(bytes);
    expect(back.network.parameters.flat.data).toEqual(net.parameters.flat.data);
    expect(
      Buffer.from(encodeCheckpoint({ network: back.network, optimizer: back.optimizer })).equals(bytes),
    ).toBe(true);

    const other = { net: back.network, adam: back.optimizer };
    for (const { net: one, adam: update } of [{ net, adam }, other]) {
      one.parameters.zeroGradients();
      const pass = one.forward({ x, targets }, { training: true });
      pass.backward();
      update?.step();
    }
    expect(back.network.parameters.flat.data).toEqual(net.parameters.flat.data);
  });
});

it('a network that reads its own output computes the same without what only training needs', () => {
  const net = network({
    topology: 'one-to-many',
    feed: 'output',
    layers: [elman({ input: 3, hidden: 4 })],
    output: 3,
    loss: 'softmax',
  });
  const bare = decodeCheckpoint(encodeCheckpoint({ network: net }), { inference: true }).network;
  const outputOf = (one: typeof net) =>
    Array.from(one.forward({ x: [1], T: 3 }, { predict: true }).output.data);
  expect(outputOf(bare)).toEqual(outputOf(net));
});

it('keeps the names of PyTorch', () => {
  const { net, adam } = trained([gru({ input: 3, hidden: 5 })], 'float32');
  const { tensors } = decodeSafetensors(encodeCheckpoint({ network: net, optimizer: adam }));
  const shapeOf = (name: string): readonly number[] | undefined => tensors.get(name)?.shape;
  expect(shapeOf('rnn.weight_ih_l0')).toEqual([15, 3]);
  expect(shapeOf('rnn.weight_hh_l0')).toEqual([15, 5]);
  expect(shapeOf('rnn.bias_hh_l0')).toEqual([15]);
  expect(shapeOf('head.weight')).toEqual([4, 5]);
});

it('keeps vocabulary, states, curves and settings', () => {
  const { net } = trained([lstm({ input: 3, hidden: 5 })], 'float32');
  const states = { 'l0.h': new Float32Array(10).fill(0.5), 'l0.c': new Float32Array(10).fill(-1) };
  const checkpoint = {
    network: net,
    states,
    curves: { training: [1, 2, 3, 4] },
    vocabulary: Vocabulary.of('añ'),
    training: { step: 3 },
  };
  const back = decodeCheckpoint(encodeCheckpoint(checkpoint));
  expect(String(back.vocabulary)).toBe('añ');
  expect(Array.from(back.states['l0.c'])).toEqual(Array<number>(10).fill(-1));
  expect(Array.from(back.curves.training)).toEqual([1, 2, 3, 4]);
  expect(back.training).toEqual({ step: 3 });
});

describe('files that are not checkpoints are rejected by name', () => {
  const bytes = (): Uint8Array =>
    encodeCheckpoint({ network: trained([lstm({ input: 3, hidden: 5 })], 'float32').net });

  it.each<[string, () => Uint8Array]>([
    ['nothing', () => new Uint8Array(0)],
    ['text', () => Buffer.from('Call me Ishmael. Some years ago')],
    ['a truncated file', () => bytes().slice(0, -7)],
    ['a file with more behind it', () => Buffer.concat([bytes(), Buffer.from('x')])],
  ])('%s', (_what, read) => {
    expect(() => decodeCheckpoint(read(), { file: 'model.safetensors' })).toThrow(
      /^checkpoint: model\.safetensors must be a whole checkpoint of backstep, got this: /,
    );
  });

  const f32 = (shape: number[]) => ({
    dtype: 'F32' as const,
    shape,
    data: new Float32Array(shape[0] * shape[1]),
  });
  it.each<[string, (file: SafeFile) => unknown, RegExp]>([
    [
      'a file of PyTorch',
      ({ metadata }) => delete metadata.backstep,
      /it must hold the key backstep, got a safetensors/,
    ],
    ['a later format', ({ metadata }) => (metadata.backstep = '2'), /the format must be 1, got format 2/],
    ['no network', ({ metadata }) => delete metadata.network, /metadata network: it must be given, got none/],
    [
      'no topology',
      ({ metadata }) =>
        (metadata.network = metadata.network.replace('"topology":"many-to-many"', '"start":0')),
      /metadata network: topology must be given, got none/,
    ],
    [
      'a misspelled entry, which would be lost',
      ({ metadata }) => (metadata.optimiser = '{"options":{"name":"sgd"},"steps":3}'),
      /metadata: entries must be among network, .*, got optimiser/,
    ],
    [
      'JSON nested without end',
      ({ metadata }) => (metadata.training = '['.repeat(65) + ']'.repeat(65)),
      /metadata: training must be JSON, got lists or objects nested more than 64 deep/,
    ],
    [
      'more lists than characters can say anything in',
      ({ metadata }) => (metadata.training = `[${'{},'.repeat(5000)}0]`),
      /metadata: training must be JSON, got 5001 lists and objects in 15003 characters/,
    ],
    [
      'a number beyond all',
      ({ metadata }) => (metadata.training = '{"loss":1e999}'),
      /metadata training: it must hold numbers that are finite/,
    ],
    [
      'a note on another module',
      ({ metadata }) => (metadata.module = 'torch.nn.GRU'),
      /metadata: module must be torch\.nn\.LSTM; .*, got torch\.nn\.GRU/,
    ],
    [
      'a second bias',
      ({ tensors }) => {
        (tensors.get('rnn.bias_hh_l0')?.data as Float32Array)[7] = 0.5;
      },
      /checkpoint: rnn\.bias_hh_l0\[7\] must be 0, got 0\.5 \(a bias that PyTorch has/,
    ],
    [
      'a state of nothing',
      ({ tensors }) => tensors.set('state.l9.h', f32([2, 0])),
      /state\.l9\.h must be a state/,
    ],
    [
      'the unknown symbol in a vocabulary',
      ({ metadata }) => (metadata.vocabulary = 'a\uFFFD'),
      /vocabulary: symbols must be single code points/,
    ],
    ['broken JSON', ({ metadata }) => (metadata.random = '[1,'), /metadata: random must be JSON, got /],
    [
      'a generator of zeros',
      ({ metadata }) => (metadata.random = '[0,0,0,0]'),
      /random: the state must not be all/,
    ],
    [
      'an unknown cell',
      ({ metadata }) => (metadata.network = metadata.network.replace('"lstm"', '"lstmm"')),
      /the cell must be one of elman, .*, got lstmm \(did you mean lstm\?\)/,
    ],
    [
      'a size that is none',
      ({ metadata }) => (metadata.network = metadata.network.replace('"output":4', '"output":-4')),
      /metadata network: output must be >=1, got -4/,
    ],
    [
      'a network larger than the file',
      ({ metadata }) => (metadata.network = metadata.network.replace('"hidden":5', '"hidden":50000')),
      /the network must fit the file's \d+ bytes, got \d+ weights/,
    ],
    [
      'a network of another size',
      ({ metadata }) => (metadata.network = metadata.network.replace('"hidden":5', '"hidden":6')),
      /rnn\.weight_ih_l0 must be \[24, 3\], got \[20, 3\]/,
    ],
    [
      'memory of another optimizer',
      ({ metadata, tensors }) => {
        metadata.optimizer = '{"options":{"name":"sgd"},"steps":3}';
        tensors.set('optim.m.head.bias', f32([2, 2]));
      },
      /tensors must be those of sgd, got optim\.m\.head\.bias/,
    ],
    [
      'a state of no layer',
      ({ tensors }) => tensors.set('state.l9.h', f32([2, 5])),
      /state\.l9\.h must be a state/,
    ],
    ['a state of another width', ({ tensors }) => tensors.set('state.l0.h', f32([2, 4])), /got F32 \[2, 4\]/],
    [
      'a curve that is none',
      ({ tensors }) => tensors.set('curve.training', f32([2, 2])),
      /must be F64 \[n, 2\]/,
    ],
    [
      'a stranger',
      ({ tensors }) => tensors.set('embed.weight', f32([2, 2])),
      /tensors must be among .*, got embed/,
    ],
  ])('%s', (_what, spoil, message) => {
    const { tensors, metadata } = decodeSafetensors(bytes());
    spoil({ tensors, metadata });
    expect(() => decodeCheckpoint(encodeSafetensors(tensors, metadata))).toThrow(message);
  });

  it('whatever bit of the header is flipped, it loads or says so', () => {
    const whole = bytes();
    for (let at = 0; at < 600; at += 7) {
      const broken = whole.slice();
      broken[at] ^= 1 << (at % 8);
      try {
        decodeCheckpoint(broken);
      } catch (error) {
        expect((error as Error).message).toMatch(/^checkpoint: the file must be a whole checkpoint/);
      }
    }
  });
});

describe('a wrong argument is an error that shows the right call', () => {
  const { net, adam } = { net: network({ layers: [lstm({ input: 3, hidden: 5 })] }), adam: { name: 'adam' } };
  const save = (what: unknown) => () => encodeCheckpoint(what as never);
  const read = (what: unknown) => () => decodeCheckpoint(what as never);
  const bytes = 'must be given as its bytes, a Uint8Array, got';
  testErrors(TypeError, [
    [
      save(net),
      'checkpoint: the network must be passed by name, encodeCheckpoint({ network }), got a Network',
    ],
    [save(undefined), 'checkpoint: it must be an object, as in encodeCheckpoint({ network }), got undefined'],
    [
      save({ net }),
      'checkpoint: the network must be a Network, got undefined (what network, an import or a checkpoint',
    ],
    [
      save({ network: net, step: 3 }),
      'it must be made of network, optimizer, best, states, curves, vocabulary, training, got step',
    ],
    [
      save({ network: net, optimizer: adam }),
      'the optimizer must be an Optimizer, got an object of name (optimizer(network,',
    ],
    [
      save({ network: net, optimizer: optimizer(copyNetwork(net), { name: 'sgd' }) }),
      'the optimizer must be for this network, got another',
    ],
    [
      save({ network: net, vocabulary: 'abc' }),
      'the vocabulary must be a Vocabulary, got abc (Vocabulary.of(text)',
    ],
    [save({ network: net, training: () => 3 }), 'checkpoint: training must be JSON, got a function'],
    [save({ network: net, states: { 'l0.h': ['a'] } }), 'checkpoint: state l0.h[0] must be a number, got a'],
    [
      read('runs/model.safetensors'),
      `checkpoint: the file ${bytes} runs/model.safetensors (what is read from it, as by`,
    ],
    [read(new ArrayBuffer(8)), `the file ${bytes} an ArrayBuffer`],
    [read(Promise.resolve(new Uint8Array(8))), `the file ${bytes} a Promise`],
    [read(new Float32Array(8)), `the file ${bytes} a Float32Array of 32 bytes`],
    [() => decodeSafetensors('a' as never), `safetensors: the file ${bytes} a`],
    [() => decodeNpz('a' as never), `npz: the file ${bytes} a`],
    [() => decodeNpy('a' as never), `npy: the file ${bytes} a`],
    [
      () => fromPytorch('a' as never),
      'import: arrays must be a Map by name, got a (as a reader of .npz or safetensors',
    ],
    [() => fromKeras({} as never), 'import: arrays must be a Map by name, got an object'],
    [() => encodeNpz({} as never), 'npz: arrays must be a Map by name, got an object'],
    [() => encodeSafetensors({} as never), 'safetensors: arrays must be a Map by name, got an object'],
    [
      () => encodeOnnx({ network: net } as never),
      'onnx: the network must be a Network, got an object of network',
    ],
    [
      () => toKeras({ network: net } as never),
      'keras: the network must be a Network, got an object of network',
    ],
    [
      () => pytorchProject(net as never),
      'torch: the network must be passed by name, pytorchProject({ network })',
    ],
    [() => copyNetwork(undefined as never), 'copyNetwork: the network must be a Network, got undefined'],
    [
      () => optimizer(undefined as never, { name: 'sgd' }),
      'optimizer: the first argument must be a network, or its param',
    ],
    [() => Vocabulary.of(['a'] as never), 'Vocabulary.of: the text must be a string, got [a]'],
  ]);
  testErrors(RangeError, [
    [
      save({ network: net, curves: { loss: [1, 2, 3] } }),
      'checkpoint: curve loss must hold pairs of step and loss, got 3',
    ],
    [save({ network: net, training: { n: 1n } }), 'checkpoint: training must be JSON of moderate depth'],
  ]);

  it('states are saved as a pass gave them', () => {
    const { states } = net.forward({ x: [[[1, 2, 3]], [[0, 1, 0]]] });
    const back = decodeCheckpoint(encodeCheckpoint({ network: net, states })).states;
    for (const [name, t] of Object.entries(states)) expect([...Array.from(back[name])]).toEqual(toFlat(t));
  });
});

it('training that could not be read again is not written', () => {
  const { net } = trained([lstm({ input: 3, hidden: 5 })], 'float32');
  let deep: unknown = 0;
  for (let k = 0; k < 65; k++) deep = [deep];
  expect(() => encodeCheckpoint({ network: net, training: deep })).toThrow(
    'checkpoint: training must be JSON of moderate depth, got lists or objects nested more than 64 deep',
  );
});

it('a failed write leaves the previous file, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-files-'));
  const file = join(folder, 'a.bin');
  writeWhole(file, new Uint8Array([1, 2, 3]));
  writeWhole(file, new Uint8Array([4]));
  expect([...readFileSync(file)]).toEqual([4]);
  expect(readdirSync(folder)).toEqual(['a.bin']);
  writeFileSync(join(folder, 'file'), '');
  expect(() => writeWhole(join(folder, 'file', 'b.bin'), new Uint8Array([1]))).toThrow();
  rmSync(folder, { recursive: true });
});

it('what is written beside others replaces none of them, and is there once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-files-'));
  const write = (contents: string): string =>
    relative(folder, writeBeside(join(folder, 'kept.bin'), Buffer.from(contents)));
  mkdirSync(join(folder, 'kept-3.bin'));
  expect(['one', 'two', 'one', 'three', 'two'].map(write)).toEqual([
    ...['kept.bin', 'kept-2.bin', 'kept.bin', 'kept-4.bin', 'kept-2.bin'],
  ]);
  expect(readFileSync(join(folder, 'kept-2.bin'), 'utf8')).toBe('two');
  rmSync(folder, { recursive: true });
});

describe('a name that stands for something else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-links-'));
  const at = (name: string): string => join(folder, name);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['a link', 'there/a.bin'],
    ['a link to a link', 'link'],
    ['a link to a file that is not there yet', 'there/new.bin'],
  ])('%s is written through', (_what, target) => {
    mkdirSync(at('there'), { recursive: true });
    writeFileSync(at('there/a.bin'), 'old');
    rmSync(at('link'), { force: true });
    symlinkSync('there/a.bin', at('link'));
    rmSync(at('name'), { force: true });
    symlinkSync(target, at('name'));
    writeFileSync(at(`there/a.bin.${dead}.tmp`), '');
    clearUp(at('link'));
    writeWhole(at('name'), 'contents');
    expect(fs.lstatSync(at('name')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at(target), 'utf8')).toBe('contents');
    expect(readdirSync(at('there')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('links in a circle are refused in words', () => {
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    expect(() => writeWhole(at('a'), '')).toThrow(
      /^write: .*a must be writable, got symbolic links that lead in a circle \(ELOOP\)$/,
    );
  });

  it('a pipe is written to, and stays', async () => {
    spawnSync('mkfifo', [at('pipe')]);
    const reader = spawn('cat', [at('pipe')]);
    let read = '';
    reader.stdout.on('data', (chunk: Buffer) => (read += chunk.toString()));
    writeWhole(at('pipe'), 'contents');
    await once(reader, 'close');
    expect(read).toBe('contents');
    expect(fs.statSync(at('pipe')).isFIFO()).toBe(true);
  });
});

it('leftovers of a killed writer are removed, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-files-'));
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const remaining = ['a.bin', `a.bin.${process.ppid}.tmp`, 'a.bin.x.tmp', `b.bin.${dead}.tmp`];
  for (const name of [...remaining, `a.bin.${dead}.tmp`]) writeFileSync(join(folder, name), '');
  clearUp(join(folder, 'a.bin'));
  expect(readdirSync(folder).sort()).toEqual(remaining.sort());
  rmSync(folder, { recursive: true });
});
