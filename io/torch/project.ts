/**
 * Exports a network, its optimizer and one batch as a folder to run and train in PyTorch: weights and a Python file.
 */
import { lossOf, type LossTargets } from '../../losses';
import { directionsOf } from '../../bptt/network/layers/layer';
import { copyNetwork } from '../../bptt/network/network';
import { outputAxes } from '../../bptt/network/topology';
import { mustBe, mustBeOneOf, mustShape } from '../../core/check';
import { Random } from '../../core/random/random';
import { tensor } from '../../core/tensor';
import type { FormatDefinition } from '../format';
import { mustKnowParts } from '../foreign';
import { memoryOf, mustHoldNetwork } from '../checkpoint';
import { store, torchModule, toPytorch } from './parameters';
import { encodeSafetensors, type SafeTensor } from '../safetensors';
import { torchNames } from './optimizers';
import { predictScript } from './predict';
import { TOKENIZER, torchScript, type PytorchProject } from './script';

/** Parts of an architecture that `model.py` can express. */
const known = [
  'topology',
  'embedding',
  'layers',
  'encoder',
  'encoderEmbedding',
  'attention',
  'feed',
  'start',
  'output',
  'loss',
  'dropout',
  'trainInitial',
  'dtype',
] as const;

/**
 * The files of the folder by name:
 *
 *   weights.safetensors  parameters by PyTorch's names; the optimizer's state, `optim.exp_avg.rnn.weight_ih_l0`; states
 *                        to continue from, `state.h` [L·D, B, H]
 *   batch.safetensors    a random batch: x, targets, and this engine's output, loss and gradients in float64
 *   model.py             loads both, compares, and continues training, in one process or under torchrun in several
 *   tokenizer.json       the vocabulary, if it is of byte pairs
 *
 * The script freezes the second of PyTorch's two biases, which is zero, so that its optimizer makes the same steps.
 *
 * Layers that no single nn.RNN, LSTM or GRU represents become modules generated from the equations of their cells.
 *
 * @throws TypeError for a cell without equations.
 * @example
 * const files = pytorchProject({ network: net, optimizer: adam });
 * for (const [name, contents] of Object.entries(files)) writeFileSync(name, contents);
 */
export function pytorchProject(project: PytorchProject): Record<string, Uint8Array | string> {
  mustHoldNetwork(project, 'torch', 'pytorchProject({ network })');
  const { network, optimizer, vocabulary } = project;
  const { layers, topology } = network.architecture;
  mustBeOneOf(topology, ['many-to-many', 'many-to-one', 'encoder-decoder'], 'torch', 'the topology');
  const isTrained = topology !== 'encoder-decoder' || network.architecture.loss !== undefined;
  mustBe(
    isTrained,
    'torch',
    'the loss of an encoder-decoder must be given',
    'none',
    'its decoder reads the targets',
  );
  mustKnowParts(network.architecture, known, 'torch');
  const module = torchModule(layers);
  const tensors = toPytorch(network.architecture, network.parameters.values);
  const names = optimizer ? torchNames(optimizer.options.name).states : {};
  for (const [slot, memory] of Object.entries(memoryOf(optimizer))) {
    const name = names[slot];
    mustBe(name !== undefined, 'torch', 'the optimizer must state what its memory is in PyTorch', slot);
    for (const [key, stored] of toPytorch(network.architecture, memory))
      tensors.set(`optim.${name}.${key}`, stored);
  }
  for (const [name, states] of statesOf(project)) tensors.set(name, states);
  return {
    'weights.safetensors': encodeSafetensors(tensors, { format: 'pt' }),
    'batch.safetensors': encodeSafetensors(batchOf(project), { format: 'pt' }),
    'model.py': torchScript(project, module),
    ...(vocabulary?.tokens === 'byte pairs' && { [TOKENIZER]: String(vocabulary) }),
  };
}

/** The states to continue from in PyTorch's layout: all layers and directions in one tensor per state. */
function statesOf({ network, states = {}, B = 4 }: PytorchProject): [string, SafeTensor][] {
  if (Object.keys(states).length === 0) return [];
  const directions = network.architecture.layers.flatMap(directionsOf);
  const { dtype } = network.architecture;
  if (torchModule(network.architecture.layers) === undefined)
    return directions.flatMap(({ name, cell }) =>
      Object.entries(cell.states).map(([s, H]): [string, SafeTensor] => {
        const own = Array.from(states[`${name}.${s}`] ?? []);
        mustShape([own.length], [B * H], 'torch', `state ${name}.${s}`, `B = ${B} rows of ${H} units`);
        return [`state.${name}.${s}`, store(tensor(own, [1, B, H], dtype))];
      }),
    );
  const [{ cell }] = directions;
  return Object.entries(cell.states).map(([s, H]) => {
    const all = directions.map(({ name }) => Array.from(states[`${name}.${s}`] ?? []));
    for (const [k, one] of all.entries())
      mustShape(
        [one.length],
        [B * H],
        'torch',
        `state ${directions[k].name}.${s}`,
        `B = ${B} rows of ${H} units`,
      );
    const shape = [directions.length, B, H];
    return [`state.${s}`, store(tensor(all.flat(), shape, network.architecture.dtype))];
  });
}

/** A random batch, and the network's results for it. */
function batchOf({ network, vocabulary, T = 16, B = 4 }: PytorchProject): Map<string, SafeTensor> {
  const { embedding, encoder, encoderEmbedding, loss, topology, dtype } = network.architecture;
  const random = new Random(1);
  const [D, O] = [network.input, network.output];
  const whole = (shape: number[], below: number): SafeTensor => ({
    dtype: 'I64',
    shape,
    data: BigInt64Array.from({ length: size(shape) }, () => BigInt(random.below(below))),
  });
  const real = (shape: number[], draw: () => number): SafeTensor => {
    const values = Array.from({ length: size(shape) }, () => Math.fround(draw()));
    return dtype === 'float32'
      ? { dtype: 'F32', shape, data: Float32Array.from(values) }
      : { dtype: 'F64', shape, data: Float64Array.from(values) };
  };
  const classes = vocabulary ?? (encoder ? encoderEmbedding : embedding);
  const x = classes ? whole([T, B], D) : real([T, B, D], () => random.normal());
  const axes = outputAxes(topology, T, B);
  const targets: Record<LossTargets, () => SafeTensor> = {
    classes: () => whole(axes, O),
    probabilities: () => real([...axes, O], () => random.below(2)),
    numbers: () =>
      withClasses(
        real([...axes, O], () => random.normal()),
        O,
        loss,
      ),
  };
  const batch = new Map<string, SafeTensor>([['x', x]]);
  if (loss) batch.set('targets', targets[lossOf(loss).targets]());
  const array = ({ shape, data }: SafeTensor) => ({ shape: [...shape], numbers: Array.from(data, Number) });
  const given = batch.get('targets');
  // in float64, whose rounding errors are too small to hide a real difference
  const copy = copyNetwork(network);
  const result = copy.forward({ x: array(x), ...(given && { targets: array(given) }) });
  batch.set('output', store(result.output));
  if (loss) batch.set('loss', { dtype: 'F64', shape: [], data: Float64Array.of(result.loss) });
  // without a loss, the gradients of half the sum of squares of the output
  result.backward(loss ? undefined : { output: result.output });
  for (const [name, stored] of toPytorch(copy.architecture, copy.parameters.gradients))
    batch.set(`grad.${name}`, stored);
  return batch;
}

/** The same targets; those of an output that is a class become a row of zeros with a 1, at the largest. */
function withClasses(targets: SafeTensor, O: number, loss: string | undefined): SafeTensor {
  const numbers = targets.data as Float64Array;
  let from = 0;
  for (const [, width, prediction] of (loss && lossOf(loss).columns) || []) {
    for (let at = from; prediction === 'softmax' && at < numbers.length; at += O) {
      const row = numbers.subarray(at, at + width);
      const largest = row.indexOf(Math.max(...row));
      row.fill(0)[largest] = 1;
    }
    from += width;
  }
  return targets;
}

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export const torchProjectFormat: FormatDefinition = {
  name: 'torch-script-py',
  title: 'PyTorch, training',
  help: 'a folder with weights, optimizer, one batch, and a script that continues training in PyTorch',
  tested: 'PyTorch: same losses when training on, 1e-10 in float64, also on two processes',
  write: {
    path: 'pytorch',
    files: (exported) => ({
      ...pytorchProject(exported),
      ...(exported.preparation && predictScript(exported.preparation)),
    }),
    use: (out, _exported, _options, quote) => `python3 ${quote(`${out}/model.py`)}`,
  },
};
