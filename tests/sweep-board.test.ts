/** What a terminal gets to see while a sweep runs. */
import { Board } from '../cli/sweep/board';
import type { Trial } from '../cli/sweep/config';

/** No line may be cut at the edge: the reason of a failure mostly stands beyond it. */
const NO_WRAPPING = '\x1b[?7l';

test('what is said above the rows is shown whole, however narrow the terminal, and nothing of a row remains beside it', () => {
  jest.useFakeTimers();
  let shown = '';
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    shown += String(text);
    return true;
  });
  const was = [process.stderr.isTTY, process.stderr.columns] as const;
  Object.assign(process.stderr, { isTTY: true, columns: 40 });
  try {
    const trial = { id: 'a', label: 'lstm, hidden 16, seed 0' } as Trial;
    const board = new Board([trial], 2);
    board.moved(trial, { done: 0.25, bits: 3 });
    const message = 'memory: there must be room for it, got less than that by a long way';
    board.say(`${trial.label}: failed: ${message}\n  fix: a smaller one`);
    jest.advanceTimersByTime(1000);
    board.close();
    expect(shown).toContain(
      `lstm, hidden 16, seed 0: failed: ${message}\x1b[K\n  fix: a smaller one\x1b[K\n`,
    );
    expect(shown).toMatch(/lstm, hidde… +25 % +3\.00 bits\/char/);
    expect(shown).not.toContain(NO_WRAPPING);
  } finally {
    write.mockRestore();
    jest.useRealTimers();
    Object.assign(process.stderr, { isTTY: was[0], columns: was[1] });
  }
});
