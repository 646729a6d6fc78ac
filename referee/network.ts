/** Diagnoses wrong gradients of a whole network: layers, directions, output layer and loss. */
import { must, mustBe, mustKnowKeys } from '../core/check';
import { plain } from '../core/programs/plain';
import type { Program } from '../core/programs/program';
import type { Numbers, Tensors } from '../core/tensor';
import { mutate } from '../bptt/check/mutants';
import { problemOfNetwork, type Problem } from '../bptt/check/problem';
import type { Batch } from '../bptt/network/batch/batch';
import { Network } from '../bptt/network/network';
import type { Unroll } from '../bptt/unroll';
import { BackwardPass, gradientsBy } from './backwardpass';
import type { Diagnosis } from './diagnosis';
import { edited, edits, linesOf } from './edits';
import { ErrorBoundExecutor, precisions, type Precision, type Rounding } from './errorbound';
import { Judge, type Candidate } from './judge';
import type { GradientOrigin } from './quantity';
import { replacing, structuralMistakes } from './structure';
import { keepsTheSame, type Named } from './subject';

/** A network, a batch, and the gradients to diagnose. */
export interface NetworkDiagnoseOptions {
  /** A float64 network. */
  network: Network;
  /** With targets if the network has a loss. */
  batch: Batch;
  /** Some or all, by parameter name, `l0.Wx`; also `x`, and `l0.h0` for an initial state. */
  gradients: Readonly<Record<string, Numbers>>;
  /** The number format they were computed in; default float64. */
  precision?: Precision;
}

/**
 * Finds out what is wrong with given gradients of a network: a line of a cell's equations, steps, directions or layers
 * that are combined wrongly, a mean in place of a sum in the loss.
 *
 * The network's own gradients are assumed to be right (`gradcheck` checks them). The loss is the network's.
 * @throws TypeError for a network in float32 or without a loss; RangeError for a gradient that it does not have.
 * @example
 * const net = network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'softmax' });
 * const batch = { x: [[[1, 0]], [[0, 1]]], targets: [[1], [0]] };
 * const gradients = { 'head.by': [0, 0] };
 * diagnoseNetwork({ network: net, batch, gradients }).message; // 'your head.by is 0 everywhere: nothing was written to it'
 */
export function diagnoseNetwork(options: NetworkDiagnoseOptions): Diagnosis {
  mustKnowKeys(options, ['network', 'batch', 'gradients', 'precision'], 'diagnoseNetwork');
  const { network, batch, gradients, precision = 'float64' } = options;
  mustBe(network instanceof Network, 'diagnoseNetwork', 'network must be a network', network);
  mustBe(
    network.architecture.loss !== undefined,
    'diagnoseNetwork',
    'the network must have a loss',
    undefined,
  );
  must(
    Object.hasOwn(precisions, precision),
    'diagnoseNetwork',
    `precision must be one of ${Object.keys(precisions).join(', ')}`,
    precision,
  );
  return new NetworkCase(problemOfNetwork(network, batch)).judge(gradients, precision);
}

/** Judges answers to one problem; everything that does not depend on the answer is computed once. */
export class NetworkCase extends Judge {
  readonly ours: Named;

  constructor(readonly problem: Problem) {
    super();
    this.run();
    this.ours = this.gradientsBy(problem.backward);
  }

  /** The gradients of another backward program, after the forward pass has run. */
  gradientsBy(backward: Program): Named {
    return this.passBy(backward).all();
  }

  private passBy(backward: Program): BackwardPass {
    return new BackwardPass(backward, this.right.gradients, plain);
  }

  protected override get right(): { program: Program; gradients: Tensors } {
    const { backward, variables } = this.problem;
    const gradients = Object.entries(variables).map(([name, { gradient }]) => [name, gradient]);
    return { program: backward, gradients: Object.fromEntries(gradients) as Tensors };
  }

  run(): void {
    this.problem.forward.bind(plain)();
  }

  protected bounds(rounding: Rounding): Named {
    const { variables, forward, backward } = this.problem;
    const executor = new ErrorBoundExecutor(rounding);
    for (const { gradient } of Object.values(variables)) gradient.data.fill(0);
    forward.bind(executor)();
    backward.bind(executor)();
    const found = Object.entries(variables).map(([name, { gradient }]) => [name, executor.of(gradient)]);
    this.run();
    return Object.fromEntries(found) as Named;
  }

  protected shapeOf(quantity: string): number[] {
    const { variables, plan } = this.problem;
    const { shape } = variables[quantity].value;
    const { T, B } = quantity === 'x' ? plan.first.shape : plan.shape;
    return /^(x|inputs)$/.test(quantity) && shape[0] === T * B ? [T, B, shape[1]] : [...shape];
  }

  protected place(quantity: string): GradientOrigin {
    const { plan } = this.problem;
    const { T, B } = plan.shape;
    const [of, name = of] = quantity.split('.');
    const unroll = plan.unrolls.find((one) => one.name === of);
    const first = quantity === 'x' ? plan.first.unrolls[0] : undefined;
    return {
      ...{ T, B, shape: this.shapeOf(quantity), local: `d${name}` },
      ...(unroll && { cell: unroll.cell, unroll }),
      ...(first && { unroll: first }),
    };
  }

  protected candidates(): Candidate[] {
    const { problem } = this;
    const { unrolls } = problem.plan;
    const lines = unrolls.flatMap((unroll) =>
      this.linesOf(unroll, unrolls.length > 1 ? ` in ${unroll.name}` : ''),
    );
    const structure = structuralMistakes(problem).map(({ words, rare, backward }) => ({
      ...{ words, rare, kind: 'steps' as const },
      ...gradientsBy(() => this.passBy(backward())),
    }));
    const mutants = mutate(problem).mutants.map(({ what, backward }) => ({
      ...{ words: `with this mistake: ${what}`, kind: 'mutant' as const, mutant: what },
      ...gradientsBy(() => this.passBy(backward)),
    }));
    return [...lines, ...structure, ...mutants];
  }

  /** Small mistakes in the lines of one of the cells. */
  private linesOf(unroll: Unroll, where: string): Candidate[] {
    const { cell } = unroll;
    if (!cell.equations) return [];
    const lines = linesOf(cell, 'backward');
    return edits(cell.equations, 'backward').map(({ index, words, text, renamed }) => ({
      ...{ words: words + where, line: lines[index], kind: 'line' as const, rare: renamed },
      ...gradientsBy(() => {
        const other = edited(cell, { backward: text });
        // a cell that saves other values cannot run after this cell's forward pass
        if (!other || !keepsTheSame(other, unroll)) return undefined;
        const backward = replacing(this.problem.backward, unroll, (program) =>
          unroll.with({ cell: other }).backward(program),
        );
        return backward && this.passBy(backward);
      }),
    }));
  }
}
