/** The builder of the book. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lstm } from '../cells/lstm';
import { expand } from '../docs/build/fences';
import { typeset } from '../docs/build/formulas';
import { keepShapes } from '../docs/build/shapes';

describe('formulas', () => {
  test('an operator of several signs is one <mo>', () =>
    expect(typeset('$a \\mathrel{{+}{=}} b$')).toContain('<mi>a</mi><mo>+=</mo><mi>b</mi>'));

  const folder = join(__dirname, '..', 'docs');
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
    .map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const)
    .filter(([, text]) => text.includes('$'));
  test.each(pages)('of %s: nothing is nested in an operator', (_file, text) =>
    expect(typeset(text)).not.toMatch(/<mo(?: [^>]*)?></),
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
