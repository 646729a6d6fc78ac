/** The referee judges answers from files as it judges a program's: manifests, safetensors, npz, test vectors. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answersOf, tolerancesOf } from '../conformance/answers';
import { suiteLayers } from '../conformance/cases';
import { readListed, type CellByName } from '../conformance/caseread';
import { caseFile } from '../conformance/filewrite';
import { judgeFiles } from '../conformance/judgefiles';
import { gru } from '../index';
import { encodeNpz } from '../io/npz';
import { decodeSafetensors, encodeSafetensors, type SafeTensor } from '../io/safetensors';
import type { RefereeReport } from '../referee/referee';
import { backstepIn } from './command';

const folder = mkdtempSync(join(tmpdir(), 'backstep-answers-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Tensors = Map<string, SafeTensor>;
type Entry = Record<string, unknown>;

/** A case of our suite, with its manifest entry; its answers are right. */
function suiteCase(wanted: string): { tensors: Tensors; entry: Entry } {
  const named = suiteLayers().find(({ name }) => name === wanted);
  if (!named) throw new Error(wanted);
  const float64 = tolerancesOf(named.layer, 'float64');
  const { bytes, entry } = caseFile(named, answersOf(named.layer), { float64, float32: float64 });
  return { tensors: decodeSafetensors(bytes).tensors, entry: { ...entry } };
}

const cells: CellByName = () => gru;
const manifestOf = (...cases: unknown[]): string =>
  JSON.stringify({ format: 'backstep cases', version: 1, cases });

function judgeOne(tensors: Tensors, entry: Entry): RefereeReport {
  const read = (): Uint8Array => encodeSafetensors(tensors);
  return judgeFiles(readListed(manifestOf(entry), { read, cells, usual: 'gru' }));
}
const changed = (tensors: Tensors, name: string, change: (v: number, k: number) => number): Tensors => {
  const { shape, data } = tensors.get(name) as SafeTensor;
  const numbers = Float64Array.from(data as Float64Array, change);
  return new Map([...tensors, [name, { dtype: 'F64', shape, data: numbers }]]);
};
const verdicts = ({ rows }: RefereeReport): string[] =>
  rows.map(({ name, verdict }) => `${name}: ${verdict}`);

describe('a case of our own suite', () => {
  it.each([
    'lstm_peepholes',
    'gru_reverse_lengths',
    'rnn_clip',
    'gru_linear_before_reset_no_bias_zero_states',
  ])('%s is right', (name) => {
    const { tensors, entry } = suiteCase(name);
    expect(verdicts(judgeOne(tensors, entry))).toEqual([`${name}: ok`]);
  });

  it('has a row for each direction, and one for their sum', () => {
    const name = 'gru_linear_before_reset_bidirectional_lengths';
    const { tensors, entry } = suiteCase(name);
    const verdict = judgeOne(tensors, entry);
    expect(verdicts(verdict)).toEqual([
      `${name}, forward: ok`,
      `${name}, reverse: ok`,
      `${name}, both directions: ok`,
    ]);
    expect(verdict.rows.map(({ judged }) => judged.includes('dx'))).toEqual([false, false, true]);
  });

  it('with a mistake is diagnosed, and its question named', () => {
    const { tensors, entry } = suiteCase('rnn_lengths');
    const { ok, diagnosis, smallest } = judgeOne(
      changed(tensors, 'db', (v) => v / 3),
      entry,
    );
    expect(ok).toBe(false);
    expect(diagnosis).toBe(
      'your db is 1/3 of ours: a mean over the batch stands where a sum belongs (B = 3)',
    );
    expect(smallest?.sizes).toBe('T = 5, B = 3, D = 4, H = 6, lengths 3 5 2');
    expect(JSON.parse(smallest?.line ?? '')).toMatchObject({ cell: 'elman', lengths: [3, 5, 2] });
  });

  it('in the reverse direction: steps are counted in its own order', () => {
    const { tensors, entry } = suiteCase('rnn_reverse');
    const dx = changed(tensors, 'dx', (v, k) => (k === 0 ? v + 1 : v));
    // the first step in time is its last one
    expect(judgeOne(dx, entry).rows[0].reason).toMatch(/^dx at step 4, row 0, entry 0: /);
  });

  it.each([
    ['without what the reverse direction sends to it', [1, 0]],
    ['without what the forward direction sends to it', [0, 1]],
  ])('whose dx is %s', (words, [forward, reverse]) => {
    const { tensors, entry } = suiteCase('rnn_bidirectional');
    const named = suiteLayers().find(({ name }) => name === 'rnn_bidirectional');
    if (!named) throw new Error('none');
    const alone = named.layer.directions.map((one) => answersOf({ ...named.layer, directions: [one] }).dx);
    const dx = changed(tensors, 'dx', (_, k) => forward * alone[0][k] + reverse * alone[1][k]);
    expect(judgeOne(dx, entry).diagnosis).toBe(`your dx equals ours ${words}`);
  });

  it('of float32 numbers is judged by the bounds of float32', () => {
    const { tensors, entry } = suiteCase('rnn');
    const { dtype: _, ...rest } = entry;
    const single = new Map(
      Array.from(tensors, ([name, { shape, data }]): [string, SafeTensor] => [
        name,
        { dtype: 'F32', shape, data: Float32Array.from(data as Float64Array) },
      ]),
    );
    const [row] = judgeOne(single, rest).rows;
    expect(row).toMatchObject({ verdict: 'ok', precision: 'float32' });
    // the same numbers stated as float64
    expect(judgeOne(single, entry).diagnosis).toMatch(
      /^your outputs equal ours up to the rounding of float32/,
    );
  });

  it('with an answer of another shape, or not a number', () => {
    const { tensors, entry } = suiteCase('rnn');
    const { shape, data } = tensors.get('dWx') as SafeTensor;
    const turned = new Map<string, SafeTensor>([
      ...tensors,
      ['dWx', { dtype: 'F64', shape: [...shape].reverse(), data: Float64Array.from(data as Float64Array) }],
    ]);
    expect(judgeOne(turned, entry).rows[0].reason).toBe('dWx at its shape, [6, 4] where [4, 6] belongs');
    expect(
      judgeOne(
        changed(tensors, 'dWh', () => NaN),
        entry,
      ).rows[0].verdict,
    ).toBe('wrong');
  });
});

describe('a case that cannot be read is named, and the others are judged', () => {
  const { tensors, entry } = suiteCase('rnn');
  const without = (name: string): Tensors => new Map([...tensors].filter(([one]) => one !== name));
  const integers = new Map<string, SafeTensor>([
    ...tensors,
    ['b', { dtype: 'I32', shape: [6], data: new Int32Array(6) }],
  ]);

  it.each<[string, Entry, string, Tensors?]>([
    ['no file', { file: undefined }, 'manifest: file must be given, got none'],
    [
      'a file elsewhere',
      { file: '../x.npz' },
      'manifest: file must stay in the folder of the manifest, got ../x.npz',
    ],
    [
      'an absolute file',
      { file: '/etc/passwd' },
      'manifest: file must stay in the folder of the manifest, got /etc/passwd',
    ],
    [
      'a dtype',
      { dtype: 'int8' },
      'manifest: dtype must be ("float64" | "float32" | "float16" | "bfloat16"), got "int8"',
    ],
    ['lengths', { lengths: [5, 9, 1] }, 'manifest: lengths must be 3 whole numbers in 0…5, got [5, 9, 1]'],
    ['directions', { directions: [] }, 'manifest: directions must be one or two, got []'],
    [
      'a cell with options',
      { cell: 'jordan' },
      'manifest: a cell with options must be one of elman, lstm, gru, got jordan',
    ],
    [
      'activations',
      { options: { activations: ['relu', 'relu'] } },
      'manifest: options.activations must be 1, got 2',
    ],
    ['sizes', { sizes: { H: 7 } }, 'case: Wx must be [4, 7], got [4, 6]'],
    ['no x', {}, 'case: x must be [T, B, D], got undefined', without('x')],
    ['no weights', {}, 'case: Wx [4, 6] must be given, got none', without('Wx')],
    ['whole numbers', {}, 'case: b must be float64 or float32, got I32', integers],
    ['NaN', {}, 'case: b must hold finite numbers, got others', changed(tensors, 'b', () => NaN)],
    [
      'a stranger',
      {},
      expect.stringMatching(/^case: names must be among x, Wx, .*, got dWX$/) as string,
      new Map([...tensors, ['dWX', tensors.get('b') as SafeTensor]]),
    ],
  ])('%s', (_what, change, reason, given = tensors) => {
    const files: Record<string, Tensors> = { 'rnn.safetensors': given, good: tensors };
    const text = manifestOf({ ...entry, ...change }, { ...entry, name: 'good', file: 'good' });
    const read = (file: string): Uint8Array => encodeSafetensors(files[file]);
    const { rows, ok } = judgeFiles(readListed(text, { read, cells, usual: 'gru' }));
    expect(rows[0]).toMatchObject({ name: 'rnn', verdict: 'broken', reason });
    expect([rows[1].verdict, ok]).toEqual(['ok', false]);
  });

  it('without answers', () => {
    const given = ['x', 'Wx', 'Wh', 'b', 'h0', 'dOutput'];
    const { rows } = judgeOne(new Map([...tensors].filter(([name]) => given.includes(name))), entry);
    expect(rows[0].reason).toBe('the answer must hold output or gradients');
  });
});

describe('a test vector', () => {
  const golden = (name: string): { name: string; grads: Record<string, { data: number[] }> } =>
    JSON.parse(readFileSync(join(__dirname, 'golden', `${name}.json`), 'utf8')) as ReturnType<typeof golden>;
  const judgeVector = (vector: object): RefereeReport =>
    judgeFiles(readListed(JSON.stringify(vector), { read: () => new Uint8Array(), cells, usual: 'gru' }));

  it.each([
    ['lstm_1l', 1],
    ['gru_packed_b1', 3],
    ['rnn_relu_t1', 1],
    ['gru_reset_before_h1', 1],
    ['lstm_peephole_layered', 1],
  ])('%s is right', (name, rows) => {
    expect(judgeVector(golden(name)).rows.map(({ verdict }) => verdict)).toEqual(Array(rows).fill('ok'));
  });

  it('with a mistake in a gradient is diagnosed', () => {
    const vector = golden('rnn_tanh_1l');
    vector.grads.weight_hh_l0.data.fill(0);
    expect(judgeVector(vector).diagnosis).toContain('your dWh is 0 everywhere: nothing was written to it');
  });

  it('whose biases have different gradients is judged twice', () => {
    const vector = golden('rnn_tanh_1l');
    vector.grads.bias_hh_l0.data[0] += 1;
    const { rows } = judgeVector(vector);
    expect(rows.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['rnn_tanh_1l', 'ok'],
      ['rnn_tanh_1l, bias_hh', 'wrong'],
    ]);
  });

  it.each(['elman_h1', 'optim_adam', 'clockwork_b1_t0'])('%s is skipped with the reason', (name) => {
    const { rows, ok } = judgeVector(golden(name));
    expect(rows).toMatchObject([
      { verdict: 'skipped', reason: 'it is not one layer of one cell; `backstep verify` checks it' },
    ]);
    expect(ok).toBe(false);
  });
});

describe('backstep referee FILE', () => {
  const { tensors, entry } = suiteCase('rnn_one_step_one_row');
  const { cell: _, options: __, ...nameless } = entry;
  writeFileSync(join(folder, 'right.npz'), encodeNpz(tensors));
  writeFileSync(join(folder, 'wrong.npz'), encodeNpz(changed(tensors, 'dWx', (v) => -v)));
  writeFileSync(join(folder, 'broken.safetensors'), 'no');
  const equations = readFileSync(join(__dirname, '../examples/cells/mgu.txt'), 'utf8');
  writeFileSync(
    join(folder, 'manifest.json'),
    manifestOf(
      { ...entry, file: 'right.npz' },
      { ...nameless, name: 'unknown', file: 'right.npz', cell: 'gur' },
      { ...nameless, name: 'own', file: 'right.npz', cell: equations },
    ),
  );

  it('judges files without a manifest, of the cell that is given', async () => {
    const { status, stdout } = await backstepIn(folder, 'referee', '--cell', 'elman', 'right.npz');
    expect(stdout).toMatch(
      /\nright +1 +1 +3 +5 +float64 .* ok\n1 of 1 answers right; gradients given: dx, dWx/,
    );
    expect(status).toBe(0);
  });

  it('goes on after a broken one, and names the mistake, also as JSON and JUnit XML', async () => {
    const words = ['referee', '--cell', 'elman', 'broken.safetensors', 'none.npz', 'wrong.npz'];
    const { status, stdout } = await backstepIn(folder, ...words, '--json', '--junit', 'report.xml');
    expect(status).toBe(1);
    const lines = stdout.trim().split('\n');
    const printed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(printed.map(({ verdict }) => verdict)).toEqual(['broken', 'broken', 'wrong', undefined]);
    expect(printed[1].reason).toMatch(/^read: none\.npz must be a readable file/);
    expect(printed[3]).toMatchObject({
      ok: false,
      diagnosis: expect.stringContaining('your dWx is ours with the other sign') as string,
    });
    expect(readFileSync(join(folder, 'report.xml'), 'utf8')).toContain('tests="3" failures="1" errors="2"');
  });

  it('reads cells from a manifest: by name, or as equations', async () => {
    const { status, stdout } = await backstepIn(folder, 'referee', 'manifest.json');
    expect(status).toBe(1);
    expect(stdout).toContain('\nrnn_one_step_one_row ');
    expect(stdout).toMatch(/\nunknown: referee: cell must be .* got gur\n/);
    expect(stdout).toMatch(/\nown: case: Wx must be \[3, 10\], got \[3, 5\]\n/);
  });

  it('refuses a mixture of files and others', async () => {
    const { status, stderr } = await backstepIn(folder, 'referee', 'right.npz', 'x.txt');
    expect(stderr).toBe(
      'referee: files must end in .json, .npz, .safetensors, got x.txt\n  fix: give a program behind --\n',
    );
    expect(status).toBe(2);
  });
});
