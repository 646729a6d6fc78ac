/** Generates the network-specific parts of an exported PyTorch project: layers, loss, optimizer and schedule. */
import { must, mustBe } from '../core/check';
import { lossOf } from '../losses';
import { initialName, type Architecture } from '../bptt/network/architecture';
import type { Network } from '../bptt/network/network';
import { directionsOf, inputOf, isBidirectional, widthOf, type Layer } from '../bptt/network/layer';
import { pythonOf, type ScheduleOptions } from '../bptt/train/schedules';
import { endsInOne } from '../bptt/network/topology';
import { pythonEscape, safeLiteral } from '../core/safe';
import type { Optimizer } from '../bptt/train/optimizers';
import { torchCells } from './torchcell';
import { torchOptimizerCall } from './torchoptim';
import { torchTemplate } from './torchtemplate';
import type { Vocabulary } from './vocabulary';

/** The contents of an exported PyTorch project. */
export interface PytorchProject {
  /** Its weights are written to the folder. */
  network: Network;
  /** Its state is exported, so that training continues in PyTorch. */
  optimizer?: Optimizer;
  /** Symbols of a character model: the script then trains on a text. */
  vocabulary?: Vocabulary;
  /** Schedule of the learning rate; default constant. */
  schedule?: ScheduleOptions;
  /** States from which training on a text continues, by name, `l0.h` [B, H] row-major, with its next batch. */
  states?: Record<string, ArrayLike<number>>;
  /** Maximum global norm of gradient clipping. */
  clip?: number;
  /** T and B of the stored batch, and of the batches of a text; default 16 and 4. */
  T?: number;
  B?: number;
}

/** The text of `model.py` (see `torchproject.ts`) for layers that nn.`module` computes, or modules of their own. */
export function torchScript(project: PytorchProject, module: string | undefined): string {
  const { network, optimizer, vocabulary, clip, schedule, T = 16, B = 4 } = project;
  const { embedding, layers, loss, dtype, topology, output } = network.architecture;
  const dropout = oneDropout(network.architecture);
  const parts = {
    ...rnnLines(network.architecture, module),
    dtype,
    roundings: roundings(network, T),
    D: network.input,
    table: embedding ? `\n        self.embedding = nn.Embedding(${embedding.input}, ${embedding.width})` : '',
    read: embedding
      ? 'self.embedding(x)'
      : `F.one_hot(x, ${network.input}).to(next(self.parameters()).dtype)`,
    mix: embedding
      ? '\n        else:\n            x = x @ self.embedding.weight\n        x = self.dropout(x)'
      : '',
    ...initialLines(network.architecture, module),
    dropout,
    head:
      output === undefined ? 'nn.Identity()' : `nn.Linear(${widthOf(layers[layers.length - 1])}, ${output})`,
    loss: lossLines(loss, network.reduction, network.output),
    optimizer: optimizer ? torchOptimizerCall(optimizer.options) : 'torch.optim.Adam(parameters, lr=1e-3)',
    steps: optimizer?.steps ?? 0,
    clip: clip === undefined ? 'None' : String(clip),
    rate: rateLines(schedule),
    rows: endsInOne(topology) ? 0 : 1,
    vocabulary: vocabulary ? safeLiteral(JSON.stringify(String(vocabulary)), pythonEscape) : 'None',
    T,
    B,
  };
  return torchTemplate(parts);
}

/** Number of roundings behind one output value: those of the sums, and a few in the gates of each step. */
function roundings({ architecture: { layers, output } }: Network, T: number): number {
  const each = layers.map((layer) => inputOf(layer) + directionsOf(layer, 0)[0].cell.hidden + IN_GATES);
  const head = output === undefined ? 0 : widthOf(layers[layers.length - 1]) + 1;
  return T * each.reduce((sum, n) => sum + n, 0) + head;
}
/** Biases, activations and products in the gates of one unit. */
const IN_GATES = 20;

function moduleCall(layers: readonly Layer[], module: string, dropout: number): string {
  const [{ cell }] = directionsOf(layers[0], 0);
  const { activation, bias, projection } = cell.options as {
    activation?: string;
    bias: boolean;
    projection?: number;
  };
  const named: string[] = [];
  if (layers.length > 1) named.push(`num_layers=${layers.length}`);
  if (activation === 'relu') named.push('nonlinearity="relu"');
  if (!bias) named.push('bias=False');
  if (projection !== undefined) named.push(`proj_size=${projection}`);
  // PyTorch applies no dropout after the last layer
  if (dropout > 0 && layers.length > 1) named.push(`dropout=${dropout}`);
  if (isBidirectional(layers[0])) named.push('bidirectional=True');
  return `nn.${module}(${[inputOf(layers[0]), cell.hidden, ...named].join(', ')})`;
}

/** Code for trained initial states: the parameters, and their expansion to all rows. */
function initialLines(
  { layers, trainInitial }: Architecture,
  module: string | undefined,
): Record<'initial' | 'first', string> {
  if (!trainInitial) return { initial: '', first: '' };
  const directions = layers.flatMap(directionsOf);
  const states = module === 'LSTM' ? ['h', 'c'] : ['h'];
  const places = directions.flatMap(({ name, cell }) =>
    states.map((s) => [s, ...initialName(trainInitial, name, s).split('.'), cell.states[s]] as const),
  );
  const holders = [...new Set(places.map(([, holder]) => holder))].map((holder) => {
    const own = new Map(places.filter(([, h]) => h === holder).map(([, , key, H]) => [key, H]));
    const all = Array.from(own, ([key, H]) => `"${key}": nn.Parameter(torch.zeros(1, ${H}))`);
    return `\n        self.${holder} = nn.ParameterDict({${all.join(', ')}})`;
  });
  const stacked = states.map((s) => {
    const rows = places.filter(([state]) => state === s).map(([, holder, key]) => `self.${holder}["${key}"]`);
    return `torch.stack([${rows.join(', ')}]).expand(-1, rows, -1).contiguous()`;
  });
  const [h, c] = stacked;
  const state = c === undefined ? h : `(\n                ${h},\n                ${c},\n            )`;
  return {
    initial: holders.join(''),
    first: `\n        if state is None:\n            rows = x.shape[1]\n            state = ${state}`,
  };
}

/** The one probability of dropout of all layers, as PyTorch's modules have it. */
function oneDropout({ dropout }: Architecture): number {
  mustBe(typeof dropout === 'number', 'torch', 'dropout must be one number for all layers', 'a list');
  return dropout;
}

/** The Python body of a schedule. */
const rateLines = (schedule: ScheduleOptions = { name: 'constant' }): string =>
  pythonOf(schedule)
    .map((line) => `    ${line}`)
    .join('\n');

/** Code that runs the layers: one PyTorch module, or the generated ones of the cells. */
function rnnLines(
  architecture: Architecture,
  module: string | undefined,
): Record<'classes' | 'rnn' | 'method' | 'states' | 'carried' | 'last' | 'time', string> {
  const { layers, topology, trainInitial } = architecture;
  const end = (states: string[]): string => {
    if (!endsInOne(topology)) return '';
    const y = states.length > 1 ? `torch.cat((${states.join(', ')}), -1)` : states[0];
    return `\n        y = ${y}  # one answer a row, after its last step`;
  };
  if (module !== undefined) {
    const h = module === 'LSTM' ? 'state[0]' : 'state';
    return {
      ...{ classes: '', method: '', time: '' },
      rnn: `\n        self.rnn = ${moduleCall(layers, module, oneDropout(architecture))}`,
      states: JSON.stringify(Object.keys(directionsOf(layers[0], 0)[0].cell.states)),
      carried: 'carried if len(carried) == 2 else carried[0]',
      last: end(isBidirectional(layers[0]) ? [`${h}[-2]`, `${h}[-1]`] : [`${h}[-1]`]),
    };
  }
  const { classes, members, method, states, last, clocked } = torchCells(layers);
  const got = layers.flatMap(directionsOf).map(({ cell }) => cell.name);
  const why = 'no single nn.RNN, LSTM or GRU computes these layers';
  must(!trainInitial, 'torch', 'trainInitial must be off for cells that are written out', got, why);
  return {
    ...{ method, rnn: members, carried: 'carried', time: clocked ? ', time' : '' },
    classes: `\n\n${classes}\n`,
    states: JSON.stringify(states),
    last: end(last.map((k) => `state[${k}][0]`)),
  };
}

/** The sum of a loss over some rows, and the divisor of the sum over all rows of a batch. */
function lossLines(name: string | undefined, reduction: string, O: number): string {
  if (!name) return '    raise SystemExit("this network was saved without a loss: write one here")';
  const { pytorch, targets, perOutput } = lossOf(name, 'torch');
  mustBe(pytorch !== undefined, 'torch', 'the loss must state what it is in PyTorch', name);
  const elements = targets === 'classes' ? 1 : O;
  const mean = perOutput || elements === 1 ? 'count' : `(count / ${elements})`;
  const divisor = reduction === 'mean' ? mean : String(perOutput ? O : 1);
  return `    return ${pytorch} / ${divisor}`;
}
