/** Renders benchmark results as an HTML page: ratios to other engines, a roofline, scaling curves, and the tables. */
import { basename, join, dirname } from 'node:path';
// the package is ESM-only and this file is CommonJS, so its types need an import attribute
import type * as Plotting from '@observablehq/plot' with { 'resolution-mode': 'import' };
import type { CellRow } from '../measure/measure';
import type { GemmRow } from './gemm.bench';
import type { LengthsRow } from './lengths.bench';
import type { OnlineRow } from './online.bench';
import type { PeerRow } from './peers/host';
import { whyNotWide } from '../core/programs/executor';
import { showGot, type Judged } from './figures';
import type { PointwiseRow } from './pointwise.bench';
import type { ScanRow } from './scan.bench';
import type { ScalingRow, ScalingSeries } from './scaling.bench';
import type { StartupRow } from './startup.bench';
import type { TextRow } from './text.bench';
import { formatDecimal } from '../core/format';

export interface Results {
  machine: string;
  gemm: GemmRow[];
  cells: CellRow[];
  bandwidth: { memory: number; cache: number };
  scaling: ScalingRow[];
  slopes: ScalingSeries[];
  startup: StartupRow[];
  lengths: LengthsRow[];
  online: OnlineRow[];
  scan: ScanRow[];
  peers: PeerRow[];
  pointwise: PointwiseRow[];
  text: TextRow[];
  figures: Judged[];
}

type Options = NonNullable<Parameters<typeof Plotting.plot>[0]>;
type Draw = (options: Options) => string;
interface Picture {
  name: string;
  title: string;
  words: string;
  svg: string;
}

const WIDTH = 960;
const colors = { faster: '#4e79a7', slower: '#e15759', memory: '#76b7b2', gray: '#999', ink: '#333' };

/** The HTML page, and each figure as a separate SVG file. */
export async function report(
  results: Partial<Results>,
  page: string,
): Promise<{ file: string; text: string }[]> {
  // a large ESM-only package: loaded only when there is something to draw
  const Plot = await import('@observablehq/plot');
  const { parseHTML } = await import('linkedom');
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const draw: Draw = (options) => {
    const svg = Plot.plot({
      document,
      width: WIDTH,
      style: { background: 'white', fontFamily: 'sans-serif', fontSize: '12px' },
      ...options,
    });
    svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    return svg.outerHTML;
  };
  const { peers = [], cells = [], gemm = [], scaling = [] } = results;
  const pictures = [
    ...(peers.length > 0 ? [ratios(Plot, draw, peers)] : []),
    ...(cells.length > 0 ? [shares(Plot, draw, cells)] : []),
    ...(gemm.length > 0 ? [roofline(Plot, draw, gemm, results.bandwidth)] : []),
    ...(scaling.length > 0 ? [growth(Plot, draw, scaling, results.slopes ?? [])] : []),
  ];
  const stem = basename(page).replace(/\.html?$/, '');
  const files = pictures.map(({ name, svg }) => ({
    file: join(dirname(page), `${stem}-${name}.svg`),
    text: `${svg}\n`,
  }));
  return [{ file: page, text: pageOf(results, pictures) }, ...files];
}

/** For each engine and workload, a bar from 1 to its time divided by ours. */
function ratios(Plot: typeof Plotting, draw: Draw, rows: readonly PeerRow[]): Picture {
  const bars = rows.flatMap(({ workload, peer, tasks }) => {
    const task = tasks.train ?? tasks.forward;
    if (!task || peer === 'backstep') return [];
    return [{ workload, peer: tasks.train ? peer : `${peer} (forward)`, ratio: task.ratio }];
  });
  const all = bars.map(({ ratio }) => ratio);
  const peers = [...new Set(bars.map(({ peer }) => peer))];
  const label = { y: 'peer', fx: 'workload', text: (d: (typeof bars)[0]) => formatDecimal(d.ratio) };
  const svg = draw({
    height: 80 + peers.length * 24,
    marginLeft: 200,
    marginTop: 40,
    marginBottom: 45,
    x: {
      type: 'log',
      domain: [Math.min(1, ...all) / 1.5, Math.max(...all) * 8],
      ticks: [1, 10, 100],
      tickFormat: String,
      label: 'time of the other engine over ours',
      grid: true,
    },
    y: { label: null, domain: peers, padding: 0.2 },
    fx: { label: null, padding: 0.08 },
    marks: [
      Plot.barX(bars, {
        x1: 1,
        x2: 'ratio',
        y: 'peer',
        fx: 'workload',
        fill: (d: (typeof bars)[0]) => (d.ratio < 1 ? colors.slower : colors.faster),
      }),
      Plot.text(
        bars.filter(({ ratio }) => ratio >= 1),
        { ...label, x: 'ratio', textAnchor: 'start', dx: 3 },
      ),
      Plot.text(
        bars.filter(({ ratio }) => ratio < 1),
        { ...label, x: 1, textAnchor: 'start', dx: 3 },
      ),
      Plot.ruleX([1], { stroke: colors.ink }),
    ],
  });
  const words =
    'Training time of each engine over that of this one in float32 on one thread, measured in turns: 10 means that the ' +
    'other takes ten times as long, below 1 (red) it is the faster one. ONNX Runtime does not train: its bars are forward passes.';
  return { name: 'ratios', title: 'Other engines', words, svg };
}

/** Bar chart of the share of the arithmetic peak reached in training. */
function shares(Plot: typeof Plotting, draw: Draw, rows: readonly CellRow[]): Picture {
  const bars = rows
    .filter(({ executor }) => executor === (whyNotWide() === undefined ? 'wasm-256' : 'wasm'))
    .map(({ workload, dtype, percentDone, percentOfPeak, gflops }) => ({
      workload,
      dtype,
      percentDone,
      percentOfPeak,
      gflops,
    }));
  const svg = draw({
    height: 320,
    marginTop: 40,
    y: {
      label: '% of the 128-bit peak',
      grid: true,
      domain: [0, Math.max(100, ...bars.map((b) => b.percentOfPeak)) + 15],
    },
    x: { label: null, padding: 0.15 },
    fx: { label: null, padding: 0.15 },
    marks: [
      Plot.barY(bars, {
        x: 'dtype',
        fx: 'workload',
        y: 'percentOfPeak',
        fill: colors.faster,
        fillOpacity: 0.35,
      }),
      Plot.barY(bars, { x: 'dtype', fx: 'workload', y: 'percentDone', fill: colors.faster }),
      Plot.text(bars, {
        x: 'dtype',
        fx: 'workload',
        y: 'percentOfPeak',
        text: (d: (typeof bars)[0]) => d.gflops.toFixed(0),
        dy: -8,
        stroke: 'white',
        strokeWidth: 4,
        fill: colors.ink,
      }),
      Plot.ruleY([100], { stroke: colors.ink, strokeDasharray: '4 3' }),
      Plot.ruleY([0]),
    ],
  });
  const words =
    'One training step, forward and backward, as a share of what the 128-bit units can do in the same moments; GFLOP/s ' +
    'above. The pale part is dx of the first layer, which the usual formula counts and which is computed only when asked for.';
  return { name: 'peak', title: 'Share of the peak', words, svg };
}

/** Roofline plot of the matrix products of recurrent networks on this machine. */
function roofline(
  Plot: typeof Plotting,
  draw: Draw,
  rows: readonly GemmRow[],
  bandwidth: Results['bandwidth'] | undefined,
): Picture {
  const points = rows
    .filter(({ dtype }) => dtype === 'float32')
    .map(({ kind, M, K, N, gflops }) => ({
      kind,
      gflops,
      // each operand is transferred once
      intensity: (2 * M * N * K) / (4 * (M * K + K * N + M * N)),
    }));
  const peak = Math.max(...rows.filter(({ dtype }) => dtype === 'float32').map((row) => row.peakGflops));
  const [left, right] = [0.2, 300];
  const kinds = [...new Set(points.map(({ kind }) => kind))];
  const roofs = Object.entries(bandwidth ?? {}).map(([from, rate]) => ({
    from,
    line: [
      { x: left, y: left * rate },
      { x: peak / rate, y: peak },
    ],
    rate,
  }));
  const svg = draw({
    height: 420,
    marginTop: 30,
    marginBottom: 45,
    marginLeft: 50,
    marginRight: 20,
    x: {
      type: 'log',
      base: 4,
      domain: [left, right],
      label: 'flops per byte of the operands',
      ticks: [0.25, 1, 4, 16, 64, 256],
      tickFormat: String,
    },
    y: {
      type: 'log',
      domain: [5, peak * 1.5],
      label: 'GFLOP/s',
      grid: true,
      ticks: [5, 10, 20, 40],
      tickFormat: String,
    },
    color: { legend: false, domain: kinds, scheme: 'tableau10' },
    marks: [
      Plot.ruleY([peak], { stroke: colors.ink }),
      Plot.text([`${rows[0].bits}-bit peak ${peak.toFixed(0)} GFLOP/s`], {
        x: left * 1.05,
        y: peak,
        dy: -8,
        textAnchor: 'start',
      }),
      ...roofs.flatMap(({ from, line, rate }) => [
        Plot.line(line, { x: 'x', y: 'y', stroke: colors.gray, strokeDasharray: '5 3', clip: true }),
        Plot.text([`${from}, ${rate.toFixed(0)} GB/s`], {
          x: Math.max(left * 1.05, 7 / rate),
          y: Math.max(left * 1.05, 7 / rate) * rate,
          textAnchor: 'start',
          dx: 8,
          dy: 8,
          fill: colors.gray,
        }),
      ]),
      Plot.dot(points, { x: 'intensity', y: 'gflops', fill: 'kind', r: 4, fillOpacity: 0.8 }),
      ...kinds.map((kind, k) =>
        Plot.text([kind], {
          frameAnchor: 'bottom-right',
          dx: -8,
          dy: -8 - 16 * (kinds.length - 1 - k),
          text: (name: string) => `● ${name}`,
          fill: (name: string) => name,
          fontWeight: 'bold',
        }),
      ),
    ],
  });
  const words =
    'Matrix products in float32 of the shapes that recurrent networks have. Below the slanted lines nothing but memory, or the ' +
    'second-level cache, bounds a product whose operands must come from there; operands that stay in a nearer cache can lie above.';
  return { name: 'roofline', title: 'Products under the roof', words, svg };
}

/** Log-log plots of the training cost against T, B and H. */
function growth(
  Plot: typeof Plotting,
  draw: Draw,
  rows: readonly ScalingRow[],
  slopes: readonly ScalingSeries[],
): Picture {
  // reference line with the slope of the arithmetic cost, through the largest point
  const ideals = slopes.flatMap(({ vary, arithmetic }) => {
    const own = rows.filter((row) => row.vary === vary);
    const last = own[own.length - 1];
    return own.map(({ at }) => ({ vary, at, ms: last.median * (at / last.at) ** arithmetic }));
  });
  const [least, most] = [Math.min, Math.max].map((of) => of(...rows.map((row) => row.median)));
  const svg = draw({
    height: 360,
    marginTop: 40,
    marginBottom: 45,
    marginLeft: 55,
    x: {
      type: 'log',
      base: 4,
      label: 'value',
      grid: true,
      domain: [0.8, 640],
      ticks: [1, 4, 16, 64, 256],
      tickFormat: String,
    },
    y: {
      type: 'log',
      label: 'ms for a training step',
      grid: true,
      domain: [least / 1.5, most * 1.6],
      ticks: [1, 10, 100, 1000],
      tickFormat: String,
    },
    fx: { label: null, domain: ['T', 'B', 'H'], padding: 0.08 },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      Plot.line(ideals, {
        x: 'at',
        y: 'ms',
        fx: 'vary',
        stroke: colors.gray,
        strokeDasharray: '4 3',
        clip: true,
      }),
      Plot.line(rows, { x: 'at', y: 'median', fx: 'vary', stroke: colors.faster, strokeWidth: 2 }),
      Plot.dot(rows, { x: 'at', y: 'median', fx: 'vary', fill: colors.faster }),
      Plot.text(slopes, {
        fx: 'vary',
        frameAnchor: 'top-left',
        dx: 8,
        dy: 8,
        text: ({ vary, slope, arithmetic }: ScalingSeries) =>
          `${vary}^${slope.toFixed(2)}, arithmetic ${vary}^${arithmetic.toFixed(2)}`,
      }),
    ],
  });
  const words =
    'A training step of an LSTM layer (D = 128, H = 256, B = 32, T = 100 but for what varies; D = H where H does). Dashed: ' +
    'what the arithmetic alone would cost, from the largest point down.';
  return { name: 'scaling', title: 'How cost grows', words, svg };
}

const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function htmlTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  const row = (tag: string, texts: readonly string[]): string =>
    `<tr>${texts.map((text) => `<${tag}>${escaped(text)}</${tag}>`).join('')}</tr>`;
  return `<table>\n${row('th', head)}\n${body.map((texts) => row('td', texts)).join('\n')}\n</table>`;
}

function pageOf(results: Partial<Results>, pictures: readonly Picture[]): string {
  const { figures = [], startup = [], peers = [] } = results;
  const parts = [
    ...pictures.map(({ title, words, svg }) => `<h2>${title}</h2>\n<p>${escaped(words)}</p>\n${svg}`),
    ...(figures.length > 0
      ? [
          `<h2>What is wanted</h2>\n${htmlTable(
            ['', 'wanted', 'got', ''],
            figures.map((figure) => [
              figure.what,
              figure.wanted,
              showGot(figure),
              `${figure.met ? 'met' : 'not met'}${figure.detail ? `: ${figure.detail}` : ''}`,
            ]),
          )}`,
        ]
      : []),
    ...(peers.length > 0 ? [`<h2>All engines</h2>\n${peerTable(peers)}`] : []),
    ...(startup.length > 0
      ? [
          `<h2>Start-up</h2>\n${htmlTable(
            ['', 'median ms', 'min ms'],
            startup.map(({ what, median, min, note }) => [
              what,
              note ?? formatDecimal(median),
              formatDecimal(min),
            ]),
          )}`,
        ]
      : []),
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>backstep: benchmarks</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 980px; margin: 2em auto; padding: 0 1em; color: ${colors.ink}; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
td, th { padding: 2px 12px 2px 0; border-bottom: 1px solid #eee; text-align: right; }
td:first-child, th:first-child, td:nth-child(2), th:nth-child(2) { text-align: left; }
</style>
<h1>Benchmarks</h1>
<p>${escaped(results.machine ?? '')}</p>
${parts.join('\n')}
</html>
`;
}

function peerTable(peers: readonly PeerRow[]): string {
  const tasks = ['train', 'forward', 'step'] as const;
  return htmlTable(
    [
      'workload',
      'engine',
      'train ms',
      'over ours',
      'forward ms',
      'over ours',
      'step ms',
      'over ours',
      'peak MB',
    ],
    peers.map(({ workload, about, peer, absent, differs, tasks: timings, peakMegabytes }) => [
      workload,
      absent === undefined ? `${about}${differs ? ` (${differs})` : ''}` : `${peer}: ${absent}`,
      ...tasks.flatMap((task) => [formatDecimal(timings[task]?.median), formatDecimal(timings[task]?.ratio)]),
      peakMegabytes?.toFixed(0) ?? '–',
    ]),
  );
}
