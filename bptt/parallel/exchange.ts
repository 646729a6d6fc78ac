/** Reusable shared-memory buffers for the data that threads exchange: batches, final states and outputs. */
import type { Data } from '../../core/memory';
import { sizeOf, type Numbers } from '../../core/tensor';
import type { Batch } from '../network/batch/batch';
import { flatten, type FlatNumbers } from '../network/batch/numbers';
import { mustBeOf } from '../network/passes/runner';
import { directionsOf } from '../network/layers/layer';
import type { Network } from '../network/network';
import type { Gathered, PassTask } from './share';
import { outputAxes } from '../network/topology';

type Given = Pick<PassTask, 'batch' | 'from'>;

export class Exchange {
  private readonly buffers = new Map<string, SharedArrayBuffer>();
  /** Names and widths of the states. */
  private readonly widths: readonly (readonly [name: string, width: number])[];

  constructor(private readonly network: Network) {
    this.widths = network.architecture.layers
      .flatMap(directionsOf)
      .flatMap(({ name, cell }) =>
        Object.entries(cell.states).map(([s, width]) => [`${name}.${s}`, width] as const),
      );
  }

  /** Copies the numbers of a batch and of its initial states to shared memory. */
  put({ batch, from }: Given): Given {
    const { initial, x, inputs, targets, weights, ...rest } = batch;
    const sharedArray = (name: 'x' | 'inputs' | 'targets' | 'weights', values: Batch['x']): FlatNumbers => {
      const { shape, numbers } = flatten(values, 'network.forward', name);
      return { shape: [...shape], numbers: this.copy(name, numbers) };
    };
    const sharedStates = (states: Readonly<Record<string, Numbers | FlatNumbers>>): Record<string, Data> =>
      Object.fromEntries(
        Object.entries(states).map(([name, values]) => {
          const { numbers } = flatten(values, 'network.forward', `initial ${name}`);
          return [name, this.copy(`initial ${name}`, numbers)];
        }),
      );
    return {
      batch: {
        ...rest,
        x: sharedArray('x', x),
        ...(inputs !== undefined && { inputs: sharedArray('inputs', inputs) }),
        ...(targets !== undefined && { targets: sharedArray('targets', targets) }),
        ...(weights !== undefined && { weights: sharedArray('weights', weights) }),
        ...(initial !== undefined && {
          initial: typeof initial === 'object' ? sharedStates(initial) : initial,
        }),
      },
      ...(from && { from: { clock: from.clock, states: sharedStates(from.states) } }),
    };
  }

  /** Throws unless the states that a batch continues from have as many rows as the batch. */
  mustBeOf(B: number, { states }: NonNullable<PassTask['from']>): void {
    for (const [name, width] of this.widths) {
      const given = states[name] as ArrayLike<number> | undefined;
      if (given) mustBeOf(B, given.length / width, 'network.forward');
    }
  }

  /** Buffers for the results of T steps of B rows. */
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

  /** float32 numbers stay as they are, which is faster than to convert them; all others become float64. */
  private copy(name: string, values: ArrayLike<number>): Data {
    const isSingle = Object.prototype.toString.call(values) === '[object Float32Array]';
    const { length } = values;
    const array = isSingle
      ? new Float32Array(this.buffer(name, 4 * length), 0, length)
      : this.array(name, length);
    array.set(values);
    return array;
  }

  /** A shared array, valid until the next call with the same name. */
  private array(name: string, length: number): Float64Array {
    return new Float64Array(this.buffer(name, 8 * length), 0, length);
  }

  private buffer(name: string, bytes: number): SharedArrayBuffer {
    let buffer = this.buffers.get(name);
    if (!buffer || buffer.byteLength < bytes) this.buffers.set(name, (buffer = new SharedArrayBuffer(bytes)));
    return buffer;
  }
}
