/** Parameter layouts of test vectors: PyTorch's stacks, and single cells that PyTorch lacks. */
import { must, mustShape } from '../core/check';
import type { Network } from '../bptt/network/network';
import { cellsOf } from '../bptt/network/layers/stack';
import { columns, toFlat, type Tensor } from '../core/tensor';
import { fillTensor } from '../bptt/check/problem';
import { fillFromPytorch, torchName, toPytorch } from '../io/torch/parameters';
import type { SafeTensor } from '../io/safetensors';
import type { VectorTensor } from './vectors';

export interface Layout {
  /** Copies a vector's parameters into a network; each must have a known name and the right shape. */
  load(net: Network, params: Record<string, VectorTensor>): void;
  /** The network's gradients under the vector's names, row-major. */
  gradients(net: Network): Record<string, ArrayLike<number>>;
}

const withoutRnn = (name: string): string => name.replace(/^rnn\./, '');

/** `weight_ih_l0` …, two biases per layer, and a head: the parameters of torch.nn.RNN, LSTM, GRU and Linear. */
export const layeredTorchLayout: Layout = {
  load(net, params) {
    const stored = Object.entries(params).map(([name, { shape, data }]): [string, SafeTensor] => [
      /^(embedding|head|enc|dec|attention)\./.test(name) ? name : `rnn.${name}`,
      { dtype: 'F64', shape: [...shape], data: Float64Array.from(data) },
    ]);
    fillFromPytorch(net.architecture, new Map(stored), net.parameters.values);
  },
  gradients(net) {
    const stored = toPytorch(net.architecture, net.parameters.gradients);
    const all: Record<string, ArrayLike<number>> = {};
    for (const [name, { data }] of stored) all[withoutRnn(name)] = data as Float64Array;
    for (const { name, cell } of cellsOf(net.architecture)) {
      const [ihName, hhName] = ['bias_ih', 'bias_hh'].map((member) =>
        withoutRnn(torchName(net.architecture, name, member)),
      );
      const ih = all[ihName] as Float64Array | undefined;
      if (!ih) continue;
      // both biases are added to the same sum, so both have its gradient; the exception is a GRU's b_hn, inside r * (…)
      const inside = 'bhn' in cell.parameters ? 2 * cell.hidden : ih.length;
      const hh = all[hhName] as Float64Array;
      all[hhName] = hh.map((d, k) => (k < inside ? ih[k] : d));
    }
    return all;
  },
};

/** Maps one of our tensors, or some of its columns, to one of theirs; matrices are transposed. */
interface Entry {
  theirs: string;
  ours: string;
  /** Column block of our tensor, `[1, 3]` is the second of three; default the whole tensor. */
  block?: [number, number];
}

function entriesLayout(entries: Entry[]): Layout {
  const view = (tensors: Record<string, Tensor>, { ours, block }: Entry): Tensor => {
    const t = tensors[ours];
    const [k, of] = block ?? [0, 1];
    const width = t.shape[t.shape.length - 1] / of;
    const part = t.shape.length === 1 ? t.lo(k * width).hi(width) : columns(t, k * width, (k + 1) * width);
    return t.shape.length === 2 ? part.transpose(1, 0) : part;
  };
  return {
    load(net, params) {
      const known = entries.map(({ theirs }) => theirs);
      const stranger = Object.keys(params).find((name) => !known.includes(name));
      must(stranger === undefined, 'verify', `params must be among ${known.join(', ')}`, stranger);
      for (const entry of entries) {
        const given = params[entry.theirs] as VectorTensor | undefined;
        must(given !== undefined, 'verify', `params must hold ${entry.theirs}`, Object.keys(params));
        const into = view(net.parameters.values, entry);
        mustShape(given.shape, into.shape, 'verify', `params.${entry.theirs}`);
        const [, width] = into.shape.length === 1 ? [1, into.shape[0]] : into.shape;
        fillTensor(into, (r, c) => given.data[r * width + c]);
      }
    },
    gradients(net) {
      return Object.fromEntries(
        entries.map((entry) => [entry.theirs, toFlat(view(net.parameters.gradients, entry))]),
      );
    },
  };
}

const clockworkCell: Entry[] = [
  { theirs: 'W_in', ours: 'l0.Wx' },
  { theirs: 'W_h', ours: 'l0.Wh' },
  { theirs: 'b', ours: 'l0.b' },
];

const gate = (theirs: string, ours: string, k: number): Entry => ({ theirs, ours, block: [k, 3] });

/** Layouts of single cells. */
export const flatLayout = {
  elman: entriesLayout([
    { theirs: 'U', ours: 'l0.Wx' },
    { theirs: 'W', ours: 'l0.Wh' },
    { theirs: 'b', ours: 'l0.b' },
    { theirs: 'V', ours: 'head.Wy' },
    { theirs: 'c', ours: 'head.by' },
  ]),
  jordan: entriesLayout([
    { theirs: 'U', ours: 'l0.Wx' },
    { theirs: 'W', ours: 'l0.Wf' },
    { theirs: 'b', ours: 'l0.b' },
    { theirs: 'V', ours: 'l0.Wo' },
    { theirs: 'c', ours: 'l0.bo' },
  ]),
  clockwork: entriesLayout([
    ...clockworkCell,
    { theirs: 'W_out', ours: 'head.Wy' },
    { theirs: 'b_out', ours: 'head.by' },
  ]),
  clockworkCell: entriesLayout(clockworkCell),
  resetBefore: entriesLayout(
    ['r', 'z', 'h'].flatMap((name, k) => [
      gate(`W_${name}`, 'l0.Wx', k),
      gate(`U_${name}`, 'l0.Wh', k),
      gate(`b_${name}`, 'l0.b', k),
    ]),
  ),
  linear: entriesLayout([
    { theirs: 'weight', ours: 'l0.Wx' },
    { theirs: 'bias', ours: 'l0.b' },
  ]),
  lmu: entriesLayout(
    ['e_x ex', 'e_h eh', 'e_m em', 'W_x Wx', 'W_h Wh', 'W_m Wm', 'b b', 'A Am', 'B Bm'].map((pair) => {
      const [theirs, ours] = pair.split(' ');
      return { theirs, ours: `l0.${ours}` };
    }),
  ),
  reservoir: entriesLayout([
    { theirs: 'W_x', ours: 'l0.Wx' },
    { theirs: 'W_h', ours: 'l0.Wh' },
    { theirs: 'b', ours: 'l0.b' },
    { theirs: 'leak', ours: 'l0.leak' },
  ]),
  single: entriesLayout([
    { theirs: 'weight_ih', ours: 'l0.Wx' },
    { theirs: 'weight_hh', ours: 'l0.Wh' },
    { theirs: 'bias', ours: 'l0.b' },
  ]),
  peephole: entriesLayout([
    { theirs: 'weight_ih', ours: 'l0.Wx' },
    { theirs: 'weight_hh', ours: 'l0.Wh' },
    { theirs: 'bias', ours: 'l0.b' },
    { theirs: 'p_i', ours: 'l0.pi' },
    { theirs: 'p_f', ours: 'l0.pf' },
    { theirs: 'p_o', ours: 'l0.po' },
  ]),
};
