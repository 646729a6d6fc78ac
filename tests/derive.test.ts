/** Derivation exercises: right lines are recognized in any form, and each wrong line is found. */
import { derivationOf, exerciseNames } from '../playground/engine/derive';
import { answerOf, verdicts } from './derivations';

test.each(exerciseNames)('%s: its answer solves it, and nothing less does', (name) => {
  const derivation = derivationOf(name);
  const { wanted } = derivation.exercise;
  expect(derivation.judge('', 'quantity')).toEqual({ lines: [], missing: wanted, solved: false });
  const lines = answerOf(name);
  const judged = derivation.judge(lines.join('\n'), 'quantity');
  expect(judged.lines.filter(({ verdict }) => verdict !== 'right')).toEqual([]);
  expect(judged).toMatchObject({ missing: [], solved: true });
  expect(derivation.judge(lines.slice(0, -1).join('\n'), 'quantity').solved).toBe(false);
});

test('another form of a right line is right', () => {
  expect(
    verdicts(
      'elman',
      'slope = (1 - h) * (1 + h)',
      'dz = slope * dhOut + dhNext * slope  # the two paths apart',
      'dx = dz @ Wx.T',
      'dhPrev = dz @ Wh.T * 1',
      'dWh += hPrev.T @ dz',
      'dWx += x.T @ dz',
      'db += sum(dz)',
    ),
  ).toEqual(Array(7).fill('right'));
});

test('a line that nothing reads yet waits for the line that reads it', () => {
  const first = ['dh = dhOut + dhNext', 'dtc = dh * o'];
  expect(verdicts('lstm', ...first)).toEqual(['right', 'unused']);
  expect(verdicts('lstm', ...first, 'dc = dcNext + dtc * (1 - tc * tc)')).toEqual([
    'right',
    'right',
    'right',
  ]);
  expect(verdicts('lstm', ...first, 'dc = dcNext + dtc * (1 - tc)')).toEqual(['right', 'unused', 'wrong']);
});

test('a gradient of several paths may be added up in several lines', () => {
  const before = ['dh = dhOut + dhNext', 'dz = dh * hPrev * g * (1 - g)'];
  expect(verdicts('gate', ...before, 'dhPrev = dh * g', 'dx = dz @ W.T', 'dW += x.T @ dz')).toEqual(
    Array(5).fill('right'),
  );
  expect(verdicts('gate', 'dhPrev = dhOut * g', 'dhPrev += dhNext * g')).toEqual(['right', 'right']);
});

test('of several paths, each is right so far in any form, and the next line is another one', () => {
  const before = ['dh = dhOut + dhNext', 'dw = dh @ E.T', 'wdw = w * dw', 'mean = sum(wdw, axis=1)'];
  const lines = [...before, 'dscore = w * dw - w * mean', 'dE += (2 * dscore - dscore).T @ hPrev'];
  expect(verdicts('attention', ...lines).at(-1)).toBe('partial');
  const next = derivationOf('attention').next([...lines, 'dhPrev = dscore @ E'].join('\n'));
  expect(next).toBe('dE += w.T @ dh');
  expect(verdicts('attention', ...lines, next!).slice(-2)).toEqual(['right', 'right']);
});

test('hints come in three steps', () => {
  const hintOf = (level: 'quantity' | 'kind' | 'correction') =>
    derivationOf('elman').judge('dh = dhOut', level).lines[0].hint;
  expect(hintOf('quantity')).toBe('dh is not right.');
  expect(hintOf('kind')).toBe('dh is not right: look at what dh is made of: every path and every factor.');
  expect(hintOf('correction')).toBe(
    'dh is not right: your gradients equal ours without the term dhNext in dh (the line is dh = dhOut + dhNext).',
  );
});

test.each([
  ['dh = dhOut + dhNxt', 'unknown name "dhNxt" (did you mean dhNext?)'],
  ['dh = dhOut +', 'expected a value, got the end of the line'],
  ['dhPrev = dhOut @ Wx', 'dhOut [B, H] @ Wx [D, H]: inner sizes must agree'],
  ['hello', /./],
  ['dh = '.padEnd(3000, '('), /./],
  ['h = x', /./],
])('line %#: cannot be judged, and why', (line, hint) => {
  const [judged] = derivationOf('elman').judge(line, 'kind').lines;
  expect(judged).toMatchObject({
    verdict: 'unread',
    hint: expect.stringMatching(hint instanceof RegExp ? hint : /.*/) as string,
  });
  if (typeof hint === 'string') expect(judged.hint).toBe(hint);
});

test('two paths may be added up apart, in lines of the learner’s own', () => {
  expect(verdicts('product', 'dW += x.T @ dhOut', 'dW += x.T @ dhNext')).toEqual(['right', 'right']);
  expect(verdicts('product', 'dW += x.T @ dhOut', 'dW += x.T @ dhOut')).toEqual(['wrong', 'wrong']);
});

test('a mistake that no single change explains is told by the lines that read the value, then by the answer', () => {
  const hintOf = (level: 'kind' | 'correction'): string | undefined =>
    derivationOf('elman').judge('dh = dhOut + dhNext\ndz = h * dh', level).lines[1].hint;
  expect(hintOf('kind')).toBe('dz is not right: look at where z is read: h = tanh(z).');
  expect(hintOf('correction')).toBe('dz is not right: the line is dz = dh * (1 - h * h).');
});

test('a line that cannot be read says at which column', () => {
  const columns = (...lines: string[]): (number | undefined)[] =>
    derivationOf('elman')
      .judge(lines.join('\n'), 'kind')
      .lines.map(({ column }) => column);
  expect(columns('  dh = dhOut ^ 2', 'dz = 3 4')).toEqual([12, 8]);
  expect(columns('dh = dhOut + dhNext', 'dz = dh * hh')).toEqual([undefined, 11]);
});

test('a gradient whose name is misspelled is no line that waits for a reader', () => {
  const hintOf = (line: string): string | undefined =>
    derivationOf('elman').judge(line, 'kind').lines[0].hint;
  expect(hintOf('dhprev = dhOut')).toBe('did you mean dhPrev?');
  expect(hintOf('dhPrv = dhOut')).toBe('did you mean dhPrev?');
  expect(hintOf('dwx += x.T @ dhOut')).toBe('did you mean dWx?');
  // a name of the learner's own
  expect(hintOf('dq = dhOut')).toBeUndefined();
});

test('an unknown exercise is refused by name', () => {
  expect(() => derivationOf('chess')).toThrow(/^playground: the exercise must be one of product, squash/);
});

test('no hint counts lines that the learner does not see', () => {
  const [wrong] = derivationOf('clip')
    .judge('dh = dhOut + dhNext\ndz = dh * step(z + 1) * step(1 - z)\ndW += x.T @ dh', 'correction')
    .lines.filter(({ verdict }) => verdict === 'wrong');
  expect(wrong.hint).toContain('one of these');
  expect(wrong.hint).not.toMatch(/line \d/);
});
