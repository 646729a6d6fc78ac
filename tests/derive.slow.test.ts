/** The exercises in deriving backward passes: a wrong line is marked in each. */
import { derivationOf } from '../playground/engine/derive';

/** The lines of the answer, one after the other, as a learner can ask for them. */
function answerOf(name: string): string[] {
  const lines: string[] = [];
  for (;;) {
    const next = derivationOf(name).next(lines.join('\n'));
    if (next === undefined) return lines;
    expect(lines).not.toContain(next);
    lines.push(next);
  }
}
const verdicts = (name: string, ...lines: string[]): string[] =>
  derivationOf(name)
    .judge(lines.join('\n'), 'quantity')
    .lines.map(({ verdict }) => verdict);

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
