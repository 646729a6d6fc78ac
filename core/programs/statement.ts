/**
 * Statements: groups of elementwise equations, written as functions over scalars, that can also be traced to a graph.
 */
import {
  apply,
  chained,
  language,
  Node,
  rules,
  type OperationName,
  type Recorder,
  type Scalar,
} from './scalar';

/** A node of a graph: an input by name, a constant, or an operation on earlier nodes. */
export type GraphNode =
  { op: 'input'; name: string } | { op: 'constant'; value: number } | { op: OperationName; args: number[] };

/** A traced statement: nodes in the order of evaluation, with equal ones merged. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** Name → index of the node that computes it, in the order of definition. */
  readonly outputs: Readonly<Record<string, number>>;
  /** Named intermediate values; they are computed and printed, but not stored. */
  readonly locals: Readonly<Record<string, number>>;
}

/** Elementwise equations as a function of numbers or duals; `graph` is its trace. */
export interface Statement {
  (inputs: Record<string, Scalar>): Record<string, Scalar>;
  readonly graph: Graph;
}

/**
 * Declares a group of elementwise equations.
 *
 * Source: the closed language of `scalar.ts`; the body may use nothing else (no `if`, no `Math`).
 * @example
 * const square = statement(({ x }) => ({ y: ops.mul(x, x) }));
 * square({ x: 3 });     // { y: 9 }
 * printGraph(square.graph); //  ['y = x * x']
 */
export function statement(body: (inputs: Record<string, Scalar>) => Record<string, Scalar>): Statement {
  let graph: Graph | undefined;
  const callable = (inputs: Record<string, Scalar>): Record<string, Scalar> => body(inputs);
  return Object.defineProperty(callable, 'graph', { get: () => (graph ??= trace(body)) }) as Statement;
}

/** The statement of a graph, such as a mutated one. */
export function statementOf(graph: Graph): Statement {
  const outputs = Object.entries(graph.outputs);
  const body = (inputs: Record<string, Scalar>): Record<string, Scalar> => {
    const values: Scalar[] = [];
    for (const node of graph.nodes) {
      if (node.op === 'input') values.push(inputs[node.name]);
      else if (node.op === 'constant') values.push(node.value);
      else values.push(apply(node.op, values[node.args[0]], values[node.args[1]], values[node.args[2]]));
    }
    const results: Record<string, Scalar> = {};
    for (const [name, index] of outputs) results[name] = values[index];
    return results;
  };
  return Object.assign(body, { graph });
}

/** An operation of a graph. */
export interface GraphOperation {
  node: number;
  op: OperationName;
  args: readonly number[];
  /** The nodes of its three operands; the number of all nodes stands for a missing one. */
  a: number;
  b: number;
  c: number;
}

/** The operations of a graph, in the order of its nodes. */
export const operationsOf = ({ nodes }: Graph): GraphOperation[] =>
  nodes.flatMap((one, node) => {
    if (one.op === 'constant' || one.op === 'input') return [];
    const { op, args } = one;
    const [a, b = nodes.length, c = nodes.length] = args;
    return [{ node, op, args, a, b, c }];
  });

/** The constants of a graph. */
export const constantsOf = ({ nodes }: Graph): { node: number; value: number }[] =>
  nodes.flatMap((one, node) => (one.op === 'constant' ? [{ node, value: one.value }] : []));

/** The nodes of a graph on dual numbers. */
export interface DualNodes {
  /** The value of each node. */
  re: Float64Array;
  /** Its derivatives, `lanes` of them. */
  du: Float64Array;
  /** Computes all nodes from the inputs, with the first `count` derivatives, as `statementOf` does. */
  run: (count: number) => void;
}

/** A graph on dual numbers with derivatives in several directions, for many elements. */
export function dualsOf(graph: Graph, lanes: number): DualNodes {
  const size = graph.nodes.length + 1;
  const [re, du] = [new Float64Array(size), new Float64Array(size * lanes)];
  for (const { node, value } of constantsOf(graph)) re[node] = value;
  const steps = operationsOf(graph).map(({ node, op, a, b, c }) => ({ node, a, b, c, ...rules[op] }));
  const run = (count: number): void => {
    for (let k = 0; k < steps.length; k++) {
      const { node, a, b, c, value, partials } = steps[k];
      const [p, q, r] = [re[a], re[b], re[c]];
      const y = (re[node] = value(p, q, r));
      let slopes: number[] | undefined;
      for (let lane = 0; lane < count; lane++) {
        const [da, db, dc] = [du[a * lanes + lane], du[b * lanes + lane], du[c * lanes + lane]];
        const moves = da !== 0 || db !== 0 || dc !== 0;
        du[node * lanes + lane] = moves ? chained((slopes ??= partials(p, q, r, y)), da, db, dc) : 0;
      }
    }
  };
  return { re, du, run };
}

/** The names of a graph's inputs, in the order of their first use. */
export function inputsOf(graph: Graph): readonly string[] {
  let names = inputNames.get(graph);
  if (!names) {
    names = graph.nodes.flatMap((node) => (node.op === 'input' ? [node.name] : []));
    inputNames.set(graph, names);
  }
  return names;
}
/** A statement is bound for many shapes. */
const inputNames = new WeakMap<Graph, readonly string[]>();

/** Whether an output is a constant. */
export const isConstant = ({ nodes, outputs }: Graph, output: string): boolean =>
  nodes[outputs[output]].op === 'constant';

/** Traces a statement by running it once on nodes. */
function trace(body: (inputs: Record<string, Scalar>) => Record<string, Scalar>): Graph {
  const nodes: GraphNode[] = [];
  const locals: Record<string, number> = {};
  const seen = new Map<string, Node>(); // to merge equal expressions

  const intern = (key: string, node: GraphNode): Node => {
    let found = seen.get(key);
    if (!found) {
      found = new Node(recorder, nodes.push(node) - 1);
      seen.set(key, found);
    }
    return found;
  };
  const nodeOf = (s: Scalar): Node => {
    if (s instanceof Node) return s;
    const value = s as number;
    return intern(Object.is(value, -0) ? '#-0' : `#${value}`, { op: 'constant', value });
  };
  const recorder: Recorder = {
    apply(op, scalars) {
      const args = scalars.map((s) => nodeOf(s).index);
      return intern(`${op}(${args.join()})`, { op, args });
    },
    name(name, node) {
      locals[name] = node.index;
    },
  };
  const inputs = new Proxy(
    {},
    {
      get: (_target, name) => intern(`$${String(name)}`, { op: 'input', name: String(name) }),
    },
  );
  const outputs = Object.entries(body(inputs)).map(([name, s]) => [name, nodeOf(s).index] as const);
  return { nodes, outputs: Object.fromEntries(outputs), locals };
}

/** The number of operands of an operation. */
export const arityOf = (op: OperationName): number => language[op].arity;
