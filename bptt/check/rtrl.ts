/**
 * Forward-mode differentiation of a whole program, to check gradients by an exact second method: every tensor is
 * accompanied by its derivative in one direction, from the variables to the loss. On an unrolled network this is real-time
 * recurrent learning (Williams & Zipser 1989): one forward pass per parameter, no backward pass.
 *
 * Rules: a product becomes two products (one if the first operand is one-hot), a statement is evaluated on dual numbers,
 * a sum becomes the sum of derivatives.
 */
import { bindMatmul } from '../../core/programs/matmul';
import type { Data } from '../../core/memory';
import { isOneHot } from '../../core/onehot';
import { lazy } from '../../core/once';
import { plain } from '../../core/programs/plain';
import type { Executor, Pointwise, Product, Reduction } from '../../core/programs/program';
import { Random } from '../../core/random/random';
import { dualsOf } from '../../core/programs/statement';
import ndarray from 'ndarray';
import type { Tensor } from '../../core/tensor';
import { inLanes, type Direction, type Estimate } from './judge';
import { positionOf, type Problem } from './problem';
import { RoundingExecutor, measuredSpread } from './rounding';

/** Number of directions that are computed at once where there are many: the values are then computed once for all. */
export const LANES = 16;

/** Runs programs on values and their derivatives together, in up to `lanes` directions at once. */
export class DualExecutor implements Executor {
  readonly name = 'dual';
  /** The derivatives of each array, lane after lane. */
  private readonly tangents = new Map<Data, Float64Array>();
  /** Number of directions in use. */
  private count: number;

  constructor(readonly lanes = 1) {
    this.count = lanes;
  }

  /** The derivative of a tensor, with the same shape and strides. */
  tangentOf(t: Tensor, lane = 0): Tensor {
    return ndarray<Data>(this.tangentsOf(t.data), t.shape, t.stride, t.offset + lane * t.data.length);
  }

  /** Sets the derivatives of variables to the directions, and all others to zero. */
  move(variables: Problem['variables'], ...directions: readonly Direction[]): void {
    this.count = directions.length;
    for (const [{ length }, all] of this.tangents) all.fill(0, 0, directions.length * length);
    directions.forEach((direction, lane) => {
      for (const [name, v] of Object.entries(direction)) {
        const d = this.tangentOf(variables[name].value, lane);
        for (let k = 0; k < v.length; k++) d.data[positionOf(d, k)] = v[k];
      }
    });
  }

  bind(operation: Parameters<Executor['bind']>[0]): () => void {
    if (operation.kind === 'pointwise') return this.bindPointwise(operation);
    const value = plain.bind(operation);
    const slope =
      operation.kind === 'reduction' ? this.bindReduction(operation) : this.bindProduct(operation);
    return () => {
      value();
      for (let lane = 0; lane < this.count; lane++) slope(lane);
    };
  }

  private tangentsOf(data: Data): Float64Array {
    let all = this.tangents.get(data);
    if (!all) this.tangents.set(data, (all = new Float64Array(this.lanes * data.length)));
    return all;
  }

  /** The derivatives of a tensor, whose offset `at` moves to a lane. */
  private moving(t: Tensor): { d: Tensor; at: (lane: number) => void } {
    const d = this.tangentOf(t);
    return { d, at: (lane) => (d.offset = t.offset + lane * t.data.length) };
  }

  /** d(a b + bias) = da b + a db + dbias */
  private bindProduct({ a, b, out, bias, accumulate }: Product): (lane: number) => void {
    const [dOut, dB, dBias] = [this.moving(out), this.moving(b), bias && this.moving(bias)];
    const second: Product = { kind: 'product', a, b: dB.d, out: dOut.d, bias: dBias?.d, accumulate };
    const addSecond = bindMatmul(second);
    const both = [dOut, dB, ...(dBias ? [dBias] : [])];
    if (isOneHot(a))
      // class numbers are constant
      return (lane) => {
        for (const one of both) one.at(lane);
        addSecond();
      };
    const dA = this.moving(a);
    const addFirst = bindMatmul({ kind: 'product', a: dA.d, b, out: dOut.d, accumulate: true });
    return (lane) => {
      for (const one of both) one.at(lane);
      dA.at(lane);
      addSecond();
      addFirst();
    };
  }

  private bindPointwise({ graph, inputs, outputs }: Pointwise): () => void {
    const { lanes } = this;
    const { re, du, run } = dualsOf(graph, lanes);
    const elements = (t: Tensor, node: number) => {
      const { data, offset } = t;
      return { node, data, slopes: this.tangentsOf(data), offset, down: t.stride[0], right: t.stride[1] };
    };
    const from = graph.nodes.flatMap((one, node) =>
      one.op === 'input' ? [elements(inputs[one.name], node)] : [],
    );
    const into = Object.entries(outputs).map(([name, t]) => elements(t, graph.outputs[name]));
    const [R, C] = Object.values(outputs)[0].shape;
    return () => {
      const { count } = this;
      for (let r = 0; r < R; r++) {
        for (let c = 0; c < C; c++) {
          for (let k = 0; k < from.length; k++) {
            const { node, data, slopes, offset, down, right } = from[k];
            const at = offset + r * down + c * right;
            re[node] = data[at];
            for (let lane = 0, from = at; lane < count; lane++, from += data.length)
              du[node * lanes + lane] = slopes[from];
          }
          run(count);
          for (let k = 0; k < into.length; k++) {
            const { node, data, slopes, offset, down, right } = into[k];
            const at = offset + r * down + c * right;
            data[at] = re[node];
            for (let lane = 0, to = at; lane < count; lane++, to += data.length)
              slopes[to] = du[node * lanes + lane];
          }
        }
      }
    };
  }

  private bindReduction(operation: Reduction): (lane: number) => void {
    const [from, out] = [this.moving(operation.from), this.moving(operation.out)];
    const [x, y] = [from.d, out.d];
    const isSum = operation.what !== 'logSumExp';
    const run = isSum
      ? plain.bind({ ...operation, from: x, out: y })
      : () => this.slopeOfLogSum(operation, x, y);
    return (lane) => {
      from.at(lane);
      out.at(lane);
      run();
    };
  }

  /** d log Σ exp(y) = Σ softmax(y) dy, where softmax(y) = exp(y − log Σ exp(y)) */
  private slopeOfLogSum({ from, out }: Reduction, dFrom: Tensor, dOut: Tensor): void {
    const [R, C] = from.shape;
    for (let r = 0; r < R; r++) {
      let sum = 0;
      for (let c = 0; c < C; c++) {
        const d = dFrom.get(r, c);
        if (d !== 0) sum += Math.exp(from.get(r, c) - out.get(r, 0)) * d;
      }
      dOut.set(r, 0, sum);
    }
  }
}

/** The slope of the loss along a direction, exact up to rounding. */
export interface ForwardMode {
  (direction: Direction): number;
  /** The same with an estimate of its rounding error. Slower. */
  refined: (direction: Direction) => Estimate;
  /** Computes the slopes along directions that are asked for next, several at once. */
  ahead: (directions: readonly Direction[]) => void;
}

/**
 * The exact directional derivative of the loss; the direction is given by variable (row-major; missing ones are zero).
 *
 * @example
 * const slope = forwardMode(problem);
 * slope({ 'l0.Wh': unit }); // ∂L/∂Wh in the direction `unit`
 */
export function forwardMode({ variables, forward, loss }: Problem): ForwardMode {
  const duals = new DualExecutor(LANES);
  const run = forward.bind(duals);
  const slope = inLanes(LANES, (directions) => {
    duals.move(variables, ...directions);
    run();
    return directions.map((_, lane) => duals.tangentOf(loss, lane).get(0));
  });
  const perturbed = lazy(() => {
    const one = new DualExecutor();
    const again = forward.bind(new RoundingExecutor(new Random(0), one, (t) => [one.tangentOf(t)]));
    return (direction: Direction): number => {
      one.move(variables, direction);
      again();
      return one.tangentOf(loss).get(0);
    };
  });
  const refined = (direction: Direction): Estimate => {
    const exact = slope(direction);
    return { slope: exact, uncertainty: measuredSpread(exact, () => perturbed()(direction)) };
  };
  return Object.assign(slope, { refined });
}
