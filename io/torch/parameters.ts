/**
 * Converts PyTorch's names and layouts of parameters to ours and back.
 *
 *   ours              PyTorch's (layer k)
 *   l{k}.Wx [I, G·H]  rnn.weight_ih_l{k} [G·H, I]   transposed; gates in the same order: LSTM i f g o, GRU r z n
 *   l{k}.Wh [H, G·H]  rnn.weight_hh_l{k} [G·H, H]   transposed
 *   l{k}.Wp [H, P]    rnn.weight_hr_l{k} [P, H]     transposed; of an LSTM with a projection, whose Wh is [P, G·H]
 *   l{k}.b [G·H]      rnn.bias_ih_l{k} [G·H]        the two biases of PyTorch add up; ours goes here, zeros there:
 *                     rnn.bias_hh_l{k} [G·H]
 *   l{k}.bhn [H]      rnn.bias_hh_l{k}, block n     GRU: this one stands inside r * (h Whn + bhn)
 *   l{k}r.…           rnn.…_l{k}_reverse            the direction from the end of a bidirectional layer
 *   e{k}.…            enc.…_l{k}                    of an encoder-decoder; l{k}.… is then dec.…_l{k}
 *   embedding.E [V, W]  embedding.weight [V, W]     unchanged; in an encoder, enc.embedding.weight
 *   head.Wy [H, O]    head.weight [O, H]            transposed
 *   head.by [O]       head.bias [O]
 *   attention.W       attention.W.weight            transposed, like all of an attention's, which has no biases
 *
 * Networks that no single torch.nn.RNN, LSTM or GRU can represent (peepholes, reset before the product, sigmoid
 * units, a projection that is not smaller than the hidden layer, layers of several kinds or sizes, or only some of them bidirectional) keep our own names and layout, except
 * for the head. So do trainable initial states.
 */
import { kindOf } from '../../cells/kinds';
import { must, mustBe, mustShape } from '../../core/check';
import { directionsOf, isBidirectional, type Layer } from '../../bptt/network/layers/layer';
import type { Layers } from '../../bptt/network/layers/stack';
import { dtypeOf, fillFrom, toFlat, type Tensor, type Tensors } from '../../core/tensor';
import type { SafeTensor } from '../safetensors';

/** One of our tensors that corresponds to one PyTorch tensor. */
interface Pair {
  ours: string;
  theirs: string;
  transposed: boolean;
}
/** Our bias (and bhn) of a layer, which PyTorch splits in two. */
interface Biases {
  b: string;
  bhn?: string;
  ih: string;
  hh: string;
}
interface Correspondence {
  pairs: Pair[];
  biases: Biases[];
}

type TorchModule = 'RNN' | 'LSTM' | 'GRU';
/** The PyTorch modules for our cells, and the options that each supports. Their gate order is ours. */
const modules: Readonly<Record<string, { name: TorchModule; options: readonly string[] }>> = {
  elman: { name: 'RNN', options: ['bias', 'activation'] },
  lstm: { name: 'LSTM', options: ['bias', 'projection'] },
  gru: { name: 'GRU', options: ['bias'] },
};

/** The PyTorch module that is equivalent to these layers, if there is one. */
export function torchModule(layers: readonly Layer[]): TorchModule | undefined {
  const directions = layers.flatMap(directionsOf);
  const kinds = directions.map(({ cell }) => {
    const name = kindOf(cell)?.name ?? '';
    const known = Object.hasOwn(modules, name) ? modules[name] : undefined;
    if (!known || !kindOf(cell, known.options)) return '';
    const {
      bias,
      activation,
      projection = 0,
    } = cell.options as {
      bias: boolean;
      activation?: string;
      projection?: number;
    };
    if (activation === 'sigmoid' || projection >= cell.hidden) return '';
    return [known.name, activation, bias, projection].join(' ');
  });
  const alike = kinds.every((kind) => kind === kinds[0]);
  const [{ cell: first }] = directions;
  if (!alike || directions.some(({ cell }) => cell.hidden !== first.hidden)) return undefined;
  if (layers.some((layer) => isBidirectional(layer) !== isBidirectional(layers[0]))) return undefined;
  return (kinds[0].split(' ')[0] || undefined) as TorchModule | undefined;
}

/**
 * Converts tensors with our names to PyTorch's, as copies, to be written to a file.
 *
 * @param tensors by parameter name: the parameters themselves, or the optimizer's state of them.
 * @example
 * const tensors = toPytorch(net.architecture, net.parameters.values);
 * tensors.get('rnn.weight_ih_l0').shape; // [3, 2]
 * writeFileSync('weights.safetensors', encodeSafetensors(tensors));
 */
export function toPytorch(all: Layers, tensors: Tensors): Map<string, SafeTensor> {
  const { pairs, biases } = correspondence(all, Object.keys(tensors));
  const stored = new Map<string, SafeTensor>();
  for (const { ours, theirs, transposed } of pairs) {
    const t = tensors[ours];
    stored.set(theirs, store(transposed ? t.transpose(1, 0) : t));
  }
  for (const { b, bhn, ih, hh } of biases) {
    stored.set(ih, store(tensors[b]));
    const zeros = store(tensors[b]);
    zeros.data.fill(0 as never);
    if (bhn) zeros.data.set(toFlat(tensors[bhn]) as never, zeros.data.length - tensors[bhn].shape[0]);
    stored.set(hh, zeros);
  }
  return stored;
}

/**
 * Fills tensors with our names from PyTorch's; the bit-exact inverse of `toPytorch`, and valid also for files from
 * PyTorch, where both biases are nonzero.
 *
 * @throws RangeError when a tensor is missing, unknown or has another shape; TypeError when its dtype does not fit.
 *   Nothing has been filled in that case.
 */
export function fillFromPytorch(
  all: Layers,
  stored: ReadonlyMap<string, SafeTensor>,
  tensors: Tensors,
): void {
  const { pairs, biases } = correspondence(all, Object.keys(tensors));
  const known = new Set([...pairs.map(({ theirs }) => theirs), ...biases.flatMap(({ ih, hh }) => [ih, hh])]);
  const stranger = [...stored.keys()].find((name) => !known.has(name));
  must(stranger === undefined, 'pytorch', `tensors must be among ${[...known].join(', ')}`, stranger);

  const fills: (() => void)[] = [];
  for (const { ours, theirs, transposed } of pairs) {
    const t = transposed ? tensors[ours].transpose(1, 0) : tensors[ours];
    const values = read(stored, theirs, t.shape, tensors[ours]);
    fills.push(() => fillFrom(tensors[ours], transposed ? turned(values, t.shape) : values));
  }
  for (const { b, bhn, ih, hh } of biases) {
    const first = read(stored, ih, tensors[b].shape, tensors[b]);
    const second = read(stored, hh, tensors[b].shape, tensors[b]);
    const inside = bhn ? first.length - tensors[bhn].shape[0] : first.length;
    fills.push(() => fillFrom(tensors[b], sumOfBiases(first, second, inside)));
    if (bhn) fills.push(() => fillFrom(tensors[bhn], second.slice(inside)));
  }
  for (const fill of fills) fill();
}

/** The sum of two biases; from index `inside` on, the first one alone. */
export function sumOfBiases<V extends Float32Array | Float64Array>(first: V, second: V, inside: number): V {
  // x + 0 differs from x for x = −0: adding a zero bias must not change the bits of the other one
  return first.map((x, k) => (k >= inside || second[k] === 0 ? x : x + second[k])) as V;
}

/** PyTorch's name of a tensor of a direction such as `e0r`: `enc.weight_ih_l0_reverse`. */
export function torchName({ encoder }: Layers, direction: string, member: string): string {
  const [, letter, k, reverse] = /^([el])(\d+)(r?)$/.exec(direction) ?? [];
  const module = letter === 'e' ? 'enc' : encoder ? 'dec' : 'rnn';
  return `${module}.${member}_l${k}${reverse && '_reverse'}`;
}

function correspondence({ encoder, layers }: Layers, names: readonly string[]): Correspondence {
  const found: Correspondence = { pairs: [], biases: [] };
  const known = { e: encoder && torchModule(encoder), l: torchModule(layers) };
  for (const ours of names) {
    const [, direction, letter, own] = /^(([el])\d+r?)\.(.+)$/.exec(ours) ?? [];
    const torch = known[letter as 'e' | 'l'] !== undefined;
    const theirs = (member: string): string => torchName({ encoder, layers }, direction, member);
    if (ours === 'embedding.E') found.pairs.push({ ours, theirs: 'embedding.weight', transposed: false });
    else if (ours === 'encoderEmbedding.E')
      found.pairs.push({ ours, theirs: 'enc.embedding.weight', transposed: false });
    else if (ours.startsWith('attention.'))
      found.pairs.push({ ours, theirs: `${ours}.weight`, transposed: true });
    else if (ours === 'head.Wy') found.pairs.push({ ours, theirs: 'head.weight', transposed: true });
    else if (ours === 'head.by') found.pairs.push({ ours, theirs: 'head.bias', transposed: false });
    else if (torch && own === 'Wx') found.pairs.push({ ours, theirs: theirs('weight_ih'), transposed: true });
    else if (torch && own === 'Wh') found.pairs.push({ ours, theirs: theirs('weight_hh'), transposed: true });
    else if (torch && own === 'Wp') found.pairs.push({ ours, theirs: theirs('weight_hr'), transposed: true });
    else if (torch && own === 'b') {
      const bhn = names.find((other) => other === `${ours}hn`);
      found.biases.push({ b: ours, bhn, ih: theirs('bias_ih'), hh: theirs('bias_hh') });
    } else if (!torch || own !== 'bhn') found.pairs.push({ ours, theirs: ours, transposed: false });
  }
  return found;
}

/** The elements of a tensor in C order, as stored in files. */
export function store(t: Tensor): SafeTensor {
  const flat = toFlat(t);
  return dtypeOf(t) === 'float32'
    ? { dtype: 'F32', shape: [...t.shape], data: Float32Array.from(flat) }
    : { dtype: 'F64', shape: [...t.shape], data: Float64Array.from(flat) };
}

function read(
  stored: ReadonlyMap<string, SafeTensor>,
  name: string,
  shape: number[],
  into: Tensor,
): Float32Array | Float64Array {
  const found = stored.get(name);
  must(found !== undefined, 'pytorch', `the file must hold ${name}`, [...stored.keys()].sort());
  const wide = dtypeOf(into) === 'float64';
  const fits = found.dtype === 'F32' || (wide && found.dtype === 'F64');
  mustBe(fits, 'pytorch', `${name} must be F32${wide ? ' or F64' : ''}`, found.dtype);
  mustShape(found.shape, shape, 'pytorch', name);
  return found.data;
}

/** The elements [R, C], in the order of the transpose. */
function turned<V extends Float32Array | Float64Array>(values: V, [R, C]: readonly number[]): V {
  const result = values.slice() as V;
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) result[c * R + r] = values[r * C + c];
  return result;
}
