/**
 * Layers: a single cell, or two cells that read the sequence in opposite directions.
 *
 * The outputs of two directions are adjacent columns of one buffer of T + 2 blocks of B rows, so that the layer above reads
 * both as one matrix without copying:
 *
 *   blocks     0          1 … T       T + 1
 *   forward    initial    outputs               columns of the one cell
 *   backward              outputs     initial   columns of the other
 */
import { lazyEquations } from '../../../core/equations/equations';
import { isCell, outputOf, type Cell } from '../../../cells/cell';
import { must, mustBe } from '../../../core/check';
import { isOneHot } from '../../../core/onehot';
import { columns, rows, zeros, type Tensor } from '../../../core/tensor';
import type { Mask } from '../mask';
import { stateMasks, type Noise } from '../noise';
import { withoutPrefix, type Parameters } from '../parameters';
import type { PlanShape, Signal, Stage } from './stage';
import { gradientTensor } from '../../gradienttensor';
import { Unroll } from '../../unroll';

/** Two independent cells with separate weights; only the layer above reads both outputs. */
export interface Bidirectional {
  /** Reads from t = 0 to the end. */
  readonly forward: Cell;
  /** Reads from the end, each row from its own last step, to t = 0. */
  readonly backward: Cell;
}
/** A layer of a network: one cell, or two that read in opposite directions. */
export type Layer = Cell | Bidirectional;

/**
 * A layer that reads its input in both directions: y_t = [→h_t ; ←h_t].
 *
 *   input [T·B, D]   output [T·B, H + H']      parameters and states `l0.…` and `l0r.…`
 *
 * The cells may differ in kind and size; without a second one, the first defines both, each with its own weights. Such a
 * layer needs the whole sequence: its states cannot be carried from batch to batch, because the future of a stream is not
 * known.
 *
 * Source: Schuster & Paliwal 1997, "Bidirectional recurrent neural networks".
 * @throws TypeError if one is not a cell; RangeError if their inputs differ in width.
 * @example network({ layers: [bidirectional(lstm({ input: 4, hidden: 5 }))], output: 3 }).parameters.count // 433
 */
export function bidirectional(forward: Cell, backward: Cell = forward): Bidirectional {
  mustBe(isCell(forward), 'bidirectional', 'forward must be a cell', forward);
  mustBe(isCell(backward), 'bidirectional', 'backward must be a cell', backward);
  const why = `the input of the forward cell, ${forward.name}`;
  must(
    backward.input === forward.input,
    'bidirectional',
    `backward must have input ${forward.input}`,
    backward.input,
    why,
  );
  return { forward, backward };
}

/** One cell of a layer, and its direction. */
export interface DirectedCell {
  /** `l0`, or `l0r` for the cell that reads from the end: the prefix of its parameters and states. */
  name: string;
  cell: Cell;
  reverse: boolean;
}

export const isBidirectional = (layer: Layer): layer is Bidirectional => 'backward' in layer;
/** Whether `value` has the shape of a layer. */
export function isLayer(value: unknown): value is Layer {
  const { forward, backward } = Object(value) as Partial<Bidirectional>;
  return isCell(value) || (isCell(forward) && isCell(backward));
}

/** The cells of layer `l`, as in `layers.flatMap(directionsOf)`. */
export function directionsOf(layer: Layer, l: number): DirectedCell[] {
  const name = `l${l}`;
  if (!isBidirectional(layer)) return [{ name, cell: layer, reverse: false }];
  return [
    { name, cell: layer.forward, reverse: false },
    { name: `${name}r`, cell: layer.backward, reverse: true },
  ];
}

/** D, the width of a layer's input. */
export const inputOf = (layer: Layer): number => directionsOf(layer, 0)[0].cell.input;
/** The width of a layer's output: that of both directions together. */
export const widthOf = (layer: Layer): number =>
  directionsOf(layer, 0).reduce((sum, { cell }) => sum + outputOf(cell).width, 0);
/** A layer in messages: `lstm`, `bidirectional lstm` or `bidirectional lstm and gru`. */
export function nameOf(layer: Layer): string {
  if (!isBidirectional(layer)) return layer.name;
  const { forward, backward } = layer;
  const second = backward.name === forward.name ? '' : ` and ${backward.name}`;
  return `bidirectional ${forward.name}${second}`;
}

/** The cells whose steps depend on the time. */
export const clocksOf = (layers: readonly Layer[]): Cell[] =>
  layers.flatMap(directionsOf).flatMap(({ cell }) => (cell.phase ? [cell] : []));

/** A key of the phases of these cells in the T steps from time `clock` on; empty without such cells. */
export function phasesOf(clocks: readonly Cell[], T: number, clock: number): string {
  if (clocks.length === 0) return '';
  return Array.from({ length: T }, (_, t) => clocks.map((cell) => cell.phase?.(clock + t)).join()).join(' ');
}

/**
 * Checks that no layer reads the sequence from its end.
 * @throws RangeError naming the layer.
 */
export function mustReadForward(layers: readonly Layer[], where: string, what: string, got: unknown): void {
  const l = layers.findIndex(isBidirectional);
  if (l < 0) return;
  const why = `layer ${l} is ${nameOf(layers[l])}: it reads from the end, and the future of a stream is not known`;
  must(false, where, what, got, why);
}

/** Both directions read the same input, so their gradients add up. */
const joinBackward = lazyEquations(
  'bidirectional, backward',
  'dxForward, dxBackward [N, D]   writes dx [N, D]',
  'dx = dxForward + dxBackward',
);

/** A layer over time: one unrolling for each of its directions. */
export interface LayerStage extends Stage {
  unrolls: Unroll[];
  /** Random masks, in the order in which they are drawn. */
  masks: Mask[];
}

/** Unrolls the directions of a layer over time. */
export function layerStage(
  directions: readonly DirectedCell[],
  below: Signal,
  { T, B, masked, clock, forwardOnly }: PlanShape,
  { parameters, valid, noise }: { parameters: Parameters; valid: Tensor; noise: Noise },
): LayerStage {
  const { dtype } = parameters;
  const make = (shape: number[]): Tensor => gradientTensor(shape, dtype, forwardOnly);
  const width = directions.reduce((sum, { cell }) => sum + outputOf(cell).width, 0);
  // each direction has its own initial state, at its end of the T blocks of outputs
  const states = zeros([(T + directions.length) * B, width], dtype);
  const output = { value: rows(states, B, (T + 1) * B), gradient: make([T * B, width]) };

  // class numbers have no gradient to be added up
  const alone = directions.length === 1 || isOneHot(below.gradient);
  let column = 0;
  const masks: Mask[] = [];
  const unrolls = directions.map(({ name, cell, reverse }) => {
    const end = column + outputOf(cell).width;
    const own = reverse ? rows(states, B, (T + 2) * B) : rows(states, 0, (T + 1) * B);
    const random = stateMasks(cell, noise, { T, B, dtype });
    masks.push(...random.all);
    const unroll = new Unroll(cell, {
      T,
      B,
      dtype,
      name,
      reverse,
      clock,
      x: below.value,
      dx: alone ? below.gradient : make(below.gradient.shape),
      forwardOnly,
      parameters: withoutPrefix(parameters.values, `${name}.`),
      gradients: withoutPrefix(parameters.gradients, `${name}.`),
      output: { states: columns(own, column, end), gradient: columns(output.gradient, column, end) },
      ...(masked && { valid }),
      ...(random.all.length > 0 && { masks: random.masks }),
    });
    column = end;
    return unroll;
  });
  return {
    unrolls,
    masks,
    output,
    forward: (program, from, to) => unrolls.forEach((unroll) => unroll.forward(program, from, to)),
    backward(program, from, to) {
      for (const unroll of unrolls) unroll.backward(program, from, to);
      if (alone) return;
      const [dxForward, dxBackward] = unrolls.map(({ options }) => options.dx);
      joinBackward.record(program, { dxForward, dxBackward, dx: below.gradient });
    },
  };
}
