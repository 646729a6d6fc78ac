import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  cell,
  cellFromText,
  elman,
  gru,
  init,
  jordan,
  lstm,
  mingru,
  network,
  spectralRadius,
  toNested,
} from '../index';
import { kinds, inForm } from '../cells/kinds';
import { recurrentMatrices } from '../cells/recurrent';
import { scaleRecurrence } from '../bptt/flow/recurrence';
import { columns } from '../core/tensor';

const H = 4;
const radii = (name: string, cell: Parameters<typeof network>[0]['layers'][number]): number[] => {
  const net = network({ layers: [cell], seed: 3 });
  scaleRecurrence(net, (W) => 0.5 / spectralRadius(W));
  const Wh = net.parameters.values[name];
  return Array.from({ length: Wh.shape[1] / H }, (_, k) =>
    spectralRadius(toNested(columns(Wh, k * H, (k + 1) * H)) as number[][]),
  );
};

test('the recurrent matrix of every gate gets the spectral radius that is asked for', () => {
  for (const radius of radii('l0.Wh', gru({ input: 2, hidden: H, recurrentInit: 'glorot' })))
    expect(radius).toBeCloseTo(0.5, 12);
});

test('a Jordan cell goes on by the product Wf Wo', () => {
  const net = network({ layers: [jordan({ input: 2, hidden: H, output: 3 })], seed: 3 });
  scaleRecurrence(net, (W) => 0.5 / spectralRadius(W));
  const [Wf, Wo] = ['l0.Wf', 'l0.Wo'].map((name) => toNested(net.parameters.values[name]) as number[][]);
  const product = Wf.map((row) => Wo[0].map((_, c) => row.reduce((sum, w, k) => sum + w * Wo[k][c], 0)));
  expect(spectralRadius(product)).toBeCloseTo(0.5, 12);
});

test('a factor is multiplied as it is, and nothing else changes', () => {
  const [plain, scaled] = [0, 1].map(() => network({ layers: [elman({ input: 2, hidden: H })], seed: 3 }));
  scaleRecurrence(scaled, 3);
  const { 'l0.Wh': Wh, ...others } = scaled.parameters.values;
  const before = toNested(plain.parameters.values['l0.Wh']) as number[][];
  expect(toNested(Wh)).toEqual(before.map((row) => row.map((w) => 3 * w)));
  for (const [name, t] of Object.entries(others))
    expect(toNested(t)).toEqual(toNested(plain.parameters.values[name]));
});

/** A cell of one's own, whose hidden layer is projected to a narrower state; its matrices have names of its own. */
const projected = cell(
  {
    name: 'projected',
    shapes: 'x [D]   states s [P]   parameters A [D, H]   R [P, H]   Q [P, H]   C [H, P]',
    forward: `
      g = sigmoid(sPrev @ Q)
      u = tanh(x @ A + sPrev @ R)
      s = (g * u) @ C`,
    backward: `
      ds = dsOut + dsNext
      dv = ds @ C.T
      dg = dv * u * g * (1 - g)
      du = dv * g * (1 - u * u)
      dx = du @ A.T
      dsPrev = dg @ Q.T + du @ R.T
      dA += x.T @ du
      dR += sPrev.T @ du
      dQ += sPrev.T @ dg
      v = g * u
      dC += v.T @ ds`,
  },
  {
    sizes: { D: 2, H: 5, P: 3 },
    init: { A: init.glorot(), R: init.glorot(), Q: init.glorot(), C: init.glorot() },
  },
);

test('the recurrent matrices of a cell are those that multiply its previous state', () => {
  const names = (found: ReturnType<typeof recurrentMatrices>): string[] | undefined =>
    found?.map(({ of, from = 0, then }) => [of, from, ...then.map((m) => m.of)].join(' '));
  const all = kinds.all.map((kind) => {
    const [form] = Object.values(kind.choices);
    return [kind.name, names(recurrentMatrices(inForm(kind, form, { input: 2, hidden: 4 })))];
  });
  expect(Object.fromEntries(all)).toEqual({
    elman: ['Wh 0'],
    lstm: ['Wh 0'],
    lstm1997: ['Wh 0'],
    gru: ['Wh 0', 'Wh 8'],
    jordan: ['Wf 0 Wo'],
    clockwork: ['Wh 0'],
    reservoir: ['Wh 0'],
    lmu: ['eh 0 Bm Wm', 'em 0 Bm', 'Am 0', 'Wh 0'],
    mingru: [],
    minlstm: [],
    diagonal: [],
    dense: [],
  });
  expect(names(recurrentMatrices(gru({ input: 2, hidden: 4, reset: 'before' })))).toEqual(['Wh 0', 'Wh 8']);
  expect(names(recurrentMatrices(lstm({ input: 2, hidden: 4, projection: 3 })))).toEqual(['Wh 0 Wp']);
  expect(names(recurrentMatrices(projected))).toEqual(['Q 0 C', 'R 0 C']);
});

test("the matrices of one's own cell are scaled, whatever their names", () => {
  const net = network({ layers: [projected], seed: 3 });
  scaleRecurrence(net, (W) => 0.5 / spectralRadius(W));
  const [R, Q, C] = ['R', 'Q', 'C'].map(
    (name) => toNested(net.parameters.values[`l0.${name}`]) as number[][],
  );
  for (const M of [R, Q]) {
    const product = M.map((row) => C[0].map((_, c) => row.reduce((sum, w, k) => sum + w * C[k][c], 0)));
    expect(spectralRadius(product)).toBeCloseTo(0.5, 12);
  }
});

test('the two recurrent matrices of a layer with normalization are scaled', () => {
  const equations = readFileSync(join(__dirname, '../examples/cells/layernorm.txt'), 'utf8');
  const net = network({ layers: [cellFromText({ input: 2, hidden: H, equations })], seed: 3 });
  scaleRecurrence(net, (W) => 0.5 / spectralRadius(W));
  for (const name of ['l0.Wh', 'l0.Uh'])
    expect(spectralRadius(toNested(net.parameters.values[name]) as number[][])).toBeCloseTo(0.5, 12);
});

test('a cell whose recurrence is diagonal has no matrix to scale, and is returned', () => {
  const linear = mingru({ input: H, hidden: H });
  expect(scaleRecurrence(network({ layers: [elman({ input: 2, hidden: H }), linear] }), 2)).toBe(linear);
  expect(scaleRecurrence(network({ layers: [elman({ input: 2, hidden: H })] }), 2)).toBeUndefined();
});

test('a cell without equations is rejected', () => {
  const { equations: _none, ...bare } = elman({ input: 2, hidden: H });
  expect(() => scaleRecurrence(network({ layers: [{ ...bare, name: 'bare' }] }), 2)).toThrow(
    'scaleRecurrence: the cell must be defined by equations, got bare',
  );
});

test('a matrix that cannot be divided into square ones is rejected', () => {
  const narrow = cell(
    {
      name: 'narrow',
      shapes: 'x [D]   states h, m [H]   parameters W [D, H]   V [H, 3]',
      forward: `
        score = tanh(hPrev @ V)
        h = x @ W + sum(score, axis=1) * mPrev
        m = h`,
      backward: `
        dh = dhOut + dhNext + dmNext
        dsum = sum(dh * mPrev, axis=1)
        dscore = dsum * (1 - score * score)
        dmPrev = dh * sum(score, axis=1)
        dhPrev = dscore @ V.T
        dx = dh @ W.T
        dW += x.T @ dh
        dV += hPrev.T @ dscore`,
    },
    { sizes: { D: 2, H }, init: { W: init.glorot(), V: init.glorot() } },
  );
  expect(() => scaleRecurrence(network({ layers: [narrow] }), 2)).toThrow(
    'scaleRecurrence: the columns of V must be a multiple of 4, got 3 (l0)',
  );
});
