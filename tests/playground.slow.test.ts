/** The page's gradient check detects every planted mistake, in every cell. */
import { Checker } from '../playground/engine/check';
import { kinds } from '../cells/kinds';
import { settingsFor, type Settings } from '../playground/engine/settings';

const small: Settings = { ...settingsFor('text'), hidden: 12, batch: 4, seq: 12, window: 12 };

describe('check', () => {
  const cases: Partial<Settings>[] = [
    ...kinds.names.map((cell) => ({ cell })),
    { cell: 'lstm', layers: 2 },
    { cell: 'clockwork', bidirectional: true },
  ];
  test.each(cases)('%j: all gradients agree, and every planted mistake is caught', (some) => {
    const checker = new Checker({ ...small, ...some });
    const verdicts = (mistake: number): Set<string> =>
      new Set(
        Object.values(checker.examine(mistake))
          .flat()
          .map(({ verdict }) => verdict),
      );
    expect(verdicts(-1)).toEqual(new Set(['right']));
    expect(checker.mistakes.length).toBeGreaterThan(70);
    expect(checker.mistakes.filter((_, mistake) => !verdicts(mistake).has('wrong'))).toEqual([]);
  });
});
