/** A stack of layers, unrolled over T steps, with dropout in between. */
import type { Embedding } from '../../../cells/embedding';
import { mustBe } from '../../../core/check';
import type { Data } from '../../../core/memory';
import { classesOf, isOneHot, oneHot } from '../../../core/onehot';
import { unset, zeros, type Tensor, type Tensors } from '../../../core/tensor';
import {
  directionsOf,
  inputOf,
  layerStage,
  nameOf,
  type DirectedCell,
  type Layer,
  type LayerStage,
} from './layer';
import { withoutPrefix, withPrefix, type Parameters } from '../parameters';
import type { Mask } from '../mask';
import type { Noise } from '../noise';
import { dropout, embeddedInput, type PlanShape, type Signal, type Stage } from './stage';
import { gradientTensor } from '../../gradienttensor';
import type { Unroll } from '../../unroll';

/** The layers of a network and of its encoder, each with an optional embedding below. */
export interface Layers {
  encoderEmbedding?: Embedding;
  encoder?: readonly Layer[];
  embedding?: Embedding;
  layers: readonly Layer[];
}

/** The first layer or embedding of a stack, which reads its input. */
export interface Reader {
  input: number;
  name: string;
}
const firstOf = (embedding: Embedding | undefined, [first]: readonly Layer[]): Reader =>
  embedding ?? { input: inputOf(first), name: nameOf(first) };
/** The reader of the main layers (the decoder, if there is an encoder). */
export const readerOf = ({ embedding, layers }: Layers): Reader => firstOf(embedding, layers);
/** The reader of x: that of the encoder, if there is one. */
export const firstReaderOf = (all: Layers): Reader =>
  all.encoder ? firstOf(all.encoderEmbedding, all.encoder) : readerOf(all);

const named = (layers: readonly Layer[], letter: string): DirectedCell[][] =>
  layers.map((layer, l) =>
    directionsOf(layer, l).map((direction) => ({ ...direction, name: letter + direction.name.slice(1) })),
  );

/** The directions of each layer of the encoder: `e0`, `e0r`, `e1`, …. */
export const encoderOf = ({ encoder = [] }: Layers): DirectedCell[][] => named(encoder, 'e');
/** The directions of each of the other layers: `l0`, `l0r`, `l1`, …. */
export const layersOf = ({ layers }: Layers): DirectedCell[][] => named(layers, 'l');
/** All cells of a network under the names that its parameters and states begin with. */
export const cellsOf = (all: Layers): DirectedCell[] => [...encoderOf(all), ...layersOf(all)].flat();
/** The cells at which a sequence starts: those of the encoder, if there is one. */
export const firstCellsOf = (all: Layers): DirectedCell[] =>
  (all.encoder ? encoderOf(all) : layersOf(all)).flat();

/** States by name, `l0.h` [B, H], and their gradients. */
export interface StatesWithGradients {
  states: Tensors;
  gradients: Tensors;
}

/** Options of a stack. */
export interface StackOptions {
  directions: readonly DirectedCell[][];
  reader: Reader;
  /** Prefix of the parameters of its embedding; absent if it has none. */
  embedding?: 'embedding' | 'encoderEmbedding';
  /** Whether the output layer uses the embedding's table, too, so that all of its rows have a gradient. */
  tied?: boolean;
}

/** Layers over time; `stages` are those of the layers in order, and the caller adds those above. */
export class Stack {
  /** x [T·B, D], one-hot for class numbers, which have no gradient: operations that would write it are not recorded. */
  readonly input: Signal;
  /** valid [T·B, 1]; all ones unless rows have unequal lengths. */
  readonly valid: Tensor;
  readonly layers: LayerStage[] = [];
  /** Random masks, in the order in which they are drawn. */
  readonly masks: Mask[] = [];
  readonly stages: Stage[] = [];
  /** The output of the last layer. */
  readonly output: Signal;
  private readonly moments = new Map<number, StatesWithGradients>();

  constructor(
    private readonly options: StackOptions,
    readonly shape: PlanShape,
    private readonly parameters: Parameters,
    /** The probability of dropping a unit below each layer. */
    drops: readonly number[],
    noise: Noise,
  ) {
    const { directions, embedding, reader } = options;
    const { T, B } = shape;
    const { dtype } = parameters;
    const D = reader.input;
    const value = shape.classes ? oneHot(T * B, D) : unset([T * B, D], dtype);
    const gradient = shape.classes ? value : gradientTensor([T * B, D], dtype, shape.forwardOnly);
    this.input = { value, gradient };
    this.valid = zeros([T * B, 1], dtype);
    this.valid.data.fill(1);
    let below = this.input;
    if (embedding !== undefined) {
      const own = withoutPrefix(parameters.values, `${embedding}.`);
      const gradients = withPrefix(withoutPrefix(parameters.gradients, `${embedding}.`), 'd');
      this.stages.push(embeddedInput(below, shape, own, gradients));
      below = this.stages[0].output;
    }
    directions.forEach((directionsOfOne, l) => {
      const isClasses = isOneHot(below.value);
      // class numbers cannot be dropped; variational dropout leaves them out
      if (drops[l] > 0 && !(isClasses && noise.isVariational)) {
        const why = 'class numbers are looked up; put an embedding below the first layer';
        mustBe(!isClasses, 'network', 'dropout on the input must be of numbers', 'class numbers', why);
        const stage = dropout(below, B, drops[l], noise.isVariational);
        this.masks.push(stage.mask);
        this.stages.push(stage);
        below = stage.output;
      }
      const stage = layerStage(directionsOfOne, below, shape, { parameters, valid: this.valid, noise });
      this.masks.push(...stage.masks);
      this.layers.push(stage);
      this.stages.push(stage);
      below = stage.output;
    });
    this.output = below;
  }

  /** Marks the rows of the embedding to which a backward pass has added gradients. */
  markRows(): void {
    const { embedding, tied = false } = this.options;
    if (embedding === undefined) return;
    const [{ used }, { value }, table] = [this.parameters, this.input, `${embedding}.E`];
    if (isOneHot(value) && !tied) used.mark(table, classesOf(value));
    else used.markAll(table);
  }

  /** The directions of all layers in order. */
  get unrolls(): Unroll[] {
    return this.layers.flatMap(({ unrolls }) => unrolls);
  }

  /** The arrays that hold the gradient of the input: for each direction of the first layer, and for both together. */
  get inputGradients(): Data[] {
    const [first] = this.layers;
    const own = first === this.stages[0] ? first.unrolls.map(({ options }) => options.dx.data) : [];
    return [...new Set([...own, this.input.gradient.data])];
  }

  /** States after `t` steps: t = 0 for the initial ones, t = T for the final ones. The views are cached. */
  after(t: number): StatesWithGradients {
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
