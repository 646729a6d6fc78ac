/** The rounding error of the gradients of an LSTM in float32, as a share of the bound on it. */
import { network } from '../../bptt/network/network';
import { backwardGradients, problemOfNetwork } from '../../bptt/check/problem';
import { lstm } from '../../cells/lstm';
import { plain } from '../../core/programs/plain';
import { Random } from '../../core/random/random';
import { toFlat } from '../../core/tensor';
import { ErrorBoundExecutor, precisions } from '../../referee/errorbound';
import { say, type Language } from '../build/languages';
import { lineChart, type Curve } from './lines';

const [D, H, O, B] = [4, 16, 3, 4];

/** The shares of all gradients over T steps, from the smallest to the largest. */
function curve(name: string, T: number): Curve {
  const make = (dtype: 'float32' | 'float64') =>
    network({ layers: [lstm({ input: D, hidden: H })], output: O, loss: 'softmax', dtype, seed: 1 });
  const random = new Random(T);
  const x = Array.from({ length: T }, () =>
    Array.from({ length: B }, () => Array.from({ length: D }, () => Math.fround(random.normal()))),
  );
  const batch = { x, targets: x.map((rows) => rows.map(() => random.below(O))) };
  const [low, exact] = [make('float32'), make('float64')];
  // the same weights in both formats
  exact.parameters.flat.data.set(low.parameters.flat.data);
  low.forward(batch).backward();
  const problem = problemOfNetwork(exact, batch);
  problem.forward.bind(plain)();
  const right = backwardGradients(problem.variables, problem.backward, plain);
  const bounds = new ErrorBoundExecutor(precisions.float32);
  for (const { gradient } of Object.values(problem.variables)) gradient.data.fill(0);
  problem.forward.bind(bounds)();
  problem.backward.bind(bounds)();
  const shares = Object.entries(low.parameters.gradients).flatMap(([parameter, gradient]) => {
    const bound = bounds.of(problem.variables[parameter].gradient);
    const low32 = toFlat(gradient);
    // what is 0 without any rounding has no share
    return Array.from(right[parameter], (value, k) => Math.abs(low32[k] - value) / bound[k]).filter(
      (share) => share > 0,
    );
  });
  shares.sort((a, b) => a - b);
  return {
    name,
    points: shares.map((y, k) => ({ x: (k + 0.5) / shares.length, y })),
  };
}

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      { name: say('bound', language), points: [0, 1].map((x) => ({ x, y: 1 })), dashed: true },
      ...[1, 2, 4].map((T) => curve(`T = ${T}`, T)),
    ],
    {
      ...{ x: say('share of the gradients', language), y: say('error / bound', language) },
      ...{ log: 'y', range: [1e-5, 2] as [number, number] },
    },
  );
