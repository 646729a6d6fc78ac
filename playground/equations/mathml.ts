/** LaTeX as MathML, which browsers draw by themselves: the page and the book need no KaTeX. */
import katex from 'katex';

/** A formula, without the LaTeX that it came from. */
export function mathml(tex: string, displayMode = false): string {
  const html = katex.renderToString(tex.trim(), {
    displayMode,
    output: 'mathml',
    throwOnError: true,
    strict: 'error',
  });
  return joined(
    html
      .replace(/<span class="katex[^"]*">|<\/span>/g, '')
      .replace(/<annotation[^>]*>[^]*?<\/annotation>/g, '')
      .replace(/<\/?semantics>/g, ''),
  );
}

/**
 * Every operator as one `<mo>` of text. KaTeX nests those of several signs, `<mo><mo>+</mo><mo>=</mo></mo>`, and browsers
 * draw what is inside a `<mo>` as blocks, the + above the =.
 */
function joined(math: string): string {
  const part = String.raw`</?mrow>|<m[oin](?: [^>]*)?>[^<]*</m[oin]>`;
  return math.replace(
    new RegExp(`<mo((?: [^>]*)?)>((?:${part})+)</mo>`, 'g'),
    (_whole, spacing: string, parts: string) => `<mo${spacing}>${parts.replace(/<[^>]*>/g, '')}</mo>`,
  );
}
