/** Rounding bounds of low precision: correct float32, float16 and bfloat16 pass; errors of ten times the bound fail. */
import { clockwork, diagnose, elman, gru, jordan, lstm, type Question } from '../index';
import { mutate } from '../bptt/check/mutants';
import { Case } from '../referee/diagnose';
import { holds, precisions, type Precision } from '../referee/errorbound';
import { Subject, type Named } from '../referee/subject';
import { lowPrecision, round } from './lowprecision';
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

/** Outputs and gradients with every operation rounded. */
function computed(question: Question, precision: Precision): { values: Named; gradients: Named } {
  const subject = new Subject(question);
  const executor = lowPrecision(precisions[precision]);
  subject.forward.bind(executor)();
  const values = subject.outputs();
  subject.clear();
  subject.backward.bind(executor)();
  return { values, gradients: subject.read() };
}

describe('rounding to a number format', () => {
  it('is that of the hardware for float32', () => {
    for (const value of [0.1, -1 / 3, 1e-40, 1e-46, 12345.678, 2 ** -149])
      expect(round(value, precisions.float32)).toBe(Math.fround(value));
  });

  it('knows the numbers that a format holds', () => {
    expect(holds(precisions.bfloat16, 1 + 2 ** -7)).toBe(true);
    expect(holds(precisions.bfloat16, 1 + 2 ** -8)).toBe(false);
    expect(holds(precisions.float16, -3 * 2 ** -20)).toBe(true);
    expect(holds(precisions.float16, 1 / 3)).toBe(false);
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
        const { values, gradients } = computed(question, precision);
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
    const { message } = one.judge(computed(question, precision).gradients, precision);
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
    const { gradients } = computed(question, precision);
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
