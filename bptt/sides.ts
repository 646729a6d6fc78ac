/** On which side of every kink (of relu, max, …) each element falls while a program runs. */
import { plain } from '../core/plain';
import type { Executor } from '../core/program';
import { primal } from '../core/scalar';
import { inputsOf, statementOf } from '../core/statement';

/** Operations whose slope jumps. */
const KINKED = new Set(['relu', 'abs', 'min', 'max', 'step', 'select']);

/** The plain executor, which also sums up the sides in `hash`: two runs with another hash lie across a kink. */
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
    // each kink becomes an output that tells its side
    const nodes = [...graph.nodes];
    const sides: Record<string, number> = {};
    graph.nodes.forEach((node, k) => {
      if (node.op === 'input' || node.op === 'constant' || !KINKED.has(node.op)) return;
      const [a, b] = node.args;
      const two = node.op === 'min' || node.op === 'max';
      const difference = two ? nodes.push({ op: 'sub', args: [a, b] }) - 1 : a;
      sides[`side${k}`] = nodes.push({ op: 'step', args: [difference] }) - 1;
    });
    if (Object.keys(sides).length === 0) return run;
    const body = statementOf({ nodes, outputs: sides, locals: {} });
    const names = inputsOf(graph);
    const [R, C] = Object.values(outputs)[0].shape;
    return () => {
      for (let r = 0; r < R; r++) {
        for (let c = 0; c < C; c++) {
          const results = body(Object.fromEntries(names.map((name) => [name, inputs[name].get(r, c)])));
          for (const side of Object.values(results))
            this.hash = (Math.imul(this.hash, 31) + primal(side) + 1) | 0;
        }
      }
      run();
    };
  }
}
