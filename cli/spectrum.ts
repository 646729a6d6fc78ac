/** `backstep spectrum`: what the powers of a recurrent matrix do, and what its eigenvalues say of it. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { exampleMatrices, spectrum, type Eigenvalue, type Spectrum } from '../bptt/flow/spectrum';
import { nearest } from '../core/nearest';
import { readUtf8, writeWhole } from '../io/files';
import { readMatrix } from '../io/matrix';
import { whole } from '../terminal/arguments';
import { saving, usage, using } from '../terminal/errors';
import { jsonLine, line, table } from '../terminal/output';
import { drawPowers } from '../draw/powers';
import { logarithms, sparkline } from '../draw/sparkline';

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
  else if (given === undefined) compare(found);
  else show(found[0].spectrum, steps);
  if (svg !== undefined) {
    const picture = await drawPowers(found);
    saving(() => writeWhole(svg, picture), 'choose another file with --svg');
  }
}

/** A matrix by name, as JSON, from a file or from standard input. */
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

function compare(found: readonly { name: string; spectrum: Spectrum }[]): void {
  const [{ spectrum: first }] = found;
  const last = first.powers.length - 1;
  table(
    [
      '',
      'ρ(W)',
      '‖W‖',
      'κ(Q)',
      `W${raised(first.check?.t ?? 8)} = QΛ${raised(first.check?.t ?? 8)}Q⁻¹`,
      'peak',
      `‖W${raised(last)}‖`,
    ],
    found.map(({ name, spectrum: { radius, powers, condition, defective, check, peak } }) => [
      name,
      short(radius),
      short(powers[1]),
      defective ? '∞' : short(condition),
      check ? `to ${check.error.toExponential(0)}` : 'no Q',
      peak.t === 0 ? '–' : `${short(peak.norm)} at ${peak.t}`,
      short(powers[last]),
    ]),
  );
  const room = Math.max(8, (process.stdout.columns || 80) - 14);
  line();
  for (const {
    name,
    spectrum: { powers },
  } of found)
    line(`${name.padEnd(12)} ${sparkline(logarithms(powers), Math.min(60, room))}`);
  line(`log ‖Wᵗ‖, t = 0 … ${last}`);
}

/** Most eigenvalues that are listed. */
const LISTED = 12;

function show({ n, eigenvalues, ...s }: Spectrum, steps: number): void {
  table(
    ['λ', '|λ|', 'angle', ''],
    eigenvalues
      .slice(0, LISTED)
      .map((one) => [complex(one), short(one.modulus), `${short(one.angle)}°`, fate(one)]),
  );
  if (n > LISTED) line(`… and ${n - LISTED} smaller ones`);
  line();
  const t = s.check?.t ?? 0;
  const check = s.check
    ? `W${raised(t)} = Q Λ${raised(t)} Q⁻¹ to ${s.check.error.toExponential(1)} of ${t} products; κ(Q) = ${short(s.condition)}`
    : `defective: κ(Q) = ${short(s.condition)}, fewer eigenvectors than dimensions: no W = Q Λ Q⁻¹, only products`;
  line(check);
  line(
    s.nonNormality < 1e-12
      ? 'normal: W and Wᵀ commute, ‖Wᵗ‖ = ρᵗ exactly'
      : `not normal: ‖WWᵀ − WᵀW‖ / ‖W‖² = ${short(s.nonNormality)}`,
  );
  const [rho, norm] = [short(s.radius), short(s.powers[1])];
  const grows = s.radius < 1 && s.peak.norm > 1;
  const first = grows ? `grows to ${short(s.peak.norm)} at t = ${s.peak.t}, then ` : '';
  line(`ρ(W) = ${rho}, ‖W‖ = ${norm}: ${first}${trend(s.radius)}`);
  line();
  const room = Math.max(8, (process.stdout.columns || 80) - 30);
  line(
    `log ‖Wᵗ‖  1 ${sparkline(logarithms(s.powers), Math.min(60, room))} ${short(s.powers[steps])}  t = 0 … ${steps}`,
  );
}

const trend = (radius: number): string =>
  Math.abs(radius - 1) < 1e-12 ? 'neither vanishes nor explodes' : radius < 1 ? 'vanishes' : 'explodes';

/** What becomes of one eigenvector's direction. */
function fate({ modulus, angle, im, re }: Eigenvalue): string {
  const size =
    modulus === 0
      ? 'gone after one step'
      : Math.abs(modulus - 1) < 1e-12
        ? 'stays'
        : `${modulus < 1 ? 'halves' : 'doubles'} every ${short(Math.abs(Math.LN2 / Math.log(modulus)))}`;
  if (im !== 0) return `${size}, one turn in ${short(360 / Math.abs(angle))}`;
  return re < 0 ? `${size}, changes its sign` : size;
}

const complex = ({ re, im }: Eigenvalue): string =>
  im === 0 ? short(re) : `${short(re)} ${im < 0 ? '−' : '+'} ${short(Math.abs(im))}i`;

/** Four digits at most. */
const short = (x: number): string =>
  x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e5) ? x.toExponential(1) : String(+x.toPrecision(4));

const raised = (t: number): string => Array.from(String(t), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
