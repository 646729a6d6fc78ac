/** Truncated backpropagation through time: runs a long batch in chunks, carries states over and cuts gradients. */
import { mustCount, mustKnowKeys } from '../core/check';
import { contents, outside, type Tensor, type Tensors } from '../core/tensor';
import { readBatch, type Batch } from './network/batch/batch';
import { fitted, flatten } from './network/batch/numbers';
import { mustBeNetwork, runnerOf, type Network } from './network/network';
import { planOf, type Gradients, type Pass } from './network/passes/pass';
import type { States } from './network/batch/states';
import { beginsWithOne, endsInOne, mustStream, outputAxes } from './network/topology';
import type { Upstream } from './network/batch/upstream';

/** Chunk length and pass options. */
export interface TruncatedOptions {
  /** Steps that the gradient flows back over; the last chunk may be shorter. */
  chunk: number;
  /** Draws dropout; omit it for evaluation. */
  training?: boolean;
  /** Final states of a pass over the preceding part of the sequence, from which the first chunk continues. */
  from?: States;
  /** dL/doutput and dL/dfinal states of the whole sequence, for a network without a loss. */
  upstream?: Upstream;
}

/** Results in the form of `forward` and `backward` over the whole sequence. */
export interface TruncatedResult {
  /** The loss, or NaN for a network without one. */
  loss: number;
  /** y [T, B, O], or [B, O] if each row has one output. */
  output: Tensor;
  /** Final states by name, `l0.h` [B, H]; pass them as `from` to continue the sequence. */
  states: States;
  /** Attention weights [T, B, S] of each step over the steps of the source, for a network with attention. */
  attention?: Tensor;
  /** dL/dx in the shape of x; throws a TypeError if x holds class numbers, which have no gradient. */
  readonly x: Tensor;
  /** For an encoder-decoder, the gradient of the decoder's inputs; throws a TypeError if they are class numbers. */
  readonly inputs?: Tensor;
  /** dL/dinitial states by name, `l0.h` [B, H], from the first chunk. */
  initial: Tensors;
}

/**
 * Runs a batch forward and backward in chunks: each chunk starts from the final states of the previous one, and gradients
 * do not flow from a chunk into the previous one.
 *
 * A mean loss is the mean over all valid steps of the whole sequence: every step has the weight 1 / (valid steps of all
 * chunks), and the losses and gradients of the chunks are summed. In a many-to-one network, a row's loss belongs to the
 * chunk in which the row ends; so does the gradient of its final state.
 *
 * Adds into `parameters.gradients`; trainable initial states get their gradients from the first chunk. With chunk ≥ T this
 * is bit-identical to full backpropagation through time. For your own loss on the outputs, run the parts yourself:
 * `forward(batch, { steps: [from, to], from: before.states })`, then `backward`, where `before` is the previous pass.
 *
 * Source: Williams & Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent network
 * trajectories", with steps forward and steps back both `chunk`.
 * @throws RangeError for an invalid shape, length or target, or a non-finite number.
 * @example
 * net.parameters.zeroGradients();
 * truncated(net, batch, { chunk: 25, training: true }).loss;
 */
export function truncated(network: Network, batch: Batch, options: TruncatedOptions): TruncatedResult {
  const where = 'truncated';
  mustBeNetwork(network, where);
  mustKnowKeys(options, ['chunk', 'training', 'from', 'upstream'], where);
  const { chunk, training = false, upstream: given } = options;
  mustCount(chunk, where, 'chunk');

  const runner = runnerOf(network);
  const read = readBatch(batch, network, where);
  const { T, B } = read;
  const { topology, encoder, dtype } = network.architecture;
  if (chunk < T) mustStream(network.architecture, where, `chunk must be at least ${T}`, chunk);
  const one = endsInOne(topology);
  const [D, O] = [network.input, network.output];
  const lengths = Array.from((encoder ? batch.targetLengths : batch.lengths) ?? Array<number>(B).fill(T));
  // the first chunk reads all of x
  const once = beginsWithOne(topology) || encoder !== undefined;
  let dx: Tensor | undefined = once ? undefined : outside([T, B, D], dtype);
  let dInputs: Tensor | undefined;
  let gradients: Gradients | undefined;
  let { from: before } = options;
  const result: Omit<TruncatedResult, 'states'> = {
    loss: 0,
    output: outside([...outputAxes(topology, T, B), O], dtype),
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
    const pass: Pass = runner.run(read, { training, steps: [from, to], ...(before && { from: before }) });
    const { loss, output, attention } = pass;
    before = pass.states;
    // an encoder-decoder runs in one chunk
    if (attention) result.attention = attention;
    result.loss += loss;
    if (one) copyRows(output, result.output, ending);
    else result.output.data.set(contents(output), from * B * O);

    const above = upstream && upstreamOf(upstream, { from: from * B * O, to: to * B * O }, ending, one);
    gradients = pass.backward(above);
    const { first, main, source } = planOf(pass);
    if (source && !main.shape.classes) dInputs = gradients.inputs;
    if (first.shape.classes) dx = undefined;
    else if (!once) dx?.data.set(contents(gradients.x), from * B * D);
    else if (from === 0) dx = gradients.x;
    if (from === 0) result.initial = gradients.initial;
  }
  return Object.assign(result, { states: before as States });
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
