/** Continues in a training run what a program began: a checkpoint of `save` or `encodeCheckpoint`, without the settings of a run. */
import { basename, extname, join } from 'node:path';
import { choiceOf } from '../cells/kinds';
import { textOfCell } from '../cells/text';
import { directionsOf, isBidirectional } from '../bptt/network/layers/layer';
import type { Network } from '../bptt/network/network';
import { executorOf, type ExecutorName } from '../core/programs/executor';
import { decodeCheckpoint, type Checkpoint } from '../io/checkpoint';
import type { Vocabulary } from '../io/vocabulary';
import { usage, using } from '../terminal/errors';
import { flagOf } from '../terminal/options';
import { noteLine } from '../terminal/output';
import { readTextOf } from './corpus';
import { newSettings, type GivenSettings, type TextSettings } from './settings';
import { Trainer } from './trainer';

/** Settings that the network has already. */
const fixed = [
  ...(['cell', 'layers', 'hidden', 'embedding', 'dropout', 'variational', 'zoneout', 'chrono'] as const),
  ...(['dtype', 'tokens'] as const),
];

/** The trainer that continues, from the beginning of the given text, and its folder. */
export function adopt(
  options: GivenSettings & { out?: string },
  { bytes, file }: { bytes: Uint8Array; file: string },
): { trainer: Trainer; out: string } {
  const executor = using(() => executorOf(options.executor)).name as ExecutorName;
  const checkpoint = using(() => decodeCheckpoint(bytes, { executor, file }));
  const { network, optimizer: made } = checkpoint;
  const vocabulary = vocabularyOf(checkpoint, file);
  const { text: name, more = [] } = options;
  if (name === undefined)
    throw usage(
      `train: --text must be given with --resume, got none (${file} was saved by a program, and does not name its text)`,
      'name the text with --text FILE',
    );
  const held =
    fixed.find((one) => options[one] !== undefined) ?? (made && options.optimizer ? 'optimizer' : undefined);
  if (held !== undefined)
    throw usage(
      `train: --${flagOf(held)} must be left out with --resume, got ${String(options[held])} (it is fixed by the checkpoint)`,
    );
  const text = readTextOf([name, ...more], 'train', { vocabulary });
  const steps = made?.steps ?? 0;
  if (options.steps !== undefined && steps >= options.steps)
    throw usage(
      `train: --steps must be more than the ${steps} steps already trained, got ${options.steps}`,
      `--steps ${2 * steps}, or --seconds 60`,
    );
  const trained = made && { optimizer: made.options.name, lr: options.lr ?? made.options.learningRate };
  const usual = newSettings({ ...options, ...(trained as GivenSettings) }, name, text.sha256, executor);
  const settings: TextSettings = {
    ...usual,
    ...settingsOf(network),
    tokens: vocabulary.tokens,
    begun: steps,
  };
  const out = options.out ?? join('runs', name === '-' ? 'text' : basename(name, extname(name)));
  const how = made
    ? `by its ${made.options.name}`
    : `by a new ${settings.optimizer}, since it holds no optimizer`;
  noteLine(`train: ${file} was saved by a program after ${steps} steps; it is trained on in ${out} ${how}`);
  return { trainer: using(() => Trainer.adopt(settings, text, checkpoint)), out };
}

/** The vocabulary of a model of text. @throws CommandError that says what the checkpoint lacks. */
function vocabularyOf({ network, vocabulary }: Checkpoint, file: string): Vocabulary {
  const refused = (lacks: string, fix: string): never => {
    throw usage(
      `train: --resume must name the checkpoint of a run, or a model of text, got ${file}, saved by a program, ${lacks}`,
      `${fix}; any other network is trained on in a program, with load and fit`,
    );
  };
  if (!vocabulary)
    return refused(
      'without a vocabulary',
      'save it with its symbols: save(net, file, { optimizer, vocabulary })',
    );
  const { input, output, architecture } = network;
  const { topology, loss, layers } = architecture;
  const { size } = vocabulary;
  if (input !== size || output !== size)
    return refused(
      `which reads ${input} classes and writes ${output}, where its vocabulary is of ${size}`,
      'vocabulary.size is the input and the output of its network',
    );
  if (topology !== 'many-to-many' || loss !== 'softmax' || layers.some(isBidirectional))
    return refused(
      `with the topology ${topology}, the loss ${loss ?? 'none'}${layers.some(isBidirectional) ? ' and bidirectional layers' : ''}`,
      "it predicts what comes next with the topology many-to-many, the loss 'softmax' and layers that read forward",
    );
  if (network.reduction !== 'mean')
    return refused('with the reduction sum', "the figures of a run are means: reduction: 'mean'");
  return vocabulary;
}

/** The settings that a network shows. */
function settingsOf({ architecture }: Network) {
  const { layers, embedding, dropout, variational, zoneout, dtype } = architecture;
  const [{ cell }] = layers.flatMap(directionsOf);
  return {
    cell: choiceOf(cell.name) ? cell.name : using(() => textOfCell(cell)),
    ...{ layers: layers.length, hidden: cell.hidden, dtype },
    ...(embedding && { embedding: embedding.width }),
    dropout: typeof dropout === 'number' ? dropout : Math.max(...dropout),
    ...(variational && { variational: true as const }),
    ...(typeof zoneout === 'number' && zoneout > 0 && { zoneout: String(zoneout) }),
  };
}
