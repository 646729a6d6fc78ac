/** The executed equations of a cell, as text and typeset. */
import type { Cell } from '../../cells/cell';
import { makers } from '../../cells/makers';
import { mustBe } from '../../core/check';
import { diagramOf } from '../../playground/equations/diagram';
import { layoutOf } from '../../playground/equations/layout';
import { typeset } from '../../playground/equations/typeset';
import { captioned } from './figure';

/** A cell by its name, with options as `reset=before`. */
function cellOf(name: string, options: readonly string[], where: string): Cell {
  const given = Object.fromEntries(
    options.map((option) => option.split('=')).map(([key, value]) => [key, read(value)]),
  );
  return makers().get(name, where)({ input: 3, hidden: 4, ...given });
}

type Part = 'shapes' | 'forward' | 'backward' | 'jacobian';

/**
 * The parts of a cell's text that some words ask for; words with `=` are its options. `active.forward` is that of an active
 * module of a cell with a clock, `inactive.forward` that of an inactive one.
 */
function partsOf([name, ...words]: string[], known: readonly Part[], where: string): string[] {
  const isOption = (word: string): boolean => word.includes('=');
  const { equations, clocked } = cellOf(name, words.filter(isOption), where);
  const texts = new Map<string, string | undefined>(
    equations
      ? known.map((part) => [part, equations[part]])
      : (['active', 'inactive'] as const).flatMap((kind) =>
          (['forward', 'backward', 'jacobian'] as const).map((part) => [
            `${kind}.${part}`,
            clocked?.[kind][part],
          ]),
        ),
  );
  return words
    .filter((word) => !isOption(word))
    .map((part) => {
      const text = texts.get(part);
      mustBe(text !== undefined, where, `each part must be one of ${[...texts.keys()].join(', ')}`, part);
      return text;
    });
}

/** `lstm shapes forward backward peepholes=true`: parts of a cell's text, as it is executed. */
export function equationsText(words: string[], where: string): string {
  const text = partsOf(words, ['shapes', 'forward', 'backward', 'jacobian'], where).map(dedented);
  return `\`\`\`\n${text.join('\n\n')}\n\`\`\`\n`;
}

function dedented(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(margin).trimEnd()).join('\n');
}

/** `gru backward reset=before`: the same, typeset. */
export function equationsOf(words: string[], where: string): string {
  const lines = partsOf(words, ['forward', 'backward', 'jacobian'], where).flatMap(typeset);
  const rows = lines.map((line) => `<div>${line}</div>`);
  return `<div class="equations" lang="en" tabindex="0" v-pre>${rows.join('')}</div>\n`;
}

/** `gru reset=before`: its data flow as a drawing, with a caption; after `backward`, with the arrows of the gradients. */
export function drawingOf([name, ...words]: string[], caption: string, where: string): string {
  const backward = words[0] === 'backward';
  const { equations } = cellOf(name, backward ? words.slice(1) : words, where);
  mustBe(equations !== undefined, where, 'the cell must be defined by equations', name);
  return captioned(
    `<div class="drawing" tabindex="0" v-pre>${diagramOf(layoutOf(equations), backward ? { numbers: {}, backward, moving: false } : undefined)}</div>`,
    caption,
  );
}

const read = (value: string): unknown => {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
};
