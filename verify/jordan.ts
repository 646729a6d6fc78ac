/**
 * Test vectors of the output-recurrent network.
 *
 * Its state is the output o, and with feedback 'p' every step feeds back softmax(o). A vector's o_0, however, may be either
 * an output that still goes through softmax, or the value that is fed back at the first step. The vector does not say
 * which, so both are tried on its first step. In the second case the first step has feedback 'o'.
 */
import { network, type Network } from '../bptt/network/network';
import { planOf, type Pass } from '../bptt/network/passes/pass';
import { jordan } from '../cells/jordan';
import { mustBeOneOf, mustShape } from '../core/check';
import { toFlat } from '../core/tensor';
import { vectorCrossEntropy } from './crossentropy';
import { flatLayout } from './layouts';
import { rename, vectorSizes, tensorOf } from './recurrent';
import type { Computed, TestVector } from './vectors';

/** Computes a vector of kind JORDAN. */
export function jordanVector(vector: TestVector): Computed {
  const feedback = mustBeOneOf(vector.hyper.feedback, ['o', 'p'], 'verify', 'hyper.feedback');
  if (feedback === 'o') return run(vector, ['o']);
  const [asItStands, softmaxed] = [run(vector, ['o', 'p']), run(vector, ['p'])];
  return distanceAtFirst(softmaxed, vector) < distanceAtFirst(asItStands, vector) ? softmaxed : asItStands;
}

/** Runs the first step with the first kind of feedback, and the others with the second. */
function run(vector: TestVector, feedbacks: ('o' | 'p')[]): Computed {
  const { params, inputs, init } = vector;
  const x = tensorOf(inputs, 'x', 'inputs');
  const { input, hidden } = vectorSizes(vector);
  const [T, B] = x.shape;
  mustShape(x.shape, [T, B, input], 'verify', 'inputs.x', 'sizes.I');
  const output = tensorOf(params, 'V', 'params').shape[0];
  const start = tensorOf(init, 'o_0', 'init');
  mustShape(start.shape, [B, output], 'verify', 'init.o_0', 'sizes.B and params.V');

  const parts = feedbacks
    .map((feedback, k) => {
      const net = network({ layers: [jordan({ input, hidden, output, feedback })] });
      flatLayout.jordan.load(net, params);
      return { net, from: k, to: k < feedbacks.length - 1 ? 1 : T };
    })
    .filter(({ from, to }) => from < to);
  const passes: { net: Network; pass: Pass; from: number; to: number }[] = [];

  const [h, logits]: number[][] = [[], []];
  let state: number[] = start.data;
  for (const { net, from, to } of parts) {
    const batch = { x: { shape: x.shape, numbers: x.data }, initial: { 'l0.o': state } };
    const pass = net.forward(batch, { steps: [from, to] });
    passes.push({ net, pass, from, to });
    logits.push(...toFlat(pass.output));
    h.push(...toFlat(planOf(pass).unrolls[0].buffers.h));
    state = toFlat(pass.states['l0.o']);
  }
  const { loss, probs, dLogits } = vectorCrossEntropy(logits, output, vector);

  const dx: number[] = [];
  const gradients: Record<string, number[]> = {};
  let dState: number[] | undefined;
  for (const { net, pass, from, to } of passes.reverse()) {
    const above = dLogits.slice(from * B * output, to * B * output);
    const back = pass.backward({ output: above, ...(dState && { states: { 'l0.o': dState } }) });
    dx.unshift(...toFlat(back.x));
    dState = toFlat(back.initial['l0.o']);
    for (const [name, d] of Object.entries(flatLayout.jordan.gradients(net)))
      gradients[name] = Array.from(d, (v, k) => v + (gradients[name]?.[k] ?? 0));
  }
  return {
    values: rename({ hidden: h, logits, output: logits, probs, loss: [loss] }, 'expected.'),
    gradients: rename({ ...gradients, x: dx, o_0: dState ?? [] }, 'grads.'),
  };
}

/** How far the first step is from what the vector expects. */
function distanceAtFirst({ values }: Computed, { expected, inputs }: TestVector): number {
  let most = 0;
  for (const name of ['hidden', 'logits']) {
    const given = expected[name];
    if (given === undefined || typeof given === 'number') continue;
    const size = given.data.length / inputs.x.shape[0];
    for (let k = 0; k < size; k++)
      most = Math.max(most, Math.abs(values[`expected.${name}`][k] - given.data[k]));
  }
  return most;
}
