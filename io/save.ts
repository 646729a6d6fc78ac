/** Saves a network in a checkpoint file, and loads it again: a path in Node, bytes anywhere. */
import { mustBeNetwork, type Network } from '../bptt/network/network';
import { mustBe } from '../core/check';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type Checkpoint,
  type CheckpointOptions,
  type CheckpointToSave,
} from './checkpoint';
import { fileIn, readWhole, writeWhole } from './files';

/** The file in a folder of `backstep train`. */
export const CHECKPOINT = 'checkpoint.safetensors';

/**
 * Writes a network to a checkpoint file, in Node. The file is replaced at once: a reader finds the whole old one or the whole new one.
 *
 * It is the file of `backstep train`: `sample`, `flow`, `trace`, `export` and `load` read it, and the weights have PyTorch's
 * names. In a page, `encodeCheckpoint({ network })` gives its bytes, to be stored or downloaded.
 *
 * @param more what else to store: the optimizer, so that training can be resumed exactly; the vocabulary of a
 *   model of text; states to continue from; loss curves; `training`, any JSON.
 * @throws Error naming the file and the reason if it cannot be written; TypeError for a cell or an argument that cannot be
 *   saved.
 * @example
 * save(net, 'model.safetensors', { optimizer: adam });
 * const { network, optimizer } = load('model.safetensors');
 * optimizer.steps === adam.steps; // true
 * network.forward(batch).loss === net.forward(batch).loss; // true
 */
export function save(net: Network, file: string, more: Omit<CheckpointToSave, 'network'> = {}): void {
  mustBeNetwork(net, 'save');
  mustBe(typeof file === 'string' && file !== '', 'save', 'file must be the name of a file', file);
  writeWhole(file, encodeCheckpoint({ ...more, network: net }));
}

/**
 * Reads a checkpoint: the file that `save` or `backstep train` has written, by its path or that of its folder (in Node), or
 * its bytes (anywhere).
 *
 * @returns the network, and whatever else the file holds: optimizer, states, curves, vocabulary, training.
 * @throws Error naming the file if it cannot be read; RangeError or TypeError if it is not a whole checkpoint.
 * @example
 * save(net, 'model.safetensors');
 * load('model.safetensors').network.parameters.count === net.parameters.count; // true
 * load(readFileSync('model.safetensors')).network.output // 2
 */
export function load(
  from: string | Uint8Array,
  options: Omit<CheckpointOptions, 'file'> = {},
): Required<Pick<Checkpoint, 'network' | 'states' | 'curves'>> & Checkpoint {
  if (typeof from !== 'string') return decodeCheckpoint(from, options);
  const file = fileIn(from, CHECKPOINT);
  return decodeCheckpoint(readWhole(file), { ...options, file });
}
