/** `backstep train` on a text: starts or resumes a run. */
import { statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { executorHere, executorOf, type ExecutorName } from '../core/programs/executor';
import { decodeCheckpoint } from '../io/checkpoint';
import { fileIn, readWhole } from '../io/files';
import { readVocabulary } from '../io/vocabularyfile';
import { usage, using } from '../terminal/errors';
import { noteLine } from '../terminal/output';
import { adopt } from './adopt';
import { PACKAGE, readTextOf } from './corpus';
import type { Text, TextOptions } from './read';
import { onward, TrainingRun, type RunChoices } from '../run/trainingrun';
import { CHECKPOINT, PICTURE } from '../run/settings';
import { newSettings, resumedSettings, type GivenSettings, type TextSettings } from './settings';
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
  const { text: given, more = [], tokens } = options;
  const reading = tokens === undefined ? {} : readingOf(tokens);
  const text = readTextOf(given === undefined ? undefined : [given, ...more], 'train', reading);
  const name = given ?? PACKAGE;
  const folder = given === undefined ? 'moby-dick' : given === '-' ? 'text' : basename(name, extname(name));
  const out = options.out ?? join('runs', folder);
  return {
    trainer: using(
      () => Trainer.begin(newSettings({ ...options, ...tokensOf(text) }, name, text.sha256, executor), text),
      'fewer --layers, or a smaller --hidden, --batch or --seq',
    ),
    out,
  };
}

const tokensOf = ({ vocabulary: { tokens } }: Text): Pick<TextSettings, 'tokens'> => ({ tokens });

/** How a text is read by `--tokens`: by characters or words, or by the byte pairs of a file. */
const readingOf = (tokens: string): TextOptions =>
  tokens === 'characters' || tokens === 'words'
    ? { tokens }
    : {
        vocabulary: using(
          () => readVocabulary(tokens),
          "--tokens takes the tokenizer.json of a byte-level BPE, or GPT-2's merges.txt beside its vocab.json",
        ),
      };

function resume(options: TrainOptions, given: string): { trainer: Trainer; out: string } {
  const file = using(() => fileIn(given, CHECKPOINT));
  const bytes = using(
    () => readWhole(file),
    'give the checkpoint.safetensors of an earlier run, or its folder',
  );
  const spoilt = 'the file is damaged or not a checkpoint; nothing was overwritten';
  const found = using(() => decodeCheckpoint(bytes, { inference: true, file }), spoilt);
  if (!isRun(found)) return adopt(options, { bytes, file });
  const before = using(() => settingsOf(found), spoilt);
  const asked = resumedSettings(options, before);
  const executor = using(() => executorOf(executorHere(asked.executor as ExecutorName))).name as ExecutorName;
  const files = [asked.text, ...(asked.more ?? [])];
  if (options.text === undefined && files.includes('-'))
    throw usage('train: --text must be given with --resume, got none (the run read standard input)');
  const { vocabulary } = found;
  const text = readTextOf(asked.text === PACKAGE ? undefined : files, 'train', {
    ...(vocabulary && { vocabulary }),
  });
  const checkpoint = using(() => decodeCheckpoint(bytes, { executor, file }), spoilt);
  const at = { given: options.text, step: checkpoint.optimizer?.steps ?? 0 };
  const settings = { ...asked, ...onText(text, before, at) };
  const trainer = using(() => Trainer.resume(settings, text, checkpoint), spoilt);
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

/** What changes in the settings for a new text, which training reads from its start. */
function onText(
  { indices, vocabulary, sha256 }: Text,
  before: TextSettings,
  { given, step }: { given: string | undefined; step: number },
): Partial<TextSettings> {
  if (sha256 === before.sha256) return {};
  if (given === undefined)
    throw usage(
      `train: the text must be the one that the checkpoint was trained on, got a different one (${before.text})`,
      'restore the file, or go on with the new text by --text FILE',
    );
  const some = indices.slice(0, Math.min(indices.length, SURVEYED));
  const unknown = Array.from(some).filter((k) => k === 0).length / some.length;
  const { size, tokens, hasUnknown } = vocabulary;
  const known = hasUnknown
    ? `${size - 1} ${tokens}, which leave ${(100 * unknown).toFixed(1)} % of it unknown`
    : `${size} ${tokens}`;
  noteLine(`train: a new text, read with the vocabulary of the checkpoint: ${known}`);
  return { sha256, begun: step };
}
/** Symbols of a new text in which the unknown ones are counted. */
const SURVEYED = 1 << 20;

/** Whether the loss curve is at least as recent as the checkpoint. */
function isDrawn(out: string, checkpoint: string): boolean {
  const picture = statSync(join(out, PICTURE), { throwIfNoEntry: false });
  return picture !== undefined && picture.mtimeMs >= statSync(checkpoint).mtimeMs;
}
