/** Linear recurrences by a scan are those of the loop, and their gradients those of the network and of the definition. */
import { network } from '../bptt/network/network';
import { planOf } from '../bptt/network/passes/pass';
import { mingru } from '../cells/mingru';
import { Random } from '../core/random/random';
import {
  recurrenceByLoop,
  recurrenceByScan,
  recurrenceGradients,
  type LinearRecurrence,
} from '../core/programs/scan';
import { columns, toFlat } from '../core/tensor';
import { distance } from './executors';
import { testErrors } from './errors';

const draw = (n: number, of: () => number): Float64Array => Float64Array.from({ length: n }, of);
/** Whole numbers so small that all sums and products are exact: results must be equal, not close. */
const whole = (T: number, W: number, seed = 1): LinearRecurrence & { dh: Float64Array } => {
  const random = new Random(seed);
  const small = (n: number) => draw(n, () => random.below(5) - 2);
  return { a: small(T * W), b: small(T * W), h0: small(W), dh: small(T * W) };
};

test.each([1, 2, 3, 5, 7, 20])(
  'in %i parts, on whole numbers: equal to the loop, forward and backward',
  (parts) => {
    for (const [T, W] of [
      [1, 1],
      [2, 3],
      [7, 2],
      [13, 4],
    ]) {
      const { dh, ...one } = whole(T, W, T);
      const h = recurrenceByLoop(one);
      expect(recurrenceByScan(one, parts)).toEqual(h);
      const byScan = recurrenceGradients(one, h, dh, (reversed) => recurrenceByScan(reversed, parts));
      expect(byScan).toEqual(recurrenceGradients(one, h, dh));
    }
  },
);

test('the gradients are those of the definition: Σ dh is linear in each b, a and h0, so differences are exact', () => {
  const { dh, ...one } = whole(6, 2);
  const loss = (r: LinearRecurrence): number => recurrenceByLoop(r).reduce((sum, v, k) => sum + v * dh[k], 0);
  const { da, db, dh0 } = recurrenceGradients(one, recurrenceByLoop(one), dh);
  for (const [name, gradient] of [
    ['a', da],
    ['b', db],
    ['h0', dh0],
  ] as const)
    gradient.forEach((d, k) => {
      const moved = one[name].map((v, n) => (n === k ? v + 1 : v));
      expect(loss({ ...one, [name]: moved }) - loss(one) + 0).toBe(d + 0); // −0 is 0
    });
});

test('the scan gives the states of a minGRU, and the gradients that reach them', () => {
  const [T, B, D, H] = [50, 3, 4, 5];
  const random = new Random(3);
  const normals = (n: number) => draw(n, () => random.normal());
  const net = network({ layers: [mingru({ input: D, hidden: H })], seed: 1 });
  const pass = net.forward({ x: { shape: [T, B, D], numbers: normals(T * B * D) } });
  const dh = normals(T * B * H);
  pass.backward({ output: dh });
  const [{ buffers, states, dStates }] = planOf(pass).unrolls;
  const [z, n] = [0, H].map((from) => Float64Array.from(toFlat(columns(buffers.a, from, from + H))));
  const one = { a: z.map((v) => 1 - v), b: z.map((v, k) => v * n[k]), h0: new Float64Array(B * H) };
  const h = recurrenceByScan(one, 4);
  expect(distance(h, toFlat(states.h).slice(B * H))).toBeLessThan(1e-14);
  const { db, dh0 } = recurrenceGradients(one, h, dh, (reversed) => recurrenceByScan(reversed, 4));
  const later = db.map((d, k) => d - dh[k]);
  expect(distance(later, toFlat(dStates.h).slice(B * H))).toBeLessThan(1e-13);
  expect(distance(dh0, toFlat(dStates.h).slice(0, B * H))).toBeLessThan(1e-13);
});

const two = { a: new Float64Array(4), b: new Float64Array(4), h0: new Float64Array(2) };
testErrors(RangeError, [
  [
    () => recurrenceByLoop({ ...two, a: new Float64Array(3) }),
    'linear recurrence: a and b must hold T · 2 numbers each, got 3 and 4',
  ],
  [() => recurrenceByScan(two, 0), 'recurrenceByScan: parts must be'],
  [
    () => recurrenceGradients(two, two.b, new Float64Array(3)),
    'recurrenceGradients: dh must hold 4 numbers, got 3',
  ],
]);
