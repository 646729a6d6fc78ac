/** Early stopping: the best validation so far, and the weights that belong to it. */
import type { LossPoint } from './curve';
import type { Optimizer, OptimizerSnapshot } from './optimizers';

/** When to stop: after so many validations in a row without an improvement of more than `minimum` (default 0). */
export interface EarlyStopping {
  patience: number;
  minimum?: number;
}

/** What a checkpoint needs to go on looking for the best validation. */
export interface BestSoFar {
  point: LossPoint;
  /** Validations since. */
  since: number;
  kept: OptimizerSnapshot;
}

/** The best validation so far, and what the optimizer had made by then when that is wanted back. */
export class Best {
  point: LossPoint | undefined;
  private kept: OptimizerSnapshot | undefined;
  private since = 0;

  constructor(
    private readonly optimizer: Optimizer,
    private readonly stopping: EarlyStopping | undefined,
  ) {}

  see(step: number, loss: number): void {
    const { minimum = 0 } = this.stopping ?? {};
    this.since++;
    if (this.point && !(loss < this.point.loss - minimum)) return;
    this.point = { step, loss };
    this.since = 0;
    if (this.stopping) this.kept = this.optimizer.keep(this.kept);
  }

  get exhausted(): boolean {
    return this.stopping !== undefined && this.since >= this.stopping.patience;
  }

  restore(): void {
    if (this.kept) this.optimizer.restore(this.kept);
  }

  /** Undefined before the first validation, and where nothing is kept. */
  get state(): BestSoFar | undefined {
    const { point, since, kept } = this;
    return point && kept && { point, since, kept };
  }

  set state(state: BestSoFar | undefined) {
    ({ point: this.point, since: this.since, kept: this.kept } = { since: 0, ...state });
  }
}
