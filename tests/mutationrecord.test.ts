/** The record that `npm run mutate` writes: what counts as noticed, and the interval of a sample. */
import { countStatuses, mutantStatus, interval, record, type Mutant } from '../scripts/mutation-record';

const mutant = (code: string, file = 'cells/x.ts'): Mutant => ({
  ...{ file, line: 7, mutatorName: 'StringLiteral', code, replacement: '""', nth: 0 },
});
const equivalent = mutant("const small = weightInit('uniform', H, 'lstm');", 'cells/lstm.ts');
const numbers = { scope: 'cells', noticed: 17, endless: 1, refused: 4, survived: [mutant('a'), equivalent] };

test('only an endless loop that was counted is noticed, never what the clock stopped', () => {
  expect(mutantStatus('Timeout', 'Hit limit reached (501/500)')).toBe('endless');
  expect(mutantStatus('Timeout', 'processor time')).toBe('endless');
  expect(mutantStatus('Timeout', 'time')).toBe('timed out');
  expect(mutantStatus('Timeout')).toBe('timed out');
  expect(mutantStatus('Killed')).toBe('noticed');
  expect(mutantStatus('NoCoverage')).toBe('survived');
  expect(mutantStatus('RuntimeError')).toBe('refused');
});

test('the score leaves out refused and equivalent mutants', () => {
  expect(countStatuses(numbers)).toEqual({ noticed: 18, equivalent: 1, survived: 1, score: '94.7' });
});

test("a sample's interval is Wilson's", () => {
  // Wilson 1927, as R computes it: prop.test(90, 100, correct = FALSE)
  expect(interval(90, 100)).toBe('82.6–94.5');
  expect(interval(40, 40)).toBe('91.2–100.0');
});

test('the record states each score, each survivor and why one is equivalent', () => {
  const first = { date: '2026-01-02', noticed: 16, equivalent: 1, survived: 3, score: '84.2' };
  const text = record([{ ...numbers, of: 300, mutants: 24, date: '2026-01-03', first }]);
  expect(text).toContain('- cells: 94.7 %, 18 of 19; 95 % interval 75.4–99.1 %; 24 drawn from 300');
  expect(text).toContain('| cells | 2026-01-03 | 24 | 18 | 1 | 4 | 1 | 1 | 84.2 | 94.7 |');
  expect(text).toContain('- cells/x.ts, line 7, StringLiteral: `a` with `""`\n');
  expect(text).toMatch(/- cells\/lstm.ts, line 7, .* with `""`\. Equivalent: .*unknown initializer/);
});
