/** How far the mean of n online estimates of a gradient (UORO) is from the gradient: the root mean square of several runs. */
import { network } from '../../bptt/network/network';
import { onlineGradients, type OnlineMethod } from '../../bptt/online';
import { elman } from '../../cells/elman';
import { lazy } from '../../core/once';
import { Random } from '../../core/random/random';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const [T, D, H, runs, most] = [20, 2, 4, 10, 200];

/** By the number of estimates, for every language. */
const points = lazy((): { x: number; y: number }[] => {
  const net = network({ layers: [elman({ input: D, hidden: H })], output: 1, seed: 1 });
  const random = new Random(1);
  const x = Array.from({ length: T }, () => Array.from({ length: D }, () => random.normal()));
  const gradient = (method: OnlineMethod): Float64Array => {
    net.parameters.zeroGradients();
    const online = onlineGradients(net, { method, random });
    for (const row of x) online.step(row, ([y]) => [y - 1]);
    return Float64Array.from(net.parameters.flatGradients.data);
  };
  const exact = gradient('rtrl');
  /** ‖mean of n estimates − gradient‖² / ‖gradient‖² for n = 1 … most. */
  const errors = (): number[] => {
    const sum = new Float64Array(exact.length);
    return Array.from({ length: most }, (_, k) => {
      gradient('uoro').forEach((value, at) => (sum[at] += value));
      return (Math.hypot(...sum.map((value, at) => value / (k + 1) - exact[at])) / Math.hypot(...exact)) ** 2;
    });
  };
  const all = Array.from({ length: runs }, errors);
  return Array.from({ length: most }, (_, k) => ({
    x: k + 1,
    y: Math.sqrt(all.reduce((total, run) => total + run[k], 0) / runs),
  }));
});

export const draw = (language: Language): Promise<string> =>
  lineChart([{ name: 'UORO', points: points() }], {
    ...{ x: say('estimates n', language), y: say('error of their mean', language), log: 'both' },
  });
