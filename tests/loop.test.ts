/** Loops: recording a repeated body once is equivalent to recording every step. */
import fc from 'fast-check';
import { rewritten } from '../bptt/network/passes/bound';
import { bidirectional } from '../bptt/network/layers/layer';
import { network } from '../bptt/network/network';
import { Plan } from '../bptt/network/passes/plan';
import { Unroll } from '../bptt/unroll';
import type { Cell } from '../cells/cell';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { defer, hoist } from '../core/programs/hoist';
import { engineMemory } from '../core/memory';
import { oneHot } from '../core/onehot';
import { operandsOf, type Operation } from '../core/programs/operation';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { mul } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { identityOf, rows, toFlat, zeros, type Tensors } from '../core/tensor';
import { executors } from './executors';

fc.configureGlobal({ seed: 20 });

const [T, B, D, H] = [7, 2, 3, 5];

interface Options {
  masked?: boolean;
  reverse?: boolean;
  classes?: boolean;
  steps?: number;
}

function unrolled(
  cell: Cell,
  { masked, reverse, classes, steps = T }: Options = {},
): { programs: Program[]; unroll: Unroll } {
  const make = (): Tensors =>
    Object.fromEntries(Object.entries(cell.parameters).map(([name, { shape }]) => [name, zeros(shape)]));
  const x = classes ? oneHot(steps * B, D) : zeros([steps * B, D]);
  const dx = classes ? x : zeros([steps * B, D]);
  const valid = zeros([steps * B, 1]);
  for (let t = 0; t < steps; t++)
    for (let b = 0; b < B; b++) valid.set(t * B + b, 0, t < steps - 2 * b ? 1 : 0);
  const unroll = new Unroll(cell, {
    ...{ T: steps, B, dtype: 'float64', x, dx, parameters: make(), gradients: make(), reverse },
    ...(masked && { valid }),
  });
  const programs = [new Program(), new Program()];
  unroll.forward(programs[0]);
  unroll.backward(programs[1]);
  return { programs, unroll };
}

/** An operation as text: its kind, and its elements. */
const words = (operation: Operation): string =>
  JSON.stringify([
    operation.kind,
    operation.kind === 'pointwise' ? operation.graph : operation.accumulate,
    operandsOf(operation).map((t) => [identityOf(t.data), t.offset, t.shape, t.stride]),
  ]);

const cells: [string, Cell][] = [
  ['elman', elman({ input: D, hidden: H })],
  ['lstm with peepholes', lstm({ input: D, hidden: H, peepholes: true })],
  ['gru, reset after', gru({ input: D, hidden: H })],
  ['gru, reset before', gru({ input: D, hidden: H, reset: 'before' })],
  ['jordan', jordan({ input: D, hidden: H, output: 4, feedback: 'p' })],
];
const options: Options[] = [{}, { masked: true }, { reverse: true, masked: true }, { classes: true }];

describe.each(cells)('%s', (_name, cell) => {
  test.each(options)('is recorded as one loop each way, which holds every step: %j', (option) => {
    const { programs, unroll } = unrolled(cell, option);
    expect(programs.map(({ entries }) => entries.map(({ kind }) => kind))).toEqual([['loop'], ['loop']]);
    const forward = new Program();
    for (const t of unroll.steps()) unroll.forward(forward, t, t + 1);
    const backward = new Program();
    for (const t of unroll.steps().reverse()) unroll.backward(backward, t, t + 1);
    const all = ({ operations }: Program): string[] => operations.map(words);
    expect(programs.map(all)).toEqual([all(forward), all(backward)]);
  });

  test.each(options)('the same operations leave the loop as are merged step by step: %j', (option) => {
    for (const program of unrolled(cell, option).programs) {
      const [looped, flat] = [hoist(program), hoist(new Program([...program.operations]))];
      expect(looped.entries.length).toBeLessThan(12);
      expect(looped.operations.map(words).sort()).toEqual(flat.operations.map(words).sort());
    }
  });

  test.each(executors)('has the same bits on the $name executor as step by step', (executor) => {
    for (const option of options) {
      const results = [(p: Program) => p, (p: Program) => new Program([...p.operations])].map((change) => {
        const { programs, unroll } = unrolled(cell, option);
        const random = new Random(1);
        const { x, dx, parameters, gradients } = unroll.options;
        for (const t of [...(option.classes ? [] : [x]), ...Object.values(parameters), unroll.dOutput])
          for (let k = 0; k < t.data.length; k++) t.data[k] = random.normal(0, 0.5);
        for (const program of programs) change(hoist(program)).bind(executor)();
        const left = [unroll.output, ...Object.values(gradients), ...Object.values(unroll.dStates)];
        return [...(option.classes ? [] : [dx]), ...left].map(toFlat);
      });
      expect(results[0]).toEqual(results[1]);
    }
  });
});

describe.each([
  [[1, 2, 3], 6],
  [[1, 2, 4], 4],
  [[2, 3], 6],
])('a cell with a clock of periods %j', (periods, cycle) => {
  const cell = clockwork({ input: D, hidden: 6, periods });
  const all: Options[] = [{}, { masked: true }, { reverse: true }].map((one) => ({
    ...one,
    steps: 7 * cycle + 2,
  }));

  test.each(all)('is recorded as a loop over its cycles, and the steps left over: %j', (option) => {
    const { programs, unroll } = unrolled(cell, option);
    const [forward, backward] = [new Program(), new Program()];
    for (const t of unroll.steps()) unroll.forward(forward, t, t + 1);
    for (const t of unroll.steps().reverse()) unroll.backward(backward, t, t + 1);
    programs.forEach(({ entries, operations }, k) => {
      const [loop, ...others] = entries;
      expect(loop).toMatchObject({ kind: 'loop', count: 7 });
      expect(others.some(({ kind }) => kind === 'loop')).toBe(false);
      expect(operations.map(words)).toEqual([forward, backward][k].operations.map(words));
    });
  });

  test.each(executors)('has the numbers on the $name executor as step by step', (executor) => {
    for (const option of all) {
      const results = [(p: Program) => hoist(p), (p: Program) => new Program([...p.operations])].map(
        (change) => {
          const { programs, unroll } = unrolled(cell, option);
          const random = new Random(1);
          const { x, dx, parameters, gradients } = unroll.options;
          for (const t of [x, ...Object.values(parameters), unroll.dOutput])
            for (let k = 0; k < t.data.length; k++) t.data[k] = random.normal(0, 0.5);
          for (const program of programs) change(program).bind(executor)();
          const states = [unroll.output, dx, ...Object.values(unroll.dStates)].map(toFlat);
          return { states: states.flat(), gradients: Object.values(gradients).flatMap(toFlat) };
        },
      );
      const [looped, flat] = results;
      // sums over all steps may be added up in another order
      const largest = Math.max(...flat.gradients.map(Math.abs));
      looped.gradients.forEach((g, k) =>
        expect(Math.abs(g - flat.gradients[k])).toBeLessThan(1e-13 * largest),
      );
      looped.states.forEach((value, k) => expect(value).toBeCloseTo(flat.states[k], 12));
    }
  });

  test('as many operations for any number of cycles', () => {
    const [few, many] = [5, 90].map((count) =>
      unrolled(cell, { steps: count * cycle }).programs.map((program) => hoist(program).entries.length),
    );
    expect(many).toEqual(few);
  });
});

test('a clock that always shows the same makes a loop over steps; one that does not repeat makes none', () => {
  const [always] = unrolled(clockwork({ input: D, hidden: 6, periods: [1] })).programs;
  expect(always.entries).toMatchObject([{ kind: 'loop', count: T }]);
  const [{ entries }] = unrolled(clockwork({ input: D, hidden: 6, periods: [1, 2, 3] })).programs;
  expect(entries.some(({ kind }) => kind === 'loop')).toBe(false);
});

test('a cycle of 512 steps is a loop, of which dx can be computed later; the steps of a longer one are written out', () => {
  const of = (period: number): Program[] => {
    const { programs, unroll } = unrolled(clockwork({ input: D, hidden: 2, periods: [1, period] }), {
      steps: 4 * period,
    });
    const { rest, deferred } = defer(hoist(programs[1]), unroll.options.dx.data);
    return [programs[0], rest, deferred];
  };
  const loops = (programs: Program[]): number[] =>
    programs.map(({ entries }) => entries.filter(({ kind }) => kind === 'loop').length);
  expect(loops(of(512))).toEqual([1, 1, 1]);
  expect(loops(of(513))).toEqual([0, 0, 0]);
});

test('operations that differ are written out', () => {
  const [a, out] = [zeros([9, 1]), zeros([9, 1])];
  const double = statement(({ x }) => ({ y: mul(x, 2) }));
  const move = (place: (time: number) => number) => {
    const program = new Program();
    program.repeat(4, (each, time) => {
      const at = place(time);
      each.pointwise(double, { x: rows(a, time, time + 1), y: rows(out, at, at + 1) });
    });
    return program.entries.map(({ kind }) => kind);
  };
  expect(move((time) => 2 * time)).toEqual(['loop']);
  expect(move((time) => time * time)).toEqual(Array(4).fill('pointwise'));
});

test('recording takes as many operations for a million steps as for ten', () => {
  const recorded = (steps: number): number => {
    let count = 0;
    const { programs } = unrolled(elman({ input: D, hidden: H }));
    const [loop] = programs[0].entries;
    const program = new Program();
    program.repeat(steps, (each) => {
      count++;
      if (loop.kind === 'loop') each.entries.push(...loop.body.map(({ first }) => first));
    });
    return count + hoist(program).entries.length;
  };
  expect(recorded(1e6)).toBe(recorded(10));
});

test.each(['none', 'dot', 'additive'] as const)(
  'a decoder fed its own output is recorded as a loop, attention %s: as many operations for any length',
  (attention) => {
    const net = network({
      ...{ encoder: [gru({ input: 3, hidden: 4 })], layers: [gru({ input: 5, hidden: 4 })], output: 5 },
      ...{ topology: 'encoder-decoder', feed: 'output', loss: 'softmax' },
      ...(attention !== 'none' && { attention }),
    });
    const counts = [10, 1000].map((T) => {
      const shape = { T, B: 2, masked: false, source: { T: 3, masked: false } };
      return engineMemory().borrow(() =>
        rewritten(new Plan(net.architecture, shape, net.parameters)).map(({ entries }) => entries.length),
      );
    });
    expect(counts[1]).toEqual(counts[0]);
    expect(counts[0].reduce((sum, n) => sum + n)).toBeLessThan(150);
  },
);

test('100,000 steps, and unequal lengths of 5,000 in two bidirectional layers, run there and back', () => {
  const randomArray = (steps: number, size: number) => ({
    shape: [steps, 1, size],
    numbers: new Float32Array(steps * size).fill(0.1),
  });
  const both = (input: number) => bidirectional(elman({ input, hidden: 2 }));
  const [long, deep] = [[elman({ input: 1, hidden: 2 })], [both(1), both(4)]].map((layers) =>
    network({ layers, output: 1, loss: 'squared', dtype: 'float32' }),
  );
  for (const [net, steps, lengths] of [
    [long, 100_000, [100_000]],
    [deep, 5000, [4000]],
  ] as const) {
    const pass = net.forward({ x: randomArray(steps, 1), targets: randomArray(steps, 1), lengths });
    expect(pass.loss).toBeGreaterThan(0);
    const dx = pass.backward().x;
    expect([dx.get(0, 0, 0), dx.get(lengths[0] - 1, 0, 0)].every((d) => d !== 0)).toBe(true);
  }
});
