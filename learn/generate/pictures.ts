/** Draws how well the symbols at each position of a sequence are predicted. */
import { canvas } from '../../draw/canvas';
import type { PositionBits } from '../judgewritten';

/** Mean bits of the symbol at each position, for the network and for the frequency of symbols. */
export async function drawPositions(positions: readonly PositionBits[]): Promise<string> {
  const { Plot, document, style } = await canvas();
  const lines = [
    { name: 'this model', stroke: '#4e79a7', of: ({ model }: PositionBits) => model },
    { name: 'each symbol by its frequency', stroke: '#888', of: ({ baseline }: PositionBits) => baseline },
  ];
  const svg = Plot.plot({
    ...{ document, width: 640, height: 320, style },
    x: { label: 'position in the sequence', tickFormat: 'd' },
    y: { label: 'bits per symbol', grid: true, zero: true, nice: true },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      ...lines.map(({ stroke, of }) =>
        Plot.line(
          positions.map((one, t) => ({ x: t + 1, y: of(one) })),
          { x: 'x', y: 'y', stroke, strokeWidth: 1.5, marker: 'dot' },
        ),
      ),
      ...lines.map(({ name, stroke }, k) =>
        Plot.text([name], {
          ...{ text: (d: string) => d, frameAnchor: 'bottom-left', dx: 8, dy: -8 - 16 * k },
          ...{ fill: stroke, fontWeight: 'bold' },
        }),
      ),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
