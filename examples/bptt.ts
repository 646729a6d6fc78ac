/**
 * Backpropagation through time from scratch: one Elman cell on plain arrays, without the engine.
 *
 * The task is to add two binary numbers, one pair of bits per step, lowest bit first: the state has to hold the carry. The loss L
 * is the cross-entropy of all bits; of a value v, `dv` is the gradient ∂L/∂v.
 *
 *   z_t = x_t Wx + h_{t−1} Wh + b    h_t = tanh(z_t)    y_t = h_t Wy + by    p_t = 1 / (1 + exp(−y_t))
 *   L   = − Σ_t ( bit_t log p_t + (1 − bit_t) log(1 − p_t) )
 */
import { Random } from '../index';
import { example } from './example';
import { chart } from './figure';

const names = ['Wx', 'Wh', 'b', 'Wy', 'by'] as const;
/** Wx [2, H], Wh [H, H], b [1, H], Wy [H, 1], by [1, 1]; gradients have the same shapes. */
export type Weights = Record<(typeof names)[number], number[][]>;
/** x_t, the two bits of step t, and the bit of their sum. */
export type Sum = { x: number[]; bit: number }[];

const matrix = (rows: number, columns: number, value: () => number): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, value));
export const start = (H: number, value: () => number): Weights => ({
  Wx: matrix(2, H, value),
  Wh: matrix(H, H, value),
  b: matrix(1, H, () => 0),
  Wy: matrix(H, 1, value),
  by: matrix(1, 1, () => 0),
});

/** row @ W */
const times = (row: number[], W: number[][]): number[] =>
  W[0].map((_, j) => row.reduce((total, value, i) => total + value * W[i][j], 0));

/** The forward pass, first step to last; returns what the backward pass needs. */
export function forward({ Wx, Wh, b, Wy, by }: Weights, sum: Sum) {
  const h = [b[0].map(() => 0)]; // h[t] is the state before step t, h[t + 1] the state after it
  const p: number[] = [];
  let loss = 0;
  sum.forEach(({ x, bit }, t) => {
    const [fromInput, fromState] = [times(x, Wx), times(h[t], Wh)];
    h.push(b[0].map((bias, j) => Math.tanh(fromInput[j] + fromState[j] + bias)));
    const [y] = times(h[t + 1], Wy);
    p.push(1 / (1 + Math.exp(-y - by[0][0])));
    loss -= Math.log(bit === 1 ? p[t] : 1 - p[t]);
  });
  return { h, p, loss };
}

/** The backward pass, last step to first. All steps share the same weights, so their gradients add up over the steps. */
export function backward({ Wh, Wy, b }: Weights, sum: Sum, { h, p }: ReturnType<typeof forward>): Weights {
  const d = start(b[0].length, () => 0);
  let dhNext = b[0].map(() => 0); // after the last step nothing depends on the state
  for (let t = sum.length - 1; t >= 0; t--) {
    const dy = p[t] - sum[t].bit; // gradient of sigmoid and cross-entropy combined
    d.by[0][0] += dy;
    h[t + 1].forEach((value, i) => (d.Wy[i][0] += value * dy));
    const dh = dhNext.map((next, j) => Wy[j][0] * dy + next); // two paths reach h: the output and the next step
    const dz = dh.map((value, j) => value * (1 - h[t + 1][j] ** 2)); // tanh' = 1 − tanh²
    dz.forEach((value, j) => {
      d.b[0][j] += value;
      sum[t].x.forEach((x, i) => (d.Wx[i][j] += x * value));
      h[t].forEach((hPrev, i) => (d.Wh[i][j] += hPrev * value));
    });
    dhNext = Wh.map((row) => row.reduce((total, w, j) => total + w * dz[j], 0)); // Wh dz, for the step before
  }
  return d;
}

/** Visits every weight: w[i][j] of a matrix. */
function visit(weights: Weights, each: (name: keyof Weights, i: number, j: number) => void): void {
  for (const name of names) weights[name].forEach((row, i) => row.forEach((_, j) => each(name, i, j)));
}

/** The largest difference between the gradients and central differences, (L(w + ε) − L(w − ε)) / 2ε, over all weights. */
export function check(weights: Weights, sum: Sum, gradients: Weights, epsilon = 1e-5): number {
  let worst = 0;
  visit(weights, (name, i, j) => {
    const w = weights[name][i][j];
    const lossAt = (value: number): number => {
      weights[name][i][j] = value;
      return forward(weights, sum).loss;
    };
    const slope = (lossAt(w + epsilon) - lossAt(w - epsilon)) / (2 * epsilon);
    lossAt(w);
    worst = Math.max(worst, Math.abs(slope - gradients[name][i][j]));
  });
  return worst;
}

/** Two random numbers of `bits` − 1 bits, so that their sum fits into `bits`. */
export function draw(random: Random, bits: number): Sum {
  const [a, b] = [random.below(2 ** (bits - 1)), random.below(2 ** (bits - 1))];
  const bitsAt = (t: number) => ({ x: [(a >> t) & 1, (b >> t) & 1], bit: ((a + b) >> t) & 1 });
  return Array.from({ length: bits }, (_, t) => bitsAt(t));
}

export const bptt = example({
  title: 'backpropagation through time by hand, on plain arrays: adding binary numbers',
  defaults: { steps: 3000, hidden: 12, bits: 8, learningRate: 0.05, seed: 1 },
  run({ steps, hidden, bits, learningRate, seed }, say) {
    const random = new Random(seed);
    const weights = start(hidden, () => random.normal() / Math.sqrt(hidden));
    const first = draw(random, bits);
    const error = check(weights, first, backward(weights, first, forward(weights, first)));
    say(`the gradients of all weights agree with differences: largest error ${error.toExponential(1)}`);
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      const sum = draw(random, bits);
      const run = forward(weights, sum);
      const gradients = backward(weights, sum, run);
      visit(weights, (name, i, j) => (weights[name][i][j] -= learningRate * gradients[name][i][j]));
      losses.push(run.loss / bits);
    }
    say(chart({ '· loss of a bit, in nats': losses }, 10));
    const isRight = (sum: Sum) => forward(weights, sum).p.every((p, t) => Math.round(p) === sum[t].bit);
    const right = Array.from({ length: 1000 }, () => draw(random, bits)).filter(isRight).length / 1000;
    say(`${(100 * right).toFixed(1)} % of 1000 new sums right in every bit`);
    return right;
  },
});
