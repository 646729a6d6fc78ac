/** Progress of a run: speed, fraction done and running loss, for step lines and the progress bar. */
import type { StepInfo } from '../bptt/train/fit';
import type { Pace, Trainee } from './trainee';

/** Decay of the running average, over about the last ten steps. */
const SMOOTHING = 0.9;

export class Progress {
  /** The running average of the loss. */
  average = NaN;
  private readonly firstStep: number;
  /** Seconds spent in steps, without validation, samples and saving; `resumed` is the start of the next step. */
  private working = 0;
  private tokens = 0;
  private resumed: number;

  constructor(
    private readonly trainer: Trainee,
    private readonly started: number,
  ) {
    this.firstStep = trainer.steps;
    this.resumed = started;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** Records a completed step. */
  step({ step, loss, tokens }: StepInfo): Pace {
    this.working += (performance.now() - this.resumed) / 1000;
    this.average = Number.isNaN(this.average) ? loss : SMOOTHING * this.average + (1 - SMOOTHING) * loss;
    const made = step - this.firstStep;
    this.tokens += tokens;
    const { seconds } = this;
    const { steps, seconds: limit } = this.trainer.settings;
    const left = [
      steps === null ? Infinity : ((steps - step) * seconds) / made,
      limit === null ? Infinity : limit - seconds,
    ];
    const done = [
      steps === null ? 0 : made / (steps - this.firstStep),
      limit === null ? 0 : Math.min(1, seconds / limit),
    ];
    return {
      average: this.average,
      rate: this.tokens / this.working,
      seconds,
      secondsLeft: Math.max(0, Math.min(...left)),
      done: Math.max(...done),
    };
  }

  /** Starts the clock of the next step; the time since the last one does not count as training. */
  resume(): void {
    this.resumed = performance.now();
  }
}
