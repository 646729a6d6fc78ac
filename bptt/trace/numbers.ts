/**
 * Traces one row of a batch forward and backward, operation by operation, with all numbers: runs the recorded program of a
 * training step on plain loops and records the inputs and outputs of each operation.
 */
import type { Plan } from '../network/passes/plan';
import type { Unroll } from '../unroll';
import { outputOf, type CellEquations } from '../../cells/cell';
import { plain } from '../../core/programs/plain';
import { printedLines, tensorName, sameView } from '../../core/programs/print';
import type { Operation, Pointwise, Product } from '../../core/programs/program';
import { primal } from '../../core/programs/scalar';
import { inputsOf, statementOf, type Graph } from '../../core/programs/statement';
import { columns, toFlat, type Tensor, type Tensors } from '../../core/tensor';
import { isOfWeights, recordStep, unitRange } from './lines';

/** The lines of an operation, and the range of units that they compute (end exclusive), if not all. */
interface About {
  lines: string[];
  units?: [from: number, to: number];
}
/** An elementwise operation: a number for each unit, by the names in the lines. */
export interface TracedPointwise extends About {
  kind: 'pointwise';
  graph: Graph;
  values: Record<string, number[]>;
}
/** out (=|+=) left right + bias; `right` and `bias` are names among the layer's operands. */
export interface TracedProduct extends About {
  kind: 'product';
  left: number[];
  right: string;
  bias?: string;
  /** The previous value, if the product was added to one. */
  before?: number[];
  out: number[];
  /** The names of the gates in `out`, if it consists of blocks as wide as the layer: `ai`, `af` … */
  gates?: string[];
}
/** A reduction over all units. */
export interface TracedSum extends About {
  kind: 'sum';
  what: 'sumColumns' | 'logSumExp';
  from: number[];
  out: number;
}
/** An addition to the gradient of weights, which sums over rows and steps. */
export interface TracedGradient extends About {
  kind: 'gradient';
}
export type Traced = TracedPointwise | TracedProduct | TracedSum | TracedGradient;

/** One step of one cell. */
export interface TracedStep {
  forward: Traced[];
  backward: Traced[];
  /** The states before the step: `hPrev`. */
  before: Record<string, number[]>;
}

export interface TracedLayer {
  /** `l0`, `l0r` … */
  name: string;
  cell: string;
  equations?: CellEquations;
  reverse: boolean;
  hidden: number;
  /** The number of hidden units or of outputs, whichever is larger. */
  units: number;
  /** By time t. */
  steps: TracedStep[];
  /** Values over time, by name: [T][width]. */
  tracks: Record<string, number[][]>;
  /** Weights and biases by the names in the lines: `Wx`, `Whnᵀ`, `b[4:8]`; [rows, columns], row-major. */
  operands: Record<string, { shape: readonly number[]; values: number[] }>;
}

export interface Trace {
  T: number;
  layers: TracedLayer[];
  loss: number;
}

/** Runs a plan loaded with a batch of one row forward and backward. Adds to the gradients of the weights. */
export function traceOf(plan: Plan): Trace {
  const layers = plan.unrolls.map(layerOf);
  run(plan, layers, 'forward', [...plan.encode.operations, ...plan.forward.operations]);
  run(plan, layers, 'backward', plan.backward.operations);
  layers.forEach((layer, k) => Object.assign(layer.tracks, gradientTracks(plan.unrolls[k])));
  return { T: plan.shape.T, layers, loss: plan.loss.get(0) };
}

/** Joins the traces of consecutive windows of one sequence. */
export function joinedTraces(parts: readonly Trace[]): Trace {
  const sum = (of: (part: Trace) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const layers = parts[0].layers.map((first, l): TracedLayer => {
    const all = parts.map((part) => part.layers[l]);
    const tracks = Object.keys(first.tracks).map((name) => [name, all.flatMap((one) => one.tracks[name])]);
    return {
      ...first,
      steps: all.flatMap(({ steps }) => steps),
      tracks: Object.fromEntries(tracks) as TracedLayer['tracks'],
      operands: Object.assign({}, ...all.map(({ operands }) => operands)) as TracedLayer['operands'],
    };
  });
  return { T: sum(({ T }) => T), layers, loss: sum(({ loss }) => loss) };
}

function layerOf(unroll: Unroll): TracedLayer {
  const { cell, name, options } = unroll;
  return {
    name,
    cell: cell.name,
    equations: cell.equations,
    reverse: options.reverse ?? false,
    hidden: cell.hidden,
    units: Math.max(cell.hidden, outputOf(cell).width),
    steps: Array.from({ length: options.T }, () => ({ forward: [], backward: [], before: {} })),
    tracks: {},
    operands: {},
  };
}

/** The remaining steps of one layer, next one first. */
interface Coming {
  unroll: Unroll;
  layer: TracedLayer;
  times: number[];
  /** The recording of the first of them. */
  next?: ReturnType<typeof recordStep>;
}

/**
 * Runs operations in order. Those of a step are identified by their outputs and recorded; operations between the steps
 * (dropout, attention, loss, feedback) are only run.
 */
function run(
  plan: Plan,
  layers: TracedLayer[],
  way: 'forward' | 'backward',
  operations: readonly Operation[],
): void {
  const record = way === 'forward' ? 'step' : 'stepBackward';
  const all = plan.unrolls.map((unroll, k): Coming => {
    const times = way === 'forward' ? unroll.steps() : unroll.steps().reverse();
    return { unroll, layer: layers[k], times, next: recordStep(unroll, times[0], record) };
  });
  for (let at = 0; at < operations.length;) {
    const coming = all.find(({ next }) => next && isSame(next.operations[0].operation, operations[at]));
    if (!coming?.next) {
      plain.bind(operations[at++])();
      continue;
    }
    const { unroll, layer, times, next } = coming;
    const t = times.shift() as number;
    const own = operations.slice(at, (at += next.operations.length));
    layer.steps[t][way] = own.map((operation, k) =>
      renamed(traced(operation, next.v, unroll, layer), next.operations[k].names),
    );
    if (way === 'forward') track(layer, unroll, t);
    coming.next = times.length > 0 ? recordStep(unroll, times[0], record) : undefined;
  }
}

/** Whether two operations are the same: no two steps write to the same place with the same statement. */
function isSame(p: Operation, q: Operation): boolean {
  if (p.kind !== 'pointwise' || q.kind !== 'pointwise')
    return p.kind === q.kind && sameTensor((p as Product).out, (q as Product).out);
  const names = Object.keys(p.outputs);
  return p.graph === q.graph && names.some((name) => sameTensor(p.outputs[name], q.outputs[name]));
}
const sameTensor = (p: Tensor, q: Tensor): boolean => p.data === q.data && sameView(p, q);

/** Runs an operation of a step, and records its inputs and outputs. */
function traced(operation: Operation, v: Tensors, unroll: Unroll, layer: TracedLayer): Traced {
  const about: About = {
    lines: printedLines(operation, (t) => tensorName(t, v)),
    units: unitRange(operation, v),
  };
  const run = plain.bind(operation);
  if (operation.kind === 'pointwise') return pointwise(operation, run, about);
  if (isOfWeights(operation, unroll)) {
    run();
    return { kind: 'gradient', ...about };
  }
  if (operation.kind === 'product') return product(operation, run, about, v, layer);
  run();
  const what = operation.what as TracedSum['what'];
  return { kind: 'sum', ...about, what, from: toFlat(operation.from), out: operation.out.get(0, 0) };
}

/** The same with other names in its lines. */
function renamed(one: Traced, names: Readonly<Record<string, string>> = {}): Traced {
  const nameOf = (name: string): string => (Object.hasOwn(names, name) ? names[name] : name);
  const keys = <T>(of: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(of).map(([name, value]) => [nameOf(name), value]));
  const lines = one.lines.map((line) => line.replace(/[A-Za-z]\w*/g, nameOf));
  if (one.kind !== 'pointwise') return { ...one, lines };
  const { nodes, outputs, locals } = one.graph;
  const graph: Graph = {
    nodes: nodes.map((node) => (node.op === 'input' ? { ...node, name: nameOf(node.name) } : node)),
    ...{ outputs: keys(outputs), locals: keys(locals) },
  };
  return { ...one, lines, graph, values: keys(one.values) };
}

function pointwise({ graph, inputs, outputs }: Pointwise, run: () => void, about: About): TracedPointwise {
  const names = inputsOf(graph);
  const values = Object.fromEntries(names.map((name) => [name, toFlat(inputs[name])]));
  run();
  const width = Object.values(outputs)[0].shape[1];
  // named intermediate values are not stored: the statement is evaluated on numbers to get them
  const all = statementOf({ ...graph, outputs: { ...graph.locals, ...graph.outputs }, locals: {} });
  const results = Array.from({ length: width }, (_, c) =>
    all(Object.fromEntries(names.map((name) => [name, values[name][c]]))),
  );
  for (const name of Object.keys({ ...graph.locals, ...graph.outputs }))
    values[name] = results.map((result) => primal(result[name]));
  return { kind: 'pointwise', ...about, graph, values };
}

function product(
  { a, b, bias, out, accumulate }: Product,
  run: () => void,
  about: About,
  v: Tensors,
  { hidden: H, operands }: TracedLayer,
): TracedProduct {
  const [left, before] = [toFlat(a), accumulate && { before: toFlat(out) }];
  run();
  const keep = (t: Tensor): string => {
    const name = tensorName(t, v);
    operands[name] ??= { shape: [...t.shape], values: toFlat(t) };
    return name;
  };
  const [, N] = out.shape;
  const gates = Array.from({ length: N / H }, (_, k) => tensorName(columns(out, k * H, (k + 1) * H), v));
  const named = N > H && N % H === 0 && gates.every((name) => /^\w+$/.test(name));
  return {
    ...{ kind: 'product', ...about, left, right: keep(b), out: toFlat(out) },
    ...(bias && { bias: keep(bias) }),
    ...before,
    ...(named && { gates }),
  };
}

/** Keeps the states before and after step t, hidden units h, factors p of the old state, and gates and candidates. */
function track(layer: TracedLayer, unroll: Unroll, t: number): void {
  const v = unroll.own(t);
  const { states, parts = {} } = unroll.cell;
  for (const name of Object.keys(states).map((state) => `${state}Prev`))
    layer.steps[t].before[name] = toFlat(v[name]);
  const gates = Object.keys(parts).filter((name) => /^[ifgorznu]$/.test(name));
  const whole = Object.keys(unroll.buffers).filter((name) => name === 'h' || name === 'p');
  for (const name of [...Object.keys(states), ...whole, ...gates])
    (layer.tracks[name] ??= [])[t] = toFlat(v[name]);
}

/** The gradients that reached each step from its output and from the next step. */
function gradientTracks(unroll: Unroll): Record<string, number[][]> {
  const {
    outputName: o,
    options: { T },
  } = unroll;
  const at = (name: string): number[][] => Array.from({ length: T }, (_, t) => toFlat(unroll.at(t)[name]));
  const [out, next] = [at(`d${o}Out`), at(`d${o}Next`)];
  return {
    [`d${o}`]: out.map((row, t) => row.map((d, c) => d + next[t][c])),
    [`d${o}Out`]: out,
    [`d${o}Next`]: next,
  };
}
