/** Cells without a PyTorch module: generated from their forward equations, run there, and compared with the engine. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bidirectional,
  cell,
  cellFromText,
  clockwork,
  dense,
  diagonal,
  elman,
  embedding,
  gru,
  init,
  jordan,
  lmu,
  lstm,
  lstm1997,
  mingru,
  minlstm,
  network,
  pytorchProject,
  toFlat,
  type Cell,
  type NetworkOptions,
} from '../index';
import { runnerOf } from '../bptt/network/network';
import { decodeSafetensors, type SafeTensor } from '../io/safetensors';
import { distance } from './executors';
import { describeWith, pythonWith, run } from './outside';

const [D, H] = [3, 4];
const fromFile = (name: string, input = D, hidden = H): Cell =>
  cellFromText({
    ...{ input, hidden },
    equations: readFileSync(join(__dirname, '../examples/cells', `${name}.txt`), 'utf8'),
  });

/** Every function of the language, names that are words of Python, and a state that no row of the batch decides. */
const odd = cell(
  {
    name: 'odd',
    shapes: 'x [D]   states h, lambda [H]   parameters W [D, H]   b [H]',
    forward: `
      in = x @ W + 0.5 * hPrev
      lambda = b
      z = max(in, -b) + min(in, 0.1) + abs(in) / 2 + log1p(exp(-abs(in))) + select(in, 0.3, in)
      z += relu(in) * step(-in) + log(1 + sqrt(1 + in * in)) - lambdaPrev
      h = tanh(z / H) * (0.2 - sigmoid(-in)) - logsumexp(in, axis=1) / 7`,
    // the engine's gradients are those of its backward equations: here only the output is compared
    backward: `
      dx = dhOut @ W.T
      dhPrev = dhNext
      dlambdaPrev = dlambdaNext
      dW += x.T @ dhOut
      db += sum(dhOut)`,
  },
  { sizes: { D, H }, init: { W: init.glorot(), b: init.constant(0.25) } },
);

const one = { input: D, hidden: H };
const cases: Record<string, Pick<NetworkOptions, 'layers'> & Partial<NetworkOptions>> = {
  mgu: { layers: [fromFile('mgu'), fromFile('mgu', H, 5)] },
  'coupled-lstm': { layers: [fromFile('coupled-lstm')], loss: 'bernoulli' },
  layernorm: { layers: [fromFile('layernorm')], loss: 'squared' },
  'both ways, peepholes, a reset before, one answer': {
    layers: [
      bidirectional(lstm({ ...one, peepholes: true }), gru({ input: D, hidden: 2, reset: 'before' })),
      elman({ input: 6, hidden: 5, activation: 'sigmoid' }),
    ],
    topology: 'many-to-one',
  },
  'a fixed memory': {
    layers: [lmu({ ...one, order: 4, theta: 6 }), bidirectional(lmu({ input: H, hidden: 2, bias: false }))],
  },
  'a projection in one of two layers': {
    layers: [lstm({ ...one, projection: 3 }), lstm({ input: 3, hidden: 4 })],
  },
  'jordan and lstm1997': {
    layers: [jordan({ ...one, output: 2, feedback: 'p' }), lstm1997({ input: 2, hidden: 3 })],
  },
  'linear recurrences': {
    layers: [
      mingru(one),
      minlstm({ input: H, hidden: 4, bias: false }),
      diagonal({ input: 4, hidden: 3, eigenvalues: 'signed' }),
    ],
  },
  'two kinds on an embedding': {
    layers: [embedding({ input: 6, width: D }), gru(one), lstm({ input: H, hidden: 2, bias: false })],
  },
  'normalized, residual and dense': {
    layers: [
      gru({ ...one, layerNorm: true }),
      dense({ input: H, hidden: 3, activation: 'relu' }),
      lstm({ input: 3, hidden: 3, layerNorm: true, residual: true }),
    ],
  },
  clockwork: {
    layers: [
      bidirectional(
        clockwork({ input: D, hidden: 6, periods: [1, 2, 3] }),
        clockwork({
          input: D,
          modules: [
            { units: 2, period: 2 },
            { units: 1, period: 3 },
          ],
          offset: 1,
          bias: false,
        }),
      ),
      gru({ input: 9, hidden: 2 }),
      clockwork({ input: 2, hidden: 4, periods: [1, 2], activation: 'relu' }),
    ],
  },
  odd: { layers: [odd] },
};

const python = pythonWith('torch');
describeWith(python, 'python3-torch, which runs the modules written for it')('PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-torchcell-'));
  let printed: Record<string, string> = {};
  beforeAll(() => {
    for (const [name, options] of Object.entries(cases)) {
      const net = network({ output: 3, loss: 'softmax', seed: 3, ...options });
      mkdirSync(join(folder, name));
      for (const [file, contents] of Object.entries(pytorchProject({ network: net, T: 5, B: 3 })))
        writeFileSync(join(folder, name, file), contents);
    }
    // one process for all of them: most of the time goes into loading PyTorch
    const script = `
import contextlib, io, json, runpy, sys
said = {}
for name in json.load(sys.stdin):
    out = io.StringIO()
    sys.argv = ["model.py"]
    with contextlib.redirect_stdout(out):
        try:
            runpy.run_path("${folder}/" + name + "/model.py", run_name="__main__")
        except SystemExit as end:
            print("exit", end.code)
    said[name] = out.getvalue()
print(json.dumps(said))`;
    printed = JSON.parse(
      run(python as string, ['-c', script], JSON.stringify(Object.keys(cases))),
    ) as typeof printed;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(Object.keys(cases).filter((name) => name !== 'odd'))(
    '%s: output, loss and gradients agree',
    (name) => {
      expect(printed[name]).toMatch(
        /^output within \S+ \(bound \S+\); loss .*; gradients within \S+ \(bound 1\.0e-10\): ok\n$/,
      );
    },
  );

  test('every function of the language gives the same numbers; a wrong backward pass is told from them', () => {
    const [, error, bound] = /^output within (\S+) \(bound (\S+)\)/.exec(printed.odd) ?? [];
    expect(Number(error)).toBeLessThanOrEqual(Number(bound));
    expect(printed.odd).toMatch(/gradients within \S+ \(bound \S+\): FAIL\nexit 1\n$/);
  });
});

describeWith(python, 'python3-torch')('dropout in PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-dropout-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const table = embedding({ input: 6, width: D });
  const nets = {
    // one layer: nn.GRU itself drops nothing
    module: network({ layers: [table, gru(one)], output: 2, dropout: 0.4, seed: 5 }),
    'no embedding': network({ layers: [lstm(one)], output: 2, dropout: 0.4, seed: 5 }),
    cells: network({
      layers: [table, gru(one), bidirectional(lstm({ input: H, hidden: 2 }))],
      ...{ output: 2, topology: 'many-to-one', dropout: 0.4, seed: 5 },
    }),
  } as const;

  test('drops what the engine drops, given its masks', () => {
    const masks: Record<string, number[][]> = {};
    const expected: Record<string, number[]> = {};
    for (const [name, net] of Object.entries(nets)) {
      mkdirSync(join(folder, name));
      const files = pytorchProject({ network: net, T: 3, B: 2 });
      for (const [file, contents] of Object.entries(files)) writeFileSync(join(folder, name, file), contents);
      const stored = decodeSafetensors(files['batch.safetensors'] as Uint8Array).tensors.get(
        'x',
      ) as SafeTensor;
      const x = { shape: [...stored.shape], numbers: Array.from(stored.data, Number) };
      const { state } = net.random;
      masks[name] = runnerOf(net)
        .lay({ x }, { training: true })
        .masks.map(({ values }) => toFlat(values));
      net.random.state = state;
      expected[name] = toFlat(net.forward({ x }, { training: true }).output);
    }
    const script = `
import json, runpy, sys, torch

class Masks(torch.nn.Module):
    def __init__(self, masks):
        super().__init__()
        self.masks = masks

    def forward(self, x):
        return x * torch.tensor(self.masks.pop(0), dtype=torch.float64).reshape(x.shape)

said = {}
for name, masks in json.load(sys.stdin).items():
    names = runpy.run_path("${folder}/" + name + "/model.py", run_name="model")
    model = names["Model"]().double()
    model.load_state_dict(names["load"]("weights.safetensors"))
    model.dropout = Masks(masks)
    y, _ = model.train()(names["load"]("batch.safetensors")["x"])
    said[name] = {"y": y.flatten().tolist(), "left": len(masks)}
print(json.dumps(said))`;
    const printed = JSON.parse(run(python as string, ['-c', script], JSON.stringify(masks))) as Record<
      string,
      { y: number[]; left: number }
    >;
    for (const [name, { y, left }] of Object.entries(printed)) {
      expect([name, left]).toEqual([name, 0]);
      expect(distance(y, expected[name])).toBeLessThan(1e-12);
    }
    expect(Object.keys(printed)).toEqual(Object.keys(nets));
  });
});

describe('refused by name', () => {
  test('a cell without equations', () => {
    const { equations: _none, ...bare } = elman({ ...one, activation: 'sigmoid' });
    const net = network({ layers: [{ ...bare, name: 'bare' }], output: 2 });
    expect(() => pytorchProject({ network: net })).toThrow(
      'torch: the cell must be defined by equations, got bare',
    );
  });

  test('trained initial states', () =>
    expect(() =>
      pytorchProject({ network: network({ layers: [fromFile('mgu')], output: 2, trainInitial: true }) }),
    ).toThrow('torch: trainInitial must be off for cells that are written out, got [mgu]'));

  test('a parameter whose name PyTorch needs for itself', () => {
    const text = readFileSync(join(__dirname, '../examples/cells/mgu.txt'), 'utf8')
      .replace(/\bb\b/g, 'half')
      .replace('db +=', 'dhalf +=');
    const net = network({ layers: [cellFromText({ ...one, equations: text })], output: 2 });
    expect(() => pytorchProject({ network: net })).toThrow(
      'torch: a parameter of mgu must have another name, got half',
    );
  });
});
