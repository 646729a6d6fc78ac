/**
 * A forward pass over one batch, its results, and its backward pass.
 *
 * Results are copied when they are first read. Later passes reuse the plan's memory, so results must be read before the
 * next pass; copies that were read remain valid.
 */
import { must } from '../../../core/check';
import type { Tensor, Tensors } from '../../../core/tensor';
import type { Plan } from './plan';
import type { States } from '../batch/states';
import type { Upstream } from '../batch/upstream';

/** Results of a backward pass besides the gradients of the parameters; copied when they are first read. */
export interface Gradients {
  /** dL/dx in the shape of x. */
  readonly x: Tensor;
  /** For an encoder-decoder, the gradient of the decoder's inputs. */
  readonly inputs?: Tensor;
  /** dL/dinitial states by name, `l0.h` [B, H]; for an encoder-decoder those of the encoder, `e0.h`. */
  readonly initial: Tensors;
}

/** The size of a pass. */
export interface PassSize {
  /** Rows of the output that a mean loss is over, or the sum of their weights. */
  rows: number;
  /** Valid time steps. */
  tokens: number;
}

/** Runs a pass and returns copies of its results. */
export interface PassBody {
  readonly loss: number;
  output(): Tensor;
  states(): States;
  attention(): Tensor | undefined;
  size(): PassSize;
  backward(upstream?: Upstream): Gradients;
  /** The plan of all steps; undefined if there is none. */
  plan(): Plan | undefined;
}

let bodyIn: (pass: Pass) => PassBody;

/**
 * A forward pass, created by `network.forward`. Tensors are copied when they are first read, which must be before the next
 * pass.
 * @example
 * const pass = net.forward(batch);
 * pass.output.shape; // [2, 1, 2]
 * pass.states['l0.h'].shape; // [1, 3]
 * pass.backward().x.shape; // [2, 1, 2]
 */
export class Pass {
  /** The loss, or NaN for a network without one. */
  readonly loss: number;
  readonly #body: PassBody;
  #output: Tensor | undefined;
  #states: States | undefined;
  #attention: Tensor | undefined;

  static {
    bodyIn = (pass) => pass.#body;
  }

  /** @internal use `network.forward` */
  constructor(body: PassBody) {
    this.#body = body;
    this.loss = body.loss;
  }

  /** y [T, B, O], or [B, O] if each row has one output. */
  get output(): Tensor {
    return (this.#output ??= this.#body.output());
  }

  /** Final states by name, `l0.h` [B, H]; pass them as `from` to continue the sequence. */
  get states(): States {
    return (this.#states ??= this.#body.states());
  }

  /** Attention weights [T, B, S] of each step over the steps of the source, for a network with attention. */
  get attention(): Tensor | undefined {
    return (this.#attention ??= this.#body.attention());
  }

  /**
   * Runs backward through time and adds into the gradients of the network's parameters. Weights do not change.
   *
   * @param upstream dL/doutput and dL/dstates, for a network without a loss; missing ones are zero.
   * @returns dL/dx [T, B, D] ([B, D] if there is one input), that of a decoder's inputs, and dL/dinitial states by name.
   *   Gradients of inputs are computed when one is first read, which must be before the weights change; class numbers have
   *   none.
   * @throws RangeError after a later pass that reused this one's memory, or if a gradient has the wrong size; TypeError if
   *   dL/dx is read for a batch of class numbers.
   */
  backward(upstream?: Upstream): Gradients {
    return this.#body.backward(upstream);
  }
}

/**
 * The plan that a pass was run on, with all of its numbers.
 * @throws RangeError once a later pass has used its memory, and for a pass in segments.
 */
export function planOf(pass: Pass): Plan {
  const plan = bodyIn(pass).plan();
  must(
    plan !== undefined,
    'network.forward',
    'one plan must hold the whole pass',
    'several',
    'leave out checkpointEvery',
  );
  return plan;
}

/** The plan of a pass, unless it is one in segments. */
export const wholePlanOf = (pass: Pass): Plan | undefined => bodyIn(pass).plan();

/** The size of a pass. */
export const sizeOfPass = (pass: Pass): PassSize => bodyIn(pass).size();
