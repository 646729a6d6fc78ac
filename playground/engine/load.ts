/** A checkpoint file as a run that goes on: one that this page saved, or one of `backstep train`. */
import { kinds } from '../../cells/kinds';
import { isBidirectional } from '../../bptt/network/layer';
import { decodeCheckpoint } from '../../io/checkpoint';
import { mustBe } from '../../core/check';
import type { Point } from './run';
import { Session } from './session';
import { readSetting, type Settings } from './settings';

export interface Loaded {
  session: Session;
  /** Its losses so far, where the file has them; the norms of their gradients are not known (NaN). */
  points: Point[];
  /** Whether the file says what its network was trained on; if not, it goes on with the task of the page. */
  saysTask: boolean;
}

/**
 * @param settings those of the page: what the file does not say is taken from them.
 * @throws RangeError or TypeError when it is no checkpoint, or one of a network that the page cannot train.
 */
export function load(bytes: Uint8Array, settings: Settings): Loaded {
  const found = decodeCheckpoint(bytes, { executor: 'reproducible' });
  const { layers, output, loss } = found.network.architecture;
  const first = layers[0];
  const bidirectional = isBidirectional(first);
  const { name: cell, hidden } = bidirectional ? first.forward : first;
  const known = kinds.has(cell) && loss !== undefined;
  mustBe(known, 'load', `a network of ${kinds.names.join(', ')} with a loss must be in the file`, cell);
  const said = saidIn(found.training);
  const task = said?.task ?? (found.vocabulary ? 'text' : settings.task);
  const own: Partial<Settings> = {
    cell,
    hidden,
    layers: layers.length,
    bidirectional,
    task,
    ...(found.optimizer && {
      optimizer: found.optimizer.options.name,
      lr: found.optimizer.learningRate,
    }),
  };
  // a file of somebody else's has streams of its own: its states are of no use here
  const states = said ? found.states : {};
  const session = new Session({ ...settings, ...said, ...own, against: 'none' }, { ...found, states });
  const wanted = [session.task.input, session.task.output, session.task.loss].join(', ');
  const got = [found.network.input, output ?? found.network.output, loss].join(', ');
  mustBe(
    wanted === got,
    'load',
    `the task ${task} takes a network with input, output and loss ${wanted}`,
    got,
  );
  const points = pointsOf(found.curves?.training ?? [], session.started.steps);
  return { session, points, saysTask: said !== undefined };
}

/** The points of a curve as far as a run that has made so many steps can have made them. */
function pointsOf(curve: ArrayLike<number>, steps: number): Point[] {
  const points: Point[] = [];
  for (let k = 0, last = 0; k + 1 < curve.length; k += 2) {
    const [step, loss] = [curve[k], curve[k + 1]];
    if (!(step > last && step <= steps && Number.isFinite(loss))) continue;
    points.push({ step, loss, norm: NaN });
    last = step;
  }
  return points;
}

/** The settings of a file that this page saved, as far as they can be settings. */
function saidIn(training: unknown): Partial<Settings> | undefined {
  const { playground } = Object(training) as { playground?: Record<string, unknown> };
  if (playground === undefined) return undefined;
  const plain = Object.entries(playground).filter(([, value]) => typeof value !== 'object');
  return Object.assign(
    {},
    ...plain.map(([name, value]) => readSetting(name, String(value))),
  ) as Partial<Settings>;
}
