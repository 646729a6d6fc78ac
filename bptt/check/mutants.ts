/**
 * Mutation testing of gradients: breaks every backward statement and product of a problem in the ways typical of manual
 * derivation, and counts how many of these mutants the gradient oracles detect.
 *
 * Mutants are made by rewriting the recorded backward program, so cells need no support for it.
 */
import { isOneHot } from '../../core/onehot';
import { plain } from '../../core/programs/plain';
import { equations } from '../../core/equations/equations';
import {
  Program,
  type Operation,
  type Pointwise,
  type Product,
  type Reduction,
} from '../../core/programs/program';
import { printedLines, printGraph } from '../../core/programs/print';
import { inputsOf, type Graph, type GraphNode } from '../../core/programs/statement';
import { sizeOf, zeros, type Tensor, type Tensors } from '../../core/tensor';
import { errorBounds, relativeError } from './bounds';
import { exactOracle, sameGraphs } from './exact/oracle';
import { centralDifferences } from './finite';
import { unitDirection, type Slope } from './judge';
import { analyticGradients, backwardGradients, type Problem } from './problem';
import { forwardMode } from './rtrl';

/** A broken backward program and the description of its mistake. */
export interface Mutant {
  /** `dao = …: drop the term dcNext`. */
  what: string;
  backward: Program;
}

/** Oracles that judge mutants. */
export type MutantOracle = 'differences' | 'forwardMode' | 'exact';
const killers: readonly MutantOracle[] = ['differences', 'forwardMode', 'exact'];

/** How many mutants the oracles detected. */
export interface MutationReport {
  /** Mutants that at least one oracle detected. */
  killed: number;
  /** All mutants, except those proved to be no mistakes. */
  total: number;
  /** Rewrites proved to compute the same function, such as swapping the two terms of a sum. */
  equivalent: number;
  /** Mutants proved not to change the gradients of this problem, because it does not use the broken term. */
  unused: string[];
  /** Mutants that no oracle detected. */
  survivors: string[];
  /** Number of mutants that each oracle detects on its own. */
  byOracle: Record<MutantOracle, number>;
}

/**
 * Breaks a problem's backward pass in every way and counts the mutants that the oracles detect.
 * @param oracles default all. The exact one is skipped if it cannot prove the unbroken gradients.
 * @throws RangeError when the unbroken gradients fail.
 * @example
 * const { killed, total, survivors } = mutationScore(problem);
 * survivors; // []
 * killed === total; // true
 */
export function mutationScore(
  problem: Problem,
  { oracles = killers }: { oracles?: readonly MutantOracle[] } = {},
): MutationReport {
  const healthy = analyticGradients(problem);
  const slopes = {
    differences: oracle(problem, centralDifferences(problem)),
    forwardMode: oracle(problem, forwardMode(problem)),
  };
  const notices = (name: keyof typeof slopes, gradients: Record<string, number[]>): boolean =>
    !(worst(gradients, slopes[name]) <= errorBounds[name]);
  if (notices('differences', healthy) || notices('forwardMode', healthy)) {
    throw new RangeError(
      'mutants: the unbroken gradients must pass their check, got a failure (run gradcheck first)',
    );
  }
  const proves = oracles.includes('exact') ? exactOracle(problem) : undefined;
  problem.forward.bind(plain)(); // the backward passes that follow read what this one saved
  const { mutants, equivalent } = mutate(problem);
  const report: MutationReport = {
    ...{ killed: 0, total: 0, equivalent, unused: [], survivors: [] },
    byOracle: { differences: 0, forwardMode: 0, exact: 0 },
  };
  for (const { what, backward } of mutants) {
    const broken = backwardGradients(problem.variables, backward, plain);
    const by = oracles.filter((name) =>
      name === 'exact' ? proves?.(backward) === false : notices(name, broken),
    );
    if (by.length === 0 && proves) {
      report.unused.push(what);
      continue;
    }
    report.total++;
    for (const name of by) report.byOracle[name]++;
    if (by.length > 0) report.killed++;
    else report.survivors.push(what);
  }
  return report;
}

/** Every mutant of a problem's backward program, or of another that works on its variables. */
export function mutate({ backward, variables }: Pick<Problem, 'backward' | 'variables'>): {
  mutants: Mutant[];
  equivalent: number;
} {
  const mutants: Mutant[] = [];
  let equivalent = 0;
  const rewrite = (what: string, of: (operation: Operation) => Operation[] | undefined): void => {
    const broken = backward.operations.flatMap((operation) => of(operation) ?? [operation]);
    mutants.push({ what, backward: new Program(broken) });
  };

  const graphs = new Set(backward.operations.flatMap((op) => (op.kind === 'pointwise' ? [op.graph] : [])));
  for (const graph of graphs) {
    for (const { what, graph: wrong } of mutateGraph(graph)) {
      if (sameGraphs(graph, wrong)) equivalent++;
      else
        rewrite(what, (op) =>
          op.kind === 'pointwise' && op.graph === graph ? [{ ...op, graph: wrong }] : undefined,
        );
    }
  }

  const flat = Object.entries(variables);
  // a part of a parameter is named by its offset, so that lines on different parts of it are mutated separately;
  // a part of the input is one time step, and the same line at all steps is mutated as one
  const named = (name: string, whole: Tensor, t: Tensor): string =>
    t.offset === whole.offset || /^d?(x|inputs)$/.test(name) ? name : `${name}+${t.offset - whole.offset}`;
  const nameOf = (t: Tensor): string | undefined =>
    flat.flatMap(([name, { value, gradient }]) => {
      if (value.data === t.data && near(value, t)) return [named(name, value, t)];
      return gradient.data === t.data && near(gradient, t) ? [named(`d${name}`, gradient, t)] : [];
    })[0];
  const sites = new Map<string, Set<Operation>>(); // the same line of the equations at every t
  for (const op of backward.operations) {
    if (op.kind === 'pointwise') continue;
    const key = siteOf(op, nameOf);
    sites.set(key, (sites.get(key) ?? new Set()).add(op));
  }
  for (const [key, site] of sites) {
    for (const factor of [0, -1, 1.001]) {
      const what = factor === 0 ? 'drop' : factor === -1 ? 'flip the sign of' : `scale by ${factor}`;
      rewrite(`${what} ${key}`, (op) =>
        site.has(op) ? scaled(op as Product | Reduction, factor) : undefined,
      );
    }
  }
  return { mutants, equivalent };
}

/** All mutants of one statement: terms dropped, negated or scaled; factors lost; operands swapped. */
export const mutateGraph = (graph: Graph): GraphMutant[] => [
  ...outputMutants(graph),
  ...argumentMutants(graph),
  ...swapMutants(graph),
];

interface GraphMutant {
  what: string;
  graph: Graph;
}
/** Adds nodes that multiply a node by a factor; returns the index of the product. */
type Wrap = (k: number) => number;

/** A term left out, with the other sign, and slightly too large. */
const termMutants = (
  graph: Graph,
  where: string,
  rewire: (nodes: GraphNode[], wrap: Wrap) => Graph,
): GraphMutant[] =>
  (
    [
      ['drop', 0],
      ['flip', -1],
      ['scale by 1.001', 1.001],
    ] as const
  ).map(([what, factor]) => {
    const nodes = graph.nodes.map((node) => ({ ...node }));
    const wrap: Wrap = (k) => {
      const constant = nodes.push({ op: 'constant', value: factor }) - 1;
      return nodes.push({ op: 'mul', args: [constant, k] }) - 1;
    };
    return { what: `${where}: ${what}`, graph: inOrder(rewire(nodes, wrap)) };
  });

function outputMutants(graph: Graph): GraphMutant[] {
  const lines = printGraph(graph);
  return Object.entries(graph.outputs).flatMap(([name, index]) => {
    // by its own name: two outputs may be one node
    const line = lines.find((text) => text.startsWith(`${name} =`)) as string;
    return termMutants(graph, `the whole of ${line}`, (nodes, wrap) => ({
      ...graph,
      nodes,
      outputs: { ...graph.outputs, [name]: wrap(index) },
    }));
  });
}

/** Terms of a sum, and factors of a product that are lost. */
function argumentMutants(graph: Graph): GraphMutant[] {
  return graph.nodes.flatMap((node, k) => {
    if (node.op === 'input' || node.op === 'constant') return [];
    return node.args.flatMap((_, arg) => {
      const side = `${['left', 'right', 'third'][arg]} of ${node.op} (${textOf(graph, k)})`;
      const replaced = (by: (a: number) => number): GraphNode => ({
        op: node.op,
        args: node.args.map((a, j) => (j === arg ? by(a) : a)),
      });
      if (node.op === 'add' || node.op === 'sub')
        return termMutants(graph, side, (nodes, wrap) => {
          nodes[k] = replaced(wrap);
          return { ...graph, nodes };
        });
      if (node.op !== 'mul') return [];
      const nodes = graph.nodes.map((old) => ({ ...old }));
      const one = nodes.push({ op: 'constant', value: 1 }) - 1;
      nodes[k] = replaced(() => one);
      return [{ what: `${side}: lose the factor`, graph: inOrder({ ...graph, nodes }) }];
    });
  });
}

/** Mutants that swap two inputs or two outputs. */
function swapMutants(graph: Graph): GraphMutant[] {
  const inputs = pairs(inputsOf(graph)).map(([a, b]) => {
    const swap = (name: string): string => (name === a ? b : name === b ? a : name);
    const nodes = graph.nodes.map((node) =>
      node.op === 'input' ? { ...node, name: swap(node.name) } : node,
    );
    return { what: `swap ${a} and ${b}`, graph: { ...graph, nodes } };
  });
  const outputs = pairs(Object.keys(graph.outputs)).map(([a, b]) => {
    const swapped = { ...graph.outputs, [a]: graph.outputs[b], [b]: graph.outputs[a] };
    return { what: `swap ${a} and ${b}`, graph: { ...graph, outputs: swapped } };
  });
  return [...inputs, ...outputs];
}

/** Puts nodes appended by a rewrite before those that read them. */
function inOrder(graph: Graph): Graph {
  const order: number[] = [];
  const placed = new Map<number, number>();
  const visit = (k: number): void => {
    if (placed.has(k)) return;
    const node = graph.nodes[k];
    if ('args' in node) node.args.forEach(visit);
    placed.set(k, order.push(k) - 1);
  };
  Object.values(graph.outputs).forEach(visit);
  graph.nodes.forEach((node, k) => node.op === 'input' && visit(k)); // an input no longer read is still an input
  const at = (k: number): number => placed.get(k) as number;
  const nodes = order.map((k): GraphNode => {
    const node = graph.nodes[k];
    return 'args' in node ? { op: node.op, args: node.args.map(at) } : node;
  });
  const outputs = Object.fromEntries(Object.entries(graph.outputs).map(([name, k]) => [name, at(k)]));
  return { nodes, outputs, locals: {} };
}

const scaling = (factor: number) =>
  equations('mutant', 'a [N, W]   writes scaledA [N, W]', `scaledA = ${factor} * a`).statements[0];

/** The operation with its result scaled, by scaling its first operand that is not one-hot. */
function scaled(op: Product | Reduction, factor: number): Operation[] {
  const name = op.kind === 'reduction' ? 'from' : isOneHot(op.a) ? 'b' : 'a';
  const a = (op as unknown as Tensors)[name];
  const scaledA = zeros([...a.shape]);
  const before: Pointwise = {
    kind: 'pointwise',
    graph: scaling(factor).graph,
    inputs: { a },
    outputs: { scaledA },
  };
  return [before, { ...op, [name]: scaledA }];
}

/** A key of a line of the equations, the same at every step: the parameter it reads or the gradient it adds into. */
function siteOf(op: Product | Reduction, nameOf: (t: Tensor) => string | undefined): string {
  const [line] = printedLines(op, (t) => nameOf(t) ?? '·');
  return `${line} [${op.out.shape.join(', ')}]`;
}

/** Whether `part` is a view of `whole`, perhaps transposed or limited to some columns. */
const near = (whole: Tensor, part: Tensor): boolean => {
  const extent = whole.shape.reduce((product, n) => product * n, 1);
  return part.offset >= whole.offset && part.offset < whole.offset + extent;
};

function oracle({ variables }: Problem, slope: Slope): Record<string, (number | undefined)[]> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, { value }]) => {
      const size = sizeOf(value.shape);
      const units = Array.from({ length: size }, (_, k) => unitDirection(name, size, k));
      slope.ahead?.(units);
      return [name, units.map(slope)];
    }),
  );
}

function worst(
  gradients: Record<string, number[]>,
  reference: Record<string, (number | undefined)[]>,
): number {
  let most = 0;
  for (const [name, expected] of Object.entries(reference)) {
    const largest = gradients[name].reduce((top, g) => Math.max(top, Math.abs(g)), 0);
    expected.forEach((n, k) => {
      if (n !== undefined) most = Math.max(most, relativeError(gradients[name][k], n, largest));
    });
  }
  return most;
}

const pairs = <T>(items: readonly T[]): [T, T][] =>
  items.flatMap((a, k) => items.slice(k + 1).map((b): [T, T] => [a, b]));

const textOf = (graph: Graph, index: number): string => {
  const line = printGraph({ nodes: graph.nodes, outputs: { it: index }, locals: {} })[0];
  return line.replace(/^it = /, '');
};
