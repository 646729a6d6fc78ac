/** A training run of any task: trains, reports, saves, and says how to continue. */
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve as absolute } from 'node:path';
import type { StepInfo } from '../bptt/train/fit';
import { encodeCheckpoint } from '../io/checkpoint';
import { clearUp, fileIn, readWhole, writeBeside, writeWhole } from '../io/files';
import { commandLine, quote } from '../terminal/arguments';
import { failure, CommandError } from '../terminal/errors';
import { onInterrupt } from '../terminal/interrupt';
import { lock } from '../terminal/lock';
import { drained, noteLine } from '../terminal/output';
import { Progress } from './progress';
import { reporterFor, type Reporter } from './reporter';
import { CHECKPOINT, PICTURE } from './settings';
import type { Gradcheck, Saved } from './events';
import type { Trainee } from './trainee';

/** Options of every run, whatever it trains. */
export interface RunChoices {
  saveEvery?: number;
  out?: string;
  /** Replaces a model that is already in the folder; by default that model is kept beside the new one. */
  fresh?: boolean;
  resume?: string;
  json?: boolean;
}

const PREVIOUS = 'checkpoint.previous.safetensors';
/** Where the last good weights are written after an error, beside the last checkpoint. */
const RESCUED = 'checkpoint.rescued.safetensors';
const SAVE_SECONDS = 30;

/** Options for training longer; if the schedule has ended, a new one over as many steps again. */
export const onward = ({ spent, steps }: Trainee): string =>
  spent ? `--steps ${2 * steps} --schedule cosine` : '--seconds 60';

/** The run of a task in training. */
export class TrainingRun {
  private readonly reporter: Reporter;
  private readonly checkpoint: string;
  private readonly abort = new AbortController();
  private readonly started = performance.now();
  private readonly firstStep: number;
  private readonly progress: Progress;
  private lastSave: number;
  private lastSample: number;
  private reportedSpent = false;
  /** The step of the checkpoint in the folder if it belongs to this run, or to the one that it resumes. */
  private savedStep: number | undefined;

  constructor(
    private readonly trainer: Trainee,
    private readonly out: string,
    private readonly options: RunChoices,
  ) {
    this.checkpoint = join(out, CHECKPOINT);
    this.firstStep = trainer.steps;
    const { resume: from } = options;
    const resumed = from !== undefined && absolute(fileIn(from, CHECKPOINT)) === absolute(this.checkpoint);
    if (resumed) this.savedStep = this.firstStep;
    this.lastSave = this.lastSample = this.started;
    this.progress = new Progress(trainer, this.started);
    this.reporter = reporterFor(options.json ?? false, trainer.words);
  }

  async go(): Promise<number> {
    const { trainer, reporter, abort } = this;
    const unlock = lock(this.out, { command: 'train', noun: 'run' });
    for (const file of [CHECKPOINT, PICTURE]) clearUp(join(this.out, file));
    const interrupt = onInterrupt(
      () => {
        note(reporter, 'stopping after this step; press Ctrl-C again to stop at once, without saving');
        abort.abort();
      },
      () => reporter.close(),
      { later: true },
    );
    try {
      const missing = await trainer.start();
      if (missing !== '') note(reporter, missing);
      reporter.tell(trainer.opening(this.out));
      const { steps: last } = trainer.settings;
      if (trainer.spent && trainer.steps !== last) this.tellSpent();
      const stopped = await trainer.run({
        signal: abort.signal,
        onStep: (info) => {
          interrupt.listen();
          return this.onStep(info);
        },
      });
      this.save();
      if (stopped !== 'aborted') {
        await this.finish(stopped);
        return interrupt.code ?? 0;
      }
    } catch (error) {
      throw this.explained(error);
    } finally {
      trainer.close();
      reporter.close();
      interrupt.done();
      unlock();
    }
    const again = this.resumption(trainer.spent ? onward(trainer) : '');
    noteLine(`saved ${this.checkpoint} at step ${trainer.steps}; resume with\n  ${again}`);
    return interrupt.code ?? 0;
  }

  private async onStep(info: StepInfo): Promise<void> {
    const { trainer, reporter, progress } = this;
    reporter.tell(trainer.stepped(info, progress.step(info)));
    if (info.learningRate === 0) this.tellSpent();
    const validation = trainer.validateWhenDue();
    if (validation) reporter.tell(validation);
    const now = performance.now();
    if (now - this.lastSample > sampleEvery(trainer.settings.seconds) * 1000) {
      this.tellSample();
      this.lastSample = now;
    }
    const { saveEvery } = this.options;
    if (now - this.lastSave > SAVE_SECONDS * 1000 || (saveEvery && info.step % saveEvery === 0)) {
      try {
        this.save();
      } catch (error) {
        // the disk may have space again by the end, and the training so far is in memory
        note(reporter, `${(error as Error).message}; training continues, and will try to save again`);
      }
      this.lastSave = now;
    }
    await drained(this.abort.signal);
    progress.resume();
  }

  /** The command to resume with. */
  private resumption(how: string): string {
    return commandLine(`train --resume ${quote(this.checkpoint)} ${how}`.trim());
  }

  /** Reports once that further steps change nothing. */
  private tellSpent(): void {
    const { trainer, reporter, reportedSpent } = this;
    if (reportedSpent) return;
    this.reportedSpent = true;
    const again = this.resumption(onward(trainer));
    note(
      reporter,
      `the schedule has ended: the learning rate is 0, and further steps change nothing; Ctrl-C stops, then resume with\n  ${again}`,
    );
  }

  private tellSample(): void {
    const { trainer, reporter } = this;
    try {
      const sample = trainer.sample?.();
      if (sample) reporter.tell(sample);
    } catch (error) {
      // a network that trains well can still diverge when fed with its own output
      note(reporter, `sample at step ${trainer.steps}: ${(error as Error).message}; training continues`);
    }
  }

  private save(): void {
    const backup = this.keepOther();
    const bytes = encodeCheckpoint(this.trainer.checkpoint());
    writeWhole(this.checkpoint, bytes);
    const { steps: step } = this.trainer;
    this.savedStep = step;
    const files = [this.checkpoint];
    this.reporter.tell(
      savedOf({ step, files, bytes: bytes.length, ...(backup !== undefined && { backup }) }),
    );
  }

  /** Before the first save, copies another run's model to a second file; returns the name of that file. */
  private keepOther(): string | undefined {
    const { checkpoint, options, savedStep } = this;
    if (savedStep !== undefined || options.fresh || !existsSync(checkpoint)) return undefined;
    return writeBeside(join(this.out, PREVIOUS), readWhole(checkpoint));
  }

  /** After the last step: reports the results, checks the gradients, and says how to continue. */
  private async finish(stopped: string): Promise<void> {
    const { trainer, reporter, progress } = this;
    const { seconds } = progress;
    const { steps: step } = trainer;
    this.tellSample();
    const drawn = Object.entries(await trainer.pictures());
    for (const [name, svg] of drawn) writeWhole(join(this.out, name), svg);
    const files = drawn.map(([name]) => join(this.out, name));
    reporter.tell(savedOf({ step, files, bytes: drawn.reduce((sum, [, svg]) => sum + svg.length, 0) }));
    const checked = trainer.gradcheck();
    const checkEvent: Gradcheck = { event: 'gradcheck', ...checked };
    reporter.tell(checkEvent);
    const file = quote(this.checkpoint);
    reporter.tell(
      trainer.closing({
        stopped,
        made: step - this.firstStep,
        seconds,
        // no step was made if only the final report was missing
        training: step === this.firstStep ? trainer.curves.training.last : progress.average,
        resume: this.resumption(onward(trainer)),
        command: commandLine,
        file,
      }),
    );
    if (checked.verdict === 'wrong')
      throw failure(
        'train: every gradient must be right, got wrong ones (see above)',
        'this is a bug in the cell',
      );
  }

  private explained(error: unknown): unknown {
    if (error instanceof CommandError) return error;
    const { message } = error as Error;
    const { lr, clip } = this.trainer.settings;
    const calmer = `--lr ${Number((lr / 10).toPrecision(2))}${clip === null ? ', or --clip 1' : ''}`;
    const fix = message.includes('finite')
      ? `${calmer}; `
      : message.startsWith('write')
        ? 'make room, or --out DIR; '
        : '';
    return failure(`train: ${message}`, fix + this.lastGood(), error);
  }

  /** Says where the last good weights are, and writes them first if no file has them yet. */
  private lastGood(): string {
    const { savedStep: saved, checkpoint } = this;
    const last = saved === undefined ? '' : `the last good checkpoint is ${checkpoint}`;
    if (this.trainer.steps === (saved ?? this.firstStep)) return last || 'nothing was saved';
    for (const folderOf of [() => this.out, () => mkdtempSync(join(tmpdir(), 'backstep-'))]) {
      try {
        const bytes = encodeCheckpoint(this.trainer.checkpoint());
        const file = writeBeside(join(folderOf(), RESCUED), bytes);
        return `the last good weights are in ${file}; resume with --resume ${quote(file)}`;
      } catch {
        /* what went wrong first is what the message tells */
      }
    }
    return last || 'nothing was saved';
  }
}

const savedOf = (saved: Omit<Saved, 'event'>): Saved => ({ event: 'saved', ...saved });

/** Seconds between two samples: a sixth of the time limit, between 10 and 60. */
const sampleEvery = (seconds: number | null): number => Math.min(60, Math.max(10, (seconds ?? 180) / 6));

/** Prints a note on standard error without disturbing the progress bar. */
function note(reporter: Reporter, text: string): void {
  reporter.close();
  noteLine(text);
}
