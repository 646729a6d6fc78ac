/** Reads the configuration of a sweep and expands it into trials. */
import { basename, dirname, extname, resolve } from 'node:path';
import * as v from 'valibot';
import { Random } from '../core/random/random';
import { parseWith } from '../io/metadata';
import { readUtf8 } from '../io/files';
import { fingerprint, type Text } from '../text/read';
import { known } from '../terminal/arguments';
import { cellLabel, isCellFile, readCellFile } from '../run/cellchoice';
import { PACKAGE, readTextOf } from '../text/corpus';
import { usage, using } from '../terminal/errors';
import { newSettings, settingsSchema, type GivenSettings, type TextSettings } from '../text/settings';
import { streamsFor } from '../text/trainer';
import { checked, isNumeric, isWhole, settingNameOf } from './values';
import type { SettingName } from '../bptt/train/settings';

const number = v.pipe(v.number(), v.finite());
const rangeSchema = v.strictObject({
  from: number,
  to: number,
  scale: v.optional(v.picklist(['linear', 'log'])),
});
type Range = v.InferOutput<typeof rangeSchema>;
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const configSchema = v.strictObject({
  /** Settings that all trials share. */
  fixed: v.optional(v.record(v.string(), v.unknown()), {}),
  /** Varied settings: for each, a list of values, or a range if they are drawn at random. */
  vary: v.optional(v.record(v.string(), v.unknown()), {}),
  /** Number of random combinations; without it, every combination is a trial. */
  draws: v.optional(count),
  /** Seed of the random combinations: with the same seed, more draws extend the same sequence. */
  drawSeed: v.optional(settingsSchema.entries.seed, 0),
  /** Each combination runs with the seeds 0 … seeds − 1. */
  seeds: v.optional(count),
});
/** Maximum number of trials; more are probably a mistake. */
const MOST_TRIALS = 100_000;

/** One training run of a sweep. */
export interface Trial {
  /** Fingerprint of everything its results depend on, including the contents of the text; the same on every machine. */
  readonly id: string;
  /** The settings that distinguish it from other trials: `lstm, hidden 64, seed 1`. */
  readonly label: string;
  /** The varied settings only. */
  readonly varied: Readonly<Record<string, unknown>>;
  /** `executor` is '' for the fastest one on the machine where the trial runs. */
  readonly settings: TextSettings;
}

export interface Sweep {
  /** Folder of the configuration file. */
  readonly name: string;
  readonly trials: Trial[];
  /** The varied settings, in the order of the configuration; `seed` last. */
  readonly columns: readonly string[];
}

/**
 * Reads a configuration.
 *
 *   { "fixed": { "text": "book.txt", "steps": 2000 }, "vary": { "cell": ["gru", "lstm"], "hidden": [64, 128] }, "seeds": 3 }
 *
 * has twelve trials; with `"draws": 20`, and `"lr": { "from": 1e-3, "to": 1e-2, "scale": "log" }` to vary, it has 60.
 * Names of texts and of cells' files are relative to the folder of the configuration.
 * @throws CommandError for an invalid configuration.
 */
export function readSweep(file: string): Sweep {
  const text = using(() => readUtf8(file), 'give a configuration; backstep sweep --help shows one');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw usage(`sweep: ${file} must be JSON, got ${(error as Error).message}`, undefined, error);
  }
  const { fixed, vary, draws, drawSeed, seeds } = configOf(json, file);
  for (const [place, group] of Object.entries({ fixed, vary }))
    for (const name of Object.keys(group)) settingNameOf(name, `${file}: ${place}`);
  for (const name of Object.keys(vary)) {
    if (name in fixed) throw usage(`sweep: ${file}: ${name} must be fixed or varied, got both`);
  }
  if (seeds !== undefined && ('seed' in fixed || 'seed' in vary))
    throw usage(
      `sweep: ${file}: seed must be left out, got one (seeds: ${seeds} stands for 0 … ${seeds - 1})`,
    );

  const shared = Object.fromEntries(
    Object.entries(fixed).map(([name, value]) => [
      name,
      checked(name as SettingName, withCells(name, value, file), `${file}: fixed`),
    ]),
  ) as GivenSettings;
  const choices = Object.entries(vary).map(([name, value]) =>
    choiceOf(name as SettingName, withCells(name, value, file), draws, `${file}: vary`),
  );
  const total =
    (draws ?? choices.reduce((all, { from }) => all * (from as unknown[]).length, 1)) * (seeds ?? 1);
  if (total > MOST_TRIALS)
    throw usage(
      `sweep: ${file}: trials must be at most ${MOST_TRIALS}, got ${total}`,
      'fewer values, draws or seeds',
    );
  const combinations = draws === undefined ? product(choices) : drawn(choices, draws, drawSeed);
  const seeded = combinations.flatMap((varied) =>
    seeds === undefined ? [varied] : Array.from({ length: seeds }, (_, k) => ({ ...varied, seed: k })),
  );
  const texts = new Texts(file);
  const trials = new Map<string, Trial>();
  for (const varied of seeded) {
    const trial = trialOf(shared, varied, texts, file);
    trials.set(trial.id, trials.get(trial.id) ?? trial);
  }
  const columns = [...Object.keys(vary), ...(seeds === undefined ? [] : ['seed'])];
  return { name: basename(file, extname(file)), trials: [...trials.values()], columns };
}

/** The value of a setting; for a cell given as a file, its text. */
function withCells(name: string, value: unknown, file: string): unknown {
  if (Array.isArray(value)) return value.map((one) => withCells(name, one, file));
  if (name !== 'cell' || typeof value !== 'string' || !isCellFile(value)) return value;
  return readCellFile(resolve(dirname(file), value), `sweep: ${file}: cell`);
}

function configOf(json: unknown, file: string): v.InferOutput<typeof configSchema> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw usage(
      `sweep: ${file} must hold an object, got ${Array.isArray(json) ? 'a list' : JSON.stringify(json)}`,
    );
  const parts = Object.keys(configSchema.entries);
  for (const part of Object.keys(json)) known(part, parts, `sweep: ${file} must be made of`);
  return using(() => parseWith(configSchema, json, `sweep: ${file}`));
}

/** The values of one setting. */
interface Choice {
  name: SettingName;
  from: readonly unknown[] | Range;
}

function choiceOf(name: SettingName, value: unknown, draws: number | undefined, place: string): Choice {
  if (Array.isArray(value)) {
    if (value.length === 0)
      throw usage(`sweep: ${place}: ${name} must be a list of values, got an empty one`);
    return { name, from: value.map((one) => checked(name, one, place)) };
  }
  const found = v.safeParse(rangeSchema, value);
  const numeric = isNumeric(name);
  if (!found.success || !numeric)
    throw usage(
      `sweep: ${place}: ${name} must be a list of values${numeric ? ' or a range' : ''}, got ${JSON.stringify(value)}`,
      numeric
        ? `"${name}": [a, b, c], or "${name}": { "from": a, "to": b } together with "draws"`
        : `"${name}": [a, b, c]`,
    );
  const { from, to, scale } = found.output;
  if (draws === undefined)
    throw usage(
      `sweep: ${place}: ${name} must be a list of values, got a range (a range has too many values for a grid)`,
      'add "draws": 20 to draw 20 combinations',
    );
  if (!(from < to) || (scale === 'log' && from <= 0))
    throw usage(
      `sweep: ${place}: ${name} must have ${scale === 'log' ? '0 < from' : 'from'} < to, got from ${from} to ${to}`,
    );
  for (const end of [from, to]) checked(name, end, place);
  return { name, from: found.output };
}

/** All combinations, with the last choice varying fastest. */
function product(choices: readonly Choice[]): GivenSettings[] {
  return choices.reduce<GivenSettings[]>(
    (all, { name, from }) =>
      all.flatMap((one) => (from as unknown[]).map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

function drawn(choices: readonly Choice[], draws: number, seed: number): GivenSettings[] {
  const random = new Random(seed);
  const draw = ({ name, from }: Choice): unknown => {
    const u = random.uniform();
    if (Array.isArray(from)) return from[Math.floor(u * from.length)] as unknown;
    const { from: low, to: high, scale } = from as Range;
    const value = scale === 'log' ? low * (high / low) ** u : low + u * (high - low);
    return isWhole(name) ? Math.round(value) : Number(value.toPrecision(4));
  };
  return Array.from({ length: draws }, () =>
    Object.fromEntries(choices.map((choice) => [choice.name, draw(choice)])),
  );
}

/** Reads each text once for all trials. */
class Texts {
  private readonly read = new Map<string, Text>();

  constructor(private readonly config: string) {}

  /** The text and its path. */
  of(name: string | undefined): { path: string | undefined; text: Text } {
    const path = name === undefined ? undefined : resolve(dirname(this.config), name);
    const key = path ?? '';
    const text = this.read.get(key) ?? readTextOf(path, 'sweep', { place: `${this.config}: text` });
    this.read.set(key, text);
    return { path, text };
  }
}

function trialOf(shared: GivenSettings, varied: GivenSettings, texts: Texts, file: string): Trial {
  const given: GivenSettings = { ...shared, ...varied };
  const label = Object.entries(varied)
    .map(([name, value]) =>
      name === 'cell'
        ? cellLabel(String(value))
        : name === 'optimizer'
          ? String(value)
          : `${name} ${String(value)}`,
    )
    .join(', ');
  if (given.steps === undefined)
    throw usage(`sweep: ${file}: steps must be fixed or varied, got neither`, '"fixed": { "steps": 2000 }');
  const { path, text } = texts.of(given.text);
  try {
    // one thread: trials share the machine, not the batch
    const settings = newSettings(
      { ...given, threads: 1 },
      path ?? PACKAGE,
      text.sha256,
      given.executor ?? '',
    );
    streamsFor(settings, text);
    // the path of a text does not affect results
    const id = fingerprint(JSON.stringify({ ...settings, text: '' })).slice(0, 16);
    const shown = { ...varied, ...(varied.cell !== undefined && { cell: cellLabel(varied.cell) }) };
    return { id, label: label || 'the only one', varied: shown, settings };
  } catch (error) {
    const { message, fix } = error as Error & { fix?: string };
    throw usage(
      `sweep: ${label || 'the only trial'}: ${message.replace(/^train: /, '').replaceAll('--', '')}`,
      fix?.replaceAll('--', ''),
      error,
    );
  }
}
