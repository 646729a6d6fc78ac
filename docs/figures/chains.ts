/** How much the state of each step depends on each earlier one: the norms of the products of Jacobians in the double sum. */
import { flow } from '../../bptt/flow/flow';
import { scaleRecurrence } from '../../bptt/flow/recurrence';
import { network } from '../../bptt/network/network';
import { elman } from '../../cells/elman';
import { Random } from '../../core/random/random';
import { canvas } from '../../draw/canvas';
import { say, type Language } from '../build/languages';

const [T, D, H] = [12, 3, 16];

/** ‖∂h_t/∂h_k‖ for k ≤ t, in an untrained network that reads noise. */
function pairs(): { t: number; k: number; norm: number }[] {
  const random = new Random(1);
  const net = network({
    layers: [elman({ input: D, hidden: H })],
    ...{ output: 2, loss: 'squared', topology: 'many-to-one', seed: 2 },
  });
  scaleRecurrence(net, 0.8);
  const noise = Array.from({ length: T * D }, () => random.normal());
  return Array.from({ length: T }, (_, t) => {
    const x = { shape: [t + 1, 1, D], numbers: noise.slice(0, (t + 1) * D) };
    const [layer] = flow(net, { x, targets: [[1, 0]] }).layers;
    return layer.back.flatMap(({ d, norm }) => (d <= t ? [{ t, k: t - d, norm }] : []));
  }).flat();
}

export async function draw(language: Language): Promise<string> {
  const { Plot, document, style } = await canvas();
  const svg = Plot.plot({
    document,
    ...{ width: 460, height: 490, marginLeft: 60, marginRight: 10, marginTop: 70, marginBottom: 45 },
    // large enough to be read on a phone
    style: { ...style, fontSize: '16px' },
    x: { label: say('state of step t', language), type: 'band', tickSize: 0 },
    y: { label: say('state of step k', language), type: 'band', tickSize: 0 },
    color: { type: 'log', scheme: 'blues', domain: [0.01, 1], clamp: true },
    marks: [
      Plot.cell(pairs(), {
        ...{ x: 't', y: 'k', fill: 'norm', inset: 1 },
      }),
      // a legend of its own: Plot draws its ramp only in a browser
      ...[1, 0.1, 0.01].map((norm, at) =>
        Plot.dot([norm], {
          ...{
            frameAnchor: 'top-left' as const,
            dx: 8 + 90 * at,
            dy: -48,
            r: 8,
            stroke: '#9aa3ad',
            symbol: 'square' as const,
            fill: () => norm,
          },
        }),
      ),
      ...[1, 0.1, 0.01].map((norm, at) =>
        Plot.text([String(norm)], {
          ...{
            frameAnchor: 'top-left' as const,
            dx: 24 + 90 * at,
            dy: -48,
            lineAnchor: 'middle' as const,
            textAnchor: 'start' as const,
          },
        }),
      ),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return svg.outerHTML;
}
