/** Planted mistakes are found from the numbers alone, in every cell and line; right gradients are never blamed. */
import { elman, gru, lstm, type Cell } from '../index';
import { mutate } from '../bptt/check/mutants';
import { suite } from '../bptt/check/suite/suite';
import { Random } from '../core/random/random';
import { edited, edits } from '../referee/edits';
import { Case } from '../referee/diagnose';
import { Subject, type Named } from '../referee/subject';
import { ask } from './questions';
import { reordered } from './reordered';

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
          // what divides by 0 in the padding is named as that
          if (!Object.values(shown).every((values) => values.every(Number.isFinite))) {
            expect(verdict).toBe('unexplained');
            continue;
          }
          sum.total++;
          // a mistake that does not affect these numbers, such as one in an inactive unit, does not count
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
    let explained = 0;
    for (const { words, text } of chosen) {
      const broken = edited(cell, { backward: text });
      if (!broken) continue;
      const student = new Subject(question, broken);
      student.run();
      const { message } = judge.judge(student.gradients(), 'float64');
      expect(message).toContain(words);
      explained++;
    }
    expect(explained).toBeGreaterThan(15);
  });
});

describe('right gradients are never blamed', () => {
  const cells = [
    lstm(sizes),
    gru(sizes),
    gru({ ...sizes, reset: 'before' }),
    elman({ ...sizes, activation: 'relu' }),
  ];

  it.each(['float64', 'float32'] as const)('in %s, in another order of operations', (dtype) => {
    for (let seed = 0; seed < 40; seed++)
      for (const cell of cells) {
        const [T, B] = [1 + (seed % 6), 1 + (seed % 4)];
        const ragged = seed % 3 === 0 ? Array.from({ length: B }, (_, b) => 1 + ((b + seed) % T)) : undefined;
        const question = ask(cell, { T, B, seed, lengths: ragged });
        const { verdict, message } = new Case(question).judge(reordered(question, dtype).gradients, dtype);
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
    const { verdict, message } = new Case(question).judge(
      reordered(question, 'float32').gradients,
      'float64',
    );
    expect(verdict).toBe('rounding');
    expect(message).toContain('float32');
  });
});
