/** Export and import on the command line: files, messages, and every request that must be refused. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { bidirectional, clockwork, gru, lstm, network, toFlat, type Layer } from '../index';
import { add as addExport } from '../cli/export';
import { add as addImport } from '../cli/import';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { toKeras } from '../io/keras';
import { decodeNpz, encodeNpz } from '../io/npz';
import { decodeSafetensors } from '../io/safetensors';
import { Vocabulary } from '../io/vocabulary';
import { command } from './process';

const folder = mkdtempSync(join(tmpdir(), 'backstep-formats-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]): string => join(folder, ...names);

/** Runs a command in this process; returns its output. */
function backstep(...words: string[]): string {
  const program = new Command('backstep').exitOverride().configureOutput({ outputError: () => undefined });
  for (const add of [addExport, addImport]) add(program);
  for (const command of program.commands) command.exitOverride();
  let printed = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    program.parse(words, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed;
}

const layers = [bidirectional(lstm({ input: 4, hidden: 3 }))];
const net = network({ layers, output: 4, loss: 'softmax', seed: 2 });
const model = at('run', 'checkpoint.safetensors');
beforeAll(() => {
  const write = (name: string, stack: Layer[]): void =>
    writeFileSync(at(name), encodeCheckpoint({ network: network({ layers: stack }) }));
  write('clockwork.safetensors', [clockwork({ input: 3, hidden: 4, periods: [1, 2] })]);
  write('peepholes.safetensors', [lstm({ input: 3, hidden: 4, peepholes: true })]);
  mkdirSync(at('run'));
  writeFileSync(model, encodeCheckpoint({ network: net, vocabulary: Vocabulary.of('abc') }));
});

describe('export', () => {
  it.each<[string, string[]]>([
    ['onnx', ['model.onnx']],
    ['safetensors', ['weights.safetensors']],
    ['npz', ['weights.npz']],
    ['keras', ['keras.npz']],
    ['torch-script-py', ['pytorch/weights.safetensors', 'pytorch/batch.safetensors', 'pytorch/model.py']],
  ])('%s goes beside the checkpoint', (format, files) => {
    const printed = backstep('export', at('run'), '--to', format);
    for (const file of files) {
      expect(printed).toContain(`wrote ${at('run', file)} (`);
      expect(existsSync(at('run', file))).toBe(true);
    }
    expect(printed).toMatch(/^use {3}\S/m);
  });

  it('safetensors and npz hold the same weights, by the names of PyTorch', () => {
    const { tensors } = decodeSafetensors(readFileSync(at('run', 'weights.safetensors')));
    expect(tensors.get('rnn.weight_hh_l0_reverse')?.shape).toEqual([12, 3]);
    expect(new Map([...decodeNpz(readFileSync(at('run', 'weights.npz')))].sort())).toEqual(
      new Map([...tensors].sort()),
    );
  });

  it('a character model takes class numbers, unless vectors are asked for', () => {
    const inputs = (...more: string[]): string => {
      backstep('export', model, '--to', 'onnx', '--out', at('x.onnx'), ...more);
      return readFileSync(at('x.onnx'), 'latin1');
    };
    expect(inputs()).toContain('OneHot');
    expect(inputs('--input', 'vectors')).not.toContain('OneHot');
    expect(inputs('--lengths', '--states')).toMatch(/lengths[^]*l0r_c0|l0r_c0[^]*lengths/);
  });

  it.each<[string[], string]>([
    [[], '{"x": x}'],
    [['--lengths'], '{"x": x, "lengths": lengths}'],
    [
      ['--lengths', '--states'],
      '{"x": x, "lengths": lengths, "l0_h0": l0_h0, "l0_c0": l0_c0, "l0r_h0": l0r_h0, "l0r_c0": l0r_c0}',
    ],
  ])('the line to run an ONNX model names all that it must be fed: %j', (more, feeds) => {
    const printed = backstep('export', model, '--to', 'onnx', '--out', at('x.onnx'), ...more);
    expect(printed).toContain(`.run(None, ${feeds})`);
  });

  it.each<[string, string[], RegExp]>([
    ['no format', ['export', 'run'], /required option '--to <format>' not specified/],
    [
      'an unknown format',
      ['export', 'run', '--to', 'onx'],
      /^export: --to must be one of onnx, .*, got onx$/,
    ],
    [
      'an option of another format',
      ['export', at('run'), '--to', 'npz', '--states'],
      /^export: --states must be left out with --to npz, got it$/,
    ],
    [
      'no file',
      ['export', at('nowhere'), '--to', 'npz'],
      /^read: .*nowhere must be a readable file, got no such file/,
    ],
    [
      'a clockwork network',
      ['export', at('clockwork.safetensors'), '--to', 'onnx'],
      /^onnx: l0 must be a built-in elman, lstm or gru, got clockwork \(ONNX/,
    ],
    [
      'peepholes in Keras',
      ['export', at('peepholes.safetensors'), '--to', 'keras'],
      /^keras: l0 must be .*, got lstm with peepholes/,
    ],
    [
      'a file that is no checkpoint',
      ['export', at('run', 'weights.safetensors'), '--to', 'npz'],
      /^checkpoint: .* must hold the key backstep/,
    ],
  ])('%s is refused', (_what, words, message) => expect(() => backstep(...words)).toThrow(message));

  it('a folder that cannot be written to is named', () =>
    expect(() => backstep('export', model, '--to', 'onnx', '--out', join(model, 'x.onnx'))).toThrow(
      /^write: .* must be writable/,
    ));
});

describe('import', () => {
  const out = at('imported.safetensors');
  const weightsOf = (file: string) => {
    const { network: back } = decodeCheckpoint(readFileSync(file));
    return Object.fromEntries(Object.entries(back.parameters.values).map(([name, t]) => [name, toFlat(t)]));
  };
  const own = Object.fromEntries(Object.entries(net.parameters.values).map(([name, t]) => [name, toFlat(t)]));

  it.each([
    ['weights.safetensors', 'torch'],
    ['weights.npz', 'torch'],
    ['keras.npz', 'keras'],
  ])('%s comes back to the bit', (file, from) => {
    const printed = backstep(
      'import',
      at('run', file),
      '--from',
      from,
      '--out',
      out,
      '--loss',
      'softmax',
      '--topology',
      'many-to-one',
    );
    expect(printed).toContain(
      `read  bidirectional lstm 3, output 4; ${net.parameters.count} parameters; float64\n`,
    );
    expect(weightsOf(out)).toEqual(own);
    const { architecture } = decodeCheckpoint(readFileSync(out)).network;
    expect([architecture.loss, architecture.topology]).toEqual(['softmax', 'many-to-one']);
  });

  it('a GRU without biases resets what it is told to', () => {
    const plain = network({ layers: [gru({ input: 2, hidden: 3, bias: false, reset: 'before' })] });
    writeFileSync(at('gru.npz'), encodeNpz(toKeras(plain)));
    backstep('import', at('gru.npz'), '--from', 'keras', '--cell', 'gru-before', '--out', out);
    const [layer] = decodeCheckpoint(readFileSync(out)).network.architecture.layers;
    expect((layer as ReturnType<typeof gru>).options?.reset).toBe('before');
  });

  it.each<[string, string[], RegExp]>([
    ['no engine', [model, '--out', out], /required option '--from <engine>' not specified/],
    ['no place to write to', [model, '--from', 'torch'], /required option '--out <file>' not specified/],
    [
      'an unknown cell',
      [model, '--from', 'torch', '--cell', 'ltsm', '--out', out],
      /^import: --cell must be one of elman, .*, got ltsm$/,
    ],
    [
      'another cell',
      [at('run', 'weights.npz'), '--from', 'torch', '--cell', 'gru', '--out', out],
      /^import: the cell must be lstm, got gru \(/,
    ],
    [
      'text',
      [__filename, '--from', 'torch', '--out', out],
      /^import: .* must be a safetensors file or an \.npz archive, got this: safetensors: /,
    ],
    [
      'weights of another engine',
      [at('run', 'weights.npz'), '--from', 'keras', '--out', out],
      /^keras: arrays must be named PATH\/kernel, /,
    ],
  ])('%s is refused', (_what, words, message) => expect(() => backstep('import', ...words)).toThrow(message));
});

it('as a process: the message, the fix, exit code 2, and no file', () => {
  const before = readdirSync(at('run'));
  const words = ['import', 'run/checkpoint.safetensors', '--from', 'torch', '--out', 'run/new.safetensors'];
  writeFileSync(at('run', 'broken.npz'), readFileSync(at('run', 'weights.npz')).subarray(0, 900));
  words[1] = 'run/broken.npz';
  const { status, stderr } = spawnSync(process.execPath, [...command, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  expect(stderr).toMatch(
    /^import: run\/broken\.npz must be .*, got this: npz: the file must be a zip archive, got an incomplete one: .*\n {2}fix: numpy\.savez or .* writes one; pickles .* are not read\n$/,
  );
  expect(status).toBe(2);
  expect(readdirSync(at('run'))).toEqual([...before, 'broken.npz'].sort());
});
