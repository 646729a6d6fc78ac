/** Requirements on every cell, whatever its equations: run for each variant with each executor and dtype. */
import { copyNetwork, network, type Network, type Pass } from '../bptt/network/network';
import { randomNormals } from '../bptt/check/problem';
import { outputOf, type Cell } from '../cells/cell';
import { Random } from '../core/random/random';
import { sizeOf, toFlat, toNested } from '../core/tensor';
import { distance, executors, settings, type Setting } from './executors';

/** The equations of step t for one row, as plain loops: new states from the input and the old ones. */
export type Reference = (
  x: number[],
  states: Record<string, number[]>,
  parameters: Record<string, number[][]>,
  t: number,
) => Record<string, number[]>;

export interface Variant {
  name: string;
  make: (sizes: { input: number; hidden: number }) => Cell;
  reference: Reference;
}

const [T, B, D, H] = [3, 2, 3, 5];

/** x W for one row. */
export const times = (x: number[], W: number[][]): number[] =>
  W[0].map((_, n) => x.reduce((sum, v, k) => sum + v * W[k][n], 0));
/** Entry by entry. */
export const zip = (f: (...args: number[]) => number, ...lists: number[][]): number[] =>
  lists[0].map((_, k) => f(...lists.map((list) => list[k])));
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** The k-th of the blocks of `width` entries. */
export const block = (row: number[], k: number, width: number): number[] =>
  row.slice(k * width, (k + 1) * width);

/** Everything a backward pass gives, by name. */
export type Gradients = Record<string, number[]>;

/** One layer, with the given weights, run forward and backward. */
export function runCell(
  cell: Cell,
  { dtype, executorName }: Pick<Setting, 'dtype' | 'executorName'>,
  weights: Record<string, number[]>,
  given: { x: number[][][]; initial: Record<string, number[]> },
  upstream: { output: number[]; states: Record<string, number[]> },
): { output: number[]; states: Gradients; gradients: Gradients } {
  const net = network({ layers: [cell], dtype, executor: executorName });
  expect(Object.keys(net.parameters.values).sort()).toEqual(
    Object.keys(weights)
      .map((name) => `l0.${name}`)
      .sort(),
  );
  for (const [name, values] of Object.entries(weights)) net.parameters.set(`l0.${name}`, values);
  const prefixed = (record: Record<string, number[]>): Record<string, number[]> =>
    Object.fromEntries(Object.entries(record).map(([name, values]) => [`l0.${name}`, values]));
  const result = net.forward({ x: given.x, initial: prefixed(given.initial) });
  const back = result.backward({ output: upstream.output, states: prefixed(upstream.states) });
  const flat = (record: Record<string, Parameters<typeof toFlat>[0]>, end = ''): Gradients =>
    Object.fromEntries(Object.entries(record).map(([name, t]) => [name.replace('l0.', '') + end, toFlat(t)]));
  return {
    output: toFlat(result.output),
    states: flat(result.states),
    gradients: { ...flat(net.parameters.gradients), x: toFlat(back.x), ...flat(back.initial, '0') },
  };
}

/** Compares everything computed with everything worked out by hand. */
export function expectByHand(actual: Gradients, expected: Gradients, { rounding }: Setting): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    const error = distance(actual[name], values);
    if (!(error <= rounding)) throw new Error(`${name} must be ${values.join()}, got ${actual[name].join()}`);
  }
}

interface Run {
  net: Network;
  x: Float64Array;
  initial: Record<string, Float64Array>;
  upstream: { output: Float64Array; states: Record<string, Float64Array> };
  /** The last one, once there is one. */
  pass?: Pass;
}

/** A layer with random weights, inputs, initial states and upstream gradients, all of them numbers of float32. */
function prepare(
  cell: Cell,
  { dtype, executorName }: Pick<Setting, 'dtype' | 'executorName'>,
  seed = 0,
): Run {
  const random = new Random(seed);
  const some = (n: number): Float64Array => randomNormals(n, random).map(Math.fround);
  const net = network({ layers: [cell], dtype, executor: executorName });
  for (const [name, t] of Object.entries(net.parameters.values))
    net.parameters.set(name, some(sizeOf(t.shape)));
  const states = (): Record<string, Float64Array> =>
    Object.fromEntries(Object.entries(cell.states).map(([s, width]) => [`l0.${s}`, some(B * width)]));
  return {
    net,
    x: some(T * B * D),
    initial: states(),
    upstream: { output: some(T * B * outputOf(cell).width), states: states() },
  };
}

const forward = (run: Run): Pass =>
  (run.pass = run.net.forward({ x: { shape: [T, B, D], numbers: run.x }, initial: run.initial }));

/** Runs backward and copies the results. */
function gradientsOf({ net, pass, upstream }: Run, scale = 1): Gradients {
  const scaled = (values: Float64Array): Float64Array => values.map((v) => v * scale);
  const states = Object.fromEntries(Object.entries(upstream.states).map(([s, v]) => [s, scaled(v)]));
  const { x, initial } = pass!.backward({ output: scaled(upstream.output), states });
  const all = { ...net.parameters.gradients, x, ...initial };
  return Object.fromEntries(Object.entries(all).map(([name, t]) => [name, toFlat(t)]));
}

/** Declares the tests that every variant of a cell must pass. */
export function describeCell(variants: readonly Variant[]): void {
  describe.each(settings)('$name', (setting) => {
    describe.each(variants)('$name', ({ make, reference }) => {
      const cell = make({ input: D, hidden: H });
      const { name: first, width: W } = outputOf(cell);

      test('forward is the equations, number by number', () => {
        const run = prepare(cell, setting);
        const { output, states } = forward(run);
        const parameters = Object.fromEntries(
          Object.entries(run.net.parameters.values).map(([name, t]) => {
            const values = toNested(t) as number[] | number[][];
            return [name.replace('l0.', ''), (t.shape.length === 1 ? [values] : values) as number[][]];
          }),
        );
        for (let b = 0; b < B; b++) {
          const row = (values: ArrayLike<number>, width: number, at: number): number[] =>
            Array.from({ length: width }, (_, k) => values[at * width + k]);
          let now = Object.fromEntries(
            Object.entries(cell.states).map(([s, width]) => [s, row(run.initial[`l0.${s}`], width, b)]),
          );
          for (let t = 0; t < T; t++) {
            now = reference(row(run.x, D, t * B + b), now, parameters, t);
            expect(distance(row(toFlat(output), W, t * B + b), now[first])).toBeLessThanOrEqual(
              setting.rounding,
            );
          }
          for (const [s, width] of Object.entries(cell.states)) {
            const final = row(toFlat(states[`l0.${s}`]), width, b);
            expect(distance(final, now[s])).toBeLessThanOrEqual(setting.rounding);
          }
        }
      });

      test('backward is that of the plain executor in float64', () => {
        const run = prepare(cell, setting);
        forward(run);
        const gradients = gradientsOf(run);
        const twin = prepare(cell, { dtype: 'float64', executorName: executors[0].name as 'plain' });
        forward(twin);
        for (const [name, expected] of Object.entries(gradientsOf(twin))) {
          expect(distance(gradients[name], expected)).toBeLessThanOrEqual(setting.rounding);
        }
      });

      test('zero upstream gives exactly zero', () => {
        const run = prepare(cell, setting);
        forward(run);
        for (const values of Object.values(gradientsOf(run, 0)))
          expect(values.every((v) => v === 0)).toBe(true);
      });

      test('upstream times four gives exactly four times', () => {
        const [once, four] = [1, 4].map((scale) => {
          const run = prepare(cell, setting);
          forward(run);
          return gradientsOf(run, scale);
        });
        for (const [name, values] of Object.entries(once))
          expect(four[name]).toEqual(values.map((v) => 4 * v));
      });

      test('two runs are bit-equal', () => {
        const [first, second] = [0, 1].map(() => {
          const run = prepare(cell, setting);
          const { output } = forward(run);
          return { output: toFlat(output), ...gradientsOf(run) };
        });
        expect(second).toEqual(first);
      });

      test('two backwards without zeroing give twice, for the parameters only', () => {
        const run = prepare(cell, setting);
        forward(run);
        const once = gradientsOf(run);
        const twice = gradientsOf(run);
        for (const [name, values] of Object.entries(once)) {
          if (!(name in run.net.parameters.values)) expect(twice[name]).toEqual(values);
          // sums with another starting value round differently
          const doubled = values.map((v) => 2 * v);
          if (name in run.net.parameters.values)
            expect(distance(twice[name], doubled)).toBeLessThanOrEqual(setting.rounding);
        }
      });

      test('of one step of one row, where nothing but the doubling rounds, exactly twice', () => {
        const run = prepare(cell, setting);
        const one = (values: Float64Array, width: number): Float64Array => values.slice(0, width);
        const states = (all: Record<string, Float64Array>): Record<string, Float64Array> =>
          Object.fromEntries(Object.entries(all).map(([s, v]) => [s, one(v, v.length / B)]));
        run.upstream = { output: one(run.upstream.output, W), states: states(run.upstream.states) };
        run.pass = run.net.forward({
          x: { shape: [1, 1, D], numbers: one(run.x, D) },
          initial: states(run.initial),
        });
        const once = gradientsOf(run);
        const twice = gradientsOf(run);
        for (const name of Object.keys(run.net.parameters.values))
          expect(twice[name]).toEqual(once[name].map((v) => 2 * v));
      });

      test('a second forward does not remember the first', () => {
        const run = prepare(cell, setting);
        const before = toFlat(forward(run).output);
        const other = { ...run, x: run.x.map((v) => 3 * v) };
        forward(other);
        gradientsOf(other);
        expect(toFlat(forward(run).output)).toEqual(before);
      });

      test('each row of a batch is as if it were alone, forward and backward', () => {
        const run = prepare(cell, setting);
        const together: Gradients = { output: toFlat(forward(run).output), ...gradientsOf(run) };
        const sums: Gradients = {};
        for (let b = 0; b < B; b++) {
          const net = copyNetwork(run.net, { dtype: setting.dtype });
          const pick = (values: Float64Array, width: number): Float64Array =>
            values.filter((_, k) => Math.floor(k / width) % B === b);
          const alone: Run = {
            net,
            x: pick(run.x, D),
            initial: Object.fromEntries(
              Object.entries(run.initial).map(([s, v]) => [s, pick(v, v.length / B)]),
            ),
            upstream: {
              output: pick(run.upstream.output, W),
              states: Object.fromEntries(
                Object.entries(run.upstream.states).map(([s, v]) => [s, pick(v, v.length / B)]),
              ),
            },
          };
          const pass = net.forward({
            x: { shape: [T, 1, D], numbers: alone.x },
            initial: alone.initial,
          });
          const own: Gradients = { output: toFlat(pass.output), ...gradientsOf({ ...alone, pass }) };
          for (const [name, values] of Object.entries(own)) {
            if (name in net.parameters.values) {
              sums[name] = zip((p, q) => p + q, values, sums[name] ?? values.map(() => 0));
            } else {
              const width = { x: D, output: W }[name] ?? cell.states[name.replace('l0.', '')];
              const row = together[name].filter((_, k) => Math.floor(k / width) % B === b);
              expect(distance(row, values)).toBeLessThanOrEqual(setting.rounding);
            }
          }
        }
        for (const [name, values] of Object.entries(sums)) {
          expect(distance(together[name], values)).toBeLessThanOrEqual(setting.rounding);
        }
      });
    });
  });
}
