/**
 * Fuzzes every file reader with broken files, made from valid ones by a seeded generator:
 *
 *   npm run -s fuzz -- [--files 120000] [--seed 1] [--only npz]
 *
 * Each file must be read, or refused with an error in the project's form: no other error, no long stall, no
 * allocation out of proportion to the file, no prototype pollution, no path that leaves its folder.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bidirectional } from '../bptt/network/layers/layer';
import { network } from '../bptt/network/network';
import { optimizer } from '../bptt/train/optimizers';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { cellFromText } from '../cells/text';
import { newSettings, resumedSettings, settingsSchema } from '../text/settings';
import { readSchedule } from '../run/settings';
import { safe } from '../core/safe';
import { Random } from '../core/random/random';
import { readListed, type CellByName } from '../conformance/caseread';
import { judgeCase } from '../conformance/judgefiles';
import { readOnnxCase, type OnnxFiles } from '../conformance/onnxsuite';
import { judgeFound, NotExpressible } from '../conformance/suite';
import { casesOfVector } from '../conformance/vectorread';
import { readTflite } from '../conformance/tflitesuite';
import { readWebnn } from '../conformance/webnnsuite';
import { suiteFiles } from '../conformance/write';
import { readTable, type TableOptions } from '../data/table';
import { columnsTable } from '../learn/columns';
import { folderTable } from '../learn/folder';
import { piecesIn } from '../learn/music/pieces';
import { piecesTable } from '../learn/pieces';
import { LETTERS } from '../io/bytepairs';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { fromKeras, toKeras } from '../io/keras';
import { parseWith } from '../io/metadata';
import { decodeNpy, encodeNpy } from '../io/npy';
import { decodeNpz, encodeNpz } from '../io/npz';
import { toPytorch } from '../io/torch/parameters';
import { decodeOnnxTensor } from '../io/onnx/read';
import { decodeSafetensors, encodeSafetensors } from '../io/safetensors';
import { Grader, readAssignment } from '../referee/grade';
import { readText } from '../text/read';
import { fromPytorch } from '../io/torch/import';
import { readPictures } from '../io/pictures';
import { parseVector } from '../verify/vectors';
import { verify } from '../verify/verify';
import { Vocabulary } from '../io/vocabulary';
import { oneOf, whole } from '../terminal/arguments';
import { script, type Arguments } from './script';

/** A reader, and valid files to start from. */
interface Target {
  good: Uint8Array[];
  /** Whether the whole file or its header is JSON, for mutations that keep it valid; absent if there is none. */
  json?: 'whole' | 'header';
  /** Fragments to insert into its files, in addition to the common ones. */
  pieces?: readonly string[];
  /** May return a promise. */
  read(bytes: Uint8Array): unknown;
}

/** Memory allowed for one file, in addition to a few times its own size. */
const ALLOWED_BYTES = 4 * 2 ** 20;
const ALLOWED_MILLISECONDS = 2000;
/** Numbers and names that have broken readers before. */
const NUMBERS = [0, -1, -0, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e15, 1e308, -1e308, 255, 65535];
const WORDS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '../x',
  '/etc/passwd',
  '',
  '\0',
  'F64',
  'é𝄞',
];
const TOKENS = [
  '"__proto__":{"polluted":1},',
  '1e999',
  'NaN',
  '-0',
  'null',
  '[',
  '{',
  '}',
  ']',
  '"',
  '\\u0000',
  '\x1b[31m',
  '\\u202e',
  '['.repeat(20_000),
  '../',
  '\x93NUMPY',
  'PK\x03\x04',
  'PK\x01\x02',
  'PK\x05\x06',
];
/** Fragments that make equations invalid: depth, length, and names that are unknown, reserved or read too early. */
const EQUATIONS = [
  ...[
    '(',
    ')',
    '@',
    ' + ',
    ' = ',
    ' += ',
    '.T',
    ',',
    '#',
    '\n',
    '\n  ',
    ' sum(',
    ', axis=1)',
    '[H]',
    'B',
    'H',
  ],
  ...['constructor', '__proto__', 'valueOf', 'toStringf', 'x', 'h', 'f', 'a', 'dh', 'hPrev', 'unheardOf'],
  ...['\nshapes\n', '\nforward\n', '\nbackward\n', '\njacobian\n', '\nstart\n', 'states ', 'gates '],
  ...['\n  h = h', '\n  x = x', '\n  f = f', '\n  q = q', '\n  q = 1e999', '9'.repeat(400), 'q'.repeat(3000)],
  ...['('.repeat(10_000), `${'('.repeat(99)}h${')'.repeat(99)}`, '-'.repeat(1000), ' + h'.repeat(400)],
  '\n  q = h'.repeat(10_000),
  Array.from({ length: 10_000 }, (_, k) => `\n  q${k + 1} = q${k} * h`).join(''),
  Array.from({ length: 800 }, (_, k) => `\n  q${k} = h - sum(h, axis=1)`).join(''),
];

const root = join(__dirname, '..');
const VECTORS = [
  'lstm_all_sizes_1',
  'rnn_relu_t1',
  'gru_reset_before_h1',
  'jordan_p_t1',
  'elman_h1',
  'lstm_peephole_h1',
  'optim_adam',
  'softmax_ce_one_class',
  'seq2seq_gru_b1',
  'lstm_packed_b1',
  'clockwork_b1_t0',
  'lstm_many_to_one',
];

const bytesOfText = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All file readers. */
export const targets = (): Record<string, Target> => ({
  columns: {
    good: ['-DOCSTART- O\n\nMark NNP B-PER\nworks VBZ O\n\nYes UH O\n', 'a\tX\r\nb\tY\r\n'].map(bytesOfText),
    pieces: ['\n\n', '\t', '# sent_id = 1\n', '1-2\t'],
    read: (bytes) => {
      const table = columnsTable(new TextDecoder().decode(bytes), 'x.conll');
      return table.column('tokens', 'lists').values.length;
    },
  },
  pieces: {
    good: ['{"train": [[[60, 64], [62]]], "test": [[[], [60]]]}', '[[[60], [60, 127]]]'].map(bytesOfText),
    json: 'whole',
    pieces: ['[[[', '128', '"train":'],
    read: (bytes) => piecesIn(piecesTable(new TextDecoder().decode(bytes), 'x.json'), 'notes'),
  },
  ...tableTargets(),
  ...weightTargets(),
  vector: {
    good: VECTORS.map((name) => readFileSync(join(root, 'tests', 'golden', `${name}.json`))),
    json: 'whole',
    read: (bytes) => verify(parseVector(Buffer.from(bytes).toString())),
  },
  'vector of a cell': {
    good: ['lstm_all_sizes_1', 'gru_reset_before_h1', 'lstm_peephole_h1', 'lstm_packed_b1'].map((name) =>
      readFileSync(join(root, 'tests', 'golden', `${name}.json`)),
    ),
    json: 'whole',
    read: (bytes) =>
      expressible(() => {
        for (const one of casesOfVector(parseVector(Buffer.from(bytes).toString())))
          Array.from(judgeCase(one));
      }),
  },
  ...suiteTargets(),
  ...textTargets(),
});

/** Settings of a training run, as stored in its checkpoint. */
const trainingOf = () => newSettings({ batch: 2, schedule: 'step:10:0.5' }, 'text', 'a'.repeat(64), 'plain');

/** A network after one training step, with the optimizer's state. */
function trained(layers: Parameters<typeof network>[0]['layers']) {
  const net = network({ layers, output: 3, loss: 'softmax', dtype: 'float32', seed: 1 });
  const adam = optimizer(net, { name: 'adam' });
  const pass = net.forward({ x: [[0], [1]], targets: [[1], [0]] });
  pass.backward();
  adam.step();
  return { network: net, optimizer: adam };
}

/** Tables: separated cells, JSON, Parquet, and folders of texts. */
function tableTargets(): Record<string, Target> {
  const parquet = ['none', 'snappy', 'gzip'].map((codec) =>
    readFileSync(join(root, 'tests', 'golden', `table.${codec}.parquet`)),
  );
  const rows = async (bytes: Uint8Array, options: TableOptions): Promise<number> =>
    (await readTable([bytes], { ...options, name: 'x' })).rows;
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'good'));
  return {
    'separated table': {
      good: ['day;"a, b";c\n2024-01-01;"1,5";x\n02.01.2024;NA;"y\ny"\n', 'a\tb\n1\t-2e3\n'].map(bytesOfText),
      pieces: ['"', '""', ';', '\t', '\r\n', '1.234,5', '31/12/2020', '\ufeff', '\xff\xfe'],
      read: (bytes) => rows(bytes, { format: 'separated' }),
    },
    'json table': {
      good: ['{"a": 1, "b": [1, "x"]}', '[{"a": "x", "b": true}, {"a": null}]'].map(bytesOfText),
      json: 'whole',
      read: (bytes) => rows(bytes, { format: 'json' }),
    },
    parquet: { good: parquet, read: (bytes) => rows(bytes, { format: 'parquet' }) },
    'folder table': {
      good: [Buffer.from('Grüße, 𝄞\n')],
      read: (bytes) => {
        writeFileSync(join(folder, 'good', '1.txt'), bytes);
        return folderTable(folder).rows;
      },
    },
  };
}

/** A folder that is removed at the end. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-fuzz-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Weights of networks: our checkpoints, and files of other frameworks. */
function weightTargets(): Record<string, Target> {
  const [one, two] = [
    trained([lstm({ input: 3, hidden: 2 }), lstm({ input: 2, hidden: 2 })]),
    trained([bidirectional(gru({ input: 3, hidden: 2 })), elman({ input: 4, hidden: 2 })]),
  ];
  const weights = toPytorch(one.network.architecture, one.network.parameters.values);
  const checkpoints = [one, two].map((each) =>
    encodeCheckpoint({
      ...each,
      vocabulary: Vocabulary.of('ab'),
      states: {},
      curves: { training: [1, 2] },
      training: { settings: trainingOf() },
    }),
  );
  const pairs = new Vocabulary([...LETTERS, 'th', '<|end|>'], 'byte pairs', ['t h']);
  return {
    tokenizer: {
      good: [Buffer.from(String(pairs))],
      json: 'whole',
      read: (bytes) => Vocabulary.parse(bytes.toString()),
    },
    safetensors: {
      good: [encodeSafetensors(weights, { format: 'pt' })],
      json: 'header',
      read: decodeSafetensors,
    },
    npy: { good: [...weights.values()].slice(0, 3).map(encodeNpy), read: (bytes) => decodeNpy(bytes) },
    npz: { good: [encodeNpz(weights)], read: readArchive },
    checkpoint: { good: checkpoints, json: 'header', read: (bytes) => decodeCheckpoint(bytes) },
    torch: {
      good: [encodeSafetensors(weights)],
      json: 'header',
      read: (bytes) => fromPytorch(decodeSafetensors(bytes).tensors),
    },
    keras: {
      good: [one, two].map((each) => encodeNpz(toKeras(each.network))),
      read: (bytes) => fromKeras(readArchive(bytes)),
    },
  };
}

/** Conformance suites in foreign formats. */
function suiteTargets(): Record<string, Target> {
  const { files } = suiteFiles();
  const suiteFile = (path: string): Uint8Array => files.get(path) ?? new Uint8Array();
  const numbered = (what: string, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, k) => suiteFile(`onnx/test_gru/test_data_set_0/${what}_${k}.pb`));
  const node: OnnxFiles = {
    model: suiteFile('onnx/test_gru/model.onnx'),
    inputs: numbered('input', 5),
    outputs: numbered('output', 2),
  };
  const manifest = JSON.parse(Buffer.from(suiteFile('safetensors/manifest.json')).toString()) as {
    cases: { name: string }[];
  };
  const manifestOf = (...names: string[]): Buffer => {
    const cases = manifest.cases.filter(({ name }) => names.includes(name));
    return Buffer.from(JSON.stringify({ ...manifest, cases }));
  };
  const small = 'rnn_one_step_one_row';
  const [webnnTest] = JSON.parse(Buffer.from(suiteFile('webnn/gru.json')).toString()) as object[];
  return {
    'onnx tensor': { good: [...node.inputs], read: (bytes) => decodeOnnxTensor(bytes) },
    'onnx node test': {
      good: [node.model],
      read: (bytes) => expressible(() => judgeFound(readOnnxCase('onnx', { ...node, model: bytes }))),
    },
    manifest: {
      good: [manifestOf(small, 'rnn_bidirectional_lengths'), manifestOf(small)],
      json: 'whole',
      read: (bytes) => judged(bytes, (file) => suiteFile(`safetensors/${file}`)),
    },
    'case file': {
      good: [suiteFile(`safetensors/${small}.safetensors`)],
      json: 'header',
      read: (bytes) => judged(manifestOf(small), () => bytes),
    },
    'webnn test': {
      good: [Buffer.from(JSON.stringify([webnnTest]))],
      json: 'whole',
      read: (bytes) => {
        for (const one of readWebnn('webnn', () => Buffer.from(bytes).toString())) {
          const { verdict, reason } = judgeFound(one);
          if (verdict === 'unreadable') throw new Error(`webnn: ${reason}`);
        }
      },
    },
    'tflite test': {
      good: [Buffer.from(tfliteTest)],
      read: (bytes) => {
        for (const one of readTflite('tflite', () => Buffer.from(bytes).toString())) {
          const { verdict, reason } = judgeFound(one);
          if (verdict === 'unreadable') throw new Error(`tflite: ${reason}`);
        }
      },
    },
  };
}

/** A test of a GRU with one unit, in the form of TensorFlow Lite's. */
const tfliteTest = `TEST(GRUTest, SimpleTest) {
  const int n_time = 1; const int n_batch = 1; const int n_input = 1; const int n_output = 1;
  m.SetInput({0.5}); m.SetInputState({0.25}); m.SetGateWeight({0.1, 0.2, 0.3, 0.4}); m.SetGateBias({0.f, 1.f});
  m.SetCandidateWeight({0.5, -0.5}); m.SetCandidateBias({0.125});
  EXPECT_THAT(m.GetOutput(), ElementsAreArray(ArrayFloatNear({0.3})));  // any number
}`;

/** Judges the cases of a manifest; a case that cannot be read is an error. */
function judged(bytes: Uint8Array, read: (file: string) => Uint8Array): void {
  const cells: CellByName = () => elman;
  const errors: string[] = [];
  for (const one of readListed(Buffer.from(bytes).toString(), { read, cells, usual: 'elman' })) {
    if ('reason' in one) errors.push(one.reason);
    else
      for (const { row } of judgeCase(one)) if (row.verdict === 'broken') errors.push(`case: ${row.reason}`);
  }
  if (errors.length > 0) throw new Error(errors.join('; '));
}

/** Files written by people: settings, equations, pictures, texts. */
function textTargets(): Record<string, Target> {
  const cells = join(root, 'examples', 'cells');
  const text = join(temporaryFolder(), 'text');
  const exercise = join(root, 'examples', 'assignment');
  const submissions = readdirSync(exercise)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => readFileSync(join(exercise, name)));
  const grader = new Grader(readAssignment(readFileSync(join(exercise, 'assignment.json'), 'utf8')), elman);
  const answer = JSON.stringify({ id: 1, dtype: 'float64', gradients: { db: [0, 0, 0, 0, 0], dh0: null } });
  return {
    settings: {
      good: [Buffer.from(JSON.stringify(trainingOf()))],
      json: 'whole',
      read: (bytes) => {
        const given = Buffer.from(bytes).toString();
        if (!isJson(given)) return readSchedule(given, 10);
        return resumedSettings({}, parseWith(settingsSchema, JSON.parse(given), 'settings'));
      },
    },
    equations: {
      good: readdirSync(cells).map((name) => readFileSync(join(cells, name))),
      pieces: EQUATIONS,
      read: (bytes) => {
        const layer = cellFromText({ input: 2, hidden: 3, equations: Buffer.from(bytes).toString() });
        const net = network({ layers: [layer], seed: 1 });
        const pass = net.forward({ x: [[[1, -1]], [[0.5, 2]]] });
        pass.backward({ output: { shape: [2, 1, 3], numbers: [1, 2, 3, 4, 5, 6] } });
      },
    },
    submission: {
      good: [...submissions, Buffer.from(answer)],
      pieces: EQUATIONS,
      read: (bytes) => {
        const { error } = grader.grade(Buffer.from(bytes).toString());
        if (error !== undefined) throw new Error(`grade: ${AT_LINE.test(error) ? 'got ' : ''}${error}`);
      },
    },
    assignment: {
      good: [readFileSync(join(exercise, 'assignment.json'))],
      json: 'whole',
      read: (bytes) => readAssignment(Buffer.from(bytes).toString()),
    },
    pictures: {
      good: [Buffer.from('##..\n#..#\n\n....\n####\n')],
      read: (bytes) => readPictures(Buffer.from(bytes).toString(), 'pictures'),
    },
    text: {
      good: [Buffer.from('Grüße, 𝄞 and\r\n the rest\n'.repeat(3))],
      read: (bytes) => {
        writeFileSync(text, bytes);
        return readText(text);
      },
    },
  };
}

/** A suite that needs something this project cannot express is also a valid answer. */
function expressible(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof NotExpressible)) throw error;
  }
}

function readArchive(bytes: Uint8Array): ReturnType<typeof decodeNpz> {
  const arrays = decodeNpz(bytes);
  for (const name of arrays.keys()) {
    // checked by the file system's path rules, independently of the reader
    if (!join('/folder', `${name}.npy`).startsWith('/folder/')) throw new Escape(name);
  }
  return arrays;
}
class Escape extends Error {}

const isJson = (text: string): boolean => {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
};

/** A zip archive whose directory lists one entry twice: at the same bytes, or at an offset where nothing is. */
function withTwin(bytes: Buffer, random: Random): Buffer {
  const [end, last] = ['PK\x05\x06', 'PK\x01\x02'].map((sign) =>
    bytes.lastIndexOf(sign, undefined, 'latin1'),
  );
  if (last < 0 || end < last) return bytes;
  const twin = Buffer.from(bytes.subarray(last, end));
  twin[46] ^= 1 + random.below(7); // the first letter of its name
  if (random.below(2)) twin.writeUInt32LE(random.below(2 ** 31), 42);
  const tail = Buffer.from(bytes.subarray(end));
  for (const at of [8, 10]) tail.writeUInt16LE(tail.readUInt16LE(at) + 1, at);
  return Buffer.concat([bytes.subarray(0, end), twin, tail]);
}

/**
 * A broken copy: bytes or numbers changed, parts cut out, doubled or swapped, or its JSON changed if it has any; or
 * random bytes instead of a copy.
 */
export function mutateBytes({ good, json, pieces = [] }: Target, random: Random): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  if (random.uniform() < 0.01)
    return Uint8Array.from({ length: random.below(1000) }, () => random.below(256));
  let bytes: Buffer = Buffer.from(pick(good));
  if (bytes.subarray(0, 2).toString() === 'PK' && random.uniform() < 0.2) bytes = withTwin(bytes, random);
  else if (json && random.uniform() < 0.5) bytes = withJson(bytes, json, random);
  else {
    for (let edits = 1 + random.below(3); edits > 0; edits--) bytes = edited(bytes, pieces, random);
  }
  return bytes;
}

function edited(bytes: Buffer, pieces: readonly string[], random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + random.below(random.uniform() < 0.5 ? 8 : bytes.length + 1));
  const copy = Buffer.from(bytes);
  const piece = copy.subarray(at, to);
  const own = pieces.length > 0 && random.uniform() < 0.8 ? pieces : TOKENS;
  const word =
    random.uniform() < 0.7 ? own[random.below(own.length)] : String(NUMBERS[random.below(NUMBERS.length)]);
  switch (random.below(9)) {
    case 0:
      if (at < copy.length) copy[at] ^= 1 << random.below(8);
      return copy;
    case 1:
      if (at < copy.length) copy[at] = random.below(256);
      return copy;
    case 2: // a number of four or eight bytes
      if (at + 8 > copy.length) return copy.subarray(0, at);
      if (random.below(2) === 0)
        copy.writeUInt32LE(random.below(3) === 0 ? 0xffffffff : random.below(2 ** 31), at);
      else copy.writeBigUInt64LE(2n ** BigInt(random.below(64)) - BigInt(random.below(2)), at);
      return copy;
    case 3:
      return copy.subarray(0, at);
    case 4:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(to)]);
    case 5:
      return Buffer.concat([copy.subarray(0, to), piece, copy.subarray(to)]);
    case 6:
      return Buffer.concat([copy.subarray(0, at), Buffer.from(word, 'latin1'), copy.subarray(at)]);
    case 7: // many repetitions
      return Buffer.concat([
        copy.subarray(0, at),
        ...Array<Buffer>(piece.length < 8 ? 50_000 : 1).fill(piece),
        copy.subarray(at),
      ]);
    default:
      return Buffer.concat([copy.subarray(0, at), Buffer.from(word, 'latin1'), copy.subarray(to)]);
  }
}

/**
 * The file with one place of its JSON changed and the length before a header corrected, so that the reader gets
 * further.
 */
function withJson(bytes: Buffer, where: 'whole' | 'header', random: Random): Buffer {
  const start = where === 'whole' ? 0 : 8;
  const end = where === 'whole' ? bytes.length : 8 + Number(bytes.readBigUInt64LE(0));
  const tree = JSON.parse(bytes.subarray(start, end).toString()) as unknown;
  const text = Buffer.from(JSON.stringify(changed(tree, random)) ?? 'null');
  if (where === 'whole') return text;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, bytes.subarray(end)]);
}

/**
 * JSON with one value replaced, one key renamed, or one member removed, at any depth, including JSON inside strings.
 */
function changed(tree: unknown, random: Random): unknown {
  const any = (): unknown => {
    const plain = [
      null,
      true,
      '',
      [],
      {},
      [[[]]],
      'x'.repeat(random.below(300)),
      NUMBERS[random.below(NUMBERS.length)],
      WORDS[random.below(WORDS.length)],
    ];
    return plain[random.below(plain.length)];
  };
  if (typeof tree === 'string' && isJson(tree) && random.below(8) > 0)
    return JSON.stringify(changed(JSON.parse(tree), random));
  if (typeof tree !== 'object' || tree === null)
    return typeof tree === 'number' && random.below(2) ? NUMBERS[random.below(NUMBERS.length)] : any();
  const keys = Object.keys(tree);
  if (keys.length === 0 || random.below(12) === 0) return any();
  const chosen = keys[random.below(keys.length)];
  const entries = Object.entries(tree).flatMap(([key, value]): [string, unknown][] => {
    if (key !== chosen) return [[key, value]];
    const how = random.below(10);
    if (how === 0) return [];
    if (how === 1) return [[WORDS[random.below(WORDS.length)], value]];
    return [[key, changed(value, random)]];
  });
  if (Array.isArray(tree)) return entries.map(([, value]) => value);
  const object = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true });
  return object;
}

export interface FuzzResult {
  files: number;
  /** Numbers of files that were read and refused. */
  read: number;
  refused: number;
  slowest: number;
  /** Descriptions of the failures, each with the number of its file. */
  faults: string[];
}

/**
 * The project's form of an error: where, what must hold, what it got; for an equation: where, and the line with a
 * caret.
 */
const FORM = /^[\w. -]+: [^]*(\bmust\b|\bgot\b|\breceived\b)/i;
const PLACED = /^[\w-]+(, \w+)?, line \d+, column \d+: .+\n {4}.*\n *\^$/;

/** The first line of an error in an equation, or of one that is cut off. */
const AT_LINE = /^[\w-]+(, \w+)?, line \d+, column \d+: |…$/;

/** Reads `files` broken files; the same seed gives the same files. */
export async function fuzz(target: Target, files: number, seed: number): Promise<FuzzResult> {
  const random = new Random(seed);
  const outcome: FuzzResult = { files, read: 0, refused: 0, slowest: 0, faults: [] };
  const before = prototypes();
  for (let k = 0; k < files; k++) {
    const bytes = mutateBytes(target, random);
    const fault = (what: string): void => void outcome.faults.push(`file ${k}: ${what}`);
    const [start, held] = [performance.now(), process.memoryUsage().arrayBuffers];
    try {
      await target.read(bytes);
      outcome.read++;
    } catch (error) {
      outcome.refused++;
      const { name, message } = error as Error;
      const known =
        name === 'EquationError'
          ? PLACED.test(message)
          : ['RangeError', 'TypeError', 'Error'].includes(name) && FORM.test(message);
      if (safe(message) !== message) fault('characters that act on a terminal');
      if (!known || error instanceof Escape) fault(`${name}: ${message}`.slice(0, 300));
    }
    const took = performance.now() - start;
    outcome.slowest = Math.max(outcome.slowest, took);
    if (took > ALLOWED_MILLISECONDS) fault(`took ${Math.round(took)} ms`);
    const grown = process.memoryUsage().arrayBuffers - held;
    if (grown > ALLOWED_BYTES + 8 * bytes.length) fault(`${grown} bytes for a file of ${bytes.length}`);
    if (prototypes() !== before) fault('a prototype has changed');
    if (outcome.faults.length >= 20) break;
  }
  return outcome;
}

const prototypes = (): string =>
  [Object.prototype, Array.prototype, Function.prototype, String.prototype]
    .map((p) => Reflect.ownKeys(p).length)
    .join();

const config = {
  options: {
    files: { type: 'string', default: '120000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
} as const;

async function main({ values }: Arguments<typeof config>): Promise<void> {
  const [files, seed] = [whole('--files')(values.files), whole('--seed', 0)(values.seed)];
  const all = targets();
  const only = values.only === undefined ? undefined : oneOf('--only', Object.keys(all))(values.only);
  const chosen = Object.entries(all).filter(([name]) => only === undefined || name === only);
  let [broken, faults] = [0, 0];
  const begun = performance.now();
  for (const [name, target] of chosen) {
    const start = performance.now();
    const outcome = await fuzz(target, Math.ceil(files / chosen.length), seed);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    broken += outcome.read + outcome.refused;
    faults += outcome.faults.length;
    console.log(
      `${name.padEnd(16)}${outcome.read} read, ${outcome.refused} refused, ${outcome.faults.length} faults; slowest ${outcome.slowest.toFixed(0)} ms; ${seconds} s`,
    );
    for (const fault of outcome.faults) console.log(`  ${fault}`);
  }
  console.log(`${broken} files, ${faults} faults, ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  process.exitCode = faults === 0 ? 0 : 1;
}

if (require.main === module) void script(__filename, config, main);
