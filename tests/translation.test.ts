/** The book's translations: complete, and of the English text as it is now. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { translations } from '../docs/build/languages';
import { docs, pages, read, requiredPages, translatedPage, translatedPages } from '../docs/build/pages';
import { blocksOf, hashOf, problemsOf, translated, updated } from '../docs/build/translation';

describe.each(translations)('the translation %s', (language) => {
  test.each(requiredPages())('of %s exists', (file) =>
    expect(existsSync(join(docs, language, file))).toBe(true),
  );

  // `npm run docs -- --translate` marks what this test lists
  test.each(translatedPages(language))(
    'of %s is complete, and has the formulas, code, links and numbers of the English page',
    (file) => expect(problemsOf(read(file), read(`${language}/${file}`), file, language)).toEqual([]),
  );

  test.each(translatedPages(language))('of %s has no ** that Markdown would show', (file) => {
    const bold = [...read(`${language}/${file}`).matchAll(/\*\*([^*\n]+)\*\*(.?)/g)];
    // after a punctuation mark, ** closes nothing if a letter follows
    const open = bold.filter(([, text, next]) => /\p{P}$/u.test(text) && /\p{L}/u.test(next));
    expect(open.map(([whole]) => whole)).toEqual([]);
  });

  test('is linked to itself', () => {
    const links = translatedPages(language).flatMap((file) => [
      ...translatedPage(file, language).matchAll(/\]\((\/[^)#]*)/g),
    ]);
    expect(links.length).toBeGreaterThan(20);
    for (const [, address] of links) {
      const file = `${address.slice(1)}${address.endsWith('/') ? 'index' : ''}.md`;
      const isKnown = address.startsWith(`/${language}/`) ? existsSync(join(docs, file)) : true;
      expect([address, isKnown]).toEqual([address, true]);
    }
  });
});

test.each(pages())('the blocks of %s are the page', (file) => {
  const together = blocksOf(read(file)).map(({ markdown }) => markdown);
  expect(together.join('\n\n')).toBe(
    read(file)
      .trim()
      .replace(/\n{3,}/g, '\n\n'),
  );
});

describe('a translated page', () => {
  const english = [
    '# A cell',
    'It has $h$ and 2\nstates, see [gates](/gates) and `f`.',
    '$$ h = x $$',
    '```diagram lstm\nOne step.\n```',
    '```ts\nf();\n\ng();\n```',
    '::: details Why?\nBecause.\n:::',
  ].join('\n\n');
  const chinese = [
    '# 循环单元',
    '它有 2 个状态 $h$，见[门](/gates)和 `f`。',
    '一步。',
    '::: details 为什么？\n因为。\n:::',
  ];
  const prose = blocksOf(english).flatMap((block) => (block.prose ? [block.prose] : []));
  const page = (texts: readonly string[]): string =>
    texts.map((text, k) => `<!-- ${hashOf(prose[k])} -->\n\n${text}\n`).join('\n');
  const problems = (en: string, zh: string): string[] => problemsOf(en, zh, 'page.md', 'zh');

  test('has the prose of the translation, and all else of the English page', () => {
    expect(problems(english, page(chinese))).toEqual([]);
    expect(translated(english, page(chinese))).toBe(
      [
        `${chinese[0]} {#a-cell}`,
        chinese[1],
        '$$ h = x $$',
        '```diagram lstm\n一步。\n```',
        '```ts\nf();\n\ng();\n```',
        chinese[3],
      ].join('\n\n'),
    );
  });

  test('needs no change when English lines are broken elsewhere, or shared blocks change', () => {
    const other = english.replace('2\nstates', '2 states').replace('$$ h = x $$', '$$ h = 2 x $$');
    expect(problems(other, page(chinese))).toEqual([]);
  });

  test('names the block that has changed, and its old translation', () => {
    const changed = english.replace('One step.', 'Two steps.');
    expect(problems(changed, page(chinese))).toEqual([
      `docs/page.md:8: "Two steps." must be translated below <!-- ${hashOf('Two steps.')} --> in docs/zh/page.md`,
      `docs/zh/page.md: <!-- ${hashOf('One step.')} --> "一步。" must translate a block of docs/page.md, got one that has changed or is gone`,
    ]);
    expect(translated(changed, page(chinese))).toContain('```diagram lstm\nTwo steps.\n```');
  });

  test('is brought into order, with the new English text beside the old translation', () => {
    const changed = english.replace('One step.', 'Two steps.');
    const order = [...updated(changed, page(chinese)).matchAll(/<!-- (\w+) -->\n\n(.*)/g)].map(
      ([, , text]) => text,
    );
    expect(order).toEqual([chinese[0], chinese[1], '一步。', 'Two steps.', '::: details 为什么？']);
    expect(updated(english, page(chinese))).toBe(page(chinese));
  });

  test.each([
    ['$h$', '$c$', ['lacks $h$', 'adds $c$']],
    ['2 ', '两', ['lacks 2']],
    ['/gates', '/gate', ['lacks /gates', 'adds /gate']],
    ['`f`', '', ['lacks `f`']],
  ])('with %s as %s is noticed', (from, to, differences) => {
    const found = problems(english, page([chinese[0], chinese[1].replace(from, to), ...chinese.slice(2)]));
    expect(found.map((text) => differences.find((what) => text.includes(what)))).toEqual(differences);
  });

  test('in English only is no translation', () =>
    expect(problems(english, page(['# A cell', ...chinese.slice(1)]))).toHaveLength(1));
});
