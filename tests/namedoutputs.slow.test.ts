/** Several outputs of one network: gradients of every loss among them, by all oracles, and the same in PyTorch. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gradcheck, lossNames, namedOutputs, pytorchProject, type NetworkOptions } from '../index';
import { B, T, lengths, make, named, own, random, x, classes } from './namedcase';
import { describeWith, pythonWith, run } from './outside';

test.each<[string, Partial<NetworkOptions>]>([
  ['many to many', {}],
  ['many to one', { topology: 'many-to-one' }],
  ['as a sum', { reduction: 'sum' }],
])('%s: gradients pass all oracles', (_, options) => {
  const net = make(options);
  const last = options.topology !== undefined;
  const all = Object.entries(own).map(([name, targets]) => {
    if (!last) return [name, targets];
    return [
      name,
      name === 'sum'
        ? { shape: [B, 2], numbers: own.sum.numbers.slice(0, B * 2) }
        : (targets as number[][])[0],
    ];
  });
  const { ok, rows } = gradcheck(net, {
    batch: { x, lengths, targets: named.targets(Object.fromEntries(all) as never) },
  });
  expect(ok).toBe(true);
  expect(rows.length).toBeGreaterThan(5);
});

const builtIn = lossNames();
test.each(builtIn)('%s may be one of the losses', (loss) => {
  const both = namedOutputs({ one: { width: 3, loss, weight: 0.5 }, other: { width: 2, loss: 'bernoulli' } });
  const net = make({ output: both.width, loss: both.loss });
  const isClass = ['softmax', 'smoothed'].includes(loss);
  const numbers = Array.from({ length: T * B * 3 }, () => random.uniform());
  const targets = both.targets({
    one: isClass ? classes(3) : { shape: [T, B, 3], numbers },
    other: { shape: [T, B, 2], numbers: numbers.slice(0, T * B * 2).map(Math.round) },
  });
  expect(gradcheck(net, { batch: { x, targets } }).ok).toBe(true);
  expect(pytorchProject({ network: net })['model.py']).toContain('y[..., 3:5]');
});

const python = pythonWith('torch');
describeWith(python, 'PyTorch is not installed: apt-get install python3-torch')('PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-named-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('computes the same loss and gradients', () => {
    const all = namedOutputs(
      Object.fromEntries(builtIn.map((loss, k) => [loss, { width: 3, loss, weight: 0.5 + k }])),
    );
    const net = make({ output: all.width, loss: all.loss });
    for (const [name, contents] of Object.entries(pytorchProject({ network: net })))
      writeFileSync(join(folder, name), contents);
    expect(run(python as string, [join(folder, 'model.py')])).toMatch(/; gradients within .*: ok\n$/);
  });
});
