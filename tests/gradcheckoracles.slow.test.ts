/** The oracles of the gradient check: the double sum at every length, and what rounding hides. */
import {
  clockwork,
  elman,
  gradcheck,
  gru,
  jordan,
  lstm,
  network,
  problemOfCell,
  Program,
  type Cell,
  type GradcheckReport,
} from '../index';
import { derivativesOf, uprightAt } from '../bptt/check/jacobians/jacobian';
import { suite } from '../bptt/check/suite/suite';
import { kinds } from '../cells/kinds';
import { printGraph } from '../core/programs/print';

const sizes = { input: 4, hidden: 5 };

describe('oracles', () => {
  it.each([
    elman(sizes),
    lstm({ ...sizes, peepholes: true }),
    gru({ ...sizes, reset: 'before' }),
    jordan({ ...sizes, output: 3, feedback: 'p' }),
    clockwork({ input: 4, hidden: 6, periods: [1, 2, 3] }),
  ])('the explicit double sum agrees for T = 1…6, $name', (cell) => {
    const variables = [...Object.keys(cell.parameters), ...Object.keys(cell.states).map((s) => `${s}0`)];
    for (let T = 1; T <= 6; T++) {
      const { rows, ok } = gradcheck(cell, { T, lengths: [T, 1, T], oracles: ['doubleSum'] });
      expect(rows.map(({ variable }) => variable)).toEqual(variables.map((name) => `l0.${name}`));
      expect(ok).toBe(true);
    }
  });

  it('every statement that a cell of the suite records is declared, so that none escapes the duals', () => {
    // these have no derivative number by number: the oracles of whole steps check them, as they do all others
    const otherwise = [
      // outputs and states that are products, so that no elementwise statement leads to them
      'do = doOut + doNext', // Jordan
      'dh = dhOut + dhNext', // the LSTM with a projection
      'dm = dmNext', // the Legendre memory unit
      // the leak of a reservoir is one number for all units: its derivative is a sum along the row
      'g = tanh(z)\nh = hPrev + leak * (g - hPrev)',
      'dh = dhOut + dhNext\ndz = leak * dh * (1 - g * g)\ndhPrev = dh - leak * dh\neachRow = dh * (g - hPrev)',
      'Jh = JhPrev + leak * (Jz * (1 - g * g) - JhPrev)',
      ...['dx = 0', 'dhPrev = 0'], // the accumulators of the products of the clockwork's active modules
      // along a row of Jordan's softmax each number depends on all others
      ...['p = exp(oPrev - logSum)', 'flow = p * dp', 'doPrev = p * (dp - flowSum)'],
      ...['Jflow = p * JoPrev', 'Jp = p * (JoPrev - JflowSum)'],
      'r = stop(hPrev)', // no gradient goes back through it
    ];
    const cells = suite().flatMap(({ cells }) => cells as readonly Cell[]);
    const left = new Set<string>();
    for (const cell of cells) {
      if ('gx' in cell.parameters) {
        // with normalized gates, each number depends on all others of its row
        expect(cell.statements).toEqual([]);
        continue;
      }
      const { unrolls } = problemOfCell(cell).plan;
      const program = new Program();
      // a clockwork does something else at each time
      for (let t = 0; t < 4; t++) {
        const v = unrolls[0].at(t);
        cell.step(program, v, t);
        cell.stepBackward(program, v, t);
        const upright = { ...derivativesOf(unrolls[0]).buffers, ...uprightAt(unrolls[0], t, 0) };
        cell.jacobian?.(program, upright, t);
      }
      const declared = new Set(
        (cell.statements ?? []).flatMap((pair) =>
          [pair.forward, pair.backward, pair.jacobian].flatMap((s) => (s ? [s.graph] : [])),
        ),
      );
      const recorded = new Set(
        program.operations.flatMap((op) => (op.kind === 'pointwise' ? [op.graph] : [])),
      );
      expect([...declared].filter((graph) => !recorded.has(graph))).toEqual([]);
      for (const graph of recorded) if (!declared.has(graph)) left.add(printGraph(graph).join('\n'));
    }
    expect(new Set(cells.map(({ name }) => name))).toEqual(new Set(kinds.names));
    expect([...left].sort()).toEqual(otherwise.sort());
  });
});

describe('where an oracle cannot tell', () => {
  /** A text of one letter, of which the network is as sure as `sure`: the loss is about 2 exp(−sure). */
  const certain = (sure: number, cell: Cell = gru(sizes)) => {
    const net = network({ layers: [cell], output: 3, loss: 'softmax', seed: 4 });
    net.parameters.set('head.by', [sure, 0, 0]);
    return {
      net,
      batch: {
        x: [
          [3, 1],
          [3, 2],
          [0, 1],
        ],
        targets: [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      },
    };
  };
  const count = ({ rows }: GradcheckReport, oracle: string): number =>
    rows.filter((row) => row.oracle === oracle).reduce((sum, { undecided }) => sum + undecided.rounding, 0);

  it.each([5, 10, 15, 20, 25, 30, 36, 40, 100, 700])(
    'it does not call a gradient wrong at a loss of about 2 exp(−%d)',
    (sure) => {
      const { net, batch } = certain(sure);
      const report = gradcheck(net, { batch, coordinates: 8, directions: 2 });
      // undecidable entries are counted, not silently skipped
      if (sure >= 20) expect(count(report, 'differences')).toBeGreaterThan(40);
      if (sure >= 20) expect(count(report, 'forwardMode')).toBeGreaterThan(40);
      expect(report.verdict).not.toBe('wrong');
    },
  );
});
