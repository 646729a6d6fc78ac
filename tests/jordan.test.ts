import { network } from '../bptt/network/network';
import { analyticGradients, problemOfCell } from '../bptt/check/problem';
import { jordan } from '../cells/jordan';
import { Random } from '../core/random/random';
import { softmax } from '../core/softmax';
import { sizeOf, toFlat, zeros } from '../core/tensor';
import { describeCell, expectByHand, runCell, sigmoid, times, zip, type Reference } from './cellsuite';
import { distance, settings } from './executors';

const activations = { tanh: Math.tanh, sigmoid, relu: (z: number) => Math.max(z, 0) };
type Activation = keyof typeof activations;
const O = 4;

const reference =
  (feedback: 'o' | 'p', activation: Activation): Reference =>
  (x, { o: oPrev }, { Wx, Wf, b, Wo, bo }) => {
    const plus = (p: number, q: number): number => p + q;
    const z = zip(plus, times(x, Wx), times(feedback === 'p' ? softmax(oPrev) : oPrev, Wf));
    const o = times((b ? zip(plus, z, b[0]) : z).map(activations[activation]), Wo);
    return { o: bo ? zip(plus, o, bo[0]) : o };
  };

describeCell(
  (['o', 'p'] as const).flatMap((feedback) =>
    (['tanh', 'sigmoid', 'relu'] as const).map((activation) => {
      const bias = activation !== 'sigmoid';
      return {
        name: `feedback ${feedback}, ${activation}${bias ? '' : ', no bias'}`,
        make: (sizes) => jordan({ ...sizes, output: O, feedback, activation, bias }),
        reference: reference(feedback, activation),
      };
    }),
  ),
);

describe.each(settings)('by hand, $name', (setting) => {
  test('feedback o over two steps, relu, H = 2 and O = 1', () => {
    // z_1 = 1 [1 1] + 2 [1 −1] + [0 1] = [3 0]   h_1 = [3 0]   o_1 = 3 · 1 + 0 · 2 − 1 = 2
    // z_2 = 3 [1 1] + 2 [1 −1] + [0 1] = [5 2]   h_2 = [5 2]   o_2 = 5 + 4 − 1 = 8
    // back: do_2 = 1 + 2 = 3    dh_2 = dz_2 = 3 [1 2] = [3 6]    dx_2 = 9    do_1 = 10 + (3 − 6) = 7
    //   the 7 is the output's own 10 and −3 that came through the feedback
    // dh_1 = 7 [1 2], of which the first unit is open: dz_1 = [7 0]    dx_1 = 7    do_0 = 7
    const weights = { Wx: [1, 1], Wf: [1, -1], b: [0, 1], Wo: [1, 2], bo: [-1] };
    const cell = jordan({ input: 1, hidden: 2, output: 1, activation: 'relu' });
    const given = { x: [[[1]], [[3]]], initial: { o: [2] } };
    const upstream = { output: [10, 1], states: { o: [2] } };
    const { output, gradients } = runCell(cell, setting, weights, given, upstream);
    expect(output).toEqual([2, 8]);
    expect(gradients).toEqual({
      x: [7, 9],
      o0: [7],
      Wx: [1 * 7 + 3 * 3, 3 * 6],
      Wf: [2 * 7 + 2 * 3, 2 * 6],
      b: [7 + 3, 6],
      Wo: [3 * 7 + 5 * 3, 2 * 3],
      bo: [7 + 3],
    });
  });

  test('feedback p over one step, relu, H = 1 and O = 2', () => {
    // p = softmax(ln 3, 0) = [3/4 1/4]    z = 1 · 0 + 8 · 3/4 − 4 · 1/4 = 5    o = 5 [1 2]
    // do = [1 1]    dh = dz = 1 + 2 = 3    dfb = 3 [8 −4] = [24 −12]
    // do_0 = p (dfb − Σ p dfb) = [3/4 1/4] ([24 −12] − (18 − 3)) = [27/4 −27/4]
    const weights = { Wx: [0], Wf: [8, -4], b: [0], Wo: [1, 2], bo: [0, 0] };
    const cell = jordan({ input: 1, hidden: 1, output: 2, activation: 'relu', feedback: 'p' });
    const given = { x: [[[1]]], initial: { o: [Math.log(3), 0] } };
    const upstream = { output: [1, 0], states: { o: [0, 1] } };
    const { output, gradients } = runCell(cell, setting, weights, given, upstream);
    expectByHand(
      { output, ...gradients },
      {
        output: [5, 10],
        o0: [6.75, -6.75],
        x: [0],
        Wx: [3],
        Wf: [2.25, 0.75],
        b: [3],
        Wo: [5, 5],
        bo: [1, 1],
      },
      setting,
    );
  });
});

describe('the gradient goes through the feedback', () => {
  test.each(['o', 'p'] as const)('feedback %s: from the last output to the first input', (feedback) => {
    const [T, B, D] = [4, 2, 3];
    const net = network({ layers: [jordan({ input: D, hidden: 5, output: O, feedback })], seed: 1 });
    const random = new Random(1);
    const numbers = Float64Array.from({ length: T * B * D }, () => random.normal());
    const pass = net.forward({ x: { shape: [T, B, D], numbers } });
    const upstream = new Float64Array(T * B * O);
    upstream[upstream.length - 1] = 1;
    const { x, initial } = pass.backward({ output: upstream });
    const dx = toFlat(x);
    // only the second row's last output counts: every input of that row reaches it, none of the first row's does
    for (let t = 0; t < T; t++) {
      expect(dx.slice(t * B * D, t * B * D + D)).toEqual([0, 0, 0]);
      for (let d = 0; d < D; d++) expect(dx[(t * B + 1) * D + d]).not.toBe(0);
    }
    expect(toFlat(initial['l0.o']).slice(O)).not.toContain(0);
  });

  test('feedback o and p are two different networks', () => {
    const outputs = (['o', 'p'] as const).map((feedback) => {
      const net = network({ layers: [jordan({ input: 1, hidden: 3, output: 2, feedback })], seed: 1 });
      return toFlat(net.forward({ x: [[[1]], [[1]]] }).output);
    });
    expect(distance(outputs[0], outputs[1])).toBeGreaterThan(0.01);
  });

  test('softmax feedback stays finite for outputs of ±1000', () => {
    const cell = jordan({ input: 2, hidden: 3, output: O, feedback: 'p' });
    const problem = problemOfCell(cell, { T: 2, B: 1 });
    problem.variables['l0.o0'].value.data.set([1000, -1000, 999, 0]);
    for (const gradient of Object.values(analyticGradients(problem)))
      expect(gradient.every(Number.isFinite)).toBe(true);
  });
});

test('a softmax loss needs no output layer: the cell has one', () => {
  const net = network({ layers: [jordan({ input: 2, hidden: 5, output: 3 })], loss: 'softmax' });
  expect(net.output).toBe(3);
  const { loss, output } = net.forward({ x: [[[1, 2]], [[2, 1]]], targets: [[2], [0]] });
  expect(output.shape).toEqual([2, 1, 3]);
  expect(loss).toBeGreaterThan(0);
});

test('the next layer reads its output, whose width is not H', () => {
  const layers = [jordan({ input: 2, hidden: 5, output: 3 }), jordan({ input: 3, hidden: 4, output: 2 })];
  expect(network({ layers }).forward({ x: [[[1, 2]]] }).output.shape).toEqual([1, 1, 2]);
  expect(() => network({ layers: [layers[0], layers[0]] })).toThrow(
    'network: layer 1 must have input 3, got 2 (the width of the output of layer 0, jordan)',
  );
});

test('parameters, their start, and options', () => {
  const { parameters, options } = jordan({ input: 3, hidden: 5, output: 4 });
  expect(Object.entries(parameters).map(([name, { shape }]) => [name, shape])).toEqual([
    ['Wx', [3, 5]],
    ['Wf', [4, 5]],
    ['Wo', [5, 4]],
    ['b', [5]],
    ['bo', [4]],
  ]);
  for (const name of ['b', 'bo']) {
    const b = zeros(parameters[name].shape);
    b.data.fill(7);
    parameters[name].init(b, new Random());
    expect(toFlat(b)).toEqual(Array(sizeOf(b.shape)).fill(0));
  }
  expect(options).toMatchObject({ output: 4, feedback: 'o', activation: 'tanh', bias: true });
  expect(Object.keys(jordan({ input: 3, hidden: 5, output: 4, bias: false }).parameters)).toEqual([
    'Wx',
    'Wf',
    'Wo',
  ]);
});

test.each<[object, string, ErrorConstructor]>([
  [{ input: 3, hidden: 3 }, 'jordan: output must be a whole number >= 1, got undefined', RangeError],
  [{ input: 3, hidden: 0, output: 2 }, 'jordan: hidden must be a whole number >= 1, got 0', RangeError],
  [
    { input: 3, hidden: 3, output: 2, feedback: 'h' },
    'jordan: feedback must be one of o, p, got h',
    TypeError,
  ],
  [
    { input: 3, hidden: 3, output: 2, activation: 'softmax' },
    'jordan: activation must be one of tanh, sigmoid, relu, got softmax',
    TypeError,
  ],
  [
    { input: 3, hidden: 3, output: 2, outputs: 2 },
    'jordan: options must be among input, hidden, bias, inputInit, recurrentInit, layerNorm, residual, output, feedback, activation, got outputs',
    TypeError,
  ],
])('%j: %s', (options, message, kind) => {
  expect(() => jordan(options as never)).toThrow(message);
  expect(() => jordan(options as never)).toThrow(kind);
});
