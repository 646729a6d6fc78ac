/** Converts LaTeX to MathML, which browsers render natively: the book loads no KaTeX. */
import katex from 'katex';

/** A formula as MathML, without the LaTeX annotation. */
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
 * Flattens every operator to one `<mo>`. KaTeX nests those of several characters, `<mo><mo>+</mo><mo>=</mo></mo>`, and
 * browsers draw the inner ones as blocks, the + above the =.
 */
function joined(math: string): string {
  const part = String.raw`</?mrow>|<m[oin](?: [^>]*)?>[^<]*</m[oin]>`;
  return math.replace(
    new RegExp(`<mo((?: [^>]*)?)>((?:${part})+)</mo>`, 'g'),
    (_whole, spacing: string, parts: string) => `<mo${spacing}>${parts.replace(/<[^>]*>/g, '')}</mo>`,
  );
}
