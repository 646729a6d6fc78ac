/** Loads a checkpoint file as a run to continue: one that this page saved, or one of `backstep train`. */
import { kinds } from '../../cells/kinds';
import { isBidirectional } from '../../bptt/network/layers/layer';
import { decodeCheckpoint } from '../../io/checkpoint';
import { mustBe } from '../../core/check';
import type { CurvePoint } from './run';
import { Session } from './session';
import { OWN, readSetting, type PageSettings } from './settings';

export interface LoadedCheckpoint {
  session: Session;
  /** Its losses so far, if the file has them; their gradient norms are unknown (NaN). */
  points: CurvePoint[];
  /** Whether the file names the task of its network; if not, training continues with the page's task. */
  saysTask: boolean;
}

/**
 * @param settings those of the page, used where the file has none.
 * @throws RangeError or TypeError when it is no checkpoint, or one of a network that the page cannot train.
 */
export function load(bytes: Uint8Array, settings: PageSettings): LoadedCheckpoint {
  const found = decodeCheckpoint(bytes, { executor: 'reproducible' });
  const { layers, output, loss } = found.network.architecture;
  const first = layers[0];
  const bidirectional = isBidirectional(first);
  const { name, hidden, options } = bidirectional ? first.forward : first;
  const equations = options?.equations;
  const isOwn = typeof equations === 'string';
  const known = (isOwn || kinds.has(name)) && loss !== undefined;
  const cells = [...kinds.names, 'a cell of your own'].join(', ');
  mustBe(known, 'load', `a network of ${cells} with a loss must be in the file`, name);
  const stored = saidIn(found.training);
  const task = stored?.task ?? (found.vocabulary ? 'text' : settings.task);
  const own: Partial<PageSettings> = {
    cell: isOwn ? OWN : name,
    ...(isOwn && { equations }),
    hidden,
    layers: layers.length,
    bidirectional,
    task,
    ...(found.optimizer && {
      optimizer: found.optimizer.options.name,
      lr: found.optimizer.learningRate,
    }),
  };
  // a file from elsewhere was trained on other streams: its states do not apply here
  const states = stored ? found.states : {};
  const session = new Session({ ...settings, ...stored, ...own, against: 'none' }, { ...found, states });
  const wanted = [session.task.input, session.task.output, session.task.loss].join(', ');
  const got = [found.network.input, output ?? found.network.output, loss].join(', ');
  mustBe(
    wanted === got,
    'load',
    `the task ${task} takes a network with input, output and loss ${wanted}`,
    got,
  );
  const points = pointsOf(found.curves?.training ?? [], session.started.steps);
  return { session, points, saysTask: stored !== undefined };
}

/** The points of a curve that are plausible for a run of this many steps. */
function pointsOf(curve: ArrayLike<number>, steps: number): CurvePoint[] {
  const points: CurvePoint[] = [];
  for (let k = 0, last = 0; k + 1 < curve.length; k += 2) {
    const [step, loss] = [curve[k], curve[k + 1]];
    if (!(step > last && step <= steps && Number.isFinite(loss))) continue;
    points.push({ step, loss, norm: NaN });
    last = step;
  }
  return points;
}

/** The valid settings of a file that this page saved. */
function saidIn(training: unknown): Partial<PageSettings> | undefined {
  const { playground } = Object(training) as { playground?: Record<string, unknown> };
  if (playground === undefined) return undefined;
  const plain = Object.entries(playground).filter(([, value]) => typeof value !== 'object');
  return Object.assign(
    {},
    ...plain.map(([name, value]) => readSetting(name, String(value))),
  ) as Partial<PageSettings>;
}
