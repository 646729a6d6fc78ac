/** The exercises in deriving backward passes: a wrong line is marked in each. */
import { answerOf, verdicts } from './derivations';

test.each([
  ['squash', 0, 6],
  ['elman', 0, 7],
  ['gru', 7, 8],
  ['peepholes', 2, 3],
  ['softmax', 5, 6],
  ['clip', 1, 4],
])('%s: a line with a wrong sign is the one that is marked', (name, from, to) => {
  const lines = answerOf(name);
  for (let k = from; k < to; k++) {
    const broken = lines.map((line, at) => (at === k ? line.replace(/\b(d\w+)(?!.*\bd)/, '(-$1)') : line));
    expect(broken[k]).not.toBe(lines[k]);
    expect([broken[k], verdicts(name, ...broken)]).toEqual([
      broken[k],
      lines.map((_, at) => (at === k ? 'wrong' : 'right')),
    ]);
  }
});
