/**
 * The executor of difference quotients: records on which side of each kink (of relu, max, …) every element falls while a
 * program runs, and holds the values of `stop` fixed.
 */
import { plain } from '../../core/programs/plain';
import type { Executor, Pointwise } from '../../core/programs/program';
import type { Graph, GraphNode } from '../../core/programs/statement';
import { zeros, type Tensors } from '../../core/tensor';

/** Operations with a discontinuous slope. */
const KINKED = new Set(['relu', 'abs', 'min', 'max', 'step', 'select']);

/** The plain executor, which also hashes the sides into `hash`: two runs with different hashes lie across a kink. */
export class SideExecutor implements Executor {
  readonly name = 'sides';
  hash = 0;
  /** Whether `stop(v)` has the value of the last run without it, whatever v is now. */
  private held = false;
  /** Whether any operation so far contains a `stop`. */
  private hasStops = false;

  reset(): void {
    this.hash = 0;
  }

  /** Runs a program, if it contains a `stop`, and holds the values of `stop` fixed in all later runs. */
  hold(run: () => void): void {
    if (!this.hasStops) return;
    this.held = false;
    run();
    this.held = true;
  }

  bind(operation: Parameters<Executor['bind']>[0]): () => void {
    if (operation.kind !== 'pointwise') return plain.bind(operation);
    const stops = stopsOf(operation);
    if (!stops) return this.watch(operation);
    this.hasStops = true;
    const read = plain.bind(stops.read);
    const run = this.watch(stops.held);
    return () => {
      if (!this.held) read(); // before the statement itself, which may replace its inputs
      run();
    };
  }

  /** Runs a statement, after noting the sides of its kinks. */
  private watch(operation: Pointwise): () => void {
    const run = plain.bind(operation);
    const sides = sidesOf(operation);
    if (!sides) return run;
    const look = plain.bind(sides);
    const all = Object.values(sides.outputs).map(({ data }) => data);
    return () => {
      look(); // before the statement itself, which may replace its inputs
      for (const data of all) {
        for (let k = 0; k < data.length; k++) this.hash = (Math.imul(this.hash, 31) + data[k] + 1) | 0;
      }
      run();
    };
  }
}

/** A new tensor for each name, of the shape of an operation. */
const storageFor = (names: string[], { outputs }: Pointwise): Tensors => {
  const { shape } = Object.values(outputs)[0];
  return Object.fromEntries(names.map((name) => [name, zeros([...shape])]));
};

/** A statement that computes the side of each kink of another; undefined if it has none. */
function sidesOf(operation: Pointwise): Pointwise | undefined {
  const nodes = [...operation.graph.nodes];
  const outputs: Record<string, number> = {};
  operation.graph.nodes.forEach((node, k) => {
    if (node.op === 'input' || node.op === 'constant' || !KINKED.has(node.op)) return;
    const [a, b] = node.args;
    const two = node.op === 'min' || node.op === 'max';
    const difference = two ? nodes.push({ op: 'sub', args: [a, b] }) - 1 : a;
    outputs[`side${k}`] = nodes.push({ op: 'step', args: [difference] }) - 1;
  });
  const names = Object.keys(outputs);
  if (names.length === 0) return undefined;
  const graph: Graph = { nodes, outputs, locals: {} };
  return { ...operation, graph, outputs: storageFor(names, operation) };
}

/** A statement that stores what each `stop` passes on, and one that reads it from there; undefined if there is none. */
function stopsOf(operation: Pointwise): { read: Pointwise; held: Pointwise } | undefined {
  const { graph, inputs } = operation;
  const outputs: Record<string, number> = {};
  graph.nodes.forEach(({ op }, k) => {
    if (op === 'stop') outputs[`held${k}`] = k;
  });
  const names = Object.keys(outputs);
  if (names.length === 0) return undefined;
  const values = storageFor(names, operation);
  const nodes = graph.nodes.map((node, k): GraphNode =>
    node.op === 'stop' ? { op: 'input', name: `held${k}` } : node,
  );
  return {
    read: { ...operation, graph: { nodes: graph.nodes, outputs, locals: {} }, outputs: values },
    held: { ...operation, graph: { ...graph, nodes }, inputs: { ...inputs, ...values } },
  };
}
