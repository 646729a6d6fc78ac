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
import { plain } from '../../core/programs/plain';
import type { Executor, Pointwise, Product, Reduction } from '../../core/programs/program';
import { Random } from '../../core/random/random';
import { Dual, primal, tangent, type Scalar } from '../../core/programs/scalar';
import { inputsOf, statementOf } from '../../core/programs/statement';
import ndarray from 'ndarray';
import type { Tensor } from '../../core/tensor';
import type { Direction, Estimate } from './judge';
import { positionOf, type Problem } from './problem';
import { RoundingExecutor, measuredSpread } from './rounding';

/** Runs programs on values and their derivatives together. */
export class DualExecutor implements Executor {
  readonly name = 'dual';
  private readonly tangents = new Map<Data, Float64Array>();

  /** The derivative of a tensor, with the same shape and strides. */
  tangentOf(t: Tensor): Tensor {
    let data = this.tangents.get(t.data);
    if (!data) this.tangents.set(t.data, (data = new Float64Array(t.data.length)));
    return ndarray<Data>(data, t.shape, t.stride, t.offset);
  }

  /** Sets the derivatives of variables to a direction, and all others to zero. */
  move(variables: Problem['variables'], direction: Direction): void {
    for (const data of this.tangents.values()) data.fill(0);
    for (const [name, v] of Object.entries(direction)) {
      const d = this.tangentOf(variables[name].value);
      for (let k = 0; k < v.length; k++) d.data[positionOf(d, k)] = v[k];
    }
  }

  bind(operation: Parameters<Executor['bind']>[0]): () => void {
    if (operation.kind === 'pointwise') return this.bindPointwise(operation);
    const value = plain.bind(operation);
    if (operation.kind === 'reduction') {
      const slope = this.bindReduction(operation);
      return () => (value(), slope());
    }
    // d(a b + bias) = da b + a db + dbias
    const { a, b, out, bias, accumulate } = operation;
    const dOut = this.tangentOf(out);
    const dBias = bias && this.tangentOf(bias);
    const second: Product = { kind: 'product', a, b: this.tangentOf(b), out: dOut, bias: dBias, accumulate };
    const addSecond = bindMatmul(second);
    if (isOneHot(a)) return () => (value(), addSecond()); // class numbers are constant
    const addFirst = bindMatmul({ kind: 'product', a: this.tangentOf(a), b, out: dOut, accumulate: true });
    return () => (value(), addSecond(), addFirst());
  }

  private bindPointwise({ graph, inputs, outputs }: Pointwise): () => void {
    const body = statementOf(graph);
    const names = inputsOf(graph);
    const dInputs = names.map((name) => this.tangentOf(inputs[name]));
    const targets = Object.entries(outputs).map(([name, t]) => ({ name, t, d: this.tangentOf(t) }));
    const [R, C] = targets[0].t.shape;
    return () => {
      const arguments_: Record<string, Scalar> = {};
      for (let r = 0; r < R; r++) {
        for (let c = 0; c < C; c++) {
          names.forEach((name, k) => {
            const [value, slope] = [inputs[name].get(r, c), dInputs[k].get(r, c)];
            arguments_[name] = slope === 0 ? value : new Dual(value, slope); // a constant needs no dual
          });
          const results = body(arguments_);
          for (const { name, t, d } of targets) {
            t.set(r, c, primal(results[name]));
            d.set(r, c, tangent(results[name]));
          }
        }
      }
    };
  }

  private bindReduction(operation: Reduction): () => void {
    const from = this.tangentOf(operation.from);
    const out = this.tangentOf(operation.out);
    if (operation.what !== 'logSumExp') return plain.bind({ ...operation, from, out });
    // d log Σ exp(y) = Σ softmax(y) dy, where softmax(y) = exp(y − log Σ exp(y))
    const [R, C] = from.shape;
    return () => {
      for (let r = 0; r < R; r++) {
        let sum = 0;
        for (let c = 0; c < C; c++) {
          if (from.get(r, c) !== 0)
            sum += Math.exp(operation.from.get(r, c) - operation.out.get(r, 0)) * from.get(r, c);
        }
        out.set(r, 0, sum);
      }
    };
  }
}

/** The slope of the loss along a direction, exact up to rounding. */
export interface ForwardMode {
  (direction: Direction): number;
  /** The same with an estimate of its rounding error. Slower. */
  refined: (direction: Direction) => Estimate;
}

/**
 * The exact directional derivative of the loss; the direction is given by variable (row-major; missing ones are zero).
 *
 * @example
 * const slope = forwardMode(problem);
 * slope({ 'l0.Wh': unit }); // ∂L/∂Wh in the direction `unit`
 */
export function forwardMode({ variables, forward, loss }: Problem): ForwardMode {
  const duals = new DualExecutor();
  const along = (run: () => void, direction: Direction): number => {
    duals.move(variables, direction);
    run();
    return duals.tangentOf(loss).get(0);
  };
  const exact = forward.bind(duals);
  let rounded: (() => void) | undefined;
  const refined = (direction: Direction): Estimate => {
    rounded ??= forward.bind(new RoundingExecutor(new Random(0), duals, (t) => [duals.tangentOf(t)]));
    const again = rounded;
    const slope = along(exact, direction);
    return { slope, uncertainty: measuredSpread(slope, () => along(again, direction)) };
  };
  return Object.assign((direction: Direction) => along(exact, direction), { refined });
}
