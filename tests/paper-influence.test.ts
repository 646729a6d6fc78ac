import { influence, influenceNetwork } from '../papers/influence';
import { onlineGradients } from '../bptt/online';
import { exactCheck } from '../bptt/check/exact/oracle';
import { problemOfNetwork } from '../bptt/check/problem';

test('θ raises the first unit at once and lowers it in the end: ds/dθ is 1, then more than 9, at last −6', () => {
  const net = influenceNetwork();
  const online = onlineGradients(net, { parameters: ['l0.theta'] });
  const slopes = Array.from({ length: 300 }, () => {
    net.parameters.zeroGradients();
    online.step([0], (y) => y.map((_, k) => (k === 0 ? 1 : 0)));
    return net.parameters.gradients['l0.theta'].get(0);
  });
  expect(slopes[0]).toBe(1);
  expect(slopes[1]).toBe(2);
  expect(Math.max(...slopes)).toBeGreaterThan(9);
  expect(slopes[299]).toBeCloseTo(-6, 9);
});

test('the gradients of its cell are proved', () => {
  const x = { shape: [3, 2, 1], numbers: new Float64Array(6) };
  expect(exactCheck(problemOfNetwork(influenceNetwork(), { x })).proved).toBe(true);
});

test('a quick run: truncated gradients drive θ away, those of real-time recurrent learning to −1/6', async () => {
  const ends = new Map<string, number>();
  for (const row of influence.rows('quick')) {
    const { theta } = await row.run({ seed: 1, data: undefined, progress: () => undefined });
    ends.set(row.name, theta as number);
  }
  expect(ends.get('truncated, 1')).toBeGreaterThan(0.5);
  expect(ends.get('truncated, 10')).toBeGreaterThan(0.7);
  expect(ends.get('RTRL')).toBeLessThan(0.2);
});
