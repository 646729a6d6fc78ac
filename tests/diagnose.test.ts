/** A wrong gradient has a name: planted mistakes are found again from the numbers alone, right ones are never blamed. */
import { cellFromText, diagnose, elman, gru, lstm, type Cell } from '../index';
import { mutate } from '../bptt/check/mutants';
import { suite } from '../bptt/check/suite';
import { hoist } from '../core/hoist';
import { Program } from '../core/program';
import { Random } from '../core/random';
import { fillFrom, toFlat, zeros } from '../core/tensor';
import { executorOf } from '../core/executor';
import { edited, edits } from '../referee/edits';
import { Case } from '../referee/diagnose';
import { Subject, type Named } from '../referee/subject';
import { Unroll } from '../bptt/unroll';
import { ask } from './questions';

const sizes = { input: 4, hidden: 7 };
const lengths = [5, 2, 4];

/** Every number moved by rounding. */
const rounded = (gradients: Named, random: Random): Named =>
  Object.fromEntries(
    Object.entries(gradients).map(([name, values]) => [
      name,
      values.map((v) => v * (1 + 2 ** -52 * (2 * random.uniform() - 1))),
    ]),
  );

const only = (gradients: Named, names: readonly string[]): Named =>
  Object.fromEntries(names.map((name) => [name, gradients[name]]));

describe('every planted mistake of every cell is named from its numbers alone', () => {
  const cells = suite().filter(({ cells }) => cells.length === 1);
  const sum = { named: 0, none: 0, alone: 0, total: 0 };

  it.each(cells.map(({ name, cells: [cell] }) => [name, cell as Cell] as const))('%s', (_, cell) => {
    const random = new Random(1);
    for (const ragged of [undefined, lengths]) {
      const judge = new Case(ask(cell, { lengths: ragged, seed: 3 }));
      const weights = Object.keys(cell.parameters).map((p) => `d${p}`);
      const { mutants } = mutate(judge.subject);
      const planted = mutants.map(({ what, backward }) => {
        judge.subject.run();
        return { what, gradients: rounded(judge.subject.gradients(backward), random) };
      });
      for (const { what, gradients } of planted)
        for (const shown of [gradients, only(gradients, weights)]) {
          const { verdict, explanations } = judge.judge(shown, 'float64');
          sum.total++;
          // a mistake in what these numbers do not reach, such as a unit that is off, is none
          if (verdict === 'right') sum.none++;
          else {
            expect(explanations.map(({ mutant }) => mutant)).toContain(what);
            sum.named++;
            if (explanations.filter(({ kind }) => kind === 'mutant').length === 1) sum.alone++;
          }
        }
    }
    expect(sum.none).toBeLessThan(0.12 * sum.total);
  });

  afterAll(() => {
    const { named, none, alone, total } = sum;
    process.stdout.write(
      `mistakes named: ${named} of ${total - none} (${alone} as the only one of the table); ${none} have no effect on what is given\n`,
    );
    expect(named).toBe(total - none);
    expect(total).toBeGreaterThan(9000);
  });
});

describe('every small mistake in a line is told with the line', () => {
  it.each([
    ['lstm', lstm({ ...sizes, peepholes: true })],
    ['gru', gru(sizes)],
    ['elman', elman(sizes)],
  ] as const)('%s', (_, cell) => {
    const question = ask(cell);
    const judge = new Case(question);
    const random = new Random(2);
    const all = edits(cell.equations!, 'backward').filter(({ renamed }) => !renamed);
    expect(all.length).toBeGreaterThan(15);
    for (const { words, index, text } of all) {
      const broken = edited(cell, { backward: text });
      if (!broken) continue; // a transpose that does not fit
      const student = new Subject(question, broken);
      student.run();
      const { verdict, explanations } = judge.judge(rounded(student.gradients(), random), 'float64');
      expect([words, verdict]).toEqual([words, 'explained']);
      expect(explanations.some((one) => one.words.includes(words) && one.line?.number === index + 1)).toBe(
        true,
      );
    }
  });

  it('also where one name stands for another', () => {
    const cell = lstm(sizes);
    const question = ask(cell);
    const judge = new Case(question);
    const chosen = edits(cell.equations!, 'backward').filter(({ renamed }, k) => renamed && k % 7 === 0);
    let told = 0;
    for (const { words, text } of chosen) {
      const broken = edited(cell, { backward: text });
      if (!broken) continue;
      const student = new Subject(question, broken);
      student.run();
      const { message } = judge.judge(student.gradients(), 'float64');
      expect(message).toContain(words);
      told++;
    }
    expect(told).toBeGreaterThan(15);
  });
});

describe('right gradients are never blamed', () => {
  const cells = [
    lstm(sizes),
    gru(sizes),
    gru({ ...sizes, reset: 'before' }),
    elman({ ...sizes, activation: 'relu' }),
  ];

  /** The same in another order: merged products, another executor, another dtype. */
  function another(question: ReturnType<typeof ask>, { dtype }: { dtype: 'float64' | 'float32' }): Named {
    const source = new Subject(question);
    const { T, B, unroll } = source;
    const copy = (t: ReturnType<typeof zeros>) => {
      const made = zeros([...t.shape], dtype);
      fillFrom(made, toFlat(t));
      return made;
    };
    const names = Object.keys(question.cell.parameters);
    const gradients = Object.fromEntries(
      names.map((p) => [p, zeros([...source.variables[p].value.shape], dtype)]),
    );
    const parameters = Object.fromEntries(names.map((p) => [p, copy(source.variables[p].value)]));
    const { valid } = unroll.options;
    const dx = zeros([T * B, question.cell.input], dtype);
    const x = copy(source.variables.x.value);
    const mine = new Unroll(question.cell, {
      T,
      B,
      dtype,
      x,
      dx,
      parameters,
      gradients,
      valid: valid && copy(valid),
    });
    fillFrom(mine.dOutput, toFlat(unroll.dOutput));
    for (const s of Object.keys(question.cell.states)) {
      fillFrom(mine.after(0, mine.states[s]), toFlat(unroll.after(0, unroll.states[s])));
      fillFrom(mine.after(T, mine.dStates[s]), toFlat(unroll.after(T, unroll.dStates[s])));
    }
    const executor = executorOf();
    for (const record of ['forward', 'backward'] as const) {
      const program = new Program();
      mine[record](program);
      hoist(program).bind(executor)();
    }
    const first = Object.keys(question.cell.states).map(
      (s) => [`d${s}0`, toFlat(mine.after(0, mine.dStates[s]))] as const,
    );
    const all = names.map((p) => [`d${p}`, toFlat(gradients[p])] as const);
    return { dx: toFlat(dx), ...Object.fromEntries([...first, ...all]) };
  }

  it.each(['float64', 'float32'] as const)('in %s, in another order of operations', (dtype) => {
    for (let seed = 0; seed < 40; seed++)
      for (const cell of cells) {
        const [T, B] = [1 + (seed % 6), 1 + (seed % 4)];
        const ragged = seed % 3 === 0 ? Array.from({ length: B }, (_, b) => 1 + ((b + seed) % T)) : undefined;
        const question = ask(cell, { T, B, seed, lengths: ragged });
        const { verdict, message } = new Case(question).judge(another(question, { dtype }), dtype);
        expect([seed, cell.name, message, verdict]).toEqual([
          seed,
          cell.name,
          'your gradients are right',
          'right',
        ]);
      }
  });

  it('and what is ten times as far off as rounding explains is not right', () => {
    const judge = new Case(ask(lstm(sizes)));
    for (const precision of ['float64', 'float32'] as const) {
      const limits = judge.tolerances(precision);
      for (const [name, values] of Object.entries(judge.ours)) {
        const moved = values.map((v, k) => (k === 1 ? v + 10 * limits[name][k] : v));
        const { verdict, differences } = judge.judge({ [name]: moved }, precision);
        expect(verdict).not.toBe('right');
        expect(differences.map(({ quantity }) => quantity)).toEqual([name]);
      }
    }
  });

  it('and float32 passed off as float64 is called so', () => {
    const question = ask(gru(sizes));
    const { verdict, message } = new Case(question).judge(another(question, { dtype: 'float32' }), 'float64');
    expect(verdict).toBe('rounding');
    expect(message).toContain('float32');
  });
});

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
  ])('%s', (_, gradients, message) => {
    expect(judge.judge(gradients as Named, 'float64').message).toContain(message);
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

describe('how the steps are put together', () => {
  const plant = (cell: Cell, ragged: number[] | undefined, words: string): string => {
    const judge = new Case(ask(cell, { lengths: ragged, seed: 5 }));
    const found = judge.known.find((one) => one.words.includes(words));
    return judge.judge(found!.gradients()!, 'float64').message;
  };
  it.each([
    ['`dcNext` cut between chunks of 2 steps', undefined],
    ['`dhNext` and `dcNext` cut between all steps', undefined],
    ['Jacobians are multiplied in forward order', undefined],
    ['at the last step alone', undefined],
    ['taken from the step after', undefined],
    ['without the gradient that comes from above to the last `c`', undefined],
    ['the padding not masked', lengths],
  ] as const)('%s', (words, ragged) => {
    expect(plant(lstm(sizes), ragged && [...ragged], words)).toContain(words);
  });
});
