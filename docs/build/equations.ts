/** The equations of a cell as they are executed: its step is recorded, and what was recorded is typeset. */
import { Plan } from '../../bptt/plan';
import { network } from '../../bptt/network';
import { makers } from '../../cells/makers';
import { must } from '../../core/check';
import { lineToLatex } from '../../playground/equations/latex';
import { mathml } from '../../playground/equations/mathml';
import { linesOf, recordStep } from '../../playground/engine/lines';
import { withoutColumns } from '../../playground/equations/columns';

const ways = { forward: 'step', backward: 'stepBackward' } as const;

/** `gru backward reset=before`: the cell, which way, and its options. */
export function equationsOf([name, way, ...options]: string[], where: string): string {
  must(way in ways, where, `the way must be one of ${Object.keys(ways).join(', ')}`, way);
  const given = Object.fromEntries(
    options.map((option) => option.split('=')).map(([key, value]) => [key, read(value)]),
  );
  must(Object.hasOwn(makers, name), where, `the cell must be one of ${Object.keys(makers).join(', ')}`, name);
  const cell = makers[name]({ input: 3, hidden: 4, ...given });
  const net = network({ layers: [cell] });
  // two rows and two steps: of a single number nobody could tell how it is turned
  const [unroll] = new Plan(net.architecture, { T: 2, B: 2, masked: false }, net.parameters).unrolls;
  const lines = recordStep(unroll, 1, ways[way as keyof typeof ways]).flatMap((operation) =>
    linesOf(operation, unroll.at(1)),
  );
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
