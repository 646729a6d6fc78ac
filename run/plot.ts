/** Draws loss.svg: the training and the validation curve. */
import { canvas } from '../draw/canvas';
import type { Trainee } from './trainee';

/** Label and unit of the loss axis. */
export interface LossAxis {
  label: string;
  /** Axis value of a loss of one. */
  unit: number;
}
const colors = { training: '#4e79a7', validation: '#e15759' };

/**
 * The loss curves as an SVG document.
 *
 * @param final the last point of the validation curve: step and loss.
 */
export async function plotCurves(
  { training, validation }: Trainee['curves'],
  { label: title, unit }: LossAxis,
  final?: [number, number],
): Promise<string> {
  const { Plot, document, style } = await canvas();

  const points = (flat: ArrayLike<number>) =>
    Array.from({ length: flat.length / 2 }, (_, k) => ({ step: flat[2 * k], loss: flat[2 * k + 1] * unit }));
  const measured = points([...validation.pairs, ...(final ?? [])]);
  const x = 'step';
  const y = 'loss';
  const label = (name: keyof typeof colors, dy: number) => {
    const place = { frameAnchor: 'top-right', dx: -8, dy: 8 + dy } as const;
    return Plot.text([name], { ...place, text: (d: string) => d, fill: colors[name], fontWeight: 'bold' });
  };
  const marks = [
    Plot.frame({ stroke: '#ddd' }),
    Plot.line(points(training.pairs), { x, y, stroke: colors.training, strokeWidth: 1 }),
    Plot.line(measured, { x, y, stroke: colors.validation, strokeWidth: 2 }),
    Plot.dot(measured, { x, y, fill: colors.validation, r: measured.length > 50 ? 0 : 2.5 }),
    label('training', 0),
    label('validation', 16),
  ];
  const svg = Plot.plot({
    document,
    width: 720,
    height: 400,
    style,
    x: { label: 'step', grid: true },
    y: { label: title, grid: true, nice: true },
    marks,
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
