/** Draws which modules of a clockwork network are active at each step. */
import { canvas } from '../../draw/canvas';
import { say, type Language } from '../build/languages';

const periods = [1, 2, 4, 8, 16];
const steps = 33;

export async function draw(language: Language): Promise<string> {
  const { Plot, document, style } = await canvas();
  const cells = periods.flatMap((period) =>
    Array.from({ length: steps }, (_, t) => ({ t, period: `T = ${period}`, works: t % period === 0 })),
  );
  const svg = Plot.plot({
    document,
    ...{ width: 460, height: 240, marginLeft: 70, marginRight: 4, marginBottom: 45 },
    // large enough to be read on a phone
    style: { ...style, fontSize: '16px' },
    x: {
      label: say('step t', language),
      type: 'band',
      tickFormat: (t: number) => (t % 8 === 0 ? String(t) : ''),
      tickSize: 0,
    },
    y: { label: null, domain: periods.map((period) => `T = ${period}`).reverse() },
    marks: [
      Plot.cell(cells, {
        x: 't',
        y: 'period',
        fill: (d: { works: boolean }) => (d.works ? '#4e79a7' : '#e8ecf1'),
        inset: 0.5,
      }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return svg.outerHTML;
}
