/** Early stopping: keeps the best validation loss so far and the weights that reached it. */
import type { LossPoint } from './curve';
import type { Optimizer, OptimizerSnapshot } from './optimizers';

/** Stops after `patience` consecutive validations without an improvement of more than `minimum` (default 0). */
export interface EarlyStopping {
  patience: number;
  minimum?: number;
}

/** The state that a checkpoint needs to resume early stopping. */
export interface BestSoFar {
  point: LossPoint;
  /** Number of validations since then. */
  since: number;
  snapshot: OptimizerSnapshot;
}

/** The best validation so far and, with early stopping, a snapshot of the weights and the optimizer. */
export class Best {
  point: LossPoint | undefined;
  private snapshot: OptimizerSnapshot | undefined;
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
    if (this.stopping) this.snapshot = this.optimizer.keep(this.snapshot);
  }

  get exhausted(): boolean {
    return this.stopping !== undefined && this.since >= this.stopping.patience;
  }

  restore(): void {
    if (this.snapshot) this.optimizer.restore(this.snapshot);
  }

  /** Undefined before the first validation, and without early stopping. */
  get state(): BestSoFar | undefined {
    const { point, since, snapshot } = this;
    return point && snapshot && { point, since, snapshot };
  }

  set state(state: BestSoFar | undefined) {
    ({ point: this.point, since: this.since, snapshot: this.snapshot } = { since: 0, ...state });
  }
}
