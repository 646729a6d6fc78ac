/** `backstep import`: writes the weights of another engine's model as a checkpoint. */
import { lossNames } from '../losses';
import type { Command } from 'commander';
import { directionsOf, nameOf } from '../bptt/network/layers/layer';
import { topologies, type Topology } from '../bptt/network/topology';
import { encodeCheckpoint } from '../io/checkpoint';
import { readWhole, writeWhole } from '../io/files';
import { importChoices, type StoredWeights } from '../io/foreign';
import { readers } from '../io/formats';
import { decodeNpz } from '../io/npz';
import { decodeSafetensors } from '../io/safetensors';
import { oneOf, quote } from '../terminal/arguments';
import { saving, usage, using } from '../terminal/errors';
import { count } from '../core/format';
import { line } from '../terminal/output';

const examples = (): string => `
Kind, size and number of the layers, directions, biases and the output layer are read from the weights. They do not \
tell the activation of an Elman cell, nor where a GRU without biases applies its reset gate.

${Object.values(readers())
  .map(({ how }) => how)
  .join('\n')}

Examples:
  backstep import model.safetensors --from torch --out runs/mine/checkpoint.safetensors
  backstep import model.npz --from keras --cell gru --topology many-to-one --loss softmax --out mine.safetensors
`;

interface ImportCommandOptions {
  from: string;
  cell?: string;
  topology?: Topology;
  loss?: string;
  out: string;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  const names = Object.keys(readers());
  const cells = Object.keys(importChoices());
  program
    .command('import')
    .description("convert another framework's weights into a checkpoint")
    .argument('<file>', 'a safetensors file or an .npz archive')
    .requiredOption('--from <engine>', names.join(', '), oneOf('import: --from', names))
    .requiredOption('--out <file>', 'the checkpoint to write')
    .option(
      '--cell <name>',
      `${cells.join(', ')} (default: read from the weights)`,
      oneOf('import: --cell', cells),
    )
    .option(
      '--topology <name>',
      `${topologies.join(', ')} (default: ${topologies[0]})`,
      oneOf('import: --topology', topologies),
    )
    .option(
      '--loss <name>',
      `${lossNames().join(', ')}: the loss for further training (default: none)`,
      oneOf('import: --loss', lossNames()),
    )
    .addHelpText('after', examples())
    .action(importFrom);
}

function importFrom(file: string, { from, cell, topology, loss, out }: ImportCommandOptions): void {
  const bytes = using(() => readWhole(file), 'a safetensors file, or an archive of numpy.savez');
  const stored = decode(bytes, file);
  const net = using(
    () => readers()[from].network(stored, { ...(cell && importChoices()[cell]), topology, loss }),
    'backstep import --help lists the supported models',
  );
  const checkpoint = encodeCheckpoint({ network: net });
  saving(() => writeWhole(out, checkpoint), 'choose another file with --out');
  const { layers, dtype, output } = net.architecture;
  const sizes = layers.map((layer, l) => `${nameOf(layer)} ${directionsOf(layer, l)[0].cell.hidden}`);
  line(
    `read  ${sizes.join(', ')}${output === undefined ? '' : `, output ${output}`}; ${count(net.parameters.count)} parameters; ${dtype}`,
  );
  line(`wrote ${out} (${count(Math.ceil(checkpoint.length / 1024))} kB)`);
  line(`use   backstep export ${quote(out)} --to onnx, or decodeCheckpoint in a program`);
}

/** Archives are recognized by the zip signature; everything else must be a safetensors file. */
function decode(bytes: Uint8Array, file: string): StoredWeights {
  try {
    return bytes[0] === 0x50 && bytes[1] === 0x4b ? decodeNpz(bytes) : decodeSafetensors(bytes).tensors;
  } catch (error) {
    throw usage(
      `import: ${file} must be a safetensors file or an .npz archive, got this: ${(error as Error).message}`,
      'numpy.savez or safetensors.torch.save_model writes one; pickles (.pt, .pth) run code and are not read',
      error,
    );
  }
}
