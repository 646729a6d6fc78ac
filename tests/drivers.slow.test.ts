/** The drivers of examples/referee/ are judged right; mistakes planted in copies of them are diagnosed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elman, gru, lstm } from '../index';
import { plans, type MakeCell } from '../referee/cases';
import { referee, type RefereeReport } from '../referee/referee';
import { backstepIn } from './command';
import { describeWith, pythonWith, run } from './outside';

const examples = join(__dirname, '..', 'examples/referee');
const folder = mkdtempSync(join(tmpdir(), 'backstep-drivers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const judge = (command: string[], make: MakeCell, names?: string[]): Promise<RefereeReport> =>
  referee(command, make, {
    ...{ milliseconds: 60_000, seed: 0 },
    ...(names && { plans: plans.filter(({ name }) => names.includes(name)) }),
  });
const few = ['one step, one row', 'all sizes differ', 'unequal lengths'];

/** A copy of a driver with one text replaced. */
function planted(file: string, ...changes: [string, string][]): string {
  let text = readFileSync(join(examples, file), 'utf8');
  for (const [from, to] of changes) {
    expect(text.split(from)).toHaveLength(2);
    text = text.replace(from, () => to);
  }
  const copy = join(folder, `${Math.random()}`.slice(2) + file);
  writeFileSync(copy, text);
  return copy;
}

it.each(['lstm_numpy.py', 'pytorch.py', 'elman.c', 'elman.rs'])('%s has at most 60 lines', (file) => {
  expect(readFileSync(join(examples, file), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(60);
});

it('the example of a file has at most 20 lines', () => {
  const lines = readFileSync(join(examples, 'answers_numpy.py'), 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(20);
});

const numpy = pythonWith('numpy');
describeWith(numpy, 'the NumPy driver of the referee; apt-get install python3-numpy')('NumPy', () => {
  const python = numpy as string;
  it('is right', async () => {
    const { ok, rows } = await judge([python, join(examples, 'lstm_numpy.py')], lstm);
    expect(rows.map(({ verdict }) => verdict)).toEqual(plans.map(() => 'ok'));
    expect(ok).toBe(true);
  });

  it.each<[string, [string, string][], string]>([
    ['right', [], '1 of 1 answers right; gradients given: dx, dWx, dWh, db, dh0'],
    [
      'the slope of h * h',
      [['(1 - h[t + 1] ** 2)', '(1 - h[t + 1])']],
      'diagnosis: your gradients equal ours without the factor `h` in `dz` (line 2',
    ],
  ])('the example of a file, %s', async (_what, changes, expected) => {
    const ran = spawnSync(python, [planted('answers_numpy.py', ...changes)], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(ran.stderr).toBe('');
    const { stdout, status } = await backstepIn(folder, 'referee', 'manifest.json');
    expect(stdout).toContain(expected);
    expect(status).toBe(changes.length === 0 ? 0 : 1);
  });

  it.each<[string, [string, string][], string]>([
    [
      'dcNext forgotten',
      [['np.where(live, dc, 0) + dhLive', 'dhLive']],
      'your gradients equal ours without the term `dcNext` in `dc` (line 3',
    ],
    ['`=` over time', [['dWh += hPrev.T', 'dWh = hPrev.T']], '`=` stands where `+=` belongs'],
    [
      'a mean over the batch',
      [['da.sum(axis=0)', 'da.mean(axis=0)']],
      'your db is 1/3 of ours: a mean over the batch stands where a sum belongs (B = 3)',
    ],
    [
      'the slope of a tanh as that of a sigmoid',
      [['dcLive * i * (1 - g * g)', 'dcLive * i * g * (1 - g)']],
      'in place of that of a tanh, `1 - g * g`',
    ],
    [
      'the present state for the one before',
      [['dWh += hPrev.T', 'dWh += steps[t + 1][0].T if t + 1 < T else h.T']],
      'with `h` in place of `hPrev` in `dWh`',
    ],
    [
      'gates in another order',
      [['i, f, g, o = np.split', 'f, i, g, o = np.split']],
      'your outputs equal ours with the gates of the weights in the order f i g o',
    ],
    [
      'lengths that are not looked at',
      [['live = (t < lengths)[:, None]', 'live = np.full((B, 1), True)']],
      'your outputs equal ours without the lengths',
    ],
    [
      'a sign',
      [['dcLive * cPrev * f * (1 - f)', '-dcLive * cPrev * f * (1 - f)']],
      'with the sign of `daf` flipped',
    ],
    [
      'two mistakes',
      [
        ['da.sum(axis=0)', 'da.mean(axis=0)'],
        ['dx[t] = da @ Wx.T', 'dx[t] = -da @ Wx.T'],
      ],
      'your dx is ours with the other sign; your db is 1/3 of ours',
    ],
  ])('%s is named', async (_, changes, words) => {
    const { ok, diagnosis, smallest } = await judge(
      [python, planted('lstm_numpy.py', ...changes)],
      lstm,
      few,
    );
    expect(ok).toBe(false);
    expect(diagnosis).toContain(words);
    expect(smallest?.plan.H).toBe(1);
  });
});

const torch = pythonWith('torch');
describeWith(torch, 'the PyTorch driver of the referee; apt-get install python3-torch')('PyTorch', () => {
  const python = torch as string;
  const command = [python, join(examples, 'pytorch.py')];
  it.each([
    ['nn.LSTM', 'float64', lstm],
    ['nn.GRU', 'float64', gru],
    ['nn.RNN', 'float64', elman],
    ['nn.LSTM', 'float32', lstm],
  ] as const)('%s is right in %s', async (_, dtype, make) => {
    const { ok, rows } = await judge(['env', `DTYPE=${dtype}`, ...command], make);
    expect(rows.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(rows.every(({ precision }) => precision === dtype)).toBe(true);
    expect(ok).toBe(true);
  });

  it('the other form of GRU is distinguished from it', async () => {
    const before = (sizes: { input: number; hidden: number }) => gru({ ...sizes, reset: 'before' });
    const without = planted(
      'pytorch.py',
      ['net.bias_hh_l0[2 * H :] = p["bhn"]', 'pass'],
      ['gradients["dbhn"] = net.bias_hh_l0.grad[2 * H :]', 'pass'],
    );
    const { ok, rows } = await judge([python, without], before, few);
    expect(ok).toBe(false);
    expect(rows.map(({ verdict }) => verdict)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('a last state that is cut off from its gradient is named', async () => {
    const cut = planted('pytorch.py', [
      '(state[0] * tensor(q["dFinal"][s])).sum()',
      '(state[0] * tensor(q["dFinal"][s])).sum() * (s != "c")',
    ]);
    const { diagnosis } = await judge([python, cut], lstm, few);
    expect(diagnosis).toContain('without the gradient that comes from above to the last `c`');
  });
});

/** Compiles a driver; undefined without a compiler. */
function compiled(compiler: string, file: string, ...words: string[]): string[] {
  const program = join(folder, `${Math.random()}`.slice(2));
  run(compiler, ['-O', '-o', program, file, ...words]);
  return [program];
}
const has = (compiler: string): boolean => spawnSync(compiler, ['--version']).status === 0;

describeWith(has('gcc'), 'the C driver of the referee; apt-get install gcc libc6-dev')('C', () => {
  it('is right, and compiled without a warning', async () => {
    const { ok } = await judge(compiled('gcc', join(examples, 'elman.c'), '-Wall', '-Werror', '-lm'), elman);
    expect(ok).toBe(true);
  });

  it.each<[string, [string, string], string]>([
    [
      'dhNext forgotten',
      ['(dh[r * H + j] + dOut[n * H + j])', '(dOut[n * H + j])'],
      'without the term `dhNext` in `dh` (line 1',
    ],
    [
      'a transposed matrix',
      ['dhPrev[i] += dz * Wh[i * H + j]', 'dhPrev[i] += dz * Wh[j * H + i]'],
      'with `Wh` in place of `Wh.T`',
    ],
    [
      'rows not added',
      ['db[j] += dz;', 'if (r == 0) db[j] += dz;'],
      'your db is what row 0 alone adds to ours, the first one: the others are not added',
    ],
    ['a lost factor', ['* (1 - hNow[j] * hNow[j])', ''], 'without the factor `1 - h * h` in `dz`'],
  ])('%s is named', async (_, change, words) => {
    const { ok, diagnosis } = await judge(compiled('gcc', planted('elman.c', change), '-lm'), elman, few);
    expect(ok).toBe(false);
    expect(diagnosis).toContain(words);
  });
});

describeWith(has('rustc'), 'the Rust driver of the referee; apt-get install rustc')('Rust', () => {
  it('is right', async () => {
    const { ok } = await judge(compiled('rustc', join(examples, 'elman.rs'), '--edition', '2021'), elman);
    expect(ok).toBe(true);
  });
});
