/** `backstep evaluate` of a model of text. */
import { mustReadForward } from '../../bptt/network/layers/layer';
import { usage, using } from '../../terminal/errors';
import { asJson, line } from '../../terminal/output';
import { readTextOf } from '../../text/corpus';
import { readModel } from '../../text/model';
import { splitText } from '../../text/streams';
import { settingsIn } from '../../text/trainer';
import { mustNotReadTable, type GivenReading } from '../reading';
import { judgeText, type TextCase } from './judge';

/** Evaluates a model on a text; of its training text, on the validation part. */
export function evaluateText(
  given: string,
  file: string,
  options: GivenReading & { out?: string; json?: boolean },
): void {
  const { out, json } = options;
  mustNotReadTable({ ...options }, 'evaluate', 'a model of text');
  if (out !== undefined)
    throw usage(
      `evaluate: --out must be left out with a model of text, got ${out}`,
      'it draws no pictures; --json prints the figures',
    );
  const { checkpoint, vocabulary } = readModel(given, {
    ...{ command: 'evaluate', topologies: ['many-to-many'], inference: true },
  });
  const { network } = checkpoint;
  using(
    () => mustReadForward(network.architecture.layers, 'evaluate', 'the layers must read forward', 'others'),
    'a network without bidirectional layers predicts what comes next',
  );
  const text = readTextOf(file, 'evaluate', { vocabulary, place: 'the file' });
  const settings = settingsIn(checkpoint);
  const own = settings?.sha256 === text.sha256;
  const parts = own ? splitText(text.indices, settings.seq + 1) : { training: text.indices };
  const { validation } = parts;
  const scope = !own
    ? 'the whole text'
    : validation
      ? `the validation part of the text that it was trained on, the last ${count(validation.length, text.indices.length)}`
      : 'the text that it was trained on, which is too short for a validation part';
  const evaluated: TextCase = {
    ...{ indices: validation ?? text.indices, vocabulary },
    ...(validation && { before: parts.training }),
  };
  const { figures, lines } = using(() => judgeText(network, evaluated), 'a longer text');
  if (json) line(asJson({ event: 'evaluation', task: 'text', file, on: scope, ...figures }));
  else for (const one of [`${file}: ${scope}`, ...lines]) line(one);
}

const count = (part: number, all: number): string => `${Math.round((100 * part) / all)} %`;
