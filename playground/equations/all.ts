/** All equations that the page can show: forward and backward, of every cell in every variant. */
import { network } from '../../bptt/network/network';
import { Plan } from '../../bptt/network/plan';
import { suite } from '../../bptt/check/suite';
import { linesOf, nameOf } from '../../core/print';
import { recordStep } from '../../bptt/trace/lines';
import { withoutColumns } from './columns';

export function allLines(): string[] {
  const lines = new Set<string>();
  for (const cell of suite().flatMap(({ cells }) => cells)) {
    const net = network({ layers: [cell] });
    const plan = new Plan(net.architecture, { T: 2, B: 2, masked: false }, net.parameters);
    for (const unroll of plan.unrolls)
      for (let t = 0; t < 2; t++)
        for (const way of ['step', 'stepBackward'] as const) {
          const { operations, v } = recordStep(unroll, t, way);
          for (const line of operations.flatMap((operation) =>
            linesOf(operation, (tensor) => nameOf(tensor, v)),
          ))
            lines.add(withoutColumns(line));
        }
  }
  return [...lines];
}
