/** The gradient check passes right gradients: every case of the suite, and networks of all kinds. */
import { errorBounds, elman, gradcheck, gru, lstm, network, Random, type Cell } from '../index';
import { checkProblem } from '../bptt/check/gradcheck';
import type { GradcheckRow } from '../bptt/check/row';
import { randomNormals, drawStates, fillRandom } from '../bptt/check/problem';
import { suite } from '../bptt/check/suite/suite';
import { outputAxes } from '../bptt/network/topology';
import { executors } from './executors';

describe('every case of the suite keeps every bound', () => {
  it.each(suite().map((one) => [one.name, one] as const))('%s', (name, { group, cells, problem }) => {
    // single layers at every coordinate; networks of the same layers at some, plus a few random directions
    const sample = group === 'network' ? { coordinates: 6, directions: 3 } : {};
    const { rows, verdict } = checkProblem(problem(1), cells, { seed: 1, ...sample });
    expect(verdict).toBe('right');
    // no path leads from the initial state of a dense layer or past a cut: differences cannot tell 0 from a tiny slope
    const isCut = /dense|truncated/.test(name);
    const unreached = (row: GradcheckRow): boolean =>
      isCut && row.oracle === 'differences' && /h0$/.test(row.variable) && row.verdict === 'undecided';
    expect(rows.filter((row) => !row.ok && !unreached(row))).toEqual([]);
    expect(rows.length).toBeGreaterThan(4);
    for (const { oracle, bound } of rows) expect(bound).toBe(errorBounds[oracle]);
  });
});

describe('networks of every make: loss × reduction × at × dropout × initial states × lengths', () => {
  const [T, B, D, O] = [3, 2, 4, 3];
  const stacks: (() => Cell[])[] = [
    () => [lstm({ input: D, hidden: 5 }), gru({ input: 5, hidden: 2 })],
    () => [
      gru({ input: D, hidden: 2, reset: 'before' }),
      lstm({ input: 2, hidden: 3, peepholes: true }),
      elman({ input: 3, hidden: 5, activation: 'sigmoid' }),
    ],
    () => [
      elman({ input: D, hidden: 5, activation: 'relu' }),
      lstm({ input: 5, hidden: 2, bias: false }),
      gru({ input: 2, hidden: 3, bias: false }),
    ],
  ];
  const both = [true, false];
  const losses = ['softmax', 'bernoulli', 'squared', undefined] as const;
  const makes = losses.flatMap((loss) =>
    (['many-to-many', 'many-to-one'] as const).map((topology) => ({ loss, topology })),
  );

  it.each(makes)('loss $loss, $topology', ({ loss, topology }) => {
    let turn = makes.findIndex((make) => make.loss === loss && make.topology === topology);
    for (const dropout of [0, 0.4]) {
      for (const trainInitial of both) {
        for (const ragged of both) {
          // each combination with the next stack, executor and reduction, so that all meet all
          turn++;
          const layers = stacks[turn % stacks.length];
          const executor = executors[turn % executors.length].name as 'plain';
          const reduction = Math.floor(turn / 2) % 2 ? 'mean' : 'sum';
          const random = new Random(turn);
          const net = network({
            layers: layers(),
            ...(loss && { loss, reduction, output: O }),
            ...{ topology, dropout, trainInitial, executor, seed: turn },
          });
          for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
          const steps = outputAxes(topology, T, B);
          const N = steps.reduce((product, n) => product * n, 1);
          const targets =
            loss === 'softmax'
              ? { shape: steps, numbers: Array.from({ length: N }, () => random.below(O)) }
              : { shape: [...steps, O], numbers: Array.from({ length: N * O }, () => random.below(2)) };
          const report = gradcheck(net, {
            batch: {
              x: { shape: [T, B, D], numbers: randomNormals(T * B * D, random) },
              ...(loss && { targets }),
              ...(ragged && { lengths: [T, 2] }),
              ...(!trainInitial && { initial: drawStates(net.architecture, B, random) }),
            },
            coordinates: 5,
            directions: 2,
          });
          const names = Object.keys(net.parameters.values);
          const variables = new Set(report.rows.map(({ variable }) => variable));
          expect([...names, 'x'].filter((name) => !variables.has(name))).toEqual([]);
          expect(report.rows.filter(({ verdict }) => verdict === 'wrong')).toEqual([]);
          expect(report.verdict).toBe('right');
        }
      }
    }
  });
});
