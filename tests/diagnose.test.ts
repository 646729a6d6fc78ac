/** Diagnosis of wrong gradients: mistakes of many kinds, and gradients that no known mistake explains. */
import { cellFromText, diagnose, gru, lstm, mingru } from '../index';
import { edited, edits } from '../referee/edits';
import { Case } from '../referee/diagnose';
import { readings } from '../referee/quantity';
import { Subject, type Named } from '../referee/subject';
import { Program } from '../core/programs/program';
import { tensor, toFlat } from '../core/tensor';
import { ask } from './questions';

const sizes = { input: 4, hidden: 7 };

describe('mistakes of other kinds', () => {
  const question = ask(lstm(sizes));
  const judge = new Case(question);
  const { ours } = judge;
  const turned = (values: number[], rows: number, columns: number): number[] =>
    values.map((_, k) => values[(k % rows) * columns + Math.floor(k / rows)]);

  it.each([
    [
      'a mean over the batch',
      { dWx: ours.dWx.map((v) => v / 3), db: ours.db.map((v) => v / 3) },
      'your dWx and db are 1/3 of ours: a mean over the batch',
    ],
    ['a sign', { ...ours, dx: ours.dx.map((v) => -v) }, 'your dx is ours with the other sign'],
    [
      'gates in another order',
      {
        dWh: ours.dWh.map(
          (_, k) => ours.dWh[k - (k % 28) + [0, 7, 21, 14][Math.floor((k % 28) / 7)] + (k % 7)],
        ),
      },
      'your dWh holds the gates in the order i f o g; ours is i f g o',
    ],
    ['two that are exchanged', { dh0: ours.dc0, dc0: ours.dh0 }, 'your dh0 is our dc0; your dc0 is our dh0'],
    ['nothing written', { db: ours.db.map(() => 0) }, 'your db is 0 everywhere'],
    [
      'one step late',
      { dx: ours.dx.map((_, k) => (k < 12 ? 0 : ours.dx[k - 12])) },
      'your dx is ours one step late',
    ],
    [
      'weight decay',
      { ...ours, dWh: ours.dWh.map((v, k) => v + 0.01 * (question.parameters.Wh as number[][]).flat()[k]) },
      'your dWh is ours plus 0.01 times the weights: weight decay is no part of the gradient',
    ],
    [
      'clipping by value',
      { ...ours, dWx: ours.dWx.map((v) => Math.min(Math.max(v, -0.5), 0.5)) },
      'your dWx is ours clipped to ±0.5: clipping is no part of the gradient',
    ],
    [
      'clipping by norm',
      (({ dWx, dWh, db }) => {
        const norm = Math.hypot(...dWx, ...dWh, ...db);
        const scaled = (values: number[]): number[] => values.map((v) => (0.25 * v) / (norm + 1e-6));
        return { dWx: scaled(dWx), dWh: scaled(dWh), db: scaled(db) };
      })(ours),
      'times ours: they are clipped to a norm of 0.25',
    ],
  ])('%s', (_, gradients, message) => {
    expect(judge.judge(gradients as Named, 'float64').message).toContain(message);
  });

  it.each([1000, -0.25])('a factor that is no clipping is not called so, though the norm is %d', (norm) => {
    const { dWx, dWh, db } = ours;
    const factor = norm / Math.hypot(...dWx, ...dWh, ...db);
    const scaled = (values: number[]): number[] => values.map((v) => factor * v);
    const given = { dWx: scaled(dWx), dWh: scaled(dWh), db: scaled(db) };
    expect(judge.judge(given, 'float64').message).toMatch(/ times ours$/);
  });

  it('numbers of a coarse format are not taken for clipped or decayed ones that are as near', () => {
    const judge = new Case(ask(gru({ input: 1, hidden: 2 }), { T: 1, B: 1, seed: 46 }));
    const dbhn = judge.ours.dbhn.map((v) => -v);
    const { message } = judge.judge({ ...judge.ours, dbhn }, 'bfloat16');
    expect(message).toContain('your dbhn is ours with the other sign');
    expect(message).not.toContain('weight decay');
    const place = { T: 1, B: 1, shape: [3], local: 'dbhn' };
    const ours = [0.05, -0.03, 0.04];
    const wordsOf = (given: number[]): string[] =>
      readings({ quantity: 'dbhn', given, ours, tolerance: 0.02 }, place, {}).map(({ words }) => words);
    expect(wordsOf([0.01, -0.005, 0.008])).toEqual([]);
    expect(wordsOf([0.01, -0.01, 0.01])).toEqual([
      'are ours clipped to ±0.01: clipping is no part of the gradient',
    ]);
  });

  it.each([
    ['gru', gru(sizes), '(1 - z) * n + z * hPrev', 'z * n + (1 - z) * hPrev'],
    [
      'gru, reset before',
      gru({ ...sizes, reset: 'before' }),
      '(1 - z) * n + z * hPrev',
      'z * n + (1 - z) * hPrev',
    ],
    ['mingru', mingru(sizes), '(1 - z) * hPrev + z * n', 'z * hPrev + (1 - z) * n'],
  ])(
    'outputs of a %s whose gate keeps the new state instead of the old are named',
    (_, cell, line, other) => {
      const { forward } = cell.equations!;
      expect(forward).toContain(line);
      const theirs = new Subject(ask(cell), edited(cell, { forward: forward.replace(line, other) }));
      const { message } = new Case(ask(cell)).judgeValues(theirs.run(), 'float64');
      expect(message).toContain('your outputs equal ours with `z` and `1 - z` swapped in `h` (line ');
    },
  );

  it.each([
    [
      'the slope of a tanh at the wrong value',
      'dh * o * (1 - tc * tc)',
      'dh * o * (1 - c * c)',
      'with `c * c` in place of `tc * tc` in `dc`',
    ],
  ])('%s', (_, line, other, message) => {
    const { backward } = question.cell.equations!;
    expect(backward).toContain(line);
    const student = new Subject(question, edited(question.cell, { backward: backward.replace(line, other) }));
    student.run();
    expect(judge.judge(student.gradients(), 'float64').message).toContain(message);
  });

  it('a matrix that is reshaped where it must be transposed', () => {
    const { unroll } = judge.subject;
    const { Wh } = unroll.options.parameters;
    const numbers = toFlat(Wh);
    // Wh.reshape(4 H, H) is used as Wh.T, so that Wh itself is this
    const theirs = numbers.map((_, k) => numbers[(k % 28) * 7 + Math.floor(k / 28)]);
    const parameters = { ...unroll.options.parameters, Wh: tensor(theirs, [7, 28], 'float64') };
    const program = new Program();
    unroll.with({ options: { ...unroll.options, parameters } }).backward(program);
    judge.subject.run();
    expect(judge.judge(judge.subject.gradients(program), 'float64').message).toContain(
      'with `Wh` reshaped to [28, 7] where its transpose belongs',
    );
  });

  it('rows before steps are told by the shape, in outputs and in dx', () => {
    const rowsFirst = (values: number[], width: number): number[][][] =>
      Array.from({ length: 3 }, (_, b) =>
        Array.from({ length: 5 }, (_, t) => values.slice((t * 3 + b) * width, (t * 3 + b + 1) * width)),
      );
    const output = rowsFirst(judge.outputs.output, 7);
    expect(judge.judgeValues({ output }, 'float64').message).toBe(
      'your output holds the rows before the steps: its shape must be [T, B, …], [5, 3, 7]',
    );
    const dx = rowsFirst(ours.dx, 4);
    expect(diagnose({ ...question, gradients: { dx } }).message).toBe(
      'your dx holds the rows before the steps: its shape must be [T, B, …], [5, 3, 4]',
    );
  });

  it('infinite outputs are no mistake that is looked for', () => {
    const output = judge.outputs.output.map((v, k) => (k === 1 ? -Infinity : v));
    const { verdict, message } = judge.judgeValues({ output }, 'float64');
    expect(verdict).toBe('unexplained');
    expect(message).toMatch(
      /^your outputs must be finite numbers: output at step 0, row 0, entry 1: -Infinity where/,
    );
  });

  it('a transpose is told by its shape', () => {
    const flat = turned(ours.dWx, 4, 28);
    const dWx = Array.from({ length: 28 }, (_, k) => flat.slice(4 * k, 4 * k + 4));
    expect(diagnose({ ...question, gradients: { dWx } }).message).toContain(
      'your dWx is the transpose of ours: its shape must be [4, 28]',
    );
  });

  it('what no mistake explains is said to be so, with the first place', () => {
    const dx = ours.dx.map((v, k) => (k === 31 ? v + 0.1 : v));
    const { verdict, message, differences } = judge.judge({ ...ours, dx }, 'float64');
    expect(verdict).toBe('unexplained');
    expect(message).toMatch(
      /^no mistake that is known here gives your gradients; they differ from ours first in dx at step 2, row 1, entry 3: /,
    );
    expect(differences).toHaveLength(1);
    const dWh = ours.dWh.map((v, k) => (k === 28 + 9 ? v + 1 : v));
    expect(judge.judge({ dWh }, 'float64').message).toContain('dWh at [1, 9], gate f');
  });

  it('a number that is none is an unexplained one', () => {
    const { verdict, message } = judge.judge({ db: ours.db.map((v, k) => (k === 2 ? NaN : v)) }, 'float64');
    expect([verdict, message.includes('db at [2], gate i: NaN')]).toEqual(['unexplained', true]);
  });

  it('two mistakes at once are told together', () => {
    const wrong = { ...ours, db: ours.db.map((v) => v / 3), dWx: ours.dWx.map(() => 0) };
    expect(judge.judge(wrong, 'float64').message).toBe(
      'your dWx is 0 everywhere: nothing was written to it; your db is 1/3 of ours: a mean over the batch stands where a sum belongs (B = 3)',
    );
    const cut = edits(question.cell.equations!, 'backward').find(({ words }) =>
      words.includes('term `dcNext`'),
    )!;
    const student = new Subject(question, edited(question.cell, { backward: cut.text }));
    student.run();
    const gradients = student.gradients();
    const { message } = judge.judge({ ...gradients, db: gradients.db.map((v) => -v) }, 'float64');
    expect(message).toContain('without the term `dcNext` in `dc` (line 3');
    expect(message).toContain('your db is ours with the other sign');
  });

  it('lines of a cell of one’s own are counted as in its file', () => {
    const text = `cell sum
shapes
  x [D]   states h [H]   parameters Wx [D, H]
forward
  h = hPrev + x @ Wx
backward
  dh = dhOut + dhNext
  dhPrev = dh
  dx = dh @ Wx.T
  dWx += x.T @ dh`;
    const own = ask(cellFromText({ ...sizes, equations: text }));
    const { ours } = new Case(own);
    const { message } = diagnose({ ...own, gradients: { ...ours, dx: ours.dx.map((v) => -v) } });
    expect(message).toContain('(line 9: `dx = dh @ Wx.T`)');
  });

  it('what is no answer at all is an error', () => {
    const { cell } = question;
    expect(() => diagnose({ ...question, gradients: { dWy: [1] } })).toThrow(
      /diagnose: gradients must be among dx, dWx/,
    );
    expect(() => diagnose({ ...question, gradients: {} })).toThrow(
      'diagnose: gradients must hold one at least',
    );
    expect(() => diagnose({ ...question, gradients: { db: ['a'] as never } })).toThrow(/db\[0\]/);
    expect(() => diagnose({ ...question, x: [[1]], gradients: { db: [1] } })).toThrow('x must be [T, B, D]');
    expect(() => diagnose({ ...question, parameters: {}, gradients: { db: [1] } })).toThrow('must hold Wx');
    expect(() => diagnose({ ...question, cell: cell.name as never, gradients: { db: [1] } })).toThrow(
      'cell must be a cell',
    );
  });
});
