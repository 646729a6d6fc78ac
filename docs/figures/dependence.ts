/** How much the final state of an untrained network depends on the state d steps before. */
import { flow } from '../../bptt/flow/flow';
import { scaleRecurrence } from '../../bptt/flow/recurrence';
import { network } from '../../bptt/network/network';
import type { Cell } from '../../cells/cell';
import { Random } from '../../core/random/random';
import type { Curve } from './lines';

export const [T, D, H] = [60, 4, 32];

/** The largest singular values of the products of d Jacobians, for a network that reads noise. */
export function dependence(name: string, cell: Cell, radius = 1): Curve {
  const random = new Random(1);
  const net = network({ layers: [cell], output: 2, loss: 'squared', topology: 'many-to-one', seed: 2 });
  if (radius !== 1) scaleRecurrence(net, radius);
  const x = { shape: [T, 1, D], numbers: Array.from({ length: T * D }, () => random.normal(0, 0.3)) };
  const [layer] = flow(net, { x, targets: [[1, 0]] }).layers;
  return { name, points: layer.back.map(({ d, norm }) => ({ x: d, y: norm })) };
}
