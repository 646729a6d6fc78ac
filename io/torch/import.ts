/**
 * Imports the weights of a PyTorch model: an optional nn.Embedding, whose name must contain `emb`, one nn.RNN, LSTM
 * or GRU, then an optional nn.Linear, under any names: `lstm.weight_ih_l0`, `module.encoder.weight_ih_l0`,
 * `fc.weight`. A single nn.RNNCell, LSTMCell or GRUCell, whose names lack the `_l0`, counts as a layer.
 */
import { bidirectional, inputOf, widthOf, type Layer } from '../../bptt/network/layers/layer';
import { blankNetwork, type Network } from '../../bptt/network/network';
import { must, mustShape } from '../../core/check';
import {
  cellOfFacts,
  checkImport,
  dtypeFor,
  embeddingFor,
  matrixShape,
  type ImportOptions,
  type StoredWeights,
} from '../foreign';
import { fillFromPytorch } from './parameters';
import type { FormatDefinition } from '../format';
import type { SafeTensor } from '../safetensors';

const RECURRENT = /^(.*?)((?:weight|bias)_(?:ih|hh)|weight_hr)(?:_l(\d+)(_reverse)?)?$/;

/**
 * A network with the weights of a PyTorch model: kinds and sizes of its layers are derived from the weights.
 *
 * @param stored arrays by the names of the model's `state_dict`, from a safetensors file or an .npz archive.
 * @throws RangeError or TypeError when they do not form such a model, naming what does not fit.
 * @example
 * // in PyTorch:  np.savez('model.npz', **{k: v.numpy() for k, v in model.state_dict().items()})
 * const net = fromPytorch(decodeNpz(readFileSync('model.npz')));
 */
export function fromPytorch(stored: StoredWeights, options: ImportOptions = {}): Network {
  checkImport(stored, options);
  must(options.reset !== 'before', 'import', "reset must be 'after'", 'before', 'PyTorch has no other GRU');
  const { recurrent, rest } = parted(stored);
  const layers = layersOf(recurrent, options);
  const table = rest.find((name) => /emb[^.]*\.weight$/i.test(name));
  const others = rest.filter((name) => name !== table);
  const head = headOf(stored, others, widthOf(layers[layers.length - 1]));

  const own = new Map<string, SafeTensor>();
  for (const [name, stored] of recurrent) own.set(`rnn.${name}`, stored);
  for (const [name, stored] of Object.entries(head ?? {})) own.set(`head.${name}`, stored);
  if (table !== undefined) own.set('embedding.weight', stored.get(table) as SafeTensor);
  const { topology, loss } = options;
  const net = blankNetwork({
    layers: [...embeddingFor(stored, table, inputOf(layers[0])), ...layers],
    output: head?.weight.shape[0],
    topology,
    loss,
    dtype: dtypeFor(stored),
  });
  fillFromPytorch(net.architecture, own, net.parameters.values);
  return net;
}

/** The tensors of the recurrent module without their prefix, and the names of all others. */
function parted(stored: StoredWeights): { recurrent: StoredWeights; rest: string[] } {
  const recurrent = new Map<string, SafeTensor>();
  const modules = new Set<string>();
  const rest: string[] = [];
  for (const [name, tensor] of stored) {
    const [, module, kind, l = '0', reverse = ''] = RECURRENT.exec(name) ?? [];
    if (kind === undefined) rest.push(name);
    else {
      modules.add(module);
      recurrent.set(`${kind}_l${l}${reverse}`, tensor);
    }
  }
  must(
    modules.size === 1,
    'import',
    'the file must hold the weights of one nn.RNN, LSTM or GRU',
    [...modules].map((m) => m || 'one without a name'),
  );
  return { recurrent, rest };
}

function layersOf(recurrent: StoredWeights, options: ImportOptions): Layer[] {
  const cell = (place: string) => {
    const name = `weight_hh_${place}`;
    const [width, fed] = matrixShape(recurrent, name);
    const [, input] = matrixShape(recurrent, `weight_ih_${place}`);
    const bias = recurrent.has(`bias_ih_${place}`);
    if (!recurrent.has(`weight_hr_${place}`))
      return cellOfFacts({ name, gates: width / fed, input, hidden: fed, bias }, options);
    const [projection, hidden] = matrixShape(recurrent, `weight_hr_${place}`);
    return cellOfFacts({ name, gates: width / hidden, input, hidden, bias, projection }, options);
  };
  const layers: Layer[] = [];
  for (let l = 0; l === 0 || recurrent.has(`weight_hh_l${l}`); l++) {
    const both = recurrent.has(`weight_hh_l${l}_reverse`);
    layers.push(both ? bidirectional(cell(`l${l}`), cell(`l${l}_reverse`)) : cell(`l${l}`));
  }
  return layers;
}

/** The only linear layer among the other tensors; without biases, it gets zeros here. */
function headOf(
  stored: StoredWeights,
  rest: readonly string[],
  width: number,
): { weight: SafeTensor; bias: SafeTensor } | undefined {
  if (rest.length === 0) return undefined;
  const [weight, bias, ...more] = [...rest].sort((a) => (a.endsWith('weight') ? -1 : 1));
  const module = weight.replace(/weight$/, '');
  const linear =
    weight.endsWith('weight') && more.length === 0 && (bias === undefined || bias === `${module}bias`);
  must(
    linear,
    'import',
    'tensors besides those of the recurrent module must be the weight and bias of one nn.Linear',
    rest,
  );
  const [outputs, inputs] = matrixShape(stored, weight);
  mustShape([inputs], [width], 'import', weight, 'it reads the output of the recurrent module');
  const { dtype } = stored.get(weight) as SafeTensor;
  const none = dtype === 'F64' ? new Float64Array(outputs) : new Float32Array(outputs);
  return {
    weight: stored.get(weight) as SafeTensor,
    bias:
      bias === undefined
        ? ({ dtype, shape: [outputs], data: none } as SafeTensor)
        : (stored.get(bias) as SafeTensor),
  };
}

export const torchFormat: FormatDefinition = {
  name: 'torch',
  title: 'PyTorch weights',
  help: "the state_dict of a model, as safetensors or NumPy's .npz",
  tested: 'PyTorch, as safetensors or `.npz`: same outputs and gradients, 1e-10 in float64',
  read: {
    network: fromPytorch,
    how: `In PyTorch (any model of an optional nn.Embedding with emb in its name, one nn.RNN, LSTM or GRU, and an optional \
nn.Linear):
  numpy.savez("model.npz", **{k: v.numpy() for k, v in model.state_dict().items()})
  or  safetensors.torch.save_model(model, "model.safetensors")`,
  },
};
