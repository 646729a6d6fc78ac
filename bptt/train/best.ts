/** Early stopping: keeps the best validation so far and the weights that reached it. */
import type { LossPoint } from './curve';
import type { Optimizer, OptimizerSnapshot } from './optimizers';
import type { Better } from './plateau';

/** Stops after `patience` consecutive validations without an improvement of more than `minimum` (default 0). */
export interface EarlyStopping {
  patience: number;
  minimum?: number;
}

/** A validation: its loss, and its metric if there is one. */
export interface ValidationPoint extends LossPoint {
  metric?: number;
}

/** The state that a checkpoint needs to resume early stopping. */
export interface BestSoFar {
  point: ValidationPoint;
  /** Number of validations since then. */
  since: number;
  snapshot: OptimizerSnapshot;
}

/** The best validation so far and, with early stopping, a snapshot of the weights and the optimizer. */
export class Best {
  point: ValidationPoint | undefined;
  private snapshot: OptimizerSnapshot | undefined;
  private since = 0;

  constructor(
    private readonly optimizer: Optimizer,
    private readonly stopping: EarlyStopping | undefined,
  ) {}

  /** Takes note of a validation, judged by its metric if it has one, else by its loss. */
  see(point: ValidationPoint, better: Better = 'lower'): void {
    const { minimum = 0 } = this.stopping ?? {};
    const gain = this.point && (better === 'lower' ? -1 : 1) * (valueOf(point) - valueOf(this.point));
    this.since++;
    if (gain !== undefined && !(gain > minimum)) return;
    this.point = point;
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

/** The value by which a validation is judged. */
export const valueOf = ({ loss, metric = loss }: ValidationPoint): number => metric;
