/** The answer of an exercise of the playground's tab "Derive", and the verdicts on given lines. */
import { derivationOf } from '../playground/engine/derive';

/** The lines of the answer, one after the other, as a learner can ask for them. */
export function answerOf(name: string): string[] {
  const lines: string[] = [];
  for (;;) {
    const next = derivationOf(name).next(lines.join('\n'));
    if (next === undefined) return lines;
    expect(lines).not.toContain(next);
    lines.push(next);
  }
}
export const verdicts = (name: string, ...lines: string[]): string[] =>
  derivationOf(name)
    .judge(lines.join('\n'), 'quantity')
    .lines.map(({ verdict }) => verdict);
