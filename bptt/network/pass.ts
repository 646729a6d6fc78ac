/**
 * A forward pass over one batch, its results, and its backward pass.
 *
 * Results are copied when they are first read. Later passes reuse the plan's memory, so results must be read before the
 * next pass; copies that were read remain valid.
 */
import { must, mustBe } from '../../core/check';
import { allCopied, copied, reshape, rows, type Tensor, type Tensors } from '../../core/tensor';
import type { Bound } from './bound';
import type { Plan } from './plan';
import type { Stack } from './stack';
import { States } from './states';
import { beginsWithOne } from './topology';
import { fillUpstream, type Upstream } from './upstream';

/** A plan that is loaded with a batch. */
export interface Loaded {
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

/** Results of a backward pass besides the gradients of the parameters; copied when they are first read. */
export interface Gradients {
  /** dL/dx in the shape of x. */
  readonly x: Tensor;
  /** For an encoder-decoder, the gradient of the decoder's inputs. */
  readonly inputs?: Tensor;
  /** dL/dinitial states by name, `l0.h` [B, H]; for an encoder-decoder those of the encoder, `e0.h`. */
  readonly initial: Tensors;
}

let planIn: (pass: Pass) => Plan;

/**
 * A forward pass, created by `network.forward`. Tensors are copied when they are first read, which must be before the next
 * pass.
 * @example
 * const pass = net.forward(batch);
 * pass.output.shape; // [2, 1, 2]
 * pass.states['l0.h'].shape; // [1, 3]
 * pass.backward().x.shape; // [2, 1, 2]
 */
export class Pass {
  /** The loss, or NaN for a network without one. */
  readonly loss: number;
  readonly #loaded: Loaded;
  readonly #turn: number;
  #output: Tensor | undefined;
  #states: States | undefined;
  #attention: Tensor | undefined;
  #gradients: Gradients | undefined;

  static {
    planIn = (pass) => pass.#mustHold('network.forward', 'the plan').plan;
  }

  /** @internal use `network.forward` */
  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    const { bound, predicted } = loaded;
    this.#turn = bound.turn;
    bound.encode();
    bound.forward();
    const { architecture, loss } = bound.plan;
    this.loss = architecture.loss && !predicted ? loss.get(0) : NaN;
  }

  /** y [T, B, O], or [B, O] if each row has one output. */
  get output(): Tensor {
    return (this.#output ??= copied(this.#mustHold('network.forward', 'output').output));
  }

  /** Final states by name, `l0.h` [B, H]; pass them as `from` to continue the sequence. */
  get states(): States {
    if (!this.#states) {
      const { plan } = this.#mustHold('network.forward', 'states');
      this.#states = new States(this.#loaded.clock, allCopied(plan.final.states));
    }
    return this.#states;
  }

  /** Attention weights [T, B, S] of each step over the steps of the source, for a network with attention. */
  get attention(): Tensor | undefined {
    const { attention } = this.#loaded.bound;
    if (attention && !this.#attention) {
      this.#mustHold('network.forward', 'attention');
      this.#attention = copied(attention);
    }
    return this.#attention;
  }

  /**
   * Runs backward through time and adds into the gradients of the network's parameters. Weights do not change.
   *
   * @param upstream dL/doutput and dL/dstates, for a network without a loss; missing ones are zero.
   * @returns dL/dx [T, B, D] ([B, D] if there is one input), that of a decoder's inputs, and dL/dinitial states by name.
   *   Gradients of inputs are computed when one is first read, which must be before the weights change; class numbers have
   *   none.
   * @throws RangeError after a later pass that reused this one's memory, or if a gradient has the wrong size; TypeError if
   *   dL/dx is read for a batch of class numbers.
   */
  backward(upstream?: Upstream): Gradients {
    const where = 'pass.backward';
    const { fresh, predicted } = this.#loaded;
    const bound = this.#mustHold(where, 'a pass', 'run backward');
    const { plan } = bound;
    const there = plan.architecture.loss ? 'have had targets' : 'leave out predict';
    must(!predicted, where, `the forward pass must ${there}`, 'a prediction');
    if (plan.architecture.loss) {
      const given = upstream !== undefined;
      must(!given, where, 'upstream gradients must be left out', 'some', 'the network has a loss');
    } else {
      fillUpstream(plan, upstream ?? {}, where);
    }
    bound.backward();
    if (fresh) bound.startBackward();
    return (this.#gradients = this.#read());
  }

  /** The gradients in the plan, which can be read until they are overwritten. */
  #read(): Gradients {
    const where = 'pass.backward';
    const { bound, begins } = this.#loaded;
    const { plan } = bound;
    const { topology, feed } = plan.architecture;
    const mustHold = (name: string): void => {
      this.#mustHold(where, name);
      const last = this.#gradients === gradients;
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

  #mustHold(where: string, name: string, what = 'read'): Bound {
    const { bound } = this.#loaded;
    if (bound.turn !== this.#turn)
      must(false, where, `${name} must be ${what} before the next pass`, 'a later pass', REUSED);
    return bound;
  }
}

const REUSED = 'it uses that memory';

/**
 * The plan that a pass ran on, with all its numbers.
 * @throws RangeError if a later pass has reused its memory.
 */
export const planOf = (pass: Pass): Plan => planIn(pass);
