/** Every line that the page can show: those of every kind of cell that it can make, forward and backward. */
import { Plan } from '../../bptt/plan';
import { linesOf, recordStep } from '../engine/lines';
import { networkOf } from '../engine/model';
import { withoutColumns } from './columns';
import { cellNames, defaultsOf } from '../engine/settings';

export function allLines(): string[] {
  const task = { input: 3, output: 2, loss: 'softmax', topology: 'many-to-many' } as const;
  const lines = new Set<string>();
  for (const cell of cellNames) {
    const net = networkOf({ ...defaultsOf('text'), hidden: 8 }, cell, task);
    const plan = new Plan(net.architecture, { T: 2, B: 2, masked: false }, net.parameters);
    for (const unroll of plan.unrolls)
      for (let t = 0; t < 2; t++)
        for (const way of ['step', 'stepBackward'] as const)
          for (const operation of recordStep(unroll, t, way))
            for (const { text } of linesOf(operation, unroll.at(t))) lines.add(withoutColumns(text));
  }
  return [...lines];
}
