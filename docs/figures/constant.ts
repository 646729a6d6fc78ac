/** The gradient that reaches the memory of an LSTM of 1997 from the loss of the last step: the full and the truncated one. */
import { network } from '../../bptt/network/network';
import { planOf } from '../../bptt/network/passes/pass';
import { lstm1997 } from '../../cells/lstm1997';
import { Random } from '../../core/random/random';
import { say, type Language } from '../build/languages';
import { lineChart, type Curve } from './lines';

const [T, D, H] = [60, 4, 16];

function curve(name: string, truncated: boolean): Curve {
  const net = network({
    layers: [lstm1997({ input: D, hidden: H, truncated })],
    ...{ output: 2, loss: 'squared', topology: 'many-to-one', seed: 1 },
  });
  const random = new Random(1);
  const x = { shape: [T, 1, D], numbers: Array.from({ length: T * D }, () => random.normal()) };
  const pass = net.forward({ x, targets: [[1, 0]] });
  pass.backward();
  const [{ dStates }] = planOf(pass).unrolls;
  // the last block holds what reaches the state after the last step from outside: nothing does
  const norm = (t: number): number =>
    Math.hypot(...Array.from({ length: H }, (_, unit) => dStates.c.get(t, unit)));
  return { name, points: Array.from({ length: T }, (_, d) => ({ x: d + 1, y: norm(T - 1 - d) })) };
}

export const draw = (language: Language): Promise<string> =>
  lineChart([curve(say('full gradient', language), false), curve(say('truncated', language), true)], {
    ...{ x: say('steps back, d', language), y: '‖∂L/∂c‖', log: 'y' },
  });
