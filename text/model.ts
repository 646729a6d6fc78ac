/** Reads a character model from any checkpoint for `sample` and `flow`, and explains what to do if there is none. */
import type { Topology } from '../bptt/network/topology';
import { decodeCheckpoint, type Checkpoint, type CheckpointOptions } from '../io/checkpoint';
import { fileIn, readWhole } from '../io/files';
import type { Vocabulary } from '../io/vocabulary';
import { usage, using } from '../terminal/errors';
import { CHECKPOINT } from '../run/settings';

/** Requirements on the character model. */
export interface ModelRequirements extends CheckpointOptions {
  command: string;
  topologies: readonly Topology[];
}

/**
 * Reads the character model from a checkpoint file, or from the folder that contains it.
 * @throws CommandError when there is none, naming what the checkpoint lacks.
 */
export function readModel(
  given: string,
  { command, topologies, ...options }: ModelRequirements,
): { file: string; checkpoint: Checkpoint; vocabulary: Vocabulary } {
  const file = using(() => fileIn(given, CHECKPOINT));
  const bytes = using(() => readWhole(file), 'create one with backstep train');
  const checkpoint = using(
    () => decodeCheckpoint(bytes, { ...options, file }),
    'the file is damaged or not a checkpoint; give another',
  );
  const { network, vocabulary } = checkpoint;
  const { input, output } = network;
  const { topology } = network.architecture;
  const refused = (got: string, fix: string): never => {
    throw usage(`${command}: the checkpoint must be a character model, got ${file}, ${got}`, fix);
  };
  if (!vocabulary)
    return refused(
      'without a vocabulary',
      'save it with its symbols: encodeCheckpoint({ network, vocabulary: Vocabulary.of(text) })',
    );
  const { size } = vocabulary;
  if (input !== size || output !== size)
    return refused(
      `which reads ${input} classes and writes ${output}, where its vocabulary is of ${size}`,
      'save it with the vocabulary of its classes: vocabulary.size is the input and the output of the network',
    );
  if (!topologies.includes(topology))
    return refused(`of the topology ${topology}`, `a network of the topology ${topologies.join(' or ')}`);
  return { file, checkpoint, vocabulary };
}
