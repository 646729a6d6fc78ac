/** Settings of a training run on text: their form in a checkpoint, and how a resumed run changes them. */
import * as v from 'valibot';
import { trainingSettings, type TrainingValues } from '../bptt/train/settings';
import { textTokens, type TextTokens } from '../io/vocabulary';
import { defaultsOf, OFF } from '../core/setting';
import { usage } from '../terminal/errors';
import { cellLabel, cellPartsOf } from '../run/cellchoice';
import { plateauEntry, readPlateau } from '../run/plateau';
import { rareEntries, readSchedule, runEntries, stored, withoutHoles } from '../run/settings';

/** The entries that a text run writes to its checkpoint. */
export const settingsSchema = v.strictObject({
  text: stored('text'),
  /** Further files of the text; absent if there are none. */
  more: v.optional(v.array(stored('text'))),
  /** Absent when they are characters. */
  tokens: v.optional(v.picklist(textTokens)),
  /** The step at which training on this text began; absent when it is the first one. */
  begun: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  ...runEntries,
  /** Absent without an embedding. */
  embedding: v.optional(stored('embedding')),
  seq: stored('seq'),
  plateau: plateauEntry,
});
export type TextSettings = v.InferOutput<typeof settingsSchema>;

/** Settings from the command line or a sweep; undefined if omitted. The schedule is not parsed yet. */
export type GivenSettings = Omit<TrainingValues, 'cell' | 'executor'> & {
  cell?: string;
  executor?: string;
  /** Further files of the text. */
  more?: string[];
  /** Characters, words, or a file of byte pairs. */
  tokens?: string;
  plateau?: string;
};

const defaults = { ...defaultsOf(trainingSettings), tokens: 'characters', plateau: OFF };

/** Settings that cannot change when a run is resumed: weights, states or the position in the text depend on them. */
const fixed = [
  ...(['cell', 'layers', 'hidden', 'embedding', 'batch', 'seq'] as const),
  ...([
    'optimizer',
    'dropout',
    'variational',
    'zoneout',
    'chrono',
    'seed',
    'dtype',
    'tokens',
    'plateau',
  ] as const),
];

/**
 * Settings of a new run.
 * @throws CommandError when they do not go together.
 */
export function newSettings(
  given: GivenSettings,
  text: string,
  sha256: string,
  executor: string,
): TextSettings {
  const {
    cell,
    layers,
    hidden,
    embedding,
    batch,
    seq,
    optimizer,
    lr,
    schedule,
    clip,
    dropout,
    seed,
    dtype,
    seconds,
    tokens,
  } = { ...defaults, ...withoutHoles(given) };
  const { steps = null, threads, more = [] } = given;
  const { count, why } = cellPartsOf(cell) ?? { count: 1, why: '' };
  if (hidden % count !== 0)
    throw usage(
      `train: --hidden must be a multiple of ${count} with --cell ${cell}, got ${hidden}`,
      `--hidden ${count * Math.ceil(hidden / count)}: ${why}`,
    );
  mustShare(threads, batch);
  const rate = readSchedule(schedule, steps);
  return {
    ...{
      text,
      sha256,
      cell,
      layers,
      hidden,
      batch,
      seq,
      optimizer,
      lr,
      dropout,
      seed,
      dtype,
      executor,
      steps,
    },
    schedule: rate,
    ...readPlateau(given.plateau, { schedule: rate }),
    clip: clip === OFF ? null : clip,
    ...rareEntries(withoutHoles(given)),
    ...(embedding !== OFF && { embedding }),
    ...(tokens !== 'characters' && { tokens: tokens as TextTokens }),
    ...(more.length > 0 && { more }),
    ...(threads !== undefined && { threads }),
    // the default limit applies only without another limit
    seconds: given.seconds === undefined && steps !== null ? null : seconds,
  };
}

/**
 * Settings of a resumed run.
 * @throws CommandError when one is changed that is fixed.
 */
export function resumedSettings(given: GivenSettings, before: TextSettings): TextSettings {
  for (const name of fixed) {
    const wanted = given[name];
    const was = before[name] ?? (name in defaults ? defaults[name as keyof typeof defaults] : false);
    if (wanted === undefined || wanted === was) continue;
    throw usage(
      `train: --${name} must stay ${shown(name, was)} with --resume, got ${shown(name, wanted)} (it is fixed by the checkpoint)`,
      `leave --${name} out, or start a new run without --resume`,
    );
  }
  const { schedule, clip, steps, seconds, lr, text, executor, threads } = withoutHoles(given);
  mustShare(threads, before.batch);
  // a new limit replaces both old ones
  const limits = steps !== undefined || seconds !== undefined;
  const { more, ...rest } = before;
  // the files of a text are given together
  const files = text === undefined ? more : given.more;
  const settings = {
    ...rest,
    ...withoutHoles({ lr, text, executor, threads, more: files }),
    ...(clip !== undefined && { clip: clip === OFF ? null : clip }),
    ...(limits && { steps: steps ?? null, seconds: seconds ?? null }),
  };
  if (schedule === undefined) return settings;
  const rate = readSchedule(schedule, settings.steps);
  return { ...settings, schedule: rate, ...readPlateau(before.plateau, { schedule: rate }) };
}

/** A setting's value as shown in a message; a user's own cell by its name. */
const shown = (name: (typeof fixed)[number], value: string | number | boolean): string =>
  name === 'cell' ? cellLabel(String(value)) : String(value);

function mustShare(threads: number | undefined, batch: number): void {
  if (threads === undefined || threads <= batch) return;
  throw usage(
    `train: --threads must be at most ${batch}, got ${threads} (threads split the ${batch} streams of --batch)`,
    `--threads ${batch}, or a larger --batch`,
  );
}
