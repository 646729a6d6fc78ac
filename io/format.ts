/** Formats of other frameworks by their names, open to additions: commands, their help and messages derive from this registry. */
import type { Network } from '../bptt/network/network';
import type { ScheduleOptions } from '../bptt/train/schedules';
import { must } from '../core/check';
import { Registry } from '../core/registry';
import type { Setting } from '../core/setting';
import type { Checkpoint } from './checkpoint';
import type { ImportOptions, StoredWeights } from './foreign';

/** What is exported: a checkpoint, and how it was trained where that is known. */
export interface Exported extends Checkpoint {
  /** B and T of its batches. */
  B?: number;
  T?: number;
  /** Global norm that gradients are clipped to. */
  clip?: number;
  schedule?: ScheduleOptions;
}

/** Values of a format's own options; what is left out was not given. */
export type FormatOptions = Readonly<Record<string, unknown>>;

/** How a network is written. */
export interface FormatWriter {
  /** Where it goes when nothing else is said, beside the checkpoint: a file, or a folder where there are several. */
  path: string;
  /** Options of its own on the command line. */
  options?: Readonly<Record<string, Setting>>;
  /**
   * The files by their names in the folder; of a single one the name is empty.
   * @throws RangeError or TypeError for what the format cannot hold, by its name: nothing may be left out in silence.
   */
  files(exported: Exported, options: FormatOptions): Record<string, Uint8Array | string>;
  /** How it is used there, in a line; `quote` makes a word of a shell. */
  use(out: string, exported: Exported, options: FormatOptions, quote: (word: string) => string): string;
}

/** How a network is read. */
export interface FormatReader {
  /** The network of a file's arrays. @throws RangeError or TypeError when they are not those of such a model. */
  network(stored: StoredWeights, options: ImportOptions): Network;
  /** What models can be read, and how their weights are saved, for the help. */
  how: string;
}

/** What `registerFormat` is given. */
export interface FormatDefinition {
  /** What `--to` and `--from` call it: `onnx`. */
  name: string;
  /** What people call it: `ONNX, opset 14`. */
  title: string;
  /** What it holds, in a line of help. */
  help: string;
  /** What its files have been compared with. */
  tested?: string;
  write?: FormatWriter;
  read?: FormatReader;
}

/** The name of a file that is the only one. */
export const ONE = '';

const formats = new Registry<FormatDefinition>('the format');

/**
 * Makes a format known by its name: `backstep export --to`, `backstep import --from`, their options and their help.
 *
 * @throws RangeError when the name, or that of an option, is taken; or when it neither writes nor reads.
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

/** Those that are written, or read, by their names. */
export const writers = (): Record<string, FormatWriter> => partsOf(({ write }) => write);
export const readers = (): Record<string, FormatReader> => partsOf(({ read }) => read);

const partsOf = <P>(of: (format: FormatDefinition) => P | undefined): Record<string, P> =>
  Object.fromEntries(
    formats.all.flatMap((format) => {
      const part = of(format);
      return part ? [[format.name, part]] : [];
    }),
  );

/** The options of all formats that are written. */
export const exportOptions = (): Record<string, Setting> =>
  Object.assign({}, ...Object.values(writers()).map(({ options }) => options)) as Record<string, Setting>;
