/**
 * Runs a network step by step for decoding: each row reads one class per step and gets the log probabilities of the next.
 *
 * It starts from the final states of the encoder, or from the initial states of a many-to-many network. Rows can be
 * copied from one another, as beam search requires. Dropout is off.
 */
import { targetsOf } from '../network/architecture';
import { must, mustBe, mustShape } from '../../core/check';
import { logOfSum } from '../../core/programs/reduce';
import { fillFrom, toFlat, type Numbers, type Tensor } from '../../core/tensor';
import { flatten, type FlatNumbers } from '../network/batch/numbers';
import { readBatch, type Batch, type ReadBatch } from '../network/batch/batch';
import type { Bound } from '../network/passes/bound';
import { runnerOf, type Network } from '../network/network';
import type { Runner } from '../network/passes/runner';
import { readerOf } from '../network/layers/stack';
import { mustStream } from '../network/topology';

/** The input of decoding. */
export type DecodeInput = Pick<Batch, 'x' | 'lengths' | 'initial'>;

/** The interface that the search methods in `decode.ts` use. */
export interface Steps {
  /** Number of hypotheses that run in parallel. */
  readonly rows: number;
  /** O, the number of classes. */
  readonly classes: number;
  /** Feeds one class to each row, and returns log probabilities [rows, O], row-major; the next step overwrites them. */
  step(read: ArrayLike<number>): Float64Array;
  /** Replaces the states of row k by those of row `from[k]`. */
  reorder(from: ArrayLike<number>): void;
}

export class Writer implements Steps {
  readonly rows: number;
  readonly classes: number;
  private readonly runner: Runner;
  private readonly batch: ReadBatch;
  /** The `turn` of each plan when this writer last used it: a newer one means that its buffers were overwritten. */
  private readonly turns = new WeakMap<Bound, number>();
  /** The classes of the current step; the batch refers to this array. */
  private readonly read: Float64Array;
  private readonly logs: Float64Array;
  private readonly states = new Map<string, Float64Array>();
  private clock = 0;

  /**
   * @param rowsPerInput number of adjacent rows for each row of the batch.
   * @throws TypeError or RangeError for a network that cannot write one class at a time.
   */
  constructor(network: Network, { x, lengths, initial }: DecodeInput, rowsPerInput: number) {
    const { topology, encoder, feed, loss } = network.architecture;
    const writes = encoder !== undefined || topology === 'many-to-many';
    mustBe(writes, where, 'the topology must be encoder-decoder or many-to-many', topology);
    const asks = feed === undefined || feed === 'given';
    mustBe(asks, where, 'feed must be given', feed, 'fed otherwise, a network writes in one forward pass');
    const expects = loss === undefined || targetsOf(network.architecture) === 'classes';
    mustBe(
      expects,
      where,
      'the loss must be one over classes, as softmax',
      loss,
      'outputs are taken for logits',
    );
    if (!encoder) mustStream(network.architecture, where, 'layers must read forward', 'a bidirectional one');
    const [D, O] = [readerOf(network.architecture).input, network.output];
    must(
      D >= O,
      where,
      `the layers must read at least ${O} classes`,
      D,
      `O = ${O}: each output is the next input`,
    );

    const source = flatten(x, where, 'x');
    const B = source.shape[1] ?? 0;
    must(B >= 1, where, 'x must have an axis of time and one of rows', `[${source.shape.join(', ')}]`);
    if (lengths) {
      const why = 'without an encoder, all rows begin with the same number of classes';
      mustBe(encoder !== undefined, where, 'lengths must be left out', lengths, why);
      mustShape([lengths.length], [B], where, 'lengths', 'one length for each row');
    }
    this.rows = B * rowsPerInput;
    this.classes = O;
    this.logs = new Float64Array(this.rows * O);
    this.read = new Float64Array(this.rows);
    const start = { shape: [1, this.rows], numbers: this.read };
    this.runner = runnerOf(network);
    const batch: Batch = {
      ...(encoder ? { x: repeated(source, B, rowsPerInput), inputs: start } : { x: start }),
      ...(lengths && {
        lengths: Array.from(lengths).flatMap((length) => Array<number>(rowsPerInput).fill(length)),
      }),
      ...(initial !== undefined && {
        initial: typeof initial === 'object' ? repeatedStates(initial, B, rowsPerInput) : initial,
      }),
    };
    this.batch = readBatch(batch, network, where);
  }

  step(read: ArrayLike<number>): Float64Array {
    const { runner, batch, rows, turns } = this;
    for (let k = 0; k < rows; k++) this.read[k] = read[k];
    const bound = runner.single(batch, this.clock, turns);
    const { main, output } = bound.plan;
    const start = main.after(0).states;
    for (const [name, values] of this.states) fillFrom(start[name], values);
    bound.forward();
    for (const [name, t] of Object.entries(main.after(1).states))
      this.states.set(name, Float64Array.from(toFlat(t)));
    this.clock++;
    return this.expected(output.value);
  }

  reorder(from: ArrayLike<number>): void {
    for (const [name, values] of this.states) {
      const width = values.length / this.rows;
      const moved = values.map((_, k) => values[from[Math.floor(k / width)] * width + (k % width)]);
      this.states.set(name, moved);
    }
  }

  private expected(logits: Tensor): Float64Array {
    const { rows, classes: O, logs } = this;
    for (let k = 0; k < rows; k++) {
      const { data, offset, stride } = logits;
      const logSum = logOfSum(data, O, offset + k * stride[0], stride[1]);
      if (!Number.isFinite(logSum)) must(false, where, 'the output must be finite', logSum, `row ${k}`);
      for (let c = 0; c < O; c++) logs[k * O + c] = logits.get(k, c) - logSum;
    }
    return logs;
  }
}
const where = 'decode';

const repeatedStates = (
  states: Readonly<Record<string, Numbers | FlatNumbers>>,
  B: number,
  times: number,
): Record<string, ArrayLike<number>> =>
  Object.fromEntries(
    Object.entries(states).map(([name, values]) => {
      const perRow = { shape: [1, B], numbers: flatten(values, where, `initial ${name}`).numbers };
      return [name, repeated(perRow, B, times).numbers] as const;
    }),
  );

/** Repeats each row `times` times, next to each other; the rows come in blocks of B. */
function repeated({ shape, numbers }: FlatNumbers, B: number, times: number): FlatNumbers {
  const [S, , ...rest] = shape;
  const width = numbers.length / (S * B);
  const wide = Float64Array.from({ length: numbers.length * times }, (_, k) => {
    const row = Math.floor(k / width);
    const [t, b] = [Math.floor(row / (B * times)), Math.floor((row % (B * times)) / times)];
    return numbers[(t * B + b) * width + (k % width)];
  });
  return { shape: [S, B * times, ...rest], numbers: wide };
}
