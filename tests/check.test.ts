import { must, mustBe, mustBeOneOf, mustCount, mustKnowKeys, mustShape } from '../core/check';

/** The error thrown, as its kind and its words. */
const thrown = (act: () => void): string => {
  try {
    act();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing';
};

test('the form is `where: what must hold, got what (where that comes from)`', () => {
  expect(thrown(() => must(false, 'lstm', 'T must be positive', -1, 'T = -1'))).toBe(
    'RangeError: lstm: T must be positive, got -1 (T = -1)',
  );
  expect(thrown(() => mustBe(false, 'lstm', 'x must be a tensor', 3))).toBe(
    'TypeError: lstm: x must be a tensor, got 3',
  );
  expect(thrown(() => must(true, '', '', 0))).toBe('nothing');
  expect(thrown(() => mustBe(true, '', '', 0))).toBe('nothing');
});

test.each<[unknown, string]>([
  ['text', 'text'],
  ['', "''"],
  ['a'.repeat(100), `${'a'.repeat(77)}…`],
  [[1, 2, 3, 4, 5, 6], '[1, 2, 3, 4, 5, 6]'],
  [[1, 2, 3, 4, 5, 6, 7], '[1, 2, 3, 4, 5, 6, …]'],
  [{ secret: 1, other: 2 }, 'an object of secret, other'],
  [{}, 'an object'],
  [Object.create(null), 'an object'],
  [new Map([[1, 2]]), 'a Map'],
  [Promise.resolve(1), 'a Promise'],
  [new Int16Array(3), 'an Int16Array of 6 bytes'],
  ['1.5', "the string '1.5'"],
  [' ', ' '],
  [() => 0, 'a function'],
  [null, 'null'],
  [undefined, 'undefined'],
  [NaN, 'NaN'],
  [true, 'true'],
  [10n, '10n'],
  [Symbol('s'), 'Symbol(s)'],
])('%#: what was got is shown short', (got, shown) => {
  expect(thrown(() => must(false, 'here', 'it must be right', got))).toBe(
    `RangeError: here: it must be right, got ${shown}`,
  );
});

test('counts are whole numbers of at least 1, or of what is asked', () => {
  for (const good of [1, 7, 2 ** 40]) expect(thrown(() => mustCount(good, 'here', 'T'))).toBe('nothing');
  expect(thrown(() => mustCount(0, 'here', 'T', 0))).toBe('nothing');
  for (const bad of [0, -1, 1.5, NaN, Infinity, undefined]) {
    expect(thrown(() => mustCount(bad, 'here', 'T'))).toBe(
      `RangeError: here: T must be a whole number >= 1, got ${bad}`,
    );
  }
  expect(thrown(() => mustCount(-1, 'here', 'T', 0))).toMatch('>= 0, got -1');
});

test('shapes agree in every axis', () => {
  expect(thrown(() => mustShape([2, 3], [2, 3], 'here', 'x'))).toBe('nothing');
  expect(thrown(() => mustShape([2, 5], [2, 3], 'lstm.step', 'x', 'D = 3 is fixed by Wx [3, 16]'))).toBe(
    'RangeError: lstm.step: x must be [2, 3], got [2, 5] (D = 3 is fixed by Wx [3, 16])',
  );
  expect(thrown(() => mustShape([2], [2, 3], 'here', 'x'))).toMatch('x must be [2, 3], got [2]');
  expect(thrown(() => mustShape([2, 3, 1], [2, 3], 'here', 'x'))).toMatch('got [2, 3, 1]');
});

test('names are among those allowed, and come back with their type', () => {
  expect(mustBeOneOf('b', ['a', 'b'], 'here', 'the letter')).toBe('b');
  expect(thrown(() => mustBeOneOf('c', ['a', 'b'], 'here', 'the letter'))).toBe(
    'TypeError: here: the letter must be one of a, b, got c',
  );
});

test('a misspelled option is never ignored', () => {
  expect(thrown(() => mustKnowKeys({ hidden: 3 }, ['hidden', 'input'], 'lstm'))).toBe('nothing');
  expect(thrown(() => mustKnowKeys({ hiden: 3 }, ['hidden', 'input'], 'lstm'))).toBe(
    'TypeError: lstm: options must be among hidden, input, got hiden (did you mean hidden?)',
  );
});
