/** Runs a sweep in the threads of this process. */
import { join } from 'node:path';
import type { Trial } from './config';
import { TrialPool } from './pool';
import { fileOf } from './textfile';
import type { Listener, TrialRunner } from './runner';
import type { Outcome } from './outcome';

export class Embedded implements TrialRunner {
  private readonly pool: TrialPool;

  /**
   * @param jobs number of trials that run at the same time.
   * @param models folder in which each model gets a subfolder.
   */
  constructor(
    jobs: number,
    private readonly models: string,
  ) {
    this.pool = new TrialPool(jobs);
  }

  async run(trials: readonly Trial[], listener: Listener): Promise<void> {
    await Promise.all(trials.map((trial) => this.one(trial, listener)));
  }

  stop(): string {
    this.pool.stop();
    return 'saving running trials; press Ctrl-C again to stop at once';
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async one(trial: Trial, listener: Listener): Promise<void> {
    const { id, settings } = trial;
    const order = { settings, text: fileOf(settings), folder: join(this.models, id) };
    let outcome: Outcome | undefined;
    try {
      outcome = await this.pool.run(order, (part) => listener.moved(trial, part));
    } catch (error) {
      if (!this.pool.stopping) listener.failed(trial, (error as Error).message);
      return;
    }
    if (outcome) listener.finished(trial, outcome);
  }
}
