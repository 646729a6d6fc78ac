/** The largest change of a state in each iteration of Newton's method, for a GRU and for tanh units of two spectral radii. */
import { newton } from '../../bptt/check/jacobians/newton';
import { scaleRecurrence } from '../../bptt/flow/recurrence';
import { network } from '../../bptt/network/network';
import { planOf } from '../../bptt/network/passes/pass';
import type { Cell } from '../../cells/cell';
import { elman } from '../../cells/elman';
import { gru } from '../../cells/gru';
import { Random } from '../../core/random/random';
import { say, type Language } from '../build/languages';
import { lineChart, type Curve } from './lines';

const [T, D, H] = [40, 3, 8];

function curve(name: string, cell: Cell, radius = 1): Curve {
  const net = network({ layers: [cell], seed: 1 });
  scaleRecurrence(net, radius);
  const random = new Random(1);
  const x = { shape: [T, 1, D], numbers: Array.from({ length: T * D }, () => random.normal()) };
  const [unroll] = planOf(net.forward({ x })).unrolls;
  const { changes } = newton(unroll);
  // a change of 0 is not on a logarithmic axis
  return { name, points: changes.map((change, k) => ({ x: k + 1, y: Math.max(change, 1e-17) })) };
}

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      curve('GRU', gru({ input: D, hidden: H })),
      curve('tanh, ρ = 1', elman({ input: D, hidden: H })),
      curve('tanh, ρ = 2', elman({ input: D, hidden: H }), 2),
    ],
    {
      ...{ x: say('iteration', language), y: say('largest change of a state', language) },
      ...{ log: 'y', range: [1e-12, 1e4] as [number, number] },
    },
  );
