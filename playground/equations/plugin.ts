/** Renders the equations while the page is built: the page gets MathML, which browsers draw by themselves, and no KaTeX. */
import katex from 'katex';
import type { Plugin } from 'vite' with { 'resolution-mode': 'import' };
import { allLines } from './all';
import { lineToLatex } from './latex';

const NAME = 'virtual:equations';

export function equations(): Plugin {
  return {
    name: 'equations',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined;
      const rendered = Object.fromEntries(allLines().map((line) => [line, mathml(line)]));
      return `export const equations = ${JSON.stringify(rendered)};\n`;
    },
  };
}

/** The line as MathML, without the LaTeX that it came from. */
export function mathml(line: string): string {
  const html = katex.renderToString(lineToLatex(line), { output: 'mathml', throwOnError: true });
  return html
    .replace(/<span class="katex">|<\/span>/g, '')
    .replace(/<annotation[^>]*>.*?<\/annotation>/gs, '')
    .replace(/<\/?semantics>/g, '');
}
