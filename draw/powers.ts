/** Norms of powers over time on a logarithmic scale, and eigenvalues in the complex plane beside the unit circle. */
import type { Spectrum } from '../bptt/flow/spectrum';
import { canvas, decade, stacked, type Canvas, type SizedPlot } from './canvas';

const WIDTH = 720;
const HEIGHT = 260;
/** Width of the complex plane, to the right of the curves. */
const PLANE = 260;
const colors = { norm: '#4e79a7', radius: '#e15759', bound: '#9c9c9c' };

/** The plots as an SVG document with a panel for each matrix. */
export async function drawPowers(found: readonly { name: string; spectrum: Spectrum }[]): Promise<string> {
  const on = await canvas();
  const panels = found.flatMap(({ name, spectrum }) => [curves(on, name, spectrum), plane(on, spectrum)]);
  return stacked(panels, WIDTH);
}

/** Norms of powers, between those of the radius and the bound. */
function curves({ Plot, document, style }: Canvas, name: string, { powers, radius }: Spectrum): SizedPlot {
  const lines = [
    { what: '‖Wᵗ‖', color: colors.norm, width: 3, dash: '', of: (t: number) => powers[t] },
    { what: 'ρᵗ', color: colors.radius, width: 1.5, dash: '5,3', of: (t: number) => radius ** t },
    { what: '‖W‖ᵗ', color: colors.bound, width: 1.5, dash: '2,3', of: (t: number) => powers[1] ** t },
  ];
  const svg = Plot.plot({
    ...{ document, width: WIDTH - PLANE, height: HEIGHT, marginLeft: 50, marginTop: 34, style },
    x: { label: 't', domain: [0, powers.length - 1] },
    y: { label: null, grid: true, domain: rangeOf(powers), ticks: 6, tickFormat: decade },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      ...lines.map(({ color, width, dash, of }) =>
        Plot.line(
          powers.flatMap((_, t) => (of(t) > 0 && of(t) < Infinity ? [{ t, log: Math.log10(of(t)) }] : [])),
          { x: 't', y: 'log', stroke: color, strokeWidth: width, strokeDasharray: dash, clip: true },
        ),
      ),
      Plot.text([name], { text: (d: string) => d, frameAnchor: 'top-left', dy: -18, fontWeight: 'bold' }),
      ...lines.map(({ what, color }, k) =>
        Plot.text([what], {
          ...{ text: (d: string) => d, frameAnchor: 'top-right', dy: -18, dx: -45 * (2 - k) },
          fill: color,
        }),
      ),
    ],
  });
  return { svg, height: 0 };
}

/** Decimal logarithms to show: those of the norms. The bound may leave them far behind. */
function rangeOf(powers: readonly number[]): [number, number] {
  const shown = powers.filter((norm) => norm > 0 && norm < Infinity).map(Math.log10);
  const [least, most] = [Math.min(...shown, -0.5), Math.max(...shown, 0.5)];
  return [least - 0.1 * (most - least), most + 0.15 * (most - least)];
}

function plane({ Plot, document, style }: Canvas, { eigenvalues }: Spectrum): SizedPlot {
  const reach = 1.15 * Math.max(1, ...eigenvalues.map(({ modulus }) => modulus));
  const circle = Array.from({ length: 121 }, (_, k) =>
    [Math.cos, Math.sin].map((f) => f((k * Math.PI) / 60)),
  );
  const svg = Plot.plot({
    ...{ document, width: PLANE, height: HEIGHT, margin: 34, style },
    x: { label: 'Re λ', domain: [-reach, reach], ticks: 3 },
    y: { label: 'Im λ', domain: [-reach, reach], ticks: 3 },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      Plot.line(circle, { stroke: colors.bound, strokeDasharray: '2,3' }),
      Plot.dot(eigenvalues, { x: 're', y: 'im', fill: colors.radius, r: 4, fillOpacity: 0.7 }),
    ],
  });
  svg.setAttribute('x', String(WIDTH - PLANE));
  return { svg, height: HEIGHT };
}
