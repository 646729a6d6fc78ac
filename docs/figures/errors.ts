/** The losses of numbers over the error of one output. */
import { recordLoss } from '../../losses/loss';
import '../../losses';
import { plain } from '../../core/programs/plain';
import { Program } from '../../core/programs/program';
import { tensor, toFlat, zeros } from '../../core/tensor';
import { say, type Language } from '../build/languages';
import { lineChart, type Curve } from './lines';

const errors = Array.from({ length: 121 }, (_, k) => (k - 60) / 20);

/** The loss of an output that is off by each error; of several outputs, the one in a column. */
function curve(name: string, loss: string, column = 0, outputs = 1): Curve {
  const N = errors.length;
  const y = zeros([N, outputs], 'float64');
  errors.forEach((error, n) => y.set(n, column, error));
  const of = { y, dy: zeros([N, outputs], 'float64'), target: zeros([N, outputs], 'float64') };
  const weight = tensor(Array<number>(N).fill(1), [N, 1], 'float64');
  const rowLoss = zeros([N, 1], 'float64');
  const forward = new Program();
  recordLoss(loss, forward, new Program(), { ...of, weight, rowLoss, loss: zeros([1], 'float64') });
  forward.bind(plain)();
  return { name, points: toFlat(rowLoss).map((value, n) => ({ x: errors[n], y: value })) };
}

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      curve(say('squared', language), 'squared'),
      curve(say('absolute', language), 'absolute'),
      curve('Huber', 'huber'),
      // its levels are 0.1, 0.5 and 0.9
      curve(say('quantile 0.9', language), 'quantile', 2, 3),
    ],
    { x: say('error y − q', language), y: say('loss', language), range: [0, 3] },
  );
