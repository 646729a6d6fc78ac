/** How much the final state depends on earlier ones: vanilla cells of several spectral radii, LSTMs of several forget biases. */
import { flow } from '../../bptt/flow/flow';
import { scaleRecurrence } from '../../bptt/flow/recurrence';
import { network } from '../../bptt/network/network';
import type { Cell } from '../../cells/cell';
import { elman } from '../../cells/elman';
import { lstm } from '../../cells/lstm';
import { Random } from '../../core/random';
import { lineChart, type Curve } from './lines';

const [T, D, H] = [60, 4, 32];

function curve(name: string, cell: Cell, radius = 1): Curve {
  const random = new Random(1);
  const net = network({ layers: [cell], output: 2, loss: 'squared', topology: 'many-to-one', seed: 2 });
  scaleRecurrence(net, radius);
  const x = { shape: [T, 1, D], numbers: Array.from({ length: T * D }, () => random.normal(0, 0.3)) };
  const [layer] = flow(net, { x, targets: [[1, 0]] }).layers;
  return { name, points: layer.back.map(({ d, norm }) => ({ x: d, y: norm })) };
}

export const draw = (): Promise<string> =>
  lineChart(
    [
      ...[0.8, 1, 1.3].map((radius) =>
        curve(`vanilla, ρ = ${radius}`, elman({ input: D, hidden: H }), radius),
      ),
      ...[0, 1, 3].map((forgetBias) =>
        curve(`LSTM, bias ${forgetBias}`, lstm({ input: D, hidden: H, forgetBias })),
      ),
    ],
    { x: 'steps back, d', y: '‖∂s_T/∂s_(T−d)‖', log: true, range: [1e-6, 1000] },
  );
