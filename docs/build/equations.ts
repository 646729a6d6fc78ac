/** The equations of a cell as they are executed: its step is recorded, and what was recorded is typeset. */
import { Plan } from '../../bptt/network/plan';
import { network } from '../../bptt/network/network';
import type { Cell } from '../../cells/cell';
import { makers } from '../../cells/makers';
import { must, mustBe } from '../../core/check';
import { lineToLatex } from '../../playground/equations/latex';
import { mathml } from '../../playground/equations/mathml';
import { linesOf, nameOf } from '../../core/print';
import { recordStep } from '../../bptt/trace/lines';
import { withoutColumns } from '../../playground/equations/columns';

const ways = { forward: 'step', backward: 'stepBackward' } as const;

/** A cell by its name, with options as `reset=before`. */
function cellOf(name: string, options: readonly string[], where: string): Cell {
  const given = Object.fromEntries(
    options.map((option) => option.split('=')).map(([key, value]) => [key, read(value)]),
  );
  return makers.get(name, where)({ input: 3, hidden: 4, ...given });
}

/** `lstm shapes forward backward peepholes=true`: parts of a cell's text, as it is executed. */
export function textOf([name, ...words]: string[], where: string): string {
  const { equations } = cellOf(
    name,
    words.filter((word) => word.includes('=')),
    where,
  );
  const parts = words.filter((word) => !word.includes('='));
  const text = parts.map((part) => {
    const own = equations?.[part as keyof typeof equations];
    mustBe(own !== undefined, where, 'each part must be shapes, forward, backward or jacobian', part);
    return dedented(own);
  });
  return `\`\`\`\n${text.join('\n\n')}\n\`\`\`\n`;
}

function dedented(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(margin).trimEnd()).join('\n');
}

/** `gru backward reset=before`: the cell, which way, and its options. */
export function equationsOf([name, way, ...options]: string[], where: string): string {
  must(way in ways, where, `the way must be one of ${Object.keys(ways).join(', ')}`, way);
  const cell = cellOf(name, options, where);
  const net = network({ layers: [cell] });
  // two rows and two steps: of a single number nobody could tell how it is turned
  const [unroll] = new Plan(net.architecture, { T: 2, B: 2, masked: false }, net.parameters).unrolls;
  const { operations, v } = recordStep(unroll, 1, ways[way as keyof typeof ways]);
  const lines = operations.flatMap((operation) => linesOf(operation, (tensor) => nameOf(tensor, v)));
  const rows = lines.map((line) => `<div>${mathml(lineToLatex(withoutColumns(line)))}</div>`);
  return `<div class="equations" v-pre>${rows.join('')}</div>\n`;
}

const read = (value: string): unknown => {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
};
