import { elman, gru, jordan, network, spectralRadius, toNested } from '../index';
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
