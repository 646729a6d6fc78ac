/** The state of one diagonal linear unit that reads bits, with weights set by hand, for a negative and a positive eigenvalue. */
import { network } from '../../bptt/network/network';
import { diagonal, type DiagonalOptions } from '../../cells/diagonal';
import { Random } from '../../core/random/random';
import { counting } from '../../tasks/counting';
import { say, type Language } from '../build/languages';
import { lineChart, type Curve } from './lines';

const T = 24;
const { bits } = counting(new Random(3), 2, T, T);

/** A zero keeps the state (p = 1, q = 0); `one` are the weights of a one, before the logistic function. */
function curve(
  name: string,
  eigenvalues: DiagonalOptions['eigenvalues'],
  one: [s: number, q: number],
): Curve {
  const net = network({ layers: [diagonal({ input: 2, hidden: 1, bias: false, eigenvalues })] });
  net.parameters.set('l0.Wx', [40, 0, ...one]);
  const { output } = net.forward({ x: { shape: [T, 1], numbers: bits } });
  return { name, points: bits.map((_, t) => ({ x: t, y: output.get(t, 0, 0) })) };
}

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      curve(say('p = −1 at a one', language), 'signed', [-40, 1]),
      curve(say('p = 0.8 at a one', language), 'positive', [Math.log(4), 0.2]),
    ],
    { x: say('step t', language), y: 'h', range: [0, 1] },
  );
