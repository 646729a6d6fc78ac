/** The spectrum of a matrix as text: its eigenvalues, its powers as curves of one line, and several matrices compared. */
import { rounded } from '../core/format';
import type { Eigenvalue, Spectrum } from '../bptt/flow/spectrum';
import { logarithms, sparkline } from './sparkline';

/** Maximum number of eigenvalues listed. */
const LISTED = 12;
/** Width reserved beside a curve: for a name, or for the two end values of a single curve. */
const LABEL = 14;
const ENDS = 30;
const WIDEST = 60;
/** Differences from 1 up to this are rounding errors. */
const ROUNDING = 1e-12;

interface Named {
  name: string;
  spectrum: Spectrum;
}

/** Head and body of a table with a line for each matrix. */
export function comparisonTable(found: readonly Named[]): [string[], string[][]] {
  const [{ spectrum: first }] = found;
  const last = first.powers.length - 1;
  const t = raised(first.check?.t ?? 8);
  return [
    ['', 'ρ(W)', '‖W‖', 'κ(Q)', `W${t} = QΛ${t}Q⁻¹`, 'peak', `‖W${raised(last)}‖`],
    found.map(({ name, spectrum: { radius, powers, condition, defective, check, peak } }) => [
      name,
      short(radius),
      short(powers[1]),
      defective ? '∞' : short(condition),
      check ? `to ${check.error.toExponential(0)}` : 'no Q',
      peak.t === 0 ? '–' : `${short(peak.norm)} at ${peak.t}`,
      short(powers[last]),
    ]),
  ];
}

/** The norms of the powers of each matrix, each to its own logarithmic scale. */
export function powerCurves(found: readonly Named[], columns: number): string[] {
  const width = Math.min(WIDEST, Math.max(8, columns - LABEL));
  const curves = found.map(
    ({ name, spectrum: { powers } }) => `${name.padEnd(12)} ${sparkline(logarithms(powers), width)}`,
  );
  return ['', ...curves, `log ‖Wᵗ‖, t = 0 … ${found[0].spectrum.powers.length - 1}`];
}

/** Head and body of a table with a line for each of the largest eigenvalues. */
export const eigenvalueTable = ({ eigenvalues }: Spectrum): [string[], string[][]] => [
  ['λ', '|λ|', 'angle', ''],
  eigenvalues
    .slice(0, LISTED)
    .map((one) => [complex(one), short(one.modulus), `${short(one.angle)}°`, fate(one)]),
];

/** The lines below the eigenvalues of one matrix: its decomposition and the growth of its powers. */
export function spectrumLines(spectrum: Spectrum, columns: number): string[] {
  const { n, powers } = spectrum;
  const last = powers.length - 1;
  const curve = sparkline(logarithms(powers), Math.min(WIDEST, Math.max(8, columns - ENDS)));
  return [
    ...(n > LISTED ? [`… and ${n - LISTED} smaller ones`] : []),
    '',
    decomposition(spectrum),
    normality(spectrum),
    growth(spectrum),
    '',
    `log ‖Wᵗ‖  1 ${curve} ${short(powers[last])}  t = 0 … ${last}`,
  ];
}

/** The line that compares a power with its eigendecomposition. */
function decomposition({ check, condition }: Spectrum): string {
  if (!check)
    return `defective: κ(Q) = ${short(condition)}, fewer eigenvectors than dimensions: no W = Q Λ Q⁻¹, only products`;
  const { t, error } = check;
  return `W${raised(t)} = Q Λ${raised(t)} Q⁻¹ to ${error.toExponential(1)} of ${t} products; κ(Q) = ${short(condition)}`;
}

const normality = ({ nonNormality }: Spectrum): string =>
  nonNormality < ROUNDING
    ? 'normal: W and Wᵀ commute, ‖Wᵗ‖ = ρᵗ exactly'
    : `not normal: ‖WWᵀ − WᵀW‖ / ‖W‖² = ${short(nonNormality)}`;

/** The line on the long-term behavior of the powers, and whether they grow first. */
function growth({ radius, powers, peak }: Spectrum): string {
  const first = radius < 1 && peak.norm > 1 ? `grows to ${short(peak.norm)} at t = ${peak.t}, then ` : '';
  const end =
    Math.abs(radius - 1) < ROUNDING ? 'neither vanishes nor explodes' : radius < 1 ? 'vanishes' : 'explodes';
  return `ρ(W) = ${short(radius)}, ‖W‖ = ${short(powers[1])}: ${first}${end}`;
}

/** The long-term behavior along one eigenvector. */
function fate({ modulus, angle, im, re }: Eigenvalue): string {
  const size =
    modulus === 0
      ? 'gone after one step'
      : Math.abs(modulus - 1) < ROUNDING
        ? 'stays'
        : `${modulus < 1 ? 'halves' : 'doubles'} every ${short(Math.abs(Math.LN2 / Math.log(modulus)))}`;
  if (im !== 0) return `${size}, one turn in ${short(360 / Math.abs(angle))}`;
  return re < 0 ? `${size}, changes its sign` : size;
}

const complex = ({ re, im }: Eigenvalue): string =>
  im === 0 ? short(re) : `${short(re)} ${im < 0 ? '−' : '+'} ${short(Math.abs(im))}i`;

const short = (x: number): string => rounded(x, 4);

const raised = (t: number): string => Array.from(String(t), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
