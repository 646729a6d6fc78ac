/** Records on which side of each kink (of relu, max, …) every element falls while a program runs. */
import { plain } from '../../core/plain';
import type { Executor } from '../../core/program';
import { zeros } from '../../core/tensor';

/** Operations with a discontinuous slope. */
const KINKED = new Set(['relu', 'abs', 'min', 'max', 'step', 'select']);

/** The plain executor, which also hashes the sides into `hash`: two runs with different hashes lie across a kink. */
export class SideExecutor implements Executor {
  readonly name = 'sides';
  hash = 0;

  reset(): void {
    this.hash = 0;
  }

  bind(operation: Parameters<Executor['bind']>[0]): () => void {
    const run = plain.bind(operation);
    if (operation.kind !== 'pointwise') return run;
    const { graph, inputs, outputs } = operation;
    // each kink gets an additional output that holds its side
    const nodes = [...graph.nodes];
    const sideOutputs: Record<string, number> = {};
    graph.nodes.forEach((node, k) => {
      if (node.op === 'input' || node.op === 'constant' || !KINKED.has(node.op)) return;
      const [a, b] = node.args;
      const two = node.op === 'min' || node.op === 'max';
      const difference = two ? nodes.push({ op: 'sub', args: [a, b] }) - 1 : a;
      sideOutputs[`side${k}`] = nodes.push({ op: 'step', args: [difference] }) - 1;
    });
    if (Object.keys(sideOutputs).length === 0) return run;
    const shape = Object.values(outputs)[0].shape;
    const seen = Object.fromEntries(Object.keys(sideOutputs).map((name) => [name, zeros([...shape])]));
    const look = plain.bind({
      kind: 'pointwise',
      graph: { nodes, outputs: sideOutputs, locals: {} },
      inputs,
      outputs: seen,
    });
    const all = Object.values(seen).map(({ data }) => data);
    return () => {
      look(); // before the statement itself, which may replace its inputs
      for (const data of all) {
        for (let k = 0; k < data.length; k++) this.hash = (Math.imul(this.hash, 31) + data[k] + 1) | 0;
      }
      run();
    };
  }
}
