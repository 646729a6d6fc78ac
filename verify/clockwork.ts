/**
 * Test vectors of the clockwork network, whose loss may be a weighted sum of hidden states, outputs and the final state.
 *
 * Gradients are linear in the upstream gradient: the part from the hidden states is computed by the same network without
 * its output layer, and both parts are added.
 */
import { network, type Upstream } from '../bptt/network/network';
import { clockwork } from '../cells/clockwork';
import { must, mustShape } from '../core/check';
import { toFlat } from '../core/tensor';
import { flatLayout } from './layouts';
import { dot, rename, vectorSizes, tensorOf } from './recurrent';
import type { Computed, TestVector, VectorTensor } from './vectors';

/** Computes a vector of kind CLOCKWORK. */
export function clockworkVector(vector: TestVector): Computed {
  const { params, inputs, init, hyper, loss } = vector;
  must(loss?.type === 'weighted_sum', 'verify', 'the loss must be weighted_sum', loss?.type);
  must(hyper.periods !== undefined, 'verify', 'hyper must hold periods', Object.keys(hyper));
  const { input, hidden } = vectorSizes(vector);
  const x = tensorOf(inputs, 'x', 'inputs');
  const [T, B] = x.shape;
  mustShape(x.shape, [T, B, input], 'verify', 'inputs.x', 'sizes.I');
  const output = tensorOf(params, 'W_out', 'params').shape[0];
  const { periods, t_first: offset = 0 } = hyper;
  const cell = clockwork({ input, hidden, periods, offset });
  const start = init.h_0 as VectorTensor | undefined;
  const batch = {
    x: { shape: x.shape, numbers: x.data },
    ...(start && { initial: { 'l0.h': start.data } }),
  };

  const run = (head: boolean, above: (weights: Record<string, VectorTensor>) => Upstream) => {
    const net = network({ layers: [cell], ...(head && { output }) });
    const layout = head ? flatLayout.clockwork : flatLayout.clockworkCell;
    layout.load(net, head ? params : withoutHead(params));
    const result = net.forward(batch);
    const [values, h_n] = [toFlat(result.output), toFlat(result.states['l0.h'])];
    const { x: dx, initial } = result.backward(above(loss.weights));
    return {
      values,
      h_n,
      gradients: { ...layout.gradients(net), x: toFlat(dx), h_0: toFlat(initial['l0.h']) },
    };
  };
  const whole = run(true, ({ output, h_n }) => ({
    ...(output && { output: output.data }),
    ...(h_n && { states: { 'l0.h': h_n.data } }),
  }));
  const bare = run(false, ({ hidden }) => (hidden ? { output: hidden.data } : {}));

  const values = { hidden: bare.values, output: whole.values, h_n: whole.h_n };
  const named = Object.entries(loss.weights);
  const stranger = named.find(([name]) => !(name in values))?.[0];
  must(stranger === undefined, 'verify', 'loss.weights must be among hidden, output, h_n', stranger);
  const total = named.reduce((sum, [name, { data }]) => sum + dot(data, values[name as 'h_n']), 0);
  const added = Object.entries(whole.gradients).map(([name, d]) => {
    const other = (bare.gradients as Record<string, ArrayLike<number> | undefined>)[name];
    return [name, Array.from(d, (v, k) => v + (other?.[k] ?? 0))] as const;
  });
  return {
    values: rename({ ...values, loss: [total] }, 'expected.'),
    gradients: rename(Object.fromEntries(added), 'grads.'),
  };
}

function withoutHead(params: TestVector['params']): TestVector['params'] {
  const { W_out: _, b_out: __, ...rest } = params;
  return rest;
}
