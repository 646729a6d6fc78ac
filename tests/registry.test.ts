import { Registry } from '../core/registry';

const colors = (): Registry<number> => {
  const registry = new Registry<number>('the color');
  registry.add('red', 1, 'paint');
  registry.add('green', 2, 'paint');
  return registry;
};

test('lists and finds what was added, in order', () => {
  const registry = colors();
  expect(registry.names).toEqual(['red', 'green']);
  expect(registry.all).toEqual([1, 2]);
  expect(registry.get('green', 'paint')).toBe(2);
  expect([registry.has('red'), registry.has('toString')]).toEqual([true, false]);
});

test('refuses a name that is taken', () => {
  expect(() => colors().add('red', 3, 'paint')).toThrow(
    new RangeError('paint: the name must be new, got red'),
  );
});

test.each([
  ['gren', 'paint: the color must be one of red, green, got gren (did you mean green?)'],
  ['violet', 'paint: the color must be one of red, green, got violet'],
  ['toString', 'paint: the color must be one of red, green, got toString'],
  [undefined, 'paint: the color must be one of red, green, got undefined'],
])('refuses the unknown name %s', (name, message) => {
  expect(() => colors().get(name, 'paint')).toThrow(new TypeError(message));
});

test('knows more in a copy, before its own of the same names', () => {
  const registry = colors();
  const more = registry.with({ red: 10, blue: 3 });
  expect(more.names).toEqual(['red', 'green', 'blue']);
  expect(more.get('red', 'paint')).toBe(10);
  expect(registry.names).toEqual(['red', 'green']);
});
