/** The build plugin that renders the equations. */
import type { Plugin } from 'vite' with { 'resolution-mode': 'import' };
import { allLines } from './all';
import { toLatex } from './latex';
import { mathml } from './mathml';

const NAME = 'virtual:equations';

export function equations(): Plugin {
  return {
    name: 'equations',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined;
      const rendered = Object.fromEntries(allLines().map((line) => [line, mathml(toLatex(line)[0])]));
      return `export const equations = ${JSON.stringify(rendered)};\n`;
    },
  };
}
