/** A checkpoint file as a run that goes on: one that this page saved, or one of `backstep train`. */
import { isBidirectional } from '../../bptt/layer';
import { decodeCheckpoint } from '../../io/checkpoint';
import { mustBe } from '../../core/check';
import { Session } from './session';
import { cellNames, type CellName, type Settings } from './settings';

/**
 * @param settings those of the page: what the file does not say is taken from them.
 * @throws RangeError or TypeError when it is no checkpoint, or one of a network that the page cannot train.
 */
export function load(bytes: Uint8Array, settings: Settings): { session: Session } {
  const found = decodeCheckpoint(bytes, { executor: 'reproducible' });
  const { embedding, layers, output, loss } = found.network.architecture;
  const first = layers[0];
  const bidirectional = isBidirectional(first);
  const { name: cell, hidden } = bidirectional ? first.forward : first;
  const known = (cellNames as readonly string[]).includes(cell) && loss !== undefined;
  mustBe(known, 'load', `a network of ${cellNames.join(', ')} with a loss must be in the file`, cell);
  mustBe(!embedding, 'load', 'the network must read without an embedding', 'one');
  const { playground = {} } = Object(found.training) as { playground?: Partial<Settings> };
  const task = playground.task ?? (found.vocabulary ? 'text' : settings.task);
  const own: Partial<Settings> = {
    cell: cell as CellName,
    hidden,
    layers: layers.length,
    bidirectional,
    task,
  };
  const session = new Session({ ...settings, ...playground, ...own, against: 'none' }, found);
  const wanted = [session.task.input, session.task.output, session.task.loss].join(', ');
  const got = [found.network.input, output ?? found.network.output, loss].join(', ');
  mustBe(
    wanted === got,
    'load',
    `the task ${task} takes a network with input, output and loss ${wanted}`,
    got,
  );
  return { session };
}
