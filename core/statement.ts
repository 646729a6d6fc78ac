/**
 * A statement: one group of elementwise equations, written once as a function over scalars, that can also be had
 * as a graph and as text.
 */
import { apply, language, Node, type OperationName, type Recorder, type Scalar } from './scalar';

/** One place of a graph: an input by name, a constant, or an operation on earlier places. */
export type GraphNode =
  { op: 'input'; name: string } | { op: 'constant'; value: number } | { op: OperationName; args: number[] };

/** A traced statement: nodes in the order of evaluation, equal ones merged. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** Name → index of the node that computes it, in the order of definition. */
  readonly outputs: Readonly<Record<string, number>>;
  /** Named intermediate values; they are computed and printed, but not stored. */
  readonly locals: Readonly<Record<string, number>>;
}

/** Elementwise equations as a callable: on numbers and duals it computes; `graph` is the same thing written down. */
export interface Statement {
  (inputs: Record<string, Scalar>): Record<string, Scalar>;
  readonly graph: Graph;
}

/**
 * Declares a group of elementwise equations.
 *
 * Source: the closed language of `scalar.ts`; the body may use nothing else (no `if`, no `Math`).
 * @example
 * const square = statement(({ x }) => ({ y: mul(x, x) }));
 * square({ x: 3 });     // { y: 9 }
 * print(square.graph);  // ['y = x * x']
 */
export function statement(body: (inputs: Record<string, Scalar>) => Record<string, Scalar>): Statement {
  let graph: Graph | undefined;
  const callable = (inputs: Record<string, Scalar>): Record<string, Scalar> => body(inputs);
  return Object.defineProperty(callable, 'graph', { get: () => (graph ??= trace(body)) }) as Statement;
}

/** The statement that a graph (for instance a mutated one) stands for. */
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

/** The names a graph reads, in the order in which it first reads them. */
export function inputsOf(graph: Graph): string[] {
  return graph.nodes.flatMap((node) => (node.op === 'input' ? [node.name] : []));
}

/** Writes a statement down by running it once on nodes. */
function trace(body: (inputs: Record<string, Scalar>) => Record<string, Scalar>): Graph {
  const nodes: GraphNode[] = [];
  const locals: Record<string, number> = {};
  const seen = new Map<string, Node>(); // equal expressions become one node

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

/** Binding strength of an operator when printed; functions and names bind strongest. */
const strength: Partial<Record<GraphNode['op'], number>> = { add: 1, sub: 1, mul: 2, div: 2, neg: 3 };
const symbol: Partial<Record<GraphNode['op'], string>> = { add: '+', sub: '-', mul: '*', div: '/' };

/**
 * The equations of a graph in infix notation, one line for each named value, in the order of evaluation.
 *
 * @example
 * print(statement(({ a, b }) => ({ y: mul(a, sub(1, b)) })).graph); // ['y = a * (1 - b)']
 */
export function print(graph: Graph): string[] {
  const named = new Map<number, string>();
  const lines: string[] = [];

  const expression = (index: number, root: boolean): { text: string; strength: number } => {
    const name = named.get(index);
    if (name !== undefined && !root) return { text: name, strength: 9 };
    const node = graph.nodes[index];
    if (node.op === 'input') return { text: node.name, strength: 9 };
    if (node.op === 'constant') {
      const text = Object.is(node.value, -0) ? '-0' : String(node.value);
      return { text, strength: text.startsWith('-') ? 3 : 9 };
    }
    const own = strength[node.op] ?? 9;
    // -(-a) keeps its brackets: two signs in a row would read as a decrement
    if (node.op === 'neg') return { text: `-${wrap(node.args[0], 4)}`, strength: own };
    const sign = symbol[node.op];
    if (sign === undefined) {
      return {
        text: `${node.op}(${node.args.map((arg) => expression(arg, false).text).join(', ')})`,
        strength: 9,
      };
    }
    // left-associative: a - (b - c) and a / (b * c) keep their brackets
    return { text: `${wrap(node.args[0], own)} ${sign} ${wrap(node.args[1], own + 1)}`, strength: own };
  };
  const wrap = (index: number, least: number): string => {
    const { text, strength: own } = expression(index, false);
    return own < least ? `(${text})` : text;
  };

  const definitions = [...Object.entries(graph.locals), ...Object.entries(graph.outputs)];
  definitions.sort((p, q) => p[1] - q[1]);
  for (const [name, index] of definitions) {
    const node = graph.nodes[index];
    const known = named.get(index);
    // an output that only passes on an input or an already named value is printed as that name
    lines.push(`${name} = ${known ?? expression(index, true).text}`);
    if (known === undefined && node.op !== 'input' && node.op !== 'constant') named.set(index, name);
  }
  return lines;
}

/** Operands an operation takes, for those who walk graphs. */
export const arityOf = (op: OperationName): number => language[op].arity;
