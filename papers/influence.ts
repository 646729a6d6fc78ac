/**
 * Tallec & Ollivier 2017, "Unbiased online recurrent optimization" (arXiv 1702.05043, ICLR 2018), influence balancing.
 *
 * Task: s_t = A s_{t−1} + θ v with 23 units; A has ½ on the diagonal and above it, v has ten entries +1, then thirteen −1.
 * The only parameter is θ, at first ½; the loss of each step is ½ (s_t[0] − 1)². In the short term a larger θ raises s[0],
 * in the long term it lowers it: the fixed point has s[0] = 2 (10 − 13) θ = −6 θ, so the loss is 0 at θ = −1/6.
 *
 * Measured: θ after 3000 steps, and the mean loss of the last 100. A truncated run updates θ after each chunk, by the
 * gradient summed over its steps.
 *
 * Published, as a figure: truncated backpropagation diverges unless its span is much longer than the memory of the network;
 * UORO converges. The span of 300 steps and real-time recurrent learning are ours.
 */
import { network, type Network } from '../bptt/network/network';
import { onlineGradients, type OnlineMethod } from '../bptt/online';
import { cell } from '../cells/define';
import { constant } from '../core/random/init';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import type { States } from '../bptt/network/batch/states';
import type { Paper, PaperRow, Size } from './paper';

const [UNITS, POSITIVE] = [23, 10];
const THETA = 'l0.theta';
/** Steps at the end over which the loss is averaged. */
const LAST = 100;

interface Settings {
  method: OnlineMethod | 'truncated';
  /** Steps that a truncated gradient flows back over. */
  chunk: number;
  rate: number;
  steps: number;
}

export const influence: Paper = {
  name: 'influence-balancing',
  title: 'Influence balancing: one parameter with a positive short-term and a negative long-term effect',
  citation: 'Tallec & Ollivier 2017, Unbiased online recurrent optimization',
  figuresFrom: 'a figure of arXiv 1702.05043, in words',
  about: [
    '23 linear units, one parameter; the loss is 0 at θ = -1/6, and larger than the first one, 8, beyond θ = 1/2',
    'published is a figure: truncated backpropagation diverges, UORO converges',
    'learning rate 1e-4, of UORO 1e-5; 3000 steps; seeds matter for UORO only',
  ],
  measures: {
    theta: { title: 'θ at the end', digits: 3 },
    loss: { title: 'loss of the last 100 steps', digits: 4, scale: 'log' },
  },
  rows(size: Size): PaperRow[] {
    const full = size === 'full';
    const steps = full ? 3000 : 300;
    const truncated = (chunk: number): Settings => ({ method: 'truncated', chunk, rate: 1e-4, steps });
    const online = (method: OnlineMethod, rate: number): Settings => ({ method, chunk: 1, rate, steps });
    const chunks = full ? [1, 10, 100, 300] : [1, 10, 100];
    const rows = [...chunks.map(truncated), online('rtrl', 1e-4), online('uoro', 1e-5)];
    return rows.map((settings) => ({
      name: settings.method === 'truncated' ? `truncated, ${settings.chunk}` : settings.method.toUpperCase(),
      settings: { ...settings },
      published: { theta: publishedOf(settings) },
      seeds: full && settings.method === 'uoro' ? 10 : 1,
      run: ({ seed }) => learn(settings, new Random(seed)),
    }));
  },
};

const publishedOf = ({ method, chunk }: Settings): string =>
  method === 'uoro' ? 'converges' : method === 'truncated' && chunk <= 100 ? 'diverges' : '–';

/** The network: θ, A and v are parameters, and only θ is trained. */
export function influenceNetwork(): Network {
  const linear = cell(
    {
      name: 'influence',
      shapes: 'x [D]   states h [H]   parameters theta [1]   A [H, H]   v [H]',
      forward: 'h = hPrev @ A.T + theta * v + 0 * sum(x, axis=1)',
      backward: `
        dh = dhOut + dhNext             # two paths reach h: the output at t, and the step t + 1
        dhPrev = dh @ A
        dx = 0 * x
        dA += dh.T @ hPrev
        dv += sum(theta * dh)
        each = sum(dh * v, axis=1)
        dtheta += sum(each)`,
    },
    {
      sizes: { D: 1, H: UNITS },
      init: { theta: constant(0.5), A: constant(0), v: constant(0) },
    },
  );
  const net = network({ layers: [linear] });
  const index = Array.from({ length: UNITS }, (_, k) => k);
  net.parameters.set('l0.A', index.flatMap((i) => index.map((j) => (j === i || j === i + 1 ? 0.5 : 0)))); // prettier-ignore
  net.parameters.set('l0.v', index.map((i) => (i < POSITIVE ? 1 : -1))); // prettier-ignore
  return net;
}

function learn({ method, chunk, rate, steps }: Settings, random: Random): { theta: number; loss: number } {
  const net = influenceNetwork();
  const { values, gradients } = net.parameters;
  const losses: number[] = [];
  /** dL/dy of a step, which only the first unit has. */
  const slope = (y: ArrayLike<number>, at = 0): number[] => {
    losses.push((y[at] - 1) ** 2 / 2);
    return Array.from({ length: UNITS }, (_, k) => (k === 0 ? y[at] - 1 : 0));
  };
  const update = (): void => {
    net.parameters.set(THETA, [values[THETA].get(0) - rate * gradients[THETA].get(0)]);
    net.parameters.zeroGradients();
  };
  const online =
    method === 'truncated' ? undefined : onlineGradients(net, { method, parameters: [THETA], random });
  let from: States | undefined;
  for (let t = 0; t < steps; t += chunk) {
    if (online) online.step([0], slope);
    else {
      const x = { shape: [chunk, 1, 1], numbers: new Float64Array(chunk) };
      const pass = net.forward({ x }, from && { from });
      const y = toFlat(pass.output);
      from = pass.states;
      const numbers = Array.from({ length: chunk }, (_, k) => slope(y, k * UNITS)).flat();
      pass.backward({ output: { shape: [chunk, 1, UNITS], numbers } });
    }
    update();
  }
  return {
    theta: values[THETA].get(0),
    loss: losses.slice(-LAST).reduce((sum, loss) => sum + loss, 0) / LAST,
  };
}
