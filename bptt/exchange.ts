/** What the threads of a team exchange: batches, final states and outputs, in shared memory that is used again and again. */
import { must } from '../core/check';
import { sizeOf } from '../core/tensor';
import type { Batch } from './batch';
import { flatten, type Box } from './box';
import { directionsOf } from './layer';
import type { Network } from './network';
import type { Gathered } from './share';
import { outputAxes } from './topology';

/** What a pass over B rows ended with: its final states, and the time on the sequence's clock. */
export interface Carried {
  states: Record<string, Float64Array>;
  clock: number;
  B: number;
}

export class Exchange {
  private readonly buffers = new Map<string, SharedArrayBuffer>();
  /** Widths of the states by name. */
  private readonly widths: readonly (readonly [name: string, width: number])[];

  constructor(private readonly network: Network) {
    this.widths = network.architecture.layers
      .flatMap(directionsOf)
      .flatMap(({ name, cell }) =>
        Object.entries(cell.states).map(([s, width]) => [`${name}.${s}`, width] as const),
      );
  }

  /**
   * A batch of B rows with all its numbers in shared memory, and states for `carry`.
   * @throws RangeError when there is nothing to carry on from, or from another number of rows.
   */
  put(
    { initial, clock, x, inputs, targets, ...batch }: Batch,
    B: number,
    carried: Carried | undefined,
  ): Batch {
    const where = 'network.forward';
    const box = (name: 'x' | 'inputs' | 'targets', values: Batch['x']): Box => {
      const { shape, numbers } = flatten(values, where, name);
      return { shape: [...shape], numbers: this.copy(name, numbers) };
    };
    let [states, time] = [initial, clock];
    if (initial === 'carry') {
      const why = 'the states of the last pass are carried over';
      must(carried !== undefined, where, 'a pass must come before initial: carry', 'none', why);
      must(carried.B === B, where, `B must be ${carried.B}`, B, why);
      [states, time] = [carried.states, clock ?? carried.clock];
    }
    if (typeof states === 'object') {
      const copies = Object.entries(states).map(
        ([name, values]) => [name, this.copy(`initial ${name}`, values)] as const,
      );
      states = Object.fromEntries(copies);
    }
    return {
      ...batch,
      x: box('x', x),
      ...(inputs !== undefined && { inputs: box('inputs', inputs) }),
      ...(targets !== undefined && { targets: box('targets', targets) }),
      ...(states !== undefined && { initial: states }),
      ...(time !== undefined && { clock: time }),
    };
  }

  /** Places for what T steps of B rows give. */
  gather(T: number, B: number, output: boolean): Gathered {
    const { network } = this;
    const finals = this.widths.map(
      ([name, width]) => [name, this.array(`final ${name}`, B * width)] as const,
    );
    const rows = sizeOf(outputAxes(network.architecture.topology, T, B));
    return {
      states: Object.fromEntries(finals),
      ...(output && { output: this.array('output', rows * network.output) }),
    };
  }

  private copy(name: string, values: ArrayLike<number>): Float64Array {
    const array = this.array(name, values.length);
    if (ArrayBuffer.isView(values)) array.set(values);
    // what is no number must not become one on the way
    else for (let k = 0; k < values.length; k++) array[k] = typeof values[k] === 'number' ? values[k] : NaN;
    return array;
  }

  /** A shared array that lasts until the next of the same name. */
  private array(name: string, length: number): Float64Array {
    const bytes = 8 * length;
    let buffer = this.buffers.get(name);
    if (!buffer || buffer.byteLength < bytes) this.buffers.set(name, (buffer = new SharedArrayBuffer(bytes)));
    return new Float64Array(buffer, 0, length);
  }
}
