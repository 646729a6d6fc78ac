/**
 * What a pass gives, as copies that are made when they are read. A plan's memory belongs to the next pass, so they must be
 * read before that; what was read stays as it is.
 */
import { must } from '../../core/check';
import type { Tensor, Tensors } from '../../core/tensor';

/** What a forward pass gives. Tensors are copied when they are first read, which must be before the next pass. */
export interface Result {
  /** The loss, or NaN for a network without one. */
  loss: number;
  /** y [T, B, O], or [B, O] where each row has one output. */
  output: Tensor;
  /** Final states by name, `l0.h` [B, H]. */
  states: Tensors;
  /** [T, B, S]: how much each step attends to each step of the source; of a network with attention. */
  attention?: Tensor;
}

/** What a backward pass gives, beside the gradients of the parameters; copied as what a forward pass gives. */
export interface Gradients {
  /** dL/dx, in the shape of x as values. */
  readonly x: Tensor;
  /** Of an encoder-decoder: dL/d of what the decoder was given. */
  readonly inputs?: Tensor;
  /** dL/d initial states by name, `l0.h` [B, H]; of an encoder-decoder the encoder's, `e0.h`. */
  readonly initial: Tensors;
}

/** Reads a result of one pass: `make` is run the first time. */
export type Read = <V>(name: string, make: () => V) => V;

/** A reader of the results of a pass, as long as `isLast` says that no other has followed. */
export function reader(where: string, isLast: () => boolean): Read {
  const known = new Map<string, unknown>();
  return <V>(name: string, make: () => V): V => {
    if (!known.has(name)) {
      must(
        isLast(),
        where,
        `${name} must be read before the next pass`,
        'a later pass',
        'it uses that memory',
      );
      known.set(name, make());
    }
    return known.get(name) as V;
  };
}
