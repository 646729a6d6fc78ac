/** A cell of the user's own on the page: texts to start from, its check, training, link and checkpoint. */
import { checkCell, repairsOf, templates } from '../playground/engine/own';
import { leaky } from '../playground/engine/leaky';
import { load } from '../playground/engine/load';
import { Session } from '../playground/engine/session';
import { fromLink, settingsFor, toLink, usesOwn, type PageSettings } from '../playground/engine/settings';
import { choiceNames, choiceOf } from '../cells/kinds';
import { cellFromText, textOfCell } from '../cells/text';

const small: PageSettings = {
  ...settingsFor('text'),
  hidden: 12,
  batch: 4,
  seq: 12,
  window: 12,
  cell: 'own',
};
const textOf = (name: string): string => templates().find((one) => one.name === name)?.text ?? '';

describe('the text of a cell', () => {
  const fits = [
    'elman',
    'elman-relu',
    'elman-sigmoid',
    'lstm',
    'lstm-peepholes',
    'lstm-norm',
    'lstm1997',
    'lstm1997-truncated',
    'gru',
    'gru-before',
    'mingru',
    'minlstm',
    'diagonal',
    'diagonal-signed',
    'dense',
  ];

  test('all cells whose shapes are of D and H can be started from', () => {
    expect(templates().map(({ name }) => name)).toEqual(['leaky', ...fits]);
    for (const name of choiceNames().filter((one) => !fits.includes(one))) {
      const cell = choiceOf(name)?.make({ input: 3, hidden: 4 });
      expect(() => textOfCell(cell!)).toThrow(/^textOfCell: the (cell must be made from|shapes of the cell)/);
    }
  });

  test.each(fits)('%s reads back as the same equations', (name) => {
    const cell = choiceOf(name)!.make({ input: 3, hidden: 4 });
    const again = cellFromText({ input: 3, hidden: 4, equations: textOfCell(cell) });
    const bare = (text = ''): string => text.replace(/#.*/g, '').replace(/\s+/g, ' ').trim();
    for (const part of ['shapes', 'forward', 'backward', 'jacobian'] as const)
      expect(bare(again.equations?.[part])).toBe(bare(cell.equations?.[part]));
    expect(again.states).toEqual(cell.states);
    expect(textOfCell(again)).toBe(textOfCell(cell));
  });
});

describe('the check of a text', () => {
  test('right gradients are proved, the Jacobian where it is stated', () => {
    expect(checkCell(leaky)).toMatchObject({ name: 'leaky', ok: true });
    expect(checkCell(textOf('gru'))).toMatchObject({ ok: true, jacobian: 'right' });
  });

  test('one step shows which gradient lacks a path that spoils all of them over several', () => {
    const wrong = leaky.replace(' + dz @ Wh.T', '');
    const report = checkCell(wrong);
    if (report.error) throw new Error(report.error.message);
    expect(report.ok).toBe(false);
    const verdicts = (of: 'one' | 'several') =>
      report.gradients.filter((row) => row[of] === 'wrong').map(({ name }) => name);
    expect(verdicts('one')).toEqual(['dh0']);
    expect(verdicts('several')).toEqual(['dWx', 'dWh', 'db', 'dx', 'dh0']);
  });

  test('a change of one line that makes it right is found, with its line in the text', () => {
    const sum = `cell sum
shapes
  x [D]   states h [H]   parameters Wx [D, H]
forward
  h = hPrev + x @ Wx
backward
  dh = dhOut
  dhPrev = dh
  dx = dh @ Wx.T
  dWx += x.T @ dh`;
    expect(repairsOf(sum)).toEqual(['line 7: dh = dhOut would be right with `+ dhNext`']);
  });

  test('a wrong Jacobian is wrong, although every gradient is right', () => {
    const wrong = textOf('elman').replace(/(jacobian\n.*?)\(1 /s, '$1(2 ');
    expect(wrong).not.toBe(textOf('elman'));
    expect(checkCell(wrong)).toMatchObject({ ok: false, jacobian: 'wrong' });
  });

  test.each([
    ['', 1, 1, 'the text must begin with: cell NAME'],
    [leaky.replace('dhOut', 'dhOot'), 12, 8, 'unknown name "dhOot" (did you mean dhOut?)'],
    [leaky.replace('x [D]', 'x [Q]'), 8, 14, 'inner sizes must agree'],
    [leaky.replace(/ {2}db.*\n/, ''), 19, 1, 'db'],
  ])('an error has its line and column: %#', (text, line, column, words) => {
    const { error } = checkCell(text);
    expect([error?.line, error?.column]).toEqual([line, column]);
    expect(error?.message).toContain(words);
  });
});

describe('training', () => {
  const losses = (session: Session, steps: number): number[] =>
    Array.from({ length: steps }, () => session.step()[0].loss);

  test('the text of a built-in cell trains to the same numbers as the cell', () => {
    const own = new Session({ ...small, equations: textOf('gru') });
    expect(losses(own, 5)).toEqual(losses(new Session({ ...small, cell: 'gru' }), 5));
    expect(own.started.runs[0].cell).toBe('gru');
  });

  test('it trains beside another cell, in several layers and both directions', () => {
    const session = new Session({ ...small, against: 'lstm', layers: 2, bidirectional: true });
    expect(session.step()).toHaveLength(2);
    expect(session.started.runs.map(({ cell }) => cell)).toEqual(['leaky', 'lstm']);
    expect(session.trace(0, 0).layers.map(({ tracks }) => Object.keys(tracks).includes('h'))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  test('a checkpoint carries the equations and continues as if it had never been saved', () => {
    const session = new Session({
      ...small,
      equations: leaky.replaceAll('0.9', '0.8').replaceAll('0.1', '0.2'),
    });
    losses(session, 4);
    const { session: loaded } = load(session.checkpoint(0, []), settingsFor('sine'));
    expect(loaded.settings).toEqual(session.settings);
    expect(losses(loaded, 4)).toEqual(losses(session, 4));
  });

  test('equations with an error start no run, and the message has the position', () => {
    expect(() => new Session({ ...small, equations: leaky.replace('tanh', 'tann') })).toThrow(
      /leaky, forward, line 8, column 7: unknown function "tann" \(did you mean tanh\?\)/,
    );
  });
});

describe('the link', () => {
  const other = { ...small, equations: textOf('gru') };

  test('holds the equations only where they are used', () => {
    expect(fromLink(toLink(other)).settings).toEqual(other);
    expect(toLink({ ...other, cell: 'lstm' })).not.toContain('equations');
    expect(toLink({ ...other, cell: 'lstm', against: 'own' })).toContain('equations');
    expect([other, { ...other, cell: 'lstm' }].map(usesOwn)).toEqual([true, false]);
  });

  test('long equations are kept beside it', () => {
    const long = { ...other, equations: `${leaky}${'# more\n'.repeat(1000)}` };
    expect(toLink(long)).not.toContain('equations');
    expect(fromLink(toLink(long), { text: long.text, equations: long.equations }).settings).toEqual(long);
  });
});
