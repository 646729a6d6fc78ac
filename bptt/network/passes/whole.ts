/** A pass whose steps are all in one plan. */
import { must, mustBe } from '../../../core/check';
import { allCopied, copied, reshape, rows, type Tensor, type Tensors } from '../../../core/tensor';
import type { Bound } from './bound';
import type { Gradients, PassBody, PassSize } from './pass';
import type { Plan } from './plan';
import type { Stack } from '../layers/stack';
import { States } from '../batch/states';
import { beginsWithOne, endsInOne } from '../topology';
import { fillUpstream, type Upstream } from '../batch/upstream';

/** A plan that is loaded with a batch. */
export interface LoadedPlan {
  bound: Bound;
  /** Whether it starts from the default initial states. */
  fresh: boolean;
  /** Whether it includes the first step of the batch. */
  begins: boolean;
  /** Time on the sequence's clock after its last step. */
  clock: number;
  /** Whether it runs without targets. */
  predicted: boolean;
}

/** Runs forward when it is created. A later pass of the network reuses its memory. */
export class Whole implements PassBody {
  readonly loss: number;
  private readonly turn: number;
  /** Gradients of the last backward pass. */
  private gradients: Gradients | undefined;

  constructor(private readonly loaded: LoadedPlan) {
    const { bound, predicted } = loaded;
    this.turn = bound.turn;
    bound.encode();
    bound.forward();
    const { architecture, loss } = bound.plan;
    this.loss = architecture.loss && !predicted ? loss.get(0) : NaN;
  }

  plan(): Plan {
    return this.mustHold('network.forward', 'the plan').plan;
  }

  output(): Tensor {
    return copied(this.mustHold('network.forward', 'output').output);
  }

  states(): States {
    const { plan } = this.mustHold('network.forward', 'states');
    return new States(this.loaded.clock, allCopied(plan.final.states));
  }

  attention(): Tensor | undefined {
    const { attention } = this.loaded.bound;
    if (!attention) return undefined;
    this.mustHold('network.forward', 'attention');
    return copied(attention);
  }

  size(): PassSize {
    const { main, architecture, shape, counted } = this.plan();
    const { data } = main.valid;
    let tokens = 0;
    for (let k = 0; k < data.length; k++) tokens += data[k];
    return { tokens, rows: counted ?? (endsInOne(architecture.topology) ? shape.B : tokens) };
  }

  backward(upstream?: Upstream): Gradients {
    const where = 'pass.backward';
    const { fresh, predicted } = this.loaded;
    const bound = this.mustHold(where, 'a pass', 'run backward');
    const { plan } = bound;
    mustGoBack(plan.architecture.loss, predicted, upstream);
    if (plan.architecture.loss === undefined) fillUpstream(plan, upstream ?? {}, where);
    bound.backward();
    if (fresh) bound.startBackward();
    return (this.gradients = this.read());
  }

  /** The gradients in the plan, which can be read until they are overwritten. */
  private read(): Gradients {
    const where = 'pass.backward';
    const { bound, begins } = this.loaded;
    const { plan } = bound;
    const { topology, feed } = plan.architecture;
    const mustHold = (name: string): void => {
      this.mustHold(where, name);
      const last = this.gradients === gradients;
      must(last, where, `${name} must be read before the next backward pass`, 'a later one', REUSED);
    };
    let late = true;
    const gradientOf = (stack: Stack, one: boolean, name: string): Tensor => {
      mustHold(name);
      const why = 'class numbers are discrete; pass one-hot rows [T, B, D] for a gradient';
      mustBe(!stack.shape.classes, where, `${name} must be numbers to have a gradient`, 'class numbers', why);
      if (late) bound.inputBackward();
      late = false;
      const { T, B } = stack.shape;
      const { gradient } = stack.input;
      const D = gradient.shape[1];
      if (!one) return copied(reshape(gradient, [T, B, D]));
      const first = copied(rows(gradient, 0, B));
      if (!begins) first.data.fill(0);
      return first;
    };
    let x: Tensor | undefined;
    let inputs: Tensor | undefined;
    let initial: Tensors | undefined;
    const gradients: Gradients = {
      get x() {
        return (x ??= gradientOf(plan.first, beginsWithOne(topology), 'x'));
      },
      get inputs() {
        return plan.source && (inputs ??= gradientOf(plan.main, feed !== 'given', 'inputs'));
      },
      get initial() {
        if (!initial) mustHold('initial');
        return (initial ??= allCopied(plan.initial.gradients));
      },
    };
    return gradients;
  }

  private mustHold(where: string, name: string, what = 'read'): Bound {
    const { bound } = this.loaded;
    if (bound.turn !== this.turn)
      must(false, where, `${name} must be ${what} before the next pass`, 'a later pass', REUSED);
    return bound;
  }
}

const REUSED = 'it uses that memory';

/** Checks that a pass can run backward with these upstream gradients. */
export function mustGoBack(
  loss: string | undefined,
  predicted: boolean,
  upstream: Upstream | undefined,
  where = 'pass.backward',
): void {
  must(
    !predicted,
    where,
    `the forward pass must ${loss ? 'have had targets' : 'leave out predict'}`,
    'a prediction',
  );
  const given = loss !== undefined && upstream !== undefined;
  must(!given, where, 'upstream gradients must be left out', 'some', 'the network has a loss');
}
