import { network } from '../bptt/network/network';
import { firstBadGradient, firstBadParameter, firstBadValue } from '../bptt/network/notfinite';
import type { Topology } from '../bptt/network/topology';
import { elman } from '../cells/elman';
import { lstm } from '../cells/lstm';
import { sizeOf } from '../core/tensor';
import { planOf } from '../bptt/network/passes/pass';

const [T, B, D, H, O] = [4, 2, 3, 5, 2];
const batch = { x: { shape: [T, B, D], numbers: Array.from({ length: T * B * D }, (_, k) => Math.sin(k)) } };
const make = (topology?: Topology) =>
  network({
    layers: [lstm({ input: D, hidden: H }), elman({ input: H, hidden: 3 })],
    output: O,
    topology,
    executor: 'plain',
  });

test('nothing is found where all is finite', () => {
  const net = make();
  const pass = net.forward(batch);
  pass.backward({ output: new Float64Array(T * B * O).fill(1) });
  const plan = planOf(pass);
  expect(firstBadValue(plan)).toBeUndefined();
  expect(firstBadGradient(plan)).toBeUndefined();
  expect(firstBadParameter(net.parameters, 'values')).toBeUndefined();
  expect(firstBadParameter(net.parameters, 'gradients')).toBeUndefined();
});

test('the earliest value is named, not the ones that follow from it', () => {
  const net = make();
  const pass = net.forward(batch);
  const plan = planOf(pass);
  plan.output.value.set(3 * B + 1, 1, NaN);
  expect(firstBadValue(plan)).toBe('the output at t = 3 (row 1, unit 1)');
  plan.unrolls[1].states.h.set((2 + 1) * B + 1, 2, Infinity);
  expect(firstBadValue(plan)).toBe('l1.h at t = 2 (row 1, unit 2)');
  plan.unrolls[0].states.c.set((3 + 1) * B, 4, NaN);
  expect(firstBadValue(plan)).toBe('l0.c at t = 3 (row 0, unit 4)');
  plan.unrolls[0].states.c.set(1, 0, NaN);
  expect(firstBadValue(plan)).toBe('the initial state l0.c (row 1, unit 0)');
  net.parameters.values['head.by'].set(1, NaN);
  expect(firstBadValue(plan)).toBe('parameter head.by (row 0, unit 1)');
  expect(firstBadParameter(net.parameters, 'values')).toBe('NaN in head.by (unit 1)');
});

test('the gradient is followed from the last layer down and from the last step back', () => {
  const net = make();
  const pass = net.forward(batch);
  pass.backward({ output: new Float64Array(T * B * O).fill(1) });
  const plan = planOf(pass);
  plan.unrolls[0].dStates.c.set(1, 0, NaN);
  expect(firstBadGradient(plan)).toBe('the gradient of l0.c before t = 0 (row 1, unit 0)');
  plan.unrolls[0].dStates.h.set(2 * B, 0, NaN);
  expect(firstBadGradient(plan)).toBe('the gradient of l0.h at t = 1 (row 0, unit 0)');
  plan.unrolls[0].dOutput.set(1 * B, 3, NaN);
  expect(firstBadGradient(plan)).toBe('the gradient of the output of l0 at t = 1 (row 0, unit 3)');
  plan.unrolls[1].dStates.h.set(B, 2, NaN);
  expect(firstBadGradient(plan)).toBe('the gradient of l1.h at t = 0 (row 0, unit 2)');
  plan.output.gradient.set(B, 1, NaN);
  expect(firstBadGradient(plan)).toBe('the gradient of the output at t = 1 (row 0, unit 1)');
});

test('many to one, an output has no time', () => {
  const net = make('many-to-one');
  const pass = net.forward(batch);
  const plan = planOf(pass);
  expect(sizeOf(plan.output.value.shape)).toBe(B * O);
  plan.output.value.set(1, 0, NaN);
  expect(firstBadValue(plan)).toBe('the output (row 1, unit 0)');
});

test('in numbers that overflow on the way back, the layer and the step are found', () => {
  const net = make();
  const wide = net.parameters.values['l1.Wx'];
  for (let h = 0; h < H; h++) for (let k = 0; k < 3; k++) wide.set(h, k, 1e200);
  const pass = net.forward({ x: { shape: [T, B, D], numbers: new Float64Array(T * B * D) } });
  // the states are 0, where the slope of tanh is 1: dx = dz Wxᵀ is the first product out of range
  pass.backward({ output: new Float64Array(T * B * O).fill(1e200) });
  expect(firstBadGradient(planOf(pass))).toBe('the gradient of the output of l0 at t = 3 (row 0, unit 0)');
});
