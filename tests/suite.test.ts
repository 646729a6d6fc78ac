/** What the check suite consists of: a case for every form of every cell, each under a name of its own that is true. */
import { caseGroups, suite } from '../bptt/check/suite/suite';
import { activationNames } from '../cells/parts/activation';
import { inForm, kinds, type CellForm, type CellKind } from '../cells/kinds';

const sizes = { input: 3, hidden: 12, output: 12 };
type Options = Record<string, unknown>;
const optionsOf = (kind: CellKind, form: CellForm): Options => inForm(kind, form, sizes).options as Options;

test('every case has a name of its own and a group that is listed, and every group has a case', () => {
  const cases = suite();
  const names = cases.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, group } of cases) {
    expect(name).toMatch(/^[\w(−][^]*[^\s,]$/);
    expect(name).not.toMatch(/ {2}|undefined|, ,|\b([a-z]\w+) \1\b/);
    expect(caseGroups()).toContain(group);
  }
  expect(new Set(cases.map(({ group }) => group))).toEqual(new Set(caseGroups()));
});

describe.each(kinds.all.map((kind) => [kind.name, kind] as const))('%s', (_, kind) => {
  const forms = { ...kind.choices, ...kind.variants };

  test('its forms differ, among the choices and in the suite', () => {
    for (const group of [kind.choices, kind.variants]) {
      const made = Object.values(group).map((form) => JSON.stringify(optionsOf(kind, form)));
      expect(new Set(made).size).toBe(made.length);
    }
    expect(Object.keys(kind.choices)[0]).toBe(kind.name);
    expect(kind.title).toMatch(/^\S.*/);
  });

  test('the names of its forms state their options', () => {
    const usual = optionsOf(kind, Object.values(kind.choices)[0]);
    for (const [name, form] of Object.entries(forms)) {
      const options = optionsOf(kind, form);
      const words = name.split(/[\s,-]+/);
      const stated = [...activationNames, 'none'].find((f) => words.includes(f));
      if ('activation' in usual) expect(options.activation).toBe(stated ?? usual.activation);
      words.forEach((word, k) => {
        const value = options[word];
        if (typeof value === 'string') expect(words[k + 1]).toBe(value);
        // a number that depends on the size of the layer is not stated
        if (typeof value === 'number' && k + 1 < words.length) expect(Number(words[k + 1])).toBe(value);
        if (value === true || value === false) expect(value).toBe(true);
      });
      // periods, smallest first
      const numbers = /^\d+( \d+)+/.exec(name)?.[0].split(' ').map(Number);
      const modules = options.modules as { period: number }[] | undefined;
      if (numbers) expect(modules?.map(({ period }) => period)).toEqual(numbers);
    }
  });
});

test('a clockwork cell has the periods 1, 2, 4, 8 as far as its units can be divided so', () => {
  const clockwork = kinds.get('clockwork', 'test');
  const periodsOf = (form: CellForm, hidden: number): unknown => {
    const { options } = inForm(clockwork, form, { input: 2, hidden });
    return (options?.modules as { period: number }[]).map(({ period }) => period);
  };
  expect(periodsOf(clockwork.choices.clockwork, 8)).toEqual([1, 2, 4, 8]);
  const otherwise = clockwork.parts?.otherwise as CellForm;
  expect(periodsOf(otherwise, 6)).toEqual([1, 2, 4]);
  expect(periodsOf(otherwise, 10)).toEqual([1, 2]);
  expect(periodsOf(otherwise, 7)).toEqual([1]);
});
