/** The rounding error of sums, added from the first term to the last, and its bound. */
import { Random } from '../../core/random/random';
import { precisions, rounded, type Precision } from '../../referee/errorbound';
import { say, type Language } from '../build/languages';
import { lineChart, type Curve } from './lines';

const formats: Precision[] = ['bfloat16', 'float16', 'float32'];
const counts = Array.from({ length: 11 }, (_, k) => 2 ** k);

/** The error of a sum of n numbers in 0…1, relative to their sum. */
function errorOf(format: Precision, n: number): number {
  const random = new Random(n);
  const to = (value: number): number => rounded(precisions[format], value);
  const terms = Array.from({ length: n }, () => to(random.uniform()));
  const exact = terms.reduce((sum, term) => sum + term);
  return Math.abs(terms.reduce((sum, term) => to(sum + term)) - exact) / exact;
}

/** Points where the error is 0, which a logarithmic axis cannot show, are left out. */
const curve = (name: string, of: (n: number) => number, dashed = false): Curve => ({
  name,
  dashed,
  points: counts.map((n) => ({ x: n, y: of(n) })).filter(({ y }) => y > 0 && y < Infinity),
});

export const draw = (language: Language): Promise<string> =>
  lineChart(
    formats.flatMap((format) => {
      const { unit } = precisions[format];
      const bound = (n: number): number => (n * unit < 1 ? (n * unit) / (1 - n * unit) : Infinity);
      return [curve(format, (n) => errorOf(format, n)), curve(say('bound', language), bound, true)];
    }),
    { x: say('terms n', language), y: say('relative error', language), log: 'both', range: [1e-9, 10] },
  );
