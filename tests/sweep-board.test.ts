/** The terminal display of a running sweep. */
import { Board } from '../sweep/board';
import type { Trial } from '../sweep/config';
import { wrap } from '../terminal/wrap';

describe('a terminal of 40 columns', () => {
  const trial = { id: 'a', label: 'lstm, hidden 16, seed 0' } as Trial;
  const { isTTY, columns } = process.stderr;
  let shown: string;
  beforeEach(() => {
    jest.useFakeTimers();
    shown = '';
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      shown += String(text);
      return true;
    });
    Object.assign(process.stderr, { isTTY: true, columns: 40 });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
    Object.assign(process.stderr, { isTTY, columns });
  });

  it('shows what is said whole, and the rows again below it, also those that have not moved', () => {
    const board = new Board([trial], 2);
    board.moved(trial, { done: 0.25, bits: 3 });
    jest.advanceTimersByTime(1000);
    shown = '';
    const message = `${trial.label}: failed: memory: there must be room for it, got less by a long way`;
    board.say(message);
    jest.advanceTimersByTime(100);
    board.close();
    const broken = wrap(message, 40);
    expect(broken.split('\n')).toHaveLength(3);
    const [above, below] = shown.split(`${broken}\n`);
    expect(above.endsWith('\x1b[J')).toBe(true);
    const [total, row] = below.split('\n');
    expect(total).toContain('  50 %  trial 1 of 2');
    expect(row).toContain('lstm, hidde…   25 %  3.00 bits/char');
    // a terminal without line wrapping cuts lines at its edge
    expect(shown).not.toContain('\x1b[?7l');
  });

  it('shows what is said last of all', () => {
    const board = new Board([trial], 1);
    board.say('the workers go on');
    board.close();
    expect(shown.endsWith('\x1b[Jthe workers go on\n')).toBe(true);
  });
});
