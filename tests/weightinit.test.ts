/** Initial weights of each built-in cell: the options reach the matrices they are meant for. */
import type { WeightInit } from '../cells/cell';
import { makers } from '../cells/makers';
import { Random } from '../core/random/random';
import { toFlat, toNested, zeros } from '../core/tensor';
import { testErrors } from './errors';

const [D, H] = [3, 36];
const sizes: Record<string, object> = {
  elman: { input: D, hidden: H },
  lstm: { input: D, hidden: H, peepholes: true },
  lstm1997: { input: D, hidden: H },
  gru: { input: D, hidden: H },
  jordan: { input: D, hidden: H, output: H },
  clockwork: { input: D, hidden: H, periods: [1] },
  lmu: { input: D, hidden: H },
};
// those with a linear recurrence, and a dense layer, have no weights that are fed back (see tests/linear.test.ts), and a reservoir has options
// of its own (see tests/reservoir.test.ts)
const cells = Object.keys(sizes);
const linear = ['mingru', 'minlstm', 'diagonal', 'dense', 'reservoir'];
test('every built-in cell is here or among those with a linear recurrence', () =>
  expect([...cells, ...linear].sort()).toEqual(
    makers()
      .names.filter((name) => name !== 'equations')
      .sort(),
  ));
const fedBack = (cell: string): string => (cell === 'jordan' ? 'Wf' : 'Wh');
/** The gates share one matrix, and each is initialized separately. */
const blocks = (matrix: number[][]): number[][][] =>
  Array.from({ length: matrix[0].length / H }, (_, k) => matrix.map((row) => row.slice(k * H, (k + 1) * H)));

function start(cell: string, options: { inputInit?: WeightInit; recurrentInit?: WeightInit }) {
  const { parameters } = makers().get(cell, 'test')({ ...sizes[cell], ...options });
  return (name: string): number[][] => {
    const { shape, init } = parameters[name];
    const t = zeros(shape);
    init(t, new Random(2));
    return shape.length === 2 ? (toNested(t) as number[][]) : [toFlat(t)];
  };
}

describe.each(cells)('%s', (cell) => {
  test('inputInit fills the input weights, recurrentInit the ones fed back, each gate by itself', () => {
    const weights = start(cell, { inputInit: 'zeros', recurrentInit: 'identity' });
    expect(new Set(weights('Wx').flat())).toEqual(new Set([0]));
    const unit = Array.from({ length: H }, (_, r) => Array.from({ length: H }, (_, c) => (r === c ? 1 : 0)));
    for (const block of blocks(weights(fedBack(cell)))) expect(block).toEqual(unit);
  });

  test('the deviation of normal is 1/√H, the bound of uniform too', () => {
    const weights = start(cell, { inputInit: 'uniform', recurrentInit: 'normal' });
    const uniform = weights('Wx').flat().map(Math.abs);
    expect(Math.max(...uniform)).toBeLessThanOrEqual(1 / 6);
    expect(Math.max(...uniform)).toBeGreaterThan(0.9 / 6);
    const normal = weights(fedBack(cell)).flat();
    const deviation = Math.sqrt(normal.reduce((sum, w) => sum + w * w, 0) / normal.length);
    // of at least 1296 numbers: three standard errors are 6 %
    expect(Math.abs(6 * deviation - 1)).toBeLessThan(0.06);
  });

  test('by default Wx is uniform by Glorot and the matrix fed back is orthogonal, each gate by itself', () => {
    const weights = start(cell, {});
    const bound = Math.sqrt(6 / (D + H));
    const input = weights('Wx').flat().map(Math.abs);
    expect(Math.max(...input)).toBeLessThanOrEqual(bound);
    expect(Math.max(...input)).toBeGreaterThan(0.9 * bound);
    for (const block of blocks(weights(fedBack(cell)))) {
      for (let r = 0; r < H; r++) {
        for (let q = 0; q <= r; q++) {
          const product = block[r].reduce((sum, w, c) => sum + w * block[q][c], 0);
          expect(Math.abs(product - (r === q ? 1 : 0))).toBeLessThan(1e-12);
        }
      }
    }
  });

  test('the cell is called what its maker is called', () => {
    expect(makers().get(cell, 'test')(sizes[cell]).name).toBe(cell);
  });

  test('what is chosen is among the options that a checkpoint keeps', () => {
    const chosen = { inputInit: 'normal', recurrentInit: 'uniform' };
    expect(makers().get(cell, 'test')({ ...sizes[cell], ...chosen }).options).toMatchObject(chosen);
    const defaults = { inputInit: 'glorot', recurrentInit: 'orthogonal', bias: true };
    expect(makers().get(cell, 'test')(sizes[cell]).options).toMatchObject(defaults);
  });

  testErrors(
    TypeError,
    ['inputInit', 'recurrentInit'].map((option) => [
      () => makers().get(cell, 'test')({ ...sizes[cell], [option]: 'magic' }),
      `${cell}: the initializer must be one of glorot, orthogonal, uniform, normal, identity, zeros, got magic`,
    ]),
  );
});

test('the peepholes of an lstm start uniform within 1/√H', () => {
  const weights = start('lstm', {});
  for (const name of ['pi', 'pf', 'po']) {
    const [p] = weights(name);
    expect(Math.max(...p.map(Math.abs))).toBeLessThanOrEqual(1 / 6);
    expect(new Set(p).size).toBe(H);
  }
});
