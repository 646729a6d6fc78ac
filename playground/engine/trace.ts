/**
 * One sequence through the network and back, operation by operation, with every number on the way: the recorded program
 * that training replays at speed, run on the plain loops and written down.
 */
import type { Batch } from '../../bptt/batch';
import type { Network } from '../../bptt/network';
import type { Plan } from '../../bptt/plan';
import type { Stage } from '../../bptt/stage';
import type { Unroll } from '../../bptt/unroll';
import { plain } from '../../core/plain';
import { Program, type Operation } from '../../core/program';
import { primal } from '../../core/scalar';
import { inputsOf, statementOf } from '../../core/statement';
import { toFlat, type Tensors } from '../../core/tensor';
import { linesOf, nameOf, recordStep, unitsOf, type Line } from './lines';

/** The lines of one operation and the numbers they are about. */
export interface Traced {
  lines: Line[];
  /** The units it is about, the last one not included. */
  units: [number, number];
  /** By name, one number for each unit; of a product its left operand and what it was added to. */
  values: Record<string, number[]>;
  /** Of a product: the names of its operands, and which columns of `right` they are. */
  product?: { left: string; right: string; out: string; bias?: string; accumulate: boolean };
}

/** One step of one cell. */
export interface TracedStep {
  forward: Traced[];
  backward: Traced[];
}

export interface TracedLayer {
  /** `l0`, `l0r` … */
  name: string;
  cell: string;
  reverse: boolean;
  hidden: number;
  /** By time t. */
  steps: TracedStep[];
  /** What can be shown over time, by name: [T][width]. */
  tracks: Record<string, number[][]>;
  /** Parameters by the cell's own names, with their shapes. */
  parameters: Record<string, { shape: readonly number[]; values: number[] }>;
}

export interface Trace {
  T: number;
  layers: TracedLayer[];
  loss: number;
  /** y [T][O], or the last step's only. */
  output: number[][];
}

/** Traces a batch of one row. */
export function traceOf(net: Network, batch: Batch): Trace {
  const plan = net.prepare(batch);
  const layers = plan.unrolls.map(layerOf);
  const { T } = plan.shape;
  const { parameters } = net;
  const kept = parameters.flatGradients.data.slice();
  runForward(plan, layers);
  runBackward(plan, layers);
  parameters.flatGradients.data.set(kept);
  layers.forEach((layer, k) => Object.assign(layer.tracks, gradientTracks(plan.unrolls[k], T)));
  const y = toFlat(plan.output.value);
  const O = plan.output.value.shape[1];
  const output = Array.from({ length: y.length / O }, (_, t) => y.slice(t * O, (t + 1) * O));
  return { T, layers, loss: plan.loss.get(0), output };
}

function layerOf(unroll: Unroll): TracedLayer {
  const { cell, name, options } = unroll;
  const parameters = Object.entries(options.parameters).map(([key, t]) => {
    return [key, { shape: [...t.shape], values: toFlat(t) }] as const;
  });
  return {
    name,
    cell: cell.name,
    reverse: options.reverse ?? false,
    hidden: cell.hidden,
    steps: Array.from({ length: options.T }, () => ({ forward: [], backward: [] })),
    tracks: {},
    parameters: Object.fromEntries(parameters),
  };
}

const timesOf = ({ options: { T, reverse } }: Unroll): number[] =>
  Array.from({ length: T }, (_, k) => (reverse ? T - 1 - k : k));

/** How many operations a stage records, one way. */
function countOf(stage: Stage, way: 'forward' | 'backward', T: number): number {
  const program = new Program();
  stage[way](program, 0, T);
  return program.operations.length;
}

/** Runs what follows, and says where it ends. */
function runOn(program: Program, from: number, to: number): number {
  for (const operation of program.operations.slice(from, to)) plain.bind(operation)();
  return to;
}

/** Runs the stages below, the layers' steps, then what follows them: output layer and loss. */
function runForward({ main, forward, shape: { T } }: Plan, layers: TracedLayer[]): void {
  let [at, k] = [0, 0];
  for (const stage of main.stages) {
    const layer = main.layers.find((one) => one === stage);
    if (!layer) at = runOn(forward, at, at + countOf(stage, 'forward', T));
    for (const unroll of layer?.unrolls ?? []) {
      for (const t of timesOf(unroll)) {
        const count = recordStep(unroll, t, 'step').length;
        const operations = forward.operations.slice(at, (at += count));
        layers[k].steps[t].forward = operations.map((op) => traced(op, unroll.at(t)));
        track(layers[k], unroll, t);
      }
      k++;
    }
  }
  runOn(forward, at, forward.operations.length);
}

/** Runs loss and output layer, then the stages from the last to the first. */
function runBackward({ main, backward, unrolls, shape: { T } }: Plan, layers: TracedLayer[]): void {
  const stages = [...main.stages].reverse();
  const counts = stages.map((stage) => countOf(stage, 'backward', T));
  const above = backward.operations.length - counts.reduce((sum, count) => sum + count, 0);
  let at = runOn(backward, 0, above);
  stages.forEach((stage, s) => {
    const end = at + counts[s];
    for (const unroll of main.layers.find((one) => one === stage)?.unrolls ?? []) {
      const k = unrolls.indexOf(unroll);
      for (const t of timesOf(unroll).reverse()) {
        const count = recordStep(unroll, t, 'stepBackward').length;
        const operations = backward.operations.slice(at, (at += count));
        layers[k].steps[t].backward = operations.map((op) => traced(op, unroll.at(t)));
      }
    }
    // of two directions, what they send down is added up
    at = runOn(backward, at, end);
  });
}

/** Runs one operation and writes down what it read and wrote. */
function traced(operation: Operation, v: Tensors): Traced {
  const about = { lines: linesOf(operation, v), units: unitsOf(operation, v) };
  const values: Record<string, number[]> = {};
  if (operation.kind === 'pointwise') {
    const { graph, inputs, outputs } = operation;
    for (const name of inputsOf(graph)) values[name] = toFlat(inputs[name]);
    plain.bind(operation)();
    const width = Object.values(outputs)[0].shape[1];
    // the named values on the way are not stored: the statement, called on numbers, gives them
    const all = statementOf({ ...graph, outputs: { ...graph.locals, ...graph.outputs }, locals: {} });
    const results = Array.from({ length: width }, (_, c) =>
      all(
        Object.fromEntries(
          Object.entries(values).map(([name, row]) => [name, row[row.length === 1 ? 0 : c]]),
        ),
      ),
    );
    for (const name of Object.keys({ ...graph.locals, ...graph.outputs }))
      values[name] = results.map((result) => primal(result[name]));
    return { ...about, values };
  }
  const { out, accumulate } = operation;
  const before = accumulate && out.shape[0] === 1 ? toFlat(out) : undefined;
  plain.bind(operation)();
  if (operation.kind === 'reduction' || out.shape[0] !== 1) return { ...about, values };
  const { a, b, bias } = operation;
  const product = {
    ...{ left: nameOf(a, v), right: nameOf(b, v), out: nameOf(out, v), accumulate },
    ...(bias && { bias: nameOf(bias, v) }),
  };
  values.left = toFlat(a);
  values.out = toFlat(out);
  if (before) values.before = before;
  return { ...about, values, product };
}

/** Keeps the states and the named parts of the buffers after step t: gates, candidates. */
function track(layer: TracedLayer, unroll: Unroll, t: number): void {
  const v = unroll.at(t);
  const { states, parts = {} } = unroll.cell;
  const gates = Object.keys(parts).filter((name) => /^[ifgorznu]$/.test(name));
  const plainUnits = Object.keys(unroll.buffers).filter((name) => name === 'h');
  for (const name of [...Object.keys(states), ...plainUnits, ...gates])
    (layer.tracks[name] ??= [])[t] = toFlat(v[name]);
}

/** What reached each step from its output and from the step after it. */
function gradientTracks(unroll: Unroll, T: number): Record<string, number[][]> {
  const { outputName: o } = unroll;
  const at = (name: string): number[][] => Array.from({ length: T }, (_, t) => toFlat(unroll.at(t)[name]));
  const [out, next] = [at(`d${o}Out`), at(`d${o}Next`)];
  return {
    [`d${o}`]: out.map((row, t) => row.map((d, c) => d + next[t][c])),
    [`d${o}Out`]: out,
    [`d${o}Next`]: next,
  };
}
