/** `backstep train` on a text: starts or resumes a run. */
import { statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { executorHere, executorOf, type ExecutorName } from '../core/executor';
import { decodeCheckpoint } from '../io/checkpoint';
import { fileIn, readWhole } from '../io/files';
import { usage, using } from '../terminal/errors';
import { PACKAGE, readTextOf } from './corpus';
import { onward, TrainingRun, type RunChoices } from '../run/trainingrun';
import { CHECKPOINT, PICTURE } from '../run/settings';
import { newSettings, resumedSettings, type GivenSettings } from './settings';
import { isRun, settingsOf, Trainer } from './trainer';

/** The options of a text run as parsed by commander. */
export interface TrainOptions extends GivenSettings, RunChoices {}

/** Trains; returns the exit code. */
export async function trainTextModel(options: TrainOptions): Promise<number> {
  const { trainer, out } = options.resume === undefined ? begin(options) : resume(options, options.resume);
  return new TrainingRun(trainer, out, options).go();
}

function begin(options: TrainOptions): { trainer: Trainer; out: string } {
  const executor = using(() => executorOf(options.executor)).name;
  const text = readTextOf(options.text, 'train');
  const name = options.text ?? PACKAGE;
  const out =
    options.out ?? join('runs', options.text === undefined ? 'moby-dick' : basename(name, extname(name)));
  return {
    trainer: using(
      () => Trainer.begin(newSettings(options, name, text.sha256, executor), text),
      'fewer --layers, or a smaller --hidden, --batch or --seq',
    ),
    out,
  };
}

function resume(options: TrainOptions, given: string): { trainer: Trainer; out: string } {
  const file = using(() => fileIn(given, CHECKPOINT));
  const bytes = using(
    () => readWhole(file),
    'give the checkpoint.safetensors of an earlier run, or its folder',
  );
  const spoilt = 'the file is damaged or not a checkpoint; nothing was overwritten';
  const found = using(() => decodeCheckpoint(bytes, { inference: true, file }), spoilt);
  if (!isRun(found))
    throw usage(
      `train: --resume must name the checkpoint of a training run, got ${file}, saved by a program: it does not name the text and the settings`,
      'continue in a program with decodeCheckpoint and fit, or start a new run with --text FILE',
    );
  const before = using(() => settingsOf(found), spoilt);
  const settings = resumedSettings(options, before);
  const executor = using(() => executorOf(executorHere(settings.executor as ExecutorName)))
    .name as ExecutorName;
  const text = readTextOf(settings.text === PACKAGE ? undefined : settings.text, 'train');
  if (text.sha256 !== before.sha256) {
    throw usage(
      `train: --text must be the text that the checkpoint was trained on, got a different one (${settings.text})`,
      'give the same, unchanged file with --text FILE; for a new text train without --resume',
    );
  }
  const trainer = using(
    () => Trainer.resume(settings, text, decodeCheckpoint(bytes, { executor, file })),
    spoilt,
  );
  const out = options.out ?? dirname(file);
  const { steps } = trainer;
  // a run that was killed after its last step still has to draw its loss curve
  const unfinished = steps === settings.steps && !isDrawn(out, file);
  if (settings.steps !== null && steps >= settings.steps && !unfinished) {
    throw usage(
      `train: --steps must be more than the ${steps} steps already trained, got ${settings.steps}`,
      trainer.spent ? onward(trainer) : `--steps ${2 * steps}, or --seconds 60`,
    );
  }
  return { trainer, out };
}

/** Whether the loss curve is at least as recent as the checkpoint. */
function isDrawn(out: string, checkpoint: string): boolean {
  const picture = statSync(join(out, PICTURE), { throwIfNoEntry: false });
  return picture !== undefined && picture.mtimeMs >= statSync(checkpoint).mtimeMs;
}
