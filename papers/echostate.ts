/**
 * Jaeger & Haas 2004, "Harnessing nonlinearity: Predicting chaotic systems and saving energy in wireless communication"
 * (Science 304), and Jaeger 2001, "The echo state approach to analysing and training recurrent neural networks" (GMD report
 * 148), section 6.
 *
 * Task: continue a Mackey–Glass series with the delay 17 for 84 steps, each prediction being the next input. Only the output
 * layer learns, from one sequence of 3000 steps, of which the first 1000 do not count.
 *
 * Measured, as in section 6.3 of the report: the root mean square of the errors at step 84 of continuations of 20 test
 * sequences, after 1000 steps each in which the network reads them, divided by the standard deviation of the series; in
 * the original coordinates, y = artanh(output) + 1.
 *
 * Published: 400 units 2.8e-4 (report, section 6.4), 1000 units 10^-4.2, a figure of the article of 2004, read in code that
 * compares itself with it (rc-basics-lab, figures_horizon.py), not in the article.
 *
 * Differences: the reservoir is orthogonal, not sparse, and its output is fed back as its input, which is the same up to the
 * scale of that weight; no noise; ridge regression instead of linear regression. The scale of the input and the leak were
 * chosen by hand on other seeds.
 */
import { network, type Network } from '../bptt/network/network';
import type { States } from '../bptt/network/batch/states';
import { fitReadout } from '../bptt/train/readout';
import { reservoir } from '../cells/reservoir';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { mackeyGlass } from '../tasks/mackeyglass';
import type { Figures, Paper, PaperRow, Size } from './paper';

interface Settings {
  hidden: number;
  spectralRadius: number;
  leak: number;
  inputScale: number;
  ridge: number;
  /** Steps of the training sequence, and those at its beginning that do not count; a test reads as many. */
  steps: number;
  washout: number;
  tests: number;
}
const HORIZON = 84;

export const echoState: Paper = {
  name: 'echo-state',
  title: 'Echo-state networks: 84 steps of the Mackey–Glass series, by an output layer alone',
  citation: 'Jaeger & Haas 2004, Harnessing nonlinearity; Jaeger 2001, GMD report 148',
  figuresFrom:
    '400 units: GMD report 148, section 6.4; 1000 units: code that compares itself with the article (rc-basics-lab), not the article',
  about: [
    'root mean square of the errors 84 steps ahead, divided by the standard deviation of the series (NRMSE84)',
    'training: 3000 steps, of which 1000 are washout; test: 20 continuations after 1000 steps',
    'orthogonal reservoirs, ridge regression, no noise',
  ],
  measures: { nrmse: { title: 'NRMSE84', digits: 6, scale: 'log' } },
  rows(size: Size): PaperRow[] {
    const full = size === 'full';
    const common = { spectralRadius: 0.95, leak: 0.8, inputScale: 1, ridge: 1e-10 };
    const lengths = full
      ? { steps: 3000, washout: 1000, tests: 20 }
      : { steps: 1000, washout: 300, tests: 4 };
    const published: Readonly<Record<number, number>> = { 400: 2.8e-4, 1000: 10 ** -4.2 };
    return (full ? [100, 400, 1000] : [100]).map((hidden): PaperRow => {
      const settings: Settings = { hidden, ...common, ...lengths };
      return {
        name: `${hidden} units`,
        settings: { ...settings },
        published: hidden in published ? { nrmse: published[hidden] } : {},
        seeds: full ? 5 : 1,
        run: ({ seed }) => predict(settings, seed),
      };
    });
  },
};

const squash = (x: number): number => Math.tanh(x - 1);
const original = (y: number): number => Math.atanh(Math.max(-0.999999, Math.min(0.999999, y))) + 1;

function predict(settings: Settings, seed: number): Figures {
  const { hidden, spectralRadius, leak, inputScale, ridge, steps, washout, tests } = settings;
  const net = network({
    layers: [reservoir({ input: 1, hidden, spectralRadius, leak, inputScale })],
    ...{ output: 1, seed },
  });
  const random = new Random(seed);
  const series = mackeyGlass(random, steps + 1).map(squash);
  const box = (numbers: Float64Array) => ({ shape: [numbers.length, 1, 1], numbers });
  const training = { x: box(series.slice(0, steps)), targets: box(series.slice(1)) };
  fitReadout(net, training, { ridge, washout });

  const whole = mackeyGlass(random, tests * (washout + HORIZON));
  const starts = Array.from({ length: tests }, (_, k) => k * (washout + HORIZON));
  const predicted = continued(net, starts.map((at) => whole.slice(at, at + washout).map(squash))); // prettier-ignore
  const mean = whole.reduce((sum, x) => sum + x, 0) / whole.length;
  const variance = whole.reduce((sum, x) => sum + (x - mean) ** 2, 0) / whole.length;
  const squares = starts.reduce((sum, at, k) => {
    const wanted = whole[at + washout + HORIZON - 1];
    return sum + (original(predicted[k]) - wanted) ** 2;
  }, 0);
  return { nrmse: Math.sqrt(squares / tests / variance) };
}

/** Reads sequences, then continues each for 84 steps by its own predictions; gives the last of them. */
function continued(net: Network, sequences: readonly Float64Array[]): number[] {
  const B = sequences.length;
  const T = sequences[0].length;
  let from: States | undefined;
  const read = (numbers: Float64Array): number[] => {
    const pass = net.forward(
      { x: { shape: [numbers.length / B, B, 1], numbers } },
      { ...(from && { from }) },
    );
    from = pass.states;
    return toFlat(pass.output).slice(-B);
  };
  const CHUNK = 100;
  let next: number[] = [];
  for (let t = 0; t < T; t += CHUNK) {
    const length = Math.min(CHUNK, T - t);
    next = read(Float64Array.from({ length: length * B }, (_, k) => sequences[k % B][t + Math.floor(k / B)]));
  }
  for (let k = 1; k < HORIZON; k++) next = read(Float64Array.from(next));
  return next;
}
