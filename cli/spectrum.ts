/** `backstep spectrum`: compares the powers of a recurrent matrix with the predictions of its eigenvalues. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { exampleMatrices, spectrum } from '../bptt/flow/spectrum';
import { nearest } from '../core/nearest';
import { readUtf8, writeWhole } from '../io/files';
import { readMatrix } from '../io/matrix';
import { whole } from '../terminal/arguments';
import { saving, usage, using } from '../terminal/errors';
import { jsonLine, line, table } from '../terminal/output';
import { drawPowers } from '../draw/powers';
import { comparisonTable, eigenvalueTable, powerCurves, spectrumLines } from '../draw/spectrumreport';

const names = Object.keys(exampleMatrices);

const examples = `
Matrices by name:
${Object.entries(exampleMatrices)
  .map(([name, { what }]) => `  ${name.padEnd(12)} ${what}`)
  .join('\n')}

Examples:
  backstep spectrum                          all of them, one line each
  backstep spectrum non-normal --svg non-normal.svg
  backstep spectrum "[[0.5, 1], [-1, 0.5]]"  a matrix as JSON
  backstep spectrum weights.txt --steps 200  from a file: JSON, or a row of numbers on each line
  cat weights.txt | backstep spectrum -
`;

interface SpectrumFlags {
  steps: number;
  power: number;
  svg?: string;
  json?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('spectrum')
    .description('compute powers of a recurrent matrix, h_t = Wᵗ h_0, by products and by eigenvalues')
    .argument('[matrix]', `${names.join(', ')}, JSON, a file, or - for standard input; default: compare all`)
    .option('--steps <n>', 'longest power', whole('spectrum: --steps', 1, 1_000_000), 50)
    .option('--power <n>', 'the power computed both ways', whole('spectrum: --power', 1, 1000), 8)
    .option('--svg <file>', 'draw the norms of the powers and the eigenvalues')
    .option('--json', 'one JSON object per matrix')
    .addHelpText('after', examples)
    .action(run);
}

async function run(given: string | undefined, flags: SpectrumFlags): Promise<void> {
  const { steps, power, svg } = flags;
  const chosen =
    given === undefined
      ? Object.entries(exampleMatrices).map(([name, { W }]) => ({ name, W }))
      : [named(given)];
  const found = chosen.map(({ name, W }) => ({
    name,
    W,
    spectrum: using(() => spectrum(W, { steps, power })),
  }));
  if (flags.json) for (const { name, W, spectrum: one } of found) jsonLine({ name, W, ...one });
  else {
    const [{ spectrum: one }] = found;
    table(...(given === undefined ? comparisonTable(found) : eigenvalueTable(one)));
    const columns = process.stdout.columns || 80;
    (given === undefined ? powerCurves(found, columns) : spectrumLines(one, columns)).forEach((text) =>
      line(text),
    );
  }
  if (svg !== undefined) {
    const picture = await drawPowers(found);
    saving(() => writeWhole(svg, picture), 'choose another file with --svg');
  }
}

/** Reads a matrix as JSON from a named file or from standard input. */
function named(given: string): { name: string; W: number[][] } {
  if (given in exampleMatrices) return { name: given, W: exampleMatrices[given].W };
  if (given.trim().startsWith('['))
    return { name: 'matrix', W: using(() => readMatrix(given, 'the matrix')) };
  const name = given === '-' ? 'standard input' : given;
  const near = nearest(given, names);
  const fix = near === undefined ? `a name (${names.join(', ')}), JSON, or a file` : `did you mean ${near}?`;
  const text = given === '-' ? readFileSync(0, 'utf8') : using(() => readUtf8(given), fix);
  if (text.includes('\0')) throw usage(`spectrum: ${name} must be text, got something else`);
  return { name, W: using(() => readMatrix(text, name)) };
}
