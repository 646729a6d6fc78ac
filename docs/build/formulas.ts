/** Converts formulas in the text, `$…$` and on separate lines `$$…$$`, to MathML, which browsers render natively. */
import { mathml } from './mathml';

/** A page with its formulas typeset; code is left alone. They are marked as English, so that their fonts are the same in every language. */
export function typesetMarkdown(markdown: string): string {
  return markdown
    .split(/(^```[^]*?^```$|`[^`\n]*`)/m)
    .map((part, k) =>
      k % 2 === 1
        ? part
        : part
            .replace(
              /\$\$([^]+?)\$\$/g,
              (_whole, tex: string) =>
                `<div class="formula" lang="en" tabindex="0" v-pre>${mathml(tex, true)}</div>`,
            )
            .replace(
              /\$([^$\n]+?)\$/g,
              (_whole, tex: string) => `<span lang="en" v-pre>${mathml(tex)}</span>`,
            ),
    )
    .join('');
}
