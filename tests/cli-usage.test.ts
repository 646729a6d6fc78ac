/**
 * The messages of every command for wrong arguments, missing files and files of the wrong kind:
 * `where: what must hold, got what (why)`, the fix beneath it, and the exit code.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gru } from '../cells/gru';
import { commandNames } from '../cli/main';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type NetworkOptions } from '../bptt/network/network';
import { encodeCheckpoint } from '../io/checkpoint';
import { Vocabulary } from '../io/vocabulary';
import { newSettings } from '../text/settings';
import { backstep, backstepProcess } from './command';

const folder = mkdtempSync(join(tmpdir(), 'backstep-usage-'));
const before = process.cwd();
beforeAll(() => {
  process.chdir(folder);
  mkdirSync('folder');
  writeFileSync('empty', '');
  writeFileSync(
    'binary',
    Uint8Array.from({ length: 300 }, (_, k) => (k * 89 + 250) % 256),
  );
  writeFileSync('text.txt', 'she sells sea shells by the sea shore\n'.repeat(7));
  writeFileSync('other.json', '{"a": 1}');
  const fixed = { text: 'text.txt', steps: 3, hidden: 4, batch: 2, seq: 5 };
  const configs = {
    grid: { fixed },
    nearly: { fixed, varry: {} },
    cell: { fixed: { ...fixed, cell: 'lstn' } },
    list: { fixed: { ...fixed, hidden: [8, 16] } },
    text: { fixed: { ...fixed, text: 'none' } },
  };
  for (const [name, config] of Object.entries(configs)) writeFileSync(`${name}.json`, JSON.stringify(config));
  const vocabulary = Vocabulary.of('she by');
  const { size } = vocabulary;
  const net = (options: Partial<NetworkOptions> = {}, input = size) =>
    network({ layers: [gru({ input, hidden: 3 })], output: input, loss: 'softmax', ...options });
  const cell = gru({ input: size, hidden: 3 });
  const rest = { interval: 1, sum: 0, count: 0 };
  const trainedOn = (name: string, more: string[] = []) => ({
    settings: newSettings({ steps: 3, more }, name, 'a'.repeat(64), 'wasm'),
    curves: { training: rest, validation: rest },
  });
  const saved = {
    piped: { network: net(), vocabulary, training: trainedOn('-') },
    joined: { network: net(), vocabulary, training: trainedOn('text.txt', ['-']) },
    run: { network: net(), vocabulary },
    noted: { network: net(), vocabulary, training: { epoch: 3 } },
    spoilt: { network: net(), vocabulary, training: { settings: {} } },
    mute: { network: net() },
    narrow: { network: net({}, 3), vocabulary },
    label: { network: net({ topology: 'many-to-one' }), vocabulary },
    translator: { network: net({ topology: 'encoder-decoder', encoder: [cell] }), vocabulary },
    both: { network: net({ layers: [bidirectional(cell)] }), vocabulary },
  };
  for (const [name, checkpoint] of Object.entries(saved)) {
    mkdirSync(name);
    writeFileSync(join(name, 'checkpoint.safetensors'), encodeCheckpoint(checkpoint));
  }
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

/** One sentence that names the command, and one line that proposes a fix. */
const FORM = /^(\S+)( [\w-]+)?: (unknown \w+ "|.+ must \w+ [^]+?, got )[^]+\n {2}fix: .+\n$/;

/** Words, the beginning of the sentence, and the fix where it is not a hint at --help. */
type Case = [words: string, says: string, fix?: string];

/** Commands that need more than their name before anything else can be wrong with them. */
const whole: Record<string, string> = {
  export: 'export run --to onnx',
  import: 'import file --from torch --out o',
  trace: 'trace --step 0 --unit 0',
  worker: 'worker --queue redis://host',
};

const missing = (file: string): string => `${file} must be a readable file, got no such file (ENOENT)`;
const unreadable = (file: string): string => `${file} must be a readable file, got a folder (EISDIR)`;
const damaged = (file: string): string =>
  `checkpoint: ${file} must be a whole checkpoint of backstep, got this: safetensors: `;

const cases: Case[] = [
  ['trian', 'backstep: unknown command "trian" (did you mean train?)', 'see backstep --help'],
  ['check --sed 1', 'check: unknown option "--sed" (did you mean --seed?)', 'see backstep check --help'],
  ['--what', 'backstep: unknown option "--what"'],
  ...commandNames.map((command): Case => [
    `${whole[command] ?? command} --whatever`,
    `${command}: unknown option "--whatever"`,
  ]),

  ['check --seed x', 'check: --seed must be a whole number in 0 … 4294967295, got x'],
  ['check --seed -1', 'check: --seed must be a whole number in 0 … 4294967295, got -1'],
  ['check --seed 1.5', 'check: --seed must be a whole number in 0 … 4294967295, got 1.5'],
  ['check --seed', 'check: --seed <n> must have a value, got none'],
  ['check lstn', 'check: the cell must be one of elman, lstm,', 'did you mean lstm?'],
  ['check transformer', 'check: the cell must be one of elman, lstm,'],

  ['verify', 'verify: files must be given, got none'],

  ['play --port x', 'play: --port must be a whole number in 0 … 65535, got x'],
  ['play page', 'play: at most 0 arguments must be given, got 1'],

  ['train --steps x', 'train: --steps must be a whole number >= 1, got x'],
  ['train --cell lstn', 'train: --cell must be a file, or one of', 'did you mean lstm?'],
  ['train --executor gpu', 'train: --executor must be one of wasm-256, wasm, reproducible, plain, got gpu'],
  [
    'train --schedule linear',
    'train: --schedule must be constant, step:EVERY:FACTOR, cosine:STEPS:MINIMUM, exponential:EVERY:FACTOR or one-cycle:STEPS:PEAK, got linear',
  ],
  [
    'train --schedule warmup:99999999999999999999',
    'train: --schedule must be constant, step:EVERY:FACTOR, cosine:STEPS:MINIMUM, exponential:EVERY:FACTOR or one-cycle:STEPS:PEAK, got warmup:99999999999999999999 (warmUp must be',
  ],
  ['train --text', 'train: --text <file> must have a value, got none'],
  ['train --text none', `train: --text: ${missing('none')}`],
  ['train --text folder', 'train: --text: folder must hold files, got none'],
  ['train --text empty', 'train: --text: empty must hold text, got an empty file'],
  ['train --text binary', 'train: --text: binary must be UTF-8 text, got bytes that are not, near byte'],
  ['train book.txt', 'train: --text: book.txt must be a readable file, got no such file'],
  ['train book.csv', 'train: table: book.csv must be a readable file, got no such file'],
  ['train sales.csv more.csv', 'train: one file must be given, got 2'],
  [
    'train text.txt --text empty',
    'train: --text must be left out with files of a text, got empty beside text.txt',
    'backstep train text.txt empty reads both',
  ],
  [
    'train other.json --resume run --task forecast',
    'train: --task must stay text with --resume, got forecast (it is fixed by the checkpoint)',
    'leave --task out, or start a new run without --resume',
  ],
  ['train --resume none', `train: read: ${missing('none')}`],
  ['train --resume folder', `train: read: ${missing('folder/checkpoint.safetensors')}`],
  ['train --resume empty', `train: ${damaged('empty')}`],
  ['train --resume text.txt', `train: ${damaged('text.txt')}`],
  [
    'train --resume run',
    'train: --text must be given with --resume, got none (run/checkpoint.safetensors was saved by a program',
    'name the text with --text FILE',
  ],
  ['train --resume noted', 'train: --text must be given with --resume, got none (noted/checkpoint'],
  [
    'train --resume mute --text text.txt',
    'train: --resume must name the checkpoint of a run, or a model of text, got mute/checkpoint.safetensors, saved by a program, without a vocabulary',
    'save it with its symbols: save(net, file, { optimizer, vocabulary }); any other network is trained on in a program',
  ],
  [
    'train --resume narrow --text text.txt',
    'train: --resume must name the checkpoint of a run, or a model of text, got narrow/checkpoint.safetensors, saved by a program, which reads 3 classes and writes 3, where its vocabulary is of',
  ],
  [
    'train --resume label --text text.txt',
    'train: --resume must name the checkpoint of a run, or a model of text, got label/checkpoint.safetensors, saved by a program, with the topology many-to-one, the loss softmax',
  ],
  [
    'train --resume both --text text.txt',
    'train: --resume must name the checkpoint of a run, or a model of text, got both/checkpoint.safetensors, saved by a program, with the topology many-to-many, the loss softmax and bidirectional layers',
  ],
  [
    'train --resume run --text text.txt --hidden 4',
    'train: --hidden must be left out with --resume, got 4 (it is fixed by the checkpoint)',
  ],
  [
    'train --resume spoilt',
    'train: checkpoint: training: settings.text must be given, got none',
    'the file is damaged',
  ],
  ...['piped', 'joined'].map((run): Case => [
    `train --resume ${run}`,
    'train: --text must be given with --resume, got none (the run read standard input)',
  ]),
  [
    'flow piped',
    'flow: --text must be given, got none (piped/checkpoint.safetensors was trained on standard input)',
    'name a text with --text FILE',
  ],
  [
    'flow run',
    'flow: --text must be given, got none (run/checkpoint.safetensors does not name the text it was trained on)',
    'name a text with --text FILE',
  ],
  ...['sample', 'flow'].flatMap((command): Case[] => [
    [
      `${command} mute`,
      `${command}: the checkpoint must be a character model, got mute/checkpoint.safetensors, without a vocabulary`,
      'encodeCheckpoint({ network, vocabulary: Vocabulary.of(text) })',
    ],
    [
      `${command} narrow`,
      `${command}: the checkpoint must be a character model, got narrow/checkpoint.safetensors, which reads 3 classes and writes 3, where its vocabulary is of 7`,
      'vocabulary.size is the input and the output of the network',
    ],
    [
      `${command} translator`,
      `${command}: the checkpoint must be a character model, got translator/checkpoint.safetensors, of the topology encoder-decoder`,
      'a network of the topology many-to-many',
    ],
  ]),
  [
    'sample label',
    'sample: the checkpoint must be a character model, got label/checkpoint.safetensors, of the',
  ],
  [
    'sample both',
    'sample: the layers must read forward, got',
    'a network without bidirectional layers writes',
  ],

  ...['sample', 'flow'].flatMap((command): Case[] => [
    [`${command} none`, `${command}: read: ${missing('none')}`, 'create one with backstep train'],
    [`${command} folder`, `${command}: read: ${missing('folder/checkpoint.safetensors')}`],
    [`${command} empty`, `${command}: ${damaged('empty')}`],
    [`${command} binary`, `${command}: ${damaged('binary')}`],
    [`${command} run more`, `${command}: at most 1 argument must be given, got 2`],
  ]),
  ['sample', 'sample: checkpoint must be given, got none'],
  ['sample run --temperature x', 'sample: --temperature must be a number >= 0, got x'],
  ['sample run --top-k 0', 'sample: --top-k must be a whole number >= 1, got 0'],
  ['flow --text none', `flow: --text: ${missing('none')}`],
  ['flow --text empty', 'flow: --text: empty must hold text, got an empty file'],
  ['flow --steps x', 'flow: --steps must be a whole number >= 1, got x'],
  ['flow --at', 'flow: --at <steps> must have a value, got none'],

  ['export', 'export: --to <format> must be given, got none'],
  ['export --to onnx', 'export: checkpoint must be given, got none'],
  ['export run --to onix', 'export: --to must be one of onnx,', 'did you mean onnx?'],
  [
    'export run --to npz --states',
    'export: --states must be left out with --to npz, got it',
    'use it only with --to onnx',
  ],
  ['export none --to npz', `export: read: ${missing('none')}`],
  ['export empty --to npz', `export: ${damaged('empty')}`],
  ['export binary --to npz', `export: ${damaged('binary')}`],

  ['import none', 'import: --from <engine> must be given, got none'],
  ['import none --from torch', 'import: --out <file> must be given, got none'],
  [
    'import none --from torhc --out o',
    'import: --from must be one of torch, keras, got torhc',
    'did you mean torch?',
  ],
  ['import none --from torch --out o', `import: read: ${missing('none')}`],
  ['import folder --from torch --out o', `import: read: ${unreadable('folder')}`],
  ...['empty', 'binary', 'text.txt'].map((file): Case => [
    `import ${file} --from keras --out o`,
    `import: ${file} must be a safetensors file or an .npz archive, got this: safetensors: `,
  ]),

  // a text of 253 symbols; 2⁵³ − 1 is the largest number that is read
  ['train --text text.txt --layers 1e8', 'train: --layers must be a whole number in 1 … 1000, got 1e8'],
  ...['--layers 1000 --hidden 500', '--hidden 9007199254740991', '--embedding 9007199254740991'].map(
    (size): Case => [
      `train --text text.txt --batch 2 --seq 5 ${size}`,
      "train: the model and a batch must fit into the engine's ",
      'fewer --layers, or a smaller --hidden, --batch or --seq',
    ],
  ),
  ...['batch', 'seq'].map((option): Case => [
    `train --text text.txt --${option} 9007199254740991`,
    'train: --text must hold at least ',
  ]),
  ...['steps', 'batch', 'input'].map((option): Case => [
    `flow --${option} 9007199254740991`,
    "flow: the model and a batch must fit into the engine's ",
    'fewer --steps, or a smaller --batch, --hidden or --input',
  ]),
  ['flow run --text text.txt --steps 1e12', "flow: the model and a batch must fit into the engine's "],
  ['paper lstm --seeds 1e9', 'paper: --seeds must be a whole number in 1 … 1000, got 1e9'],
  ['bench W6 --rounds 1e9', 'bench: --rounds must be a whole number in 1 … 1000, got 1e9'],

  ['spectrum none', `spectrum: read: ${missing('none')}`],
  ['spectrum rotatin', `spectrum: read: ${missing('rotatin')}`, 'did you mean rotating?'],
  ['spectrum folder', `spectrum: read: ${unreadable('folder')}`],
  ['spectrum empty', 'spectrum: matrix: empty must hold at least one row of numbers, got nothing'],
  ['spectrum text.txt', 'spectrum: matrix: line 1 of text.txt must hold numbers only, got she'],
  ['spectrum other.json', 'spectrum: matrix: line 1 of other.json must hold numbers only, got {"a":'],
  ['spectrum --steps 0', 'spectrum: --steps must be a whole number in 1 … 1000000, got 0'],
  ['spectrum [[1,2]', 'spectrum: matrix: the matrix must be JSON where it starts with [, got [[1,2] ('],
  ['spectrum [[1,2],[3]]', 'spectrum: every row must hold 2 numbers, got 1 in row 1'],
  ['spectrum [[1,2,3]]', 'spectrum: the matrix must be square, got [1, 3]'],

  ['clockwork --hidden x', 'clockwork: --hidden must be a whole number in 1 … 8192, got x'],
  ['clockwork --periods 1,x', 'clockwork: each of --periods must be a whole number >= 1, got x'],
  [
    'clockwork --periods 2,1',
    'clockwork: clockworkCounts: periods must increase from module to module, got 2, 1',
  ],
  ['clockwork --clock sun', 'clockwork: --clock must be one of wall, cpu, got sun'],
  ['clockwork more', 'clockwork: at most 0 arguments must be given, got 1'],

  ['hopfield none', `hopfield: read: ${missing('none')}`],
  ['hopfield folder', `hopfield: read: ${unreadable('folder')}`],
  ['hopfield empty', 'hopfield: pictures: empty must hold a picture, got an empty text'],
  ['hopfield text.txt', 'hopfield: pictures: signs must be # for a dot and . for none, got "s" in line 1'],
  ['hopfield --size 1', 'hopfield: --size must be a whole number in 2 … 50, got 1'],

  ['bench W9', 'bench: the workload must be one of W1, W2, W3, W4, W5, W6, got W9', 'did you mean'],
  ['bench --rounds 0', 'bench: --rounds must be a whole number in 1 … 1000, got 0'],
  ['bench --rounds x', 'bench: --rounds must be a whole number in 1 … 1000, got x'],
  [
    'bench --dtype float23',
    'bench: --dtype must be one of float32, float64, both, got float23',
    'did you mean',
  ],
  ['bench --executor gpu', 'bench: --executor must be one of wasm-256, wasm, reproducible, plain, got gpu'],
  ['bench --clock sun', 'bench: --clock must be one of wall, cpu, got sun'],

  ['paper choral', 'paper: the name must be one of chorales,', 'did you mean chorales?'],
  ['paper chorales', 'paper chorales: --data must be given, got none'],
  ['paper chorales --data none', `paper: read: ${missing('none')}`],
  ['paper chorales --data folder', `paper: read: ${unreadable('folder')}`],
  ['paper chorales --data empty', "paper chorales: the data must be JSON, got ''"],
  ['paper chorales --data other.json', 'paper chorales: the data must hold lists train, valid, test'],
  ['paper clockwork --data other.json', 'paper clockwork: --data must be left out, got other.json'],
  ['paper chorales --jobs 0', 'paper: --jobs must be a whole number in 1 … 64, got 0'],

  ['sweep', 'sweep: config must be given, got none'],
  ['sweep other.json more', 'sweep: at most 1 argument must be given, got 2'],
  ['sweep none', `sweep: read: ${missing('none')}`, 'sweep --help shows one'],
  ['sweep folder', `sweep: read: ${unreadable('folder')}`],
  ...['empty', 'binary', 'text.txt'].map((file): Case => [
    `sweep ${file}`,
    `sweep: ${file} must be JSON, got `,
  ]),
  [
    'sweep other.json',
    'sweep: other.json must be made of fixed, vary, draws, drawSeed, seeds, got a',
    'sweep --help',
  ],
  ['sweep nearly.json', 'sweep: nearly.json must be made of', 'did you mean vary?'],
  ['sweep cell.json', 'sweep: cell.json: fixed: cell must be a file, or one of elman,', 'did you mean lstm?'],
  ['sweep list.json', 'sweep: list.json: fixed: hidden must be a whole number >= 1, got [8,16]', '"vary"'],
  ['sweep text.json', 'sweep: text.json: text: '],
  ['sweep grid.json --jobs 0', 'sweep: --jobs must be a whole number in 1 … 256, got 0'],
  ['sweep grid.json --queue host', 'sweep: --queue must be the address of a Redis server, got host'],
  ['sweep grid.json --queue', 'sweep: --queue <url> must have a value, got none'],

  ['worker', 'worker: --queue <url> must be given, got none'],
  ['worker --queue redis://host more', 'worker: at most 0 arguments must be given, got 1'],
  ['worker --queue http://host', 'worker: --queue must be the address of a Redis server, got http://host'],
  ['worker --queue redis://host --jobs x', 'worker: --jobs must be a whole number in 1 … 256, got x'],
  ['worker --queue redis://host --stalled-after 0', 'worker: --stalled-after must be a number >= 1, got 0'],
];

describe('what cannot be used: exit code 2, and nothing on standard output', () => {
  test.each(cases)('backstep %s', async (words, says, fix = '') => {
    const { status, stdout, stderr } = await backstep(...words.split(' '));
    expect(stderr.startsWith(says) ? says : stderr).toBe(says);
    expect(stderr).toMatch(FORM);
    expect(stderr.split('\n  fix: ')[1]).toContain(fix);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

describe('what cannot be written: exit code 1', () => {
  test.each<[words: string, file: string, fix: string]>([
    ['export run --to onnx --out folder', 'folder', 'choose another path with --out'],
    ['export run --to onnx --out text.txt/x', 'text.txt/x', 'choose another path with --out'],
    ['export run --to safetensors --out text.txt/x', 'text.txt/x', 'choose another path with --out'],
    ['import weights.safetensors --from torch --out folder', 'folder', 'choose another file with --out'],
    [
      'paper hopfield --quick --runs text.txt',
      'text.txt/hopfield-quick.jsonl',
      'choose another folder with --runs',
    ],
  ])('backstep %s', async (words, file, fix) => {
    await backstep('export', 'run', '--to', 'safetensors', '--out', 'weights.safetensors');
    const { status, stderr } = await backstep(...words.split(' '));
    const [command] = words.split(' ');
    expect(stderr).toMatch(FORM);
    expect(stderr).toContain(`${command}: write: ${file} must be writable, got `);
    expect(stderr).toContain(`fix: ${fix}`);
    expect(status).toBe(1);
  });

  // the figures' packages are ES modules, which jest loads in no realm of its own
  test.each([
    ['flow --steps 3 --svg folder', 'folder must be writable, got a folder (EISDIR)'],
    ['spectrum rotating --svg text.txt/x.svg', 'text.txt/x.svg must be writable, got a path through'],
  ])('backstep %s', (words, says) => {
    const { status, stderr } = backstepProcess(...words.split(' '));
    const [command] = words.split(' ');
    expect(stderr).toMatch(FORM);
    expect(stderr).toContain(`${command}: write: ${says}`);
    expect(stderr).toContain('\n  fix: choose another file with --svg\n');
    expect(status).toBe(1);
  });

  test.each([
    'train --text text.txt --hidden 6 --batch 2 --seq 5 --steps 3 --out text.txt',
    'sweep grid.json --out text.txt',
    'worker --queue redis://host --out text.txt',
  ])('backstep %s, before it begins', async (words) => {
    const { status, stdout, stderr } = await backstep(...words.split(' '));
    const [command] = words.split(' ');
    expect(stderr).toMatch(FORM);
    expect(stderr.split(', got text.txt')[0]).toBe(`${command}: --out must be a writable folder`);
    expect([status, stdout]).toEqual([1, '']);
  });
});

describe('verify: a file that is no vector is a failed line of the list, exit code 1', () => {
  test.each([
    ['none', missing('none')],
    ['folder', unreadable('folder')],
    ['empty', "empty: the file must be JSON, got '' (Unexpected end of JSON input)"],
    ['binary', 'binary: the file must be JSON, got '],
    ['text.txt', 'text.txt: the file must be JSON, got she sells sea shells by the sea shore ('],
    ['other.json', 'other.json: name must be given, got none'],
  ])('%s', async (file, says) => {
    const { status, stdout, stderr } = await backstep('verify', file);
    expect(stdout).toContain(`\nverify: ${says}`);
    expect(stdout).toContain('\n  fix: write the files as examples/pytorch_vector.py does\n');
    expect(stdout).toMatch(/\n0 of 1 agree/);
    expect([status, stderr]).toEqual([1, '']);
    const json = await backstep('verify', file, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ file, ok: false });
    expect((JSON.parse(json.stdout) as { error: string }).error.startsWith(says)).toBe(true);
  });
});

test('without a command: the list of commands, then an error in the same form', async () => {
  const { status, stderr } = await backstep();
  expect(stderr).toMatch(/^Usage: /);
  expect(stderr.slice(stderr.indexOf('backstep: '))).toMatch(FORM);
  expect(stderr).toContain('backstep: a command must be given, got none');
  expect(status).toBe(2);
});

test('an error without a specific fix points to the help', async () => {
  const { stderr } = await backstep('check', '--seed', 'x');
  expect(stderr).toContain('\n  fix: see backstep check --help\n');
  expect(stderr).not.toContain('    at ');
  expect((await backstep('check', '--seed', 'x', '--debug')).stderr).toMatch(/\n {4}at .*arguments\.ts/);
});
