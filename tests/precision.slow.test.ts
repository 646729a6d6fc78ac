/** Rounding bounds of low precision: correct float32, float16 and bfloat16 pass; errors of ten times the bound fail. */
import { clockwork, diagnose, elman, gru, jordan, lstm } from '../index';
import { mutate } from '../bptt/check/mutants';
import { randomQuestion } from '../referee/cases';
import { Case } from '../referee/diagnose';
import { equations } from '../core/equations/equations';
import { Program } from '../core/programs/program';
import { tensor, zeros } from '../core/tensor';
import { ErrorBoundExecutor, isRepresentable, precisions, type Precision } from '../referee/errorbound';
import { roundedEach } from './reordered';
import { round } from './lowprecision';
import { ask } from './questions';

const sizes = { input: 4, hidden: 7 };
const cells = [
  lstm(sizes),
  gru(sizes),
  gru({ ...sizes, reset: 'before' }),
  elman({ ...sizes, activation: 'relu' }),
  jordan({ input: 4, hidden: 7, output: 3 }),
  clockwork({ input: 4, hidden: 6, periods: [1, 2, 4] }),
];
const low: Precision[] = ['float32', 'float16', 'bfloat16'];

describe('rounding to a number format', () => {
  it('is that of the hardware for float32', () => {
    for (const value of [0.1, -1 / 3, 1e-40, 1e-46, 12345.678, 2 ** -149])
      expect(round(value, precisions.float32)).toBe(Math.fround(value));
  });

  it('knows the numbers that a format holds', () => {
    expect(isRepresentable(precisions.bfloat16, 1 + 2 ** -7)).toBe(true);
    expect(isRepresentable(precisions.bfloat16, 1 + 2 ** -8)).toBe(false);
    expect(isRepresentable(precisions.float16, -3 * 2 ** -20)).toBe(true);
    expect(isRepresentable(precisions.float16, 1 / 3)).toBe(false);
  });
});

describe('a sum over steps', () => {
  it('keeps the error of a term that is 0 here, but may be 1 in the other computation', () => {
    const { statements } = equations(
      'kink',
      'a, b [1, 1]   writes y [1, 1]',
      'y = step(a - b)', // a and b are rounded, so either side is possible
    );
    const [a, b, y, out] = [tensor([1], [1, 1]), tensor([1 + 2 ** -12], [1, 1]), zeros([1, 1]), zeros([1])];
    const program = new Program();
    program.pointwise(statements[0], { a, b, y });
    for (let step = 0; step < 3; step++)
      program.sumRows(step === 0 ? y : zeros([1, 1]), out, { accumulate: true });
    const executor = new ErrorBoundExecutor(precisions.bfloat16);
    program.bind(executor)();
    expect(out.get(0)).toBe(0);
    expect(executor.of(out)[0]).toBeGreaterThanOrEqual(1);
  });
});

describe('where the bound of float32 exceeds the gradients', () => {
  const one = new Case(randomQuestion({ T: 10, B: 3, D: 16, H: 32, scale: 0.2 }, lstm, 1));
  const { dWx } = one.ours;
  const largest = Math.max(...dWx.map(Math.abs));

  it('it is wider than they are', () => {
    expect(Math.max(...one.tolerances('float32').dWx)).toBeGreaterThan(largest);
  });

  it('a large error is unexplained, in numbers of either format', () => {
    const wrong = dWx.map((v, k) => (k % 3 === 0 ? v + 0.3 * largest : v));
    expect(one.judge({ dWx: wrong }, 'float64').verdict).toBe('unexplained');
    expect(one.judge({ dWx: wrong.map(Math.fround) }, 'float64').verdict).toBe('unexplained');
  });

  it('a mistake that changes nothing explains nothing: a small error in other numbers is unexplained', () => {
    const moved = dWx.map((v, k) => (k === 1 ? v + 1e-4 * largest : v));
    expect(one.judge({ dWx: moved }, 'float64').verdict).toBe('unexplained');
  });

  it('numbers of float32 are undecided, and right once they are declared', () => {
    const given = { dWx: dWx.map(Math.fround) };
    const { verdict, message } = one.judge(given, 'float64');
    expect([verdict, message]).toEqual([
      'undecided',
      expect.stringMatching(/^your gradients are numbers of float32/),
    ]);
    expect(one.judge(given, 'float32').message).toBe(
      'your gradients are right, but float32 is too coarse to judge dWx',
    );
  });

  it('numbers printed with nine digits may be of float32, those with ten are not', () => {
    const printed = (digits: number): number[] => dWx.map((v) => Number(Math.fround(v).toPrecision(digits)));
    expect(one.judge({ dWx: printed(9) }, 'float64').verdict).toBe('undecided');
    expect(one.judge({ dWx: printed(10) }, 'float64').verdict).toBe('unexplained');
  });
});

/** One case for all precisions: it keeps the mistakes that it has tried. */
const short = new Case(ask(lstm(sizes), { T: 2 }));

describe.each(low)('%s', (precision) => {
  it('computed honestly is right', () => {
    for (const seed of [1, 4])
      for (const cell of cells) {
        const [T, B] = [1 + (seed % 5), 1 + (seed % 4)];
        const question = ask(cell, { T, B, seed });
        const one = new Case(question);
        const { values, gradients } = roundedEach(question, precision);
        const found = [one.judgeValues(values, precision), one.judge(gradients, precision)];
        expect([cell.name, seed, ...found.map(({ verdict }) => verdict)]).toEqual([
          ...[cell.name, seed, 'right', 'right'],
        ]);
        // it does not pass as float64
        expect(one.firstParting(values, gradients, 'float64')).not.toBe('');
      }
  });

  it('says what it is too coarse to judge', () => {
    const question = ask(lstm(sizes), { T: 6 });
    const one = new Case(question);
    const { message } = one.judge(roundedEach(question, precision).gradients, precision);
    expect(message).toMatch(
      precision === 'float32'
        ? /^your gradients are right$/
        : new RegExp(`^your gradients are right, but ${precision} is too coarse to judge .*dWx, dWh, db`),
    );
    // 0 would pass as well
    const nothing = { dWx: one.ours.dWx.map(() => 0) };
    expect(one.judge(nothing, precision).verdict === 'right').toBe(precision !== 'float32');
  });

  it('ten times as far off as its bound is not right', () => {
    const limits = short.tolerances(precision);
    for (const [name, values] of Object.entries(short.ours)) {
      const moved = values.map((v, k) => (k === 1 ? v + 10 * limits[name][k] : v));
      const { verdict, differences } = short.judge({ [name]: moved }, precision);
      expect(verdict).not.toBe('right');
      expect(differences.map(({ quantity }) => quantity)).toEqual([name]);
    }
  });

  it('passed off as float64 is named', () => {
    const question = ask(gru(sizes), { T: 2 });
    const { gradients } = roundedEach(question, precision);
    const { verdict, message } = diagnose({ ...question, gradients });
    // already over two steps, the bound of bfloat16 reaches half of a gradient
    const expected = precision === 'bfloat16' ? 'undecided' : 'rounding';
    expect([verdict, message]).toEqual([expected, expect.stringContaining(precision)]);
  });

  it('still shows planted mistakes', () => {
    const { mutants } = mutate(short.subject);
    const hidden = mutants.filter(({ backward }) => {
      short.subject.run();
      return short.firstParting({}, short.subject.gradients(backward), precision) === '';
    });
    const slight = mutants.filter(({ what }) => what.includes('1.001'));
    // half precision cannot show a factor of 1.001, and the 8 bits of bfloat16 hide half of the other mistakes as well
    const hides = precision === 'float32' ? [] : slight;
    expect(hidden).toEqual(expect.arrayContaining(hides));
    expect(hidden.length - hides.length).toBeLessThanOrEqual(precision === 'bfloat16' ? 70 : 0);
    expect(mutants.length).toBeGreaterThan(150);
  });
});
