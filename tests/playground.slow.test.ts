/** The page's gradient check detects every planted mistake, in every cell, and those of the collection. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checker, tell } from '../playground/engine/check';
import { kinds } from '../cells/kinds';
import { settingsFor, type PageSettings } from '../playground/engine/settings';

const small: PageSettings = { ...settingsFor('text'), hidden: 12, batch: 4, seq: 12, window: 12 };

describe('check', () => {
  const cases: Partial<PageSettings>[] = [
    ...kinds.names.map((cell) => ({ cell })),
    { cell: 'lstm', layers: 2 },
    { cell: 'clockwork', bidirectional: true },
  ];
  test.each(cases)('%j: all gradients agree, and every planted mistake is caught', (some) => {
    const checker = Checker.of({ ...small, ...some });
    const verdicts = (mistake: number): Set<string> =>
      new Set(
        Object.values(checker.weights(mistake))
          .flat()
          .map(({ verdict }) => verdict),
      );
    const proof = (mistake: number): Set<string> =>
      new Set(Object.values(checker.examine(mistake).proof.verdicts).map(({ verdict }) => verdict));
    expect(proof(-1)).toEqual(new Set(['right']));
    for (const mistake of [0, 7, 40]) expect(proof(mistake).has('wrong')).toBe(true);
    expect(verdicts(-1)).toEqual(new Set(['right']));
    // the backward pass of a dense layer is short, and no step reads its state: dhNext is always 0
    const isDense = 'cell' in some && some.cell === 'dense';
    expect(checker.mistakes.length).toBeGreaterThan(isDense ? 60 : 70);
    const unseen = isDense
      ? ['drop', 'flip', 'scale by 1.001'].map((what) => `right of add (dhOut + dhNext): ${what}`)
      : [];
    expect(checker.mistakes.filter((_, mistake) => !verdicts(mistake).has('wrong'))).toEqual(unseen);
    // a mistake without an effect is said to have none, and why
    const hidden = checker.mistakes.flatMap((what, mistake) => {
      const hiddenBy = checker.hiddenBy(mistake);
      return hiddenBy ? [[what, hiddenBy]] : [];
    });
    expect(hidden).toEqual(unseen.map((what) => [what, ['dhNext']]));
  });

  const folder = join(__dirname, '..', 'examples', 'mistakes');
  test.each(readdirSync(folder))('%s is seen by each oracle, and diagnosed', (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const { weights, proof } = Checker.ofMistake(text).examine(-1);
    const all = Object.values(weights).flat();
    expect(all.some(({ by }) => by.differences.verdict === 'wrong')).toBe(true);
    expect(all.some(({ by }) => by.forwardMode.verdict === 'wrong')).toBe(true);
    expect(Object.values(proof.verdicts).some(({ verdict }) => verdict === 'wrong')).toBe(true);
    const { facts, equations, diagnosis } = tell(text);
    expect(facts.Source).toMatch(/^https:/);
    expect(equations).toMatch(/^cell /);
    expect(facts.Diagnosis.split(' | ').filter((words) => diagnosis.includes(words))).not.toEqual([]);
  });
});
