/**
 * Output feedback: a network reads its own prediction of the previous step, x_t = f(y_{t−1}).
 *
 *   y at one step, x at the next [B, O]
 *
 * f is the prediction function of the loss: y itself (also without a loss), σ(y) or softmax(y). The gradient flows back
 * through it, which is often forgotten.
 */
import { lazyEquations } from '../../../core/equations/equations';
import type { LossPrediction } from '../../../losses';
import type { Program } from '../../../core/programs/program';
import { rows, type Tensor, type Tensors } from '../../../core/tensor';
import { softmaxBackward, softmaxBuffers, softmaxForward } from '../../../core/softmax';
import type { Signal } from './stage';

const sameForward = lazyEquations('feedback, forward', 'y [B, O]   writes x [B, O]', 'x = y');
// two paths reach y: the loss at its own step, and the input of the next step
const sameBackward = lazyEquations('feedback, backward', 'dx [B, O]   adds dy [B, O]', 'dy += dx');

const sigmoidForward = lazyEquations('feedback, forward', 'y [B, O]   writes x [B, O]', 'x = sigmoid(y)');
const sigmoidBackward = lazyEquations(
  'feedback, backward',
  'x, dx [B, O]   adds dy [B, O]',
  'dy += dx * x * (1 - x)',
);

/** The operations between two steps. */
export class Feedback {
  private readonly buffers: Tensors;

  constructor(
    private readonly prediction: LossPrediction,
    private readonly y: Signal,
    private readonly x: Signal,
    private readonly B: number,
  ) {
    this.buffers = prediction === 'softmax' ? softmaxBuffers(y.value) : {};
  }

  /** Records x at t + 1 from y at t. */
  forward(program: Program, t: number): void {
    const v = this.at(t);
    if (this.prediction === 'softmax') softmaxForward.record(program, { ...v, p: v.x });
    else (this.prediction === 'sigmoid' ? sigmoidForward : sameForward).record(program, v);
  }

  /** Records what dx at t + 1 adds to dy at t. */
  backward(program: Program, t: number): void {
    const v = this.at(t);
    if (this.prediction === 'softmax') {
      // the gradient through softmax is written in place of `flow`, then added
      softmaxBackward.record(program, { ...v, p: v.x, dp: v.dx, dy: v.flow });
      sameBackward.record(program, { ...v, dx: v.flow });
    } else (this.prediction === 'sigmoid' ? sigmoidBackward : sameBackward).record(program, v);
  }

  private at(t: number): Tensors {
    const { B, x, y } = this;
    const block = (of: Tensor, k: number): Tensor => rows(of, k * B, (k + 1) * B);
    const v: Tensors = { y: block(y.value, t), dy: block(y.gradient, t) };
    for (const [name, buffer] of Object.entries(this.buffers)) v[name] = block(buffer, t);
    return { ...v, x: block(x.value, t + 1), dx: block(x.gradient, t + 1) };
  }
}
