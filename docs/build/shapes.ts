/** Keeps indented lines of a docstring, shapes and small tables, preformatted in the reference. */

/**
 * Makes paragraphs that are indented by two spaces or more preformatted; Markdown would join their lines and columns.
 * @example keepShapes('A cell.\n\n  Wx [D, H]\n') // 'A cell.\n\n<pre class="shapes" v-pre>Wx [D, H]</pre>\n'
 */
export function keepShapes(markdown: string): string {
  // code blocks are left as they are: every other part, beginning with the first, is none
  return markdown
    .split(/(^```[^]*?^```$)/m)
    .map((part, k) =>
      k % 2 === 1
        ? part
        : part.replace(/(?<=^\n)(?: {2,}\S.*(?:\n|$(?![^])))+(?=\n|$(?![^]))/gm, preformatted),
    )
    .join('');
}

function preformatted(paragraph: string): string {
  const lines = paragraph.trimEnd().split('\n');
  const margin = Math.min(...lines.map((line) => line.search(/\S/)));
  const text = lines.map((line) => line.slice(margin).trimEnd().replaceAll('`', ''));
  const escaped = text.join('\n').replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<pre class="shapes" v-pre>${escaped}</pre>\n`;
}
