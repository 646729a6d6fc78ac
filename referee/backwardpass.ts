/** A backward pass that is run for all gradients, or for some of them only. */
import { neededFor } from '../core/needed';
import type { Executor, Program } from '../core/programs/program';
import { fillFrom, rows, toFlat, type Tensor, type Tensors } from '../core/tensor';

/** Numbers by name, row-major. */
type ByName = Record<string, number[]>;

/** What to compute: gradients, or some of their rows, by names of one's own. */
export type Targets = Readonly<Record<string, { of: string; block?: readonly [from: number, to: number] }>>;

/** The gradients of a backward pass with a mistake, all or some; undefined if the mistake is not possible. */
export const gradientsBy = (
  pass: () => BackwardPass | undefined,
): { gradients: () => ByName | undefined; some: (targets: Targets) => ByName | undefined } => ({
  gradients: () => pass()?.all(),
  some: (targets) => pass()?.only(targets),
});

export class BackwardPass {
  /** @param gradients the tensors that it adds into, by the names of the quantities. */
  constructor(
    private readonly program: Program,
    private readonly gradients: Tensors,
    private readonly executor: Executor,
  ) {}

  /** All gradients. */
  all(): ByName {
    return this.run(this.program, this.gradients);
  }

  /** Some gradients, or parts of them; only what they depend on is run. */
  only(targets: Targets): ByName {
    const read = Object.fromEntries(
      Object.entries(targets).map(([name, { of, block }]) => {
        const whole = this.gradients[of];
        return [name, block ? rows(whole, ...block) : whole];
      }),
    );
    return this.run(neededFor(this.program, Object.values(read)), read);
  }

  private run(program: Program, read: Tensors): ByName {
    for (const gradient of Object.values(this.gradients)) fillFrom(gradient, 0);
    program.bind(this.executor)();
    return Object.fromEntries(Object.entries(read).map(([name, t]: [string, Tensor]) => [name, toFlat(t)]));
  }
}
