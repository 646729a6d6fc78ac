/** Which pairs of steps the gradient of truncated backpropagation contains. */
import { canvas } from '../../draw/canvas';
import { say, type Language } from '../build/languages';

const [T, chunk] = [12, 3];

export async function draw(language: Language): Promise<string> {
  const { Plot, document, style } = await canvas();
  const pairs = Array.from({ length: T * T }, (_, at) => ({ t: at % T, k: Math.floor(at / T) }));
  const inChunk = ({ t, k }: (typeof pairs)[number]): boolean =>
    Math.floor(t / chunk) === Math.floor(k / chunk);
  const svg = Plot.plot({
    document,
    ...{ width: 460, height: 430, marginLeft: 60, marginRight: 10, marginBottom: 45 },
    // large enough to be read on a phone
    style: { ...style, fontSize: '16px' },
    x: { label: say('loss at step t', language), type: 'band', tickSize: 0 },
    y: { label: say('weight at step k', language), type: 'band', tickSize: 0 },
    marks: [
      Plot.cell(
        pairs.filter(({ t, k }) => k <= t),
        {
          ...{ x: 't', y: 'k', inset: 1 },
          fill: (pair: (typeof pairs)[number]) => (inChunk(pair) ? '#4e79a7' : '#e8ecf1'),
        },
      ),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return svg.outerHTML;
}
