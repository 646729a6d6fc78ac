/** Truncated backpropagation through time: chunks of one long batch, the state carried, the gradient cut. */
import ndarray from 'ndarray';
import { mustBe, mustCount, mustKnowKeys } from '../core/check';
import { contents, sizeOf, type Tensor, type Tensors } from '../core/tensor';
import { readBatch, type Batch } from './network/batch';
import { fitted, flatten } from './network/box';
import { mustBeNetwork, type Gradients, type Network, type Result, type Upstream } from './network/network';
import type { Plan } from './network/plan';
import { beginsWithOne, endsInOne, mustStream, outputAxes } from './network/topology';

/** How long the chunks are, and how each is run. */
export interface TruncatedOptions {
  /** Steps that the gradient flows back over; the last chunk may be shorter. */
  chunk: number;
  /** Draws dropout; leave out to evaluate. */
  training?: boolean;
  /** dL/doutput and dL/dfinal states of the whole sequence, for a network without a loss. */
  upstream?: Upstream;
}

/** Like the results of `forward` and `backward` over the whole sequence. */
export interface TruncatedResult extends Result {
  /** dL/dx, in the shape of x as values; a TypeError when x is class numbers, which have none. */
  readonly x: Tensor;
  /** Of an encoder-decoder: dL/d of what the decoder was given; a TypeError when that is class numbers. */
  readonly inputs?: Tensor;
  /** dL/dinitial states by name, `l0.h` [B, H]: what the first chunk gives. */
  initial: Tensors;
}

/**
 * Runs a batch forward and backward in chunks: each chunk starts from the state that the one before left, and no
 * gradient crosses from a chunk into the one before.
 *
 * A mean loss is the mean over all valid steps of the whole sequence: every step weighs 1 / (valid steps of all chunks),
 * whatever chunk it is in, and the losses and gradients of the chunks are added up. Many to one, a row's loss
 * belongs to the chunk in which the row ends; so does the gradient of its final state.
 *
 * Adds into `parameters.gradients`; trainable initial states are reached from the first chunk. With chunk ≥ T this is
 * full backpropagation through time, to the bit. A loss of the caller's own that depends on the outputs is run part by
 * part instead: `forward(batch, { steps: [from, to] })`, then `backward`, with `initial: 'carry'` after the first part.
 *
 * Source: Williams & Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent network
 * trajectories", with steps forward and steps back both `chunk`.
 * @throws RangeError when a shape, a length or a target does not fit, or a number is not finite.
 * @example
 * net.parameters.zeroGradients();
 * truncated(net, batch, { chunk: 25, training: true }).loss;
 */
export function truncated(network: Network, batch: Batch, options: TruncatedOptions): TruncatedResult {
  const where = 'truncated';
  mustBeNetwork(network, where);
  mustBe(typeof batch === 'object' && batch !== null, where, 'the batch must be an object', batch);
  mustKnowKeys(options, ['chunk', 'training', 'upstream'], where);
  const { chunk, training = false, upstream: given } = options;
  mustCount(chunk, where, 'chunk');

  // nested lists are flattened once, not once a chunk
  const whole: Batch = { ...batch, x: flatten(batch.x, where, 'x') };
  if (batch.targets !== undefined) whole.targets = flatten(batch.targets, where, 'targets');
  const { T, B } = readBatch(whole, network, where).shape;
  const { topology, encoder, dtype } = network.architecture;
  if (chunk < T) mustStream(network.architecture, where, `chunk must be at least ${T}`, chunk);
  const one = endsInOne(topology);
  const [D, O] = [network.input, network.output];
  const lengths = Array.from((encoder ? batch.targetLengths : batch.lengths) ?? Array<number>(B).fill(T));
  // all of x is read in the first chunk
  const once = beginsWithOne(topology) || encoder !== undefined;
  const array = (shape: number[]): Tensor =>
    ndarray(dtype === 'float32' ? new Float32Array(sizeOf(shape)) : new Float64Array(sizeOf(shape)), shape);
  let dx: Tensor | undefined = once ? undefined : array([T, B, D]);
  let dInputs: Tensor | undefined;
  let gradients: Gradients | undefined;
  const result: TruncatedResult = {
    loss: 0,
    output: array([...outputAxes(topology, T, B), O]),
    states: {},
    get x() {
      return dx ?? (gradients as Gradients).x;
    },
    get inputs() {
      return dInputs ?? (gradients as Gradients).inputs;
    },
    initial: {},
  };
  const upstream = given && flatUpstream(given, result.output.shape, where);

  for (let from = 0; from < T; from += chunk) {
    const to = Math.min(from + chunk, T);
    const ending = lengths.map((length) => from < length && length <= to);
    const start: Batch = from === 0 ? whole : { ...whole, initial: 'carry' };
    const { loss, output, states, attention } = network.forward(start, { training, steps: [from, to] });
    // an encoder-decoder is one chunk
    if (attention) result.attention = attention;
    result.loss += loss;
    if (one) copyRows(output, result.output, ending);
    else result.output.data.set(contents(output), from * B * O);

    const above = upstream && upstreamOf(upstream, { from: from * B * O, to: to * B * O }, ending, one);
    gradients = network.backward(above);
    const { first, main, source } = network.lastPlan as Plan;
    if (source && !main.shape.classes) dInputs = gradients.inputs;
    if (first.shape.classes) dx = undefined;
    else if (!once) dx?.data.set(contents(gradients.x), from * B * D);
    else if (from === 0) dx = gradients.x;
    if (from === 0) result.initial = gradients.initial;
    if (to === T) result.states = states;
  }
  return result;
}

interface FlatUpstream {
  output?: ArrayLike<number>;
  states: Record<string, ArrayLike<number>>;
}

function flatUpstream({ output, states = {} }: Upstream, shape: number[], where: string): FlatUpstream {
  const flat = Object.entries(states).map(
    ([name, d]) => [name, flatten(d, where, `upstream ${name}`).numbers] as const,
  );
  return {
    ...(output !== undefined && { output: fitted(output, shape, where, 'upstream output') }),
    states: Object.fromEntries(flat),
  };
}

/** The part of dL/doutput and dL/dfinal states that belongs to one chunk. */
function upstreamOf(
  { output, states }: FlatUpstream,
  { from, to }: { from: number; to: number },
  ending: boolean[],
  one: boolean,
): Upstream {
  const onlyEnding = (values: ArrayLike<number>): Float64Array => {
    const width = values.length / ending.length;
    return Float64Array.from(values, (value, k) => (ending[Math.floor(k / width)] ? value : 0));
  };
  const cut = (values: ArrayLike<number>): Float64Array =>
    one ? onlyEnding(values) : Float64Array.from({ length: to - from }, (_, k) => values[from + k]);
  return {
    ...(output && { output: cut(output) }),
    states: Object.fromEntries(Object.entries(states).map(([name, d]) => [name, onlyEnding(d)])),
  };
}

function copyRows(from: Tensor, to: Tensor, which: boolean[]): void {
  const width = from.shape[1];
  which.forEach((wanted, b) => {
    for (let c = 0; wanted && c < width; c++) to.set(b, c, from.get(b, c));
  });
}
