/** The spectrum of a matrix as text: its eigenvalues, its powers as curves of one line, and several matrices compared. */
import type { Eigenvalue, Spectrum } from '../bptt/flow/spectrum';
import { logarithms, sparkline } from './sparkline';

/** Most eigenvalues that are listed. */
const LISTED = 12;
/** Room for what stands beside a curve: a name, or the two ends of a single one. */
const LABEL = 14;
const ENDS = 30;
const WIDEST = 60;
/** What differs from 1 by no more than this is rounding. */
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

/** What follows the eigenvalues of one matrix: how its powers come about, and what becomes of them. */
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

/** Whether the powers are those of the eigenvalues. */
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

/** What becomes of the powers in the end, and whether they grow first. */
function growth({ radius, powers, peak }: Spectrum): string {
  const first = radius < 1 && peak.norm > 1 ? `grows to ${short(peak.norm)} at t = ${peak.t}, then ` : '';
  const end =
    Math.abs(radius - 1) < ROUNDING ? 'neither vanishes nor explodes' : radius < 1 ? 'vanishes' : 'explodes';
  return `ρ(W) = ${short(radius)}, ‖W‖ = ${short(powers[1])}: ${first}${end}`;
}

/** What becomes of one eigenvector's direction. */
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

/** Four digits at most. */
const short = (x: number): string =>
  x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e5) ? x.toExponential(1) : String(+x.toPrecision(4));

const raised = (t: number): string => Array.from(String(t), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
