/** Registry of other frameworks' formats by name; commands, their help and messages derive from it. */
import type { Network } from '../bptt/network/network';
import type { ScheduleOptions } from '../bptt/train/schedules';
import { must } from '../core/check';
import { Registry } from '../core/registry';
import type { Setting } from '../core/setting';
import type { Checkpoint } from './checkpoint';
import type { Preparation } from './torch/predict';
import type { ImportOptions, StoredWeights } from './foreign';

/** A checkpoint to export, with the training options if they are known. */
export interface Exported extends Checkpoint {
  /** Batch size B and length T of its batches. */
  B?: number;
  T?: number;
  /** Maximum global norm of gradient clipping. */
  clip?: number;
  schedule?: ScheduleOptions;
  /** Updates made before training on its text began. */
  begun?: number;
  /** How the files of its task are read. */
  preparation?: Preparation;
}

/** Values of a format's own options; omitted ones are absent. */
export type FormatOptions = Readonly<Record<string, unknown>>;

/** Writes networks in a format. */
export interface FormatWriter {
  /** Default output path next to the checkpoint: a file, or a folder if there are several files. */
  path: string;
  /** The format's own command-line options. */
  options?: Readonly<Record<string, Setting>>;
  /**
   * The files by name in the folder; a single file has an empty name.
   * @throws RangeError or TypeError naming what the format cannot hold: nothing may be omitted silently.
   */
  files(exported: Exported, options: FormatOptions): Record<string, Uint8Array | string>;
  /** A line that shows how to use the result; `quote` quotes a word for a shell. */
  use(out: string, exported: Exported, options: FormatOptions, quote: (word: string) => string): string;
}

/** Reads networks from a format. */
export interface FormatReader {
  /** Builds the network of a file's arrays. @throws RangeError or TypeError when they do not form a supported model. */
  network(stored: StoredWeights, options: ImportOptions): Network;
  /** Help text: which models can be read, and how to save their weights. */
  how: string;
}

/** Argument of `registerFormat`. */
export interface FormatDefinition {
  /** The name for `--to` and `--from`: `onnx`. */
  name: string;
  /** The displayed name: `ONNX, opset 14`. */
  title: string;
  /** Its contents, in a line of help. */
  help: string;
  /** What its files have been tested against. */
  tested?: string;
  write?: FormatWriter;
  read?: FormatReader;
}

/** Key of a single file. */
export const ONE = '';

const formats = new Registry<FormatDefinition>('the format');

/**
 * Registers a format by name for `backstep export --to` and `backstep import --from`, with its options and help.
 *
 * @throws RangeError when its name or that of an option is taken, or when it neither writes nor reads.
 * @example
 * registerFormat({
 *   name: 'sizes',
 *   title: 'sizes',
 *   help: 'the shape of each parameter, as JSON',
 *   write: {
 *     path: 'sizes.json',
 *     files: ({ network: { parameters } }) => ({
 *       '': JSON.stringify(Object.entries(parameters.values).map(([name, { shape }]) => [name, shape])),
 *     }),
 *     use: (out) => `cat ${out}`,
 *   },
 * });
 */
export function registerFormat(format: FormatDefinition): FormatDefinition {
  const where = 'registerFormat';
  const { name, write, read } = format;
  must(write !== undefined || read !== undefined, where, `${name} must write or read`, 'neither');
  const taken = Object.keys(write?.options ?? {}).find((option) => option in exportOptions());
  must(taken === undefined, where, 'an option must have a new name', taken);
  return formats.add(name, format, where);
}

export const allFormats = (): FormatDefinition[] => formats.all;

/** The formats that can be written, or read, by name. */
export const writers = (): Record<string, FormatWriter> => partsOf(({ write }) => write);
export const readers = (): Record<string, FormatReader> => partsOf(({ read }) => read);

const partsOf = <P>(of: (format: FormatDefinition) => P | undefined): Record<string, P> =>
  Object.fromEntries(
    formats.all.flatMap((format) => {
      const part = of(format);
      return part ? [[format.name, part]] : [];
    }),
  );

/** The options of all formats that can be written. */
export const exportOptions = (): Record<string, Setting> =>
  Object.assign({}, ...Object.values(writers()).map(({ options }) => options)) as Record<string, Setting>;
