/**
 * Second derivatives in every case of the suite: symmetric, equal to slopes of gradients, exact over the prime field,
 * and equal to PyTorch's.
 */
import {
  bidirectional,
  elman,
  gru,
  hessianVector,
  lstm,
  network,
  problemOfCell,
  Random,
  type Cell,
  type Problem,
} from '../index';
import { add, mul } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { fillFrom, toFlat, zeros, type Tensor, type Tensors } from '../core/tensor';
import { toPytorch, torchModule } from '../io/torch/parameters';
import type { SafeTensor } from '../io/safetensors';
import { describeWith, pythonWith, run } from './outside';
import { symmetricExactly } from '../bptt/check/exact/oracle';
import { hessianOf } from '../bptt/check/hessian';
import { analyticGradients, positionOf } from '../bptt/check/problem';
import { suite } from '../bptt/check/suite/suite';

type Vectors = Record<string, number[]>;
const drawn = ({ variables }: Problem, random: Random): Vectors =>
  Object.fromEntries(
    Object.entries(variables).map(([name, { value }]) => [name, toFlat(value).map(() => random.normal())]),
  );
const dot = (a: Vectors, b: Vectors): number =>
  Object.keys(a).reduce((sum, name) => sum + a[name].reduce((part, x, k) => part + x * b[name][k], 0), 0);

/** Moves the variables by h along v. */
function move({ variables }: Problem, v: Vectors, h: number): void {
  for (const [name, along] of Object.entries(v)) {
    const { value } = variables[name];
    along.forEach((x, k) => (value.data[positionOf(value, k)] += h * x));
  }
}

/** A truncated gradient is no function's gradient: its derivatives are no Hessian. */
const truncated = (name: string): boolean => /truncated/.test(name);
const named = suite().map((one) => [one.name, one] as const);
const withHessian = named.filter(([name]) => !truncated(name));

describe('the Hessian times a vector, in every case of the suite', () => {
  // finite differences cannot check second derivatives near a kink of relu
  it.each(withHessian.filter(([name]) => !/relu/.test(name)))('%s', (_name, { problem }) => {
    const made = problem(2);
    const random = new Random(3);
    const product = hessianOf(made);
    const [u, v] = [drawn(made, random), drawn(made, random)];
    const [Hu, Hv] = [product(u), product(v)];
    const size = Math.sqrt(dot(Hu, Hu) * dot(v, v)) + Math.sqrt(dot(Hv, Hv) * dot(u, u));
    expect(size).toBeGreaterThan(0);
    expect(Math.abs(dot(u, Hv) - dot(v, Hu))).toBeLessThan(1e-12 * size);

    // (g(θ + hv) − g(θ − hv)) / 2h, extrapolated
    const slope = (h: number): Vectors => {
      move(made, v, h);
      const above = analyticGradients(made);
      move(made, v, -2 * h);
      const below = analyticGradients(made);
      move(made, v, h);
      return Object.fromEntries(
        Object.entries(above).map(([name, g]) => [name, g.map((x, k) => (x - below[name][k]) / (2 * h))]),
      );
    };
    const [wide, narrow] = [slope(5e-4), slope(2.5e-4)];
    const length = Math.sqrt(dot(Hv, Hv));
    for (const name of Object.keys(Hv))
      Hv[name].forEach((x, k) =>
        expect(Math.abs((4 * narrow[name][k] - wide[name][k]) / 3 - x)).toBeLessThan(1e-7 * length),
      );
  });

  it.each(withHessian)('%s: symmetric, decided exactly', (_name, { problem }) => {
    expect(symmetricExactly(problem(1))).toBe(true);
  });

  it.each(named.filter(([name]) => truncated(name)))('%s: not symmetric', (_name, { problem }) => {
    expect(symmetricExactly(problem(1))).toBe(false);
  });

  it('of a wrong gradient is not symmetric', () => {
    const right = lstm({ input: 2, hidden: 3 });
    const wrong = {
      ...right,
      stepBackward: (
        program: Parameters<typeof right.stepBackward>[0],
        w: Parameters<typeof right.stepBackward>[1],
        t: number,
      ) => {
        right.stepBackward(program, w, t);
        program.pointwise(
          statement(({ dx, x }) => ({ dx: add(dx, mul(dx, x)) })),
          { dx: w.dx, x: w.x },
        );
      },
    };
    expect(symmetricExactly(problemOfCell(right))).toBe(true);
    expect(symmetricExactly(problemOfCell(wrong))).toBe(false);
  });
});

type Made = [name: string, cell: (input: number) => Cell, layers: number, both: boolean];
const H = 4;
const made: Made[] = [
  ['lstm', (input) => lstm({ input, hidden: H }), 1, false],
  ['lstm, two layers in both directions', (input) => lstm({ input, hidden: H }), 2, true],
  ['gru', (input) => gru({ input, hidden: H }), 1, false],
  ['gru, two layers', (input) => gru({ input, hidden: H }), 2, false],
  ['elman, in both directions', (input) => elman({ input, hidden: H }), 1, true],
];
const [T, B, D, O] = [5, 3, 2, 6];

const python = pythonWith('torch');
describeWith(python, 'PyTorch is not installed: apt-get install python3-torch')('PyTorch', () => {
  const ours: Map<string, SafeTensor>[] = [];
  let theirs: Record<string, number[]>[];
  beforeAll(() => {
    const cases = made.map(([, cellOf, layers, both]) => {
      const random = new Random(7);
      const net = network({
        layers: Array.from({ length: layers }, (_, l) => {
          const one = cellOf(l === 0 ? D : both ? 2 * H : H);
          return both ? bidirectional(one) : one;
        }),
        output: O,
        loss: 'softmax',
        seed: 5,
      });
      const { architecture, parameters } = net;
      for (const t of Object.values(parameters.values))
        fillFrom(
          t,
          toFlat(t).map(() => random.normal(0, 0.5)),
        );
      const steps = <V>(value: () => V): V[][] =>
        Array.from({ length: T }, () => Array.from({ length: B }, value));
      const x = steps(() => Array.from({ length: D }, () => random.normal()));
      const targets = steps(() => random.below(O));
      const v = Object.fromEntries(
        Object.entries(parameters.values).map(([name, { shape }]) => [name, drawnLike(shape, random)]),
      );
      const products = hessianVector(net, { x, targets }, v);
      const shaped = Object.entries(products).map(([name, p]) => {
        const t = zeros(parameters.values[name].shape);
        fillFrom(t, p);
        return [name, t] as const;
      });
      ours.push(toPytorch(architecture, Object.fromEntries(shaped)));
      const stored = (tensors: Tensors) =>
        Object.fromEntries(
          [...toPytorch(architecture, tensors)].map(([name, { shape, data }]) => [
            name,
            { shape, data: Array.from(data as Float64Array) },
          ]),
        );
      const module = torchModule(architecture.layers);
      const sizes = { input: D, hidden: H, layers, directions: both ? 2 : 1, output: O };
      return { module, ...sizes, weights: stored(parameters.values), v: stored(v), x, targets };
    });
    theirs = JSON.parse(
      run(python as string, ['tests/runtimes/torch_hessian.py'], JSON.stringify(cases)),
    ) as typeof theirs;
  });

  it.each(made.map(([name], k) => [name, k] as const))(
    "%s: H v is that of PyTorch's double backward",
    (_name, k) => {
      let compared = 0;
      for (const [name, { data }] of ours[k]) {
        // PyTorch has two biases where one is enough: of the second, only a GRU's block n is one of ours
        const from = !name.includes('bias_hh') ? 0 : made[k][0].startsWith('gru') ? 2 * H : data.length;
        const size = Math.max(...theirs[k][name].map(Math.abs));
        for (let i = from; i < data.length; i++, compared++)
          expect(Math.abs(Number(data[i]) - theirs[k][name][i])).toBeLessThan(1e-10 * size);
      }
      expect(compared).toBeGreaterThan(60);
    },
  );
});

function drawnLike(shape: number[], random: Random): Tensor {
  const t = zeros(shape);
  fillFrom(
    t,
    toFlat(t).map(() => random.normal()),
  );
  return t;
}
