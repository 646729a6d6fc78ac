/** Rounding bounds of low precision: correct float32, float16 and bfloat16 pass; errors of ten times the bound fail. */
import { clockwork, diagnose, elman, gru, jordan, lstm } from '../index';
import { mutate } from '../bptt/check/mutants';
import { Case } from '../referee/diagnose';
import { equations } from '../core/equations/equations';
import { Program } from '../core/program';
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
    expect([verdict, message]).toEqual(['rounding', expect.stringContaining(precision)]);
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
