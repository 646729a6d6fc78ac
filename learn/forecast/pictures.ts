/** Shows forecast against truth: as two sparklines in the terminal, and as a picture. */
import { canvas } from '../../draw/canvas';
import { sparkline } from '../../draw/sparkline';
import type { Note } from './note';
import type { Windows } from './windows';

/** The last one-step forecasts and the true values, as two sparklines. */
export function sparks(examples: Windows, forecast: Float64Array, { targets, horizon }: Note): string[] {
  const shown = examples.lastOfFirst(48);
  const O = targets.length * horizon;
  const truth = shown.map((row) => examples.truth(row, 0, 0));
  const predicted = shown.map((row) => forecast[row * O]);
  const range: [number, number] = [Math.min(...truth, ...predicted), Math.max(...truth, ...predicted)];
  return [
    `  ${targets[0]}, the last ${shown.length} steps, each forecast one step before:`,
    `  truth     ${sparkline(truth, 48, range)}`,
    `  forecast  ${sparkline(predicted, 48, range)}`,
  ];
}

/** Picture of the last forecasts against the truth; one panel for the first target of the first series. */
export async function drawForecast(
  examples: Windows,
  forecast: Float64Array,
  { targets, horizon, date }: Note,
): Promise<string> {
  const { Plot, document, style } = await canvas();
  const shown = examples.lastOfFirst(200);
  const O = targets.length * horizon;
  const at = (row: number, h: number): Date | number =>
    date === null ? examples.timeOf(row, h) : new Date(examples.timeOf(row, h));
  const points = (of: (row: number) => number, h: number) =>
    shown.map((row) => ({ x: at(row, h), y: of(row) }));
  const lines = [
    { name: 'truth', stroke: '#333', data: points((row) => examples.truth(row, 0, 0), 0) },
    { name: 'forecast, 1 step before', stroke: '#4e79a7', data: points((row) => forecast[row * O], 0) },
    ...(horizon > 1
      ? [
          {
            name: `${horizon} steps before`,
            stroke: '#e15759',
            data: points((row) => forecast[row * O + horizon - 1], horizon - 1),
          },
        ]
      : []),
  ];
  const svg = Plot.plot({
    ...{ document, width: 760, height: 380, style, marginLeft: 60 },
    x: { label: date ?? 'step', type: date === null ? 'linear' : 'utc' },
    y: { label: targets[0], grid: true, nice: true },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      ...lines.map(({ data, stroke }) => Plot.line(data, { x: 'x', y: 'y', stroke, strokeWidth: 1.3 })),
      ...lines.map(({ name, stroke }, k) =>
        Plot.text([name], {
          text: (d: string) => d,
          frameAnchor: 'top-left',
          dx: 8,
          dy: 8 + 16 * k,
          fill: stroke,
          fontWeight: 'bold',
        }),
      ),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
