/** A stack: layers one above the other, laid out over T steps, with dropout in between. */
import type { Embedding } from '../../cells/embedding';
import type { Data } from '../../core/memory';
import { oneHot } from '../../core/onehot';
import { zeros, type Tensor, type Tensors } from '../../core/tensor';
import {
  directionsOf,
  inputOf,
  layerStage,
  nameOf,
  type Direction,
  type Layer,
  type LayerStage,
} from './layer';
import { withoutPrefix, withPrefix, type Parameters } from './parameters';
import { dropout, embedded, type PlanShape, type Signal, type Stage } from './stage';
import type { Unroll } from '../unroll';

/** The layers that a network reads or writes with; an encoder only reads. Each may read through an embedding. */
export interface Layers {
  encoderEmbedding?: Embedding;
  encoder?: readonly Layer[];
  embedding?: Embedding;
  layers: readonly Layer[];
}

/** What reads the input of a stack. */
export interface Reader {
  input: number;
  name: string;
}
const firstOf = (embedding: Embedding | undefined, [first]: readonly Layer[]): Reader =>
  embedding ?? { input: inputOf(first), name: nameOf(first) };
/** What reads the input of the layers that write. */
export const readerOf = ({ embedding, layers }: Layers): Reader => firstOf(embedding, layers);
/** What reads the sequence itself: the encoder, if there is one. */
export const firstReaderOf = (all: Layers): Reader =>
  all.encoder ? firstOf(all.encoderEmbedding, all.encoder) : readerOf(all);

const named = (layers: readonly Layer[], letter: string): Direction[][] =>
  layers.map((layer, l) =>
    directionsOf(layer, l).map((direction) => ({ ...direction, name: letter + direction.name.slice(1) })),
  );

/** The directions of each layer of the encoder: `e0`, `e0r`, `e1`, …. */
export const encoderOf = ({ encoder = [] }: Layers): Direction[][] => named(encoder, 'e');
/** The directions of each of the other layers: `l0`, `l0r`, `l1`, …. */
export const layersOf = ({ layers }: Layers): Direction[][] => named(layers, 'l');
/** All cells of a network under the names that its parameters and states begin with. */
export const cellsOf = (all: Layers): Direction[] => [...encoderOf(all), ...layersOf(all)].flat();
/** The cells that a sequence starts in: those of the encoder, if there is one. */
export const firstCellsOf = (all: Layers): Direction[] =>
  (all.encoder ? encoderOf(all) : layersOf(all)).flat();

/** States by name, `l0.h` [B, H], and where their gradients are. */
export interface Moment {
  states: Tensors;
  gradients: Tensors;
}

/** What a stack is made of. */
export interface StackOptions {
  directions: readonly Direction[][];
  reader: Reader;
  /** What the parameters of its embedding are named by; absent when it has none. */
  embedding?: 'embedding' | 'encoderEmbedding';
}

/** Layers over time. What stands above them is up to the caller; `stages` are theirs, the first one first. */
export class Stack {
  /** x [T·B, D], one-hot where it is class numbers; these have no gradient, and what would go there goes nowhere. */
  readonly input: Signal;
  /** valid [T·B, 1]; all ones unless rows are of unequal length. */
  readonly valid: Tensor;
  readonly layers: LayerStage[] = [];
  readonly dropoutMasks: Tensor[] = [];
  readonly stages: Stage[] = [];
  /** The output of the last layer. */
  readonly output: Signal;
  private readonly moments = new Map<number, Moment>();

  constructor(
    { directions, embedding, reader }: StackOptions,
    readonly shape: PlanShape,
    parameters: Parameters,
    drop: number,
  ) {
    const { T, B } = shape;
    const { dtype } = parameters;
    const D = reader.input;
    const value = shape.classes ? oneHot(T * B, D) : zeros([T * B, D], dtype);
    this.input = { value, gradient: shape.classes ? value : zeros([T * B, D], dtype) };
    this.valid = zeros([T * B, 1], dtype);
    this.valid.data.fill(1);
    let below = this.input;
    if (embedding !== undefined) {
      const own = withoutPrefix(parameters.values, `${embedding}.`);
      const gradients = withPrefix(withoutPrefix(parameters.gradients, `${embedding}.`), 'd');
      this.stages.push(embedded(below, B, own, gradients));
      below = this.stages[0].output;
    }
    directions.forEach((directionsOfOne) => {
      if (this.stages.length > 0 && drop > 0) {
        const stage = dropout(below, B);
        this.dropoutMasks.push(stage.keep);
        this.stages.push(stage);
        below = stage.output;
      }
      const stage = layerStage(directionsOfOne, below, shape, { parameters, valid: this.valid });
      this.layers.push(stage);
      this.stages.push(stage);
      below = stage.output;
    });
    this.output = below;
  }

  /** The directions of all layers, the first ones first. */
  get unrolls(): Unroll[] {
    return this.layers.flatMap(({ unrolls }) => unrolls);
  }

  /** Where the gradient of the input is added up: of each direction of the layer that reads it, and of both. */
  get inputGradients(): Data[] {
    const [first] = this.layers;
    const own = first === this.stages[0] ? first.unrolls.map(({ options }) => options.dx.data) : [];
    return [...new Set([...own, this.input.gradient.data])];
  }

  /** States after `t` steps: t = 0 is the initial one, t = T the final one. Every step asks for the same views. */
  after(t: number): Moment {
    let moment = this.moments.get(t);
    if (!moment) {
      moment = { states: {}, gradients: {} };
      for (const unroll of this.unrolls) {
        for (const s of Object.keys(unroll.states)) {
          moment.states[`${unroll.name}.${s}`] = unroll.after(t, unroll.states[s]);
          moment.gradients[`${unroll.name}.${s}`] = unroll.after(t, unroll.dStates[s]);
        }
      }
      this.moments.set(t, moment);
    }
    return moment;
  }
}
