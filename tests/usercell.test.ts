/** A cell outside the package, written with the public API only: checked, mutated and trained. */
import {
  fit,
  gradcheck,
  init,
  mutationScore,
  network,
  ops,
  printGraph,
  problemOfCell,
  Random,
  statement,
  transpose,
  type Cell,
  type Statement,
  type StatementPair,
} from '../index';

const { add, mul, sigmoid, sub, tanh } = ops;

/**
 * A minimal gated unit with a leak: h = hPrev + f * (n - hPrev), where f and n look at the input only through x Wx and
 * at the old state only through hPrev Wh.
 */
const forward = statement(({ af, an, hPrev }) => {
  const f = sigmoid(af);
  const n = tanh(an);
  return { f, n, h: add(hPrev, mul(f, sub(n, hPrev))) };
});
const backward = statement(({ f, n, hPrev, dhOut, dhNext }) => {
  const dh = add(dhOut, dhNext);
  return {
    daf: mul(mul(mul(dh, sub(n, hPrev)), f), sub(1, f)),
    dan: mul(mul(dh, f), sub(1, mul(n, n))),
    dhPrev: mul(dh, sub(1, f)),
  };
});

function leaky(D: number, H: number, pair: StatementPair = { forward, backward }): Cell {
  const block = (of: string, k: number) => ({ of, from: k * H, to: (k + 1) * H });
  return {
    name: 'leaky',
    input: D,
    hidden: H,
    parameters: {
      Wx: { shape: [D, 2 * H], init: init.glorot() },
      Wh: { shape: [H, 2 * H], init: init.gates(2, init.orthogonal()) },
      b: { shape: [2 * H], init: init.constant(0) },
    },
    states: { h: H },
    buffers: { a: 2 * H, da: 2 * H },
    parts: {
      af: block('a', 0),
      an: block('a', 1),
      f: block('a', 0),
      n: block('a', 1),
      daf: block('da', 0),
      dan: block('da', 1),
    },
    statements: [pair],
    step(program, v) {
      program.matmul(v.x, v.Wx, v.a, { bias: v.b });
      program.matmul(v.hPrev, v.Wh, v.a, { accumulate: true });
      program.pointwise(pair.forward, v);
    },
    stepBackward(program, v) {
      program.pointwise(pair.backward, v);
      program.matmul(v.da, transpose(v.Wh), v.dhPrev, { accumulate: true });
      program.matmul(v.da, transpose(v.Wx), v.dx);
      program.matmul(transpose(v.x), v.da, v.dWx, { accumulate: true });
      program.matmul(transpose(v.hPrev), v.da, v.dWh, { accumulate: true });
      program.sumRows(v.da, v.db, { accumulate: true });
    },
  };
}

it('is checked by every oracle that applies', () => {
  const { ok, rows } = gradcheck(leaky(4, 5));
  expect(new Set(rows.map(({ oracle }) => oracle))).toEqual(
    new Set(['differences', 'forwardMode', 'statement', 'exact', 'exactTruncated']),
  );
  expect(ok).toBe(true);
  expect(gradcheck(leaky(4, 5), { lengths: [4, 2, 1] }).ok).toBe(true);
});

it('with a Jacobian of its own it is checked by the double sum too; a wrong one is caught', () => {
  const jacobianBy = (sign: number) =>
    statement(({ f, n, hPrev, Jaf, Jan, JhPrev }) => {
      const Jf = mul(mul(Jaf, f), sub(1, f));
      const Jn = mul(Jan, sub(1, mul(n, n)));
      return { Jh: add(JhPrev, add(mul(Jf, sub(n, hPrev)), mul(mul(sign, f), sub(Jn, JhPrev)))) };
    });
  const stated = (jacobian: Statement): Cell => ({
    ...leaky(4, 5),
    statements: [{ forward, backward, jacobian }],
    jacobian(program, v) {
      program.matmul(transpose(v.Wh), v.JhPrev, v.Ja);
      program.pointwise(jacobian, v);
    },
  });
  const oracles = (cell: Cell, right: boolean) =>
    new Set(gradcheck(cell).rows.flatMap(({ oracle, ok }) => (ok === right ? [oracle] : [])));
  expect(oracles(stated(jacobianBy(1)), false)).toEqual(new Set());
  expect(oracles(stated(jacobianBy(1)), true)).toEqual(
    new Set([
      ...['differences', 'forwardMode', 'doubleSum', 'newton', 'jacobian', 'statement'],
      ...['exact', 'exactDoubleSum', 'exactJacobian', 'exactTruncated'],
    ]),
  );
  expect(oracles(stated(jacobianBy(-1)), false)).toEqual(
    new Set(['doubleSum', 'newton', 'jacobian', 'statement', 'exactDoubleSum', 'exactJacobian']),
  );
});

it('is printed as equations', () => {
  expect(printGraph(forward.graph)).toEqual([
    'f = sigmoid(af)',
    'n = tanh(an)',
    'h = hPrev + f * (n - hPrev)',
  ]);
});

it('survives no mutant', () => {
  const { killed, total } = mutationScore(problemOfCell(leaky(3, 5)));
  expect(killed).toBe(total);
  expect(total).toBeGreaterThan(50);
});

it('a wrong derivative is caught, and its statement named', () => {
  const wrong = statement(({ f, n, hPrev, dhOut, dhNext }) => {
    const dh = add(dhOut, dhNext);
    return {
      daf: mul(mul(mul(dh, sub(n, hPrev)), f), sub(1, f)),
      dan: mul(mul(dh, f), sub(1, n)), // the square is missing
      dhPrev: mul(dh, sub(1, f)),
    };
  });
  const { ok, rows } = gradcheck(leaky(4, 5, { forward, backward: wrong }));
  expect(ok).toBe(false);
  const failed = rows.filter((row) => !row.ok);
  expect(failed.filter(({ oracle }) => oracle === 'statement').map(({ variable }) => variable)).toEqual([
    'l0.dan',
  ]);
  expect(failed.map(({ oracle }) => oracle)).toEqual(expect.arrayContaining(['differences', 'forwardMode']));
});

it('learns to carry a symbol over eight steps', async () => {
  const random = new Random(3);
  const batch = () => {
    const first = Array.from({ length: 16 }, () => random.below(3));
    const x = Array.from({ length: 8 }, (_, t) => first.map((k) => (t === 0 ? k : 3 + random.below(3))));
    return { x, targets: first };
  };
  function* batches() {
    for (;;) yield batch();
  }
  const net = network({
    layers: [leaky(6, 12)],
    output: 3,
    loss: 'softmax',
    topology: 'many-to-one',
    seed: 4,
  });
  const before = net.forward(batch()).loss;
  await fit(net, batches(), {
    optimizer: { name: 'adam', learningRate: 0.02 },
    clip: { norm: 1 },
    steps: 250,
  });
  expect(before).toBeGreaterThan(0.8);
  expect(net.forward(batch()).loss).toBeLessThan(0.2);
});
