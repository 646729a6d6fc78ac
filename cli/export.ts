/** `backstep export`: a trained network in the formats of other engines. */
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { decodeCheckpoint, type Checkpoint } from '../io/checkpoint';
import { fileIn, readWhole, writeWhole } from '../io/files';
import { toKeras } from '../io/keras';
import { encodeNpz } from '../io/npz';
import { encodeOnnx, onnxInputs } from '../io/onnx';
import { toPytorch } from '../io/pytorch';
import { encodeSafetensors, type SafeTensor } from '../io/safetensors';
import { pytorchProject } from '../io/torchproject';
import { oneOf, quote } from '../terminal/arguments';
import { saving, usage, using } from '../terminal/errors';
import { count } from '../run/told';
import { line } from '../terminal/output';
import { CHECKPOINT } from '../run/settings';
import { settingsIn } from '../text/trainer';

interface ExportOptions {
  to: FormatName;
  out?: string;
  input?: 'classes' | 'vectors';
  lengths?: boolean;
  states?: boolean;
}

interface Format {
  about: string;
  /** Where it goes when nothing else is said, beside the checkpoint: a file, or a folder where there are several. */
  name: string;
  files(checkpoint: Checkpoint, options: ExportOptions): Record<string, Uint8Array | string>;
  /** How it is read there. */
  use(out: string, checkpoint: Checkpoint, options: ExportOptions): string;
}

const ONE = '';
const weights = ({ network: { architecture, parameters } }: Checkpoint): Map<string, SafeTensor> =>
  toPytorch(architecture, parameters.values);

const formats = {
  onnx: {
    about: 'a model for ONNX Runtime and others: float32, opset 14, any batch and time',
    name: 'model.onnx',
    files: ({ network, vocabulary }, { input, lengths, states }) => {
      const classes = (input ?? (vocabulary ? 'classes' : 'vectors')) === 'classes';
      const metadata = vocabulary && { vocabulary: String(vocabulary) };
      return { [ONE]: encodeOnnx(network, { classes, lengths, states, metadata }) };
    },
    use: (out, { network }, { lengths, states }) => {
      const names = onnxInputs(network, { lengths, states });
      const feed = names.map((name) => `${JSON.stringify(name)}: ${name}`).join(', ');
      return `onnxruntime.InferenceSession(${JSON.stringify(out)}).run(None, {${feed}})`;
    },
  },
  safetensors: {
    about: "weights alone, by PyTorch's names",
    name: 'weights.safetensors',
    files: (checkpoint) => ({ [ONE]: encodeSafetensors(weights(checkpoint), { format: 'pt' }) }),
    use: (out) => `safetensors.torch.load_file(${JSON.stringify(out)})`,
  },
  npz: {
    about: "the same as NumPy's arrays",
    name: 'weights.npz',
    files: (checkpoint) => ({ [ONE]: encodeNpz(weights(checkpoint)) }),
    use: (out) => `numpy.load(${JSON.stringify(out)})`,
  },
  keras: {
    about: "weights in Keras' layout and order, as NumPy arrays",
    name: 'keras.npz',
    files: ({ network }) => ({ [ONE]: encodeNpz(toKeras(network)) }),
    use: (out) => `f = numpy.load(${JSON.stringify(out)}); model.set_weights([f[k] for k in f.files])`,
  },
  'torch-script-py': {
    about: 'a folder with weights, optimizer, one batch, and a script that continues training in PyTorch',
    name: 'pytorch',
    files: (checkpoint) => {
      const { batch, seq, clip, schedule } = settingsIn(checkpoint) ?? {};
      return pytorchProject({ ...checkpoint, B: batch, T: seq, clip: clip ?? undefined, schedule });
    },
    use: (out) => `python3 ${quote(join(out, 'model.py'))}`,
  },
} satisfies Record<string, Format>;
type FormatName = keyof typeof formats;
const names = Object.keys(formats) as FormatName[];

const examples = `
Formats:
${names.map((name) => `  ${name.padEnd(16)}${formats[name].about}`).join('\n')}

Examples:
  backstep export runs/moby-dick --to onnx
  backstep export runs/moby-dick --to onnx --states --out step.onnx
  backstep export runs/moby-dick --to torch-script-py --out pytorch
  torchrun --nproc_per_node 2 pytorch/model.py --train 100 --text book.txt
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('export')
    .description('write a trained network in the format of another framework')
    .argument('<checkpoint>', 'a checkpoint.safetensors, or its folder')
    .requiredOption('--to <format>', names.join(', '), oneOf('export: --to', names))
    .option('--out <path>', 'the file or folder to write (default: next to the checkpoint)')
    .option(
      '--input <kind>',
      'onnx: what x holds, classes or vectors (default: classes for a character model)',
      oneOf('export: --input', ['classes', 'vectors'] as const),
    )
    .option('--lengths', 'onnx: the number of steps of each row as an input')
    .option('--states', 'onnx: initial states as inputs and final states as outputs')
    .addHelpText('after', examples)
    .action(exportTo);
}

function exportTo(given: string, options: ExportOptions): void {
  const format: Format = formats[options.to];
  const misplaced = (['input', 'lengths', 'states'] as const).find((key) => options[key] !== undefined);
  if (misplaced !== undefined && options.to !== 'onnx')
    throw usage(
      `export: --${misplaced} must be left out with --to ${options.to}, got it`,
      'use it only with --to onnx',
    );
  const file = using(() => fileIn(given, CHECKPOINT));
  const bytes = using(() => readWhole(file), 'create one with backstep train or backstep import');
  const checkpoint = using(
    () => decodeCheckpoint(bytes, { file }),
    'the file is damaged or not a checkpoint; backstep import reads files of other frameworks',
  );
  const files = using(() => format.files(checkpoint, options), 'try another format: --to safetensors');
  const out = options.out ?? join(dirname(file), format.name);
  for (const [name, contents] of Object.entries(files)) {
    const path = name === ONE ? out : join(out, name);
    saving(() => writeWhole(path, contents), 'choose another path with --out');
    line(`wrote ${path} (${count(Math.ceil(contents.length / 1024))} kB)`);
  }
  line(`use   ${format.use(out, checkpoint, options)}`);
}
