/** The builder of the book. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lstm } from '../cells/lstm';
import { answerIn } from '../docs/.vitepress/theme/answer';
import { exerciseOf } from '../docs/build/exercise';
import { expand } from '../docs/build/fences';
import { typesetMarkdown } from '../docs/build/formulas';
import { networkDiagram } from '../docs/build/network';
import { addressOf, pages, read } from '../docs/build/pages';
import { gapsOf, isChapter } from '../docs/build/sections';
import { keepShapes } from '../docs/build/shapes';

describe('formulas', () => {
  test('an operator of several signs is one <mo>', () =>
    expect(typesetMarkdown('$a \\mathrel{{+}{=}} b$')).toContain('<mi>a</mi><mo>+=</mo><mi>b</mi>'));

  const folder = join(__dirname, '..', 'docs');
  const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
    .map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const)
    .filter(([, text]) => text.includes('$'));
  test.each(texts)('of %s: nothing is nested in an operator', (_file, text) =>
    expect(typesetMarkdown(text)).not.toMatch(/<mo(?: [^>]*)?></),
  );
});

describe('lines of a docstring that are set in', () => {
  test('keep their lines and columns, without their margin', () =>
    expect(keepShapes('A cell.\n\n  Wx [D, H]   h [B, H]\n    b `[H]`\n\nMore.\n')).toBe(
      'A cell.\n\n<pre class="shapes" v-pre>Wx [D, H]   h [B, H]\n  b [H]</pre>\n\nMore.\n',
    ));

  test.each([
    ['a sentence that goes on', 'dL/dx, as a\n  view of it.\n'],
    ['code', '```ts\nf(\n\n  x,\n\n);\n```\n'],
    ['a paragraph', 'One.\n\nTwo.\n'],
    ['one set-in line that a sentence follows', 'One.\n\n  two\nthree\n'],
  ])('%s is left as it is', (_what, markdown) => expect(keepShapes(markdown)).toBe(markdown));

  test('hold no markup', () =>
    expect(keepShapes('\n\n  a < b & {{ c }}')).toContain('v-pre>a &lt; b &amp; {{ c }}</pre>'));

  test('code before them does not hide them', () =>
    expect(keepShapes('```ts\n\n  x\n```\n\n  h [B, H]')).toBe(
      '```ts\n\n  x\n```\n\n<pre class="shapes" v-pre>h [B, H]</pre>\n',
    ));
});

test("the README's equations are those of the cell that it names", () => {
  const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');
  const [, block] = /```text\n(forward +backward\n[^]*?)```/.exec(readme) ?? [];
  const shown = block.replace(/#.*/g, '').matchAll(/\w+ \+?= .+?(?= {2}|$)/gm);
  const { forward, backward } = lstm({ input: 2, hidden: 3 }).equations!;
  const lines = `${forward}\n${backward}`.split('\n').map((line) => line.replace(/#.*/, '').trim());
  expect(Array.from(shown, ([line]) => line.trim()).sort()).toEqual(lines.filter(Boolean).sort());
});

test('what a derivation is given is typeset from the text of its cell', () => {
  const pages = join(__dirname, '..', 'docs', 'derive');
  for (const name of ['clockwork', 'elman', 'gru', 'jordan', 'lstm', 'peepholes']) {
    const page = readFileSync(join(pages, `${name}.md`), 'utf8');
    const [given] = page.split('**Find**');
    expect(given).toMatch(/^```equations \w+ (\w+\.)?forward/m);
    expect(given).not.toContain('$$');
    expect(expand(given, name)).toContain('<div class="equations"');
  }
});

describe('the drawing of a network', () => {
  const boxes = (svg: string, kind: string): number[][] =>
    [
      ...svg.matchAll(
        new RegExp(`<g class="${kind}"><rect x="(\\S+)" y="(\\S+)" width="(\\S+)" height="(\\S+)"`, 'g'),
      ),
    ].map((match) => match.slice(1).map(Number));
  const drawn = (words: string): string => networkDiagram(words.split(' '), 'a caption', 'en');

  test.each([
    // inputs, cells, outputs
    ['one-to-one', 1, 1, 1],
    ['one-to-many', 1, 4, 4],
    ['one-to-many feed=output', 1, 4, 4],
    ['many-to-one', 4, 4, 1],
    ['many-to-many layers=2', 4, 8, 4],
    ['many-to-one bidirectional=true', 4, 8, 1],
    ['encoder-decoder', 6, 6, 3],
    ['encoder-decoder feed=output attention=dot', 4, 6, 3],
    ['many-to-many folded=true layers=3', 1, 3, 1],
  ])(
    '%s has an input, a cell and an output wherever the network has one',
    (words, inputs, cells, outputs) => {
      const svg = drawn(words);
      expect(['input', 'cell', 'output'].map((kind) => boxes(svg, kind).length)).toEqual([
        inputs,
        cells,
        outputs,
      ]);
      // inside the picture, none on another
      const [left, top, width, height] = /viewBox="(\S+) (\S+) (\S+) (\S+)"/.exec(svg)!.map(Number).slice(1);
      const all = ['input', 'cell', 'output', 'operation'].flatMap((kind) => boxes(svg, kind));
      all.forEach(([x, y, w, h], k) => {
        expect(x >= left && y >= top && x + w <= left + width && y + h <= top + height).toBe(true);
        for (const [x2, y2, w2, h2] of all.slice(0, k))
          expect(x + w <= x2 || x2 + w2 <= x || y + h <= y2 || y2 + h2 <= y).toBe(true);
      });
    },
  );

  test('a layer that reads from the end has arrows against those of the other direction', () => {
    const along = [...drawn('many-to-many bidirectional=true').matchAll(/d="M(\S+) (\S+)H(\S+)"/g)];
    const signs = (y: number): number[] =>
      along
        .filter((line) => Number(line[2]) === y)
        .map(([, from, , to]) => Math.sign(Number(to) - Number(from)));
    expect([signs(0), signs(-62)].map((row) => row.join())).toEqual(['1,1,1', '-1,-1,-1']);
  });

  test('its words are those of the language', () => {
    const svg = networkDiagram(['encoder-decoder', 'attention=dot'], '', 'zh');
    for (const word of ['编码器', '解码器', '开始', '注意力']) expect(svg).toContain(`>${word}<`);
  });

  test('what a network cannot be is refused', () => {
    expect(() => drawn('many-to-many feed=output')).toThrow('feed');
    expect(() => drawn('encoder-decoder bidirectional=true')).toThrow('an encoder must read forward only');
  });
});

describe('an exercise', () => {
  const body = 'How much is left?\n---\nAll of it.\n';
  const asked = (words: string, text = body): string => exerciseOf(words.split(' '), text, 'page.md:1');

  test('has the answer that is calculated', () => {
    expect(asked('2 ** 3 within=0.5')).toContain(':answer="8" :within="0.5"');
    expect(asked('3 * 4')).toContain(':answer="12" :within="0"');
    expect(asked('0.3 - 0.1')).toContain(':answer="0.2"');
    expect(asked('1')).toContain('How much is left?\n\n<template #reason>\n\nAll of it.');
  });

  test.each([
    ['0 / 0', body, 'the answer of an exercise must be a number, got 0 / 0'],
    ['1 within=-1', body, 'within must be at least 0, got -1'],
    ['1', 'Why?', 'an exercise must be a question, --- and a reason, got Why?'],
  ])('%s is refused when it is none', (words, text, message) =>
    expect(() => asked(words, text)).toThrow(message),
  );
});

describe('the answer to an exercise', () => {
  test.each([
    ['0.5', 0.5],
    [' −1 ', -1],
    ['.25', 0.25],
    ['1e-3', 0.001],
    ['1/2', 0.5],
    ['-3 / 4', -0.75],
    ['2^-7', 2 ** -7],
    ['2**(−7)', 2 ** -7],
    ['-2^2', -4],
    ['50 %', 0.5],
    ['０．５', 0.5],
  ])('%s is a number', (text, value) => expect(answerIn(text)).toBe(value));

  test.each(['', 'half', '1/', '1//2', '1,000', '0x10', 'Infinity', '1 2', '--1'])('%j is none', (text) =>
    expect(answerIn(text)).toBeNaN(),
  );
});

test('every page is in the navigation, and so in the PDF', () => {
  const config = readFileSync(join(__dirname, '..', 'docs', '.vitepress', 'config.mts'), 'utf8');
  expect(pages().filter((file) => !config.includes(`link: '${addressOf(file)}'`))).toEqual([]);
});

describe('every section of a chapter', () => {
  test.each(pages().filter(isChapter))('of %s has a picture, an interactive figure and an exercise', (file) =>
    expect(gapsOf(read(file), file)).toEqual([]),
  );

  const picture = '```figure powers\nA caption.\n```';
  const playground = '```playground task=sine\nPress Play.\n```';
  const exercise = '```exercise 1\nHow many?\n---\nOne.\n```';
  const gaps = (...blocks: string[]): string[] =>
    gapsOf(`# A chapter\n\n## Gates\n\n${blocks.join('\n\n')}\n`, 'book/x.md');

  test('is refused without one of them, by its name and line', () => {
    expect(gaps('Text.', picture, playground, exercise)).toEqual([]);
    expect(gaps('Text.', picture)).toEqual([
      'docs/book/x.md:3: the section "Gates" must have an interactive playground, or say why not: <!-- without playground: … -->',
      'docs/book/x.md:3: the section "Gates" must have an exercise, or say why not: <!-- without exercise: … -->',
    ]);
    expect(gaps('Text.', playground, exercise)[0]).toContain('must have a picture');
    expect(gapsOf('# A chapter\n\nText.\n', 'book/x.md')[0]).toMatch(
      /^docs\/book\/x\.md:1: the section "A chapter" must/,
    );
  });

  test('needs nothing else if it is only a figure', () => expect(gaps(playground)).toEqual([]));

  test('may say why it is without a part, if it is', () => {
    const comment = '<!-- without picture, exercise: a table of names -->';
    expect(gaps(comment, 'Text.', playground)).toEqual([]);
    expect(gaps(comment, 'Text.', picture, playground)).toEqual([
      'docs/book/x.md:3: the section "Gates" must not be without a picture: it has one, so remove the comment',
    ]);
    expect(() => gaps('<!-- without picture: -->', 'Text.')).toThrow('a section without a part must say why');
    expect(() => gaps('<!-- without drawing: no room -->')).toThrow(
      'a section can be without picture, playground, exercise, got drawing',
    );
  });
});
