/** Formulas of the prose: `$…$` and, on lines of their own, `$$…$$`, as MathML, which browsers draw by themselves. */
import { mathml } from './mathml';

/** A page with its formulas typeset; what stands in code is left alone. */
export function typeset(markdown: string): string {
  return markdown
    .split(/(^```[^]*?^```$|`[^`\n]*`)/m)
    .map((part, k) =>
      k % 2 === 1
        ? part
        : part
            .replace(
              /\$\$([^]+?)\$\$/g,
              (_whole, tex: string) => `<div class="formula" v-pre>${mathml(tex, true)}</div>`,
            )
            .replace(/\$([^$\n]+?)\$/g, (_whole, tex: string) => `<span v-pre>${mathml(tex)}</span>`),
    )
    .join('');
}
