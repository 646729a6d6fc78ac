/** Layer normalization and residual connections around every kind of cell: gradients by all oracles, mistakes, checkpoints. */
import {
  decodeCheckpoint,
  encodeCheckpoint,
  gradcheck,
  mutationScore,
  network,
  problemOfCell,
  toFlat,
  type Cell,
} from '../index';
import { kinds, inForm } from '../cells/kinds';

const D = 4;
const around = [{ layerNorm: true }, { residual: true }, { layerNorm: true, residual: true }];
/** Every kind that takes the options, as wide as its input. */
const able = kinds.all.filter(({ name }) => name !== 'clockwork' && name !== 'reservoir');
const made = (name: string, options: object): Cell => {
  const kind = kinds.get(name, 'test');
  return inForm(kind, Object.values(kind.variants)[0], { input: D, hidden: D, output: D }, options);
};

describe.each(able.map(({ name }) => name))('%s', (name) => {
  test.each(around)('with %j has the right gradients', (options) => {
    const report = gradcheck(made(name, options), { T: 4, B: 2, lengths: [4, 2] });
    expect(report.rows.filter(({ verdict }) => verdict === 'wrong')).toEqual([]);
    expect(report.ok).toBe(true);
  });

  test('comes back from a checkpoint with them', () => {
    const net = network({ layers: [made(name, { layerNorm: true, residual: true })], output: 2 });
    const { network: same } = decodeCheckpoint(encodeCheckpoint({ network: net }));
    const x = [[[1, 2, 3, 5]], [[0, 1, -1, 2]]];
    expect(toFlat(same.forward({ x }).output)).toEqual(toFlat(net.forward({ x }).output));
  });

  test('has no mistake around it that a check would miss', () => {
    const problem = problemOfCell(made(name, { layerNorm: true, residual: true }), { T: 3, B: 2 });
    expect(mutationScore(problem, { oracles: ['exact', 'forwardMode'] }).survivors).toEqual([]);
  });
});
