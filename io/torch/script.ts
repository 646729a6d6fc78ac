/** Generates the network-specific parts of an exported PyTorch project: layers, loss, optimizer and schedule. */
import { must, mustBe } from '../../core/check';
import { lossOf } from '../../losses';
import { initialName, type Architecture } from '../../bptt/network/architecture';
import type { Network } from '../../bptt/network/network';
import { directionsOf, inputOf, isBidirectional, widthOf } from '../../bptt/network/layers/layer';
import { pythonOf, type ScheduleOptions } from '../../bptt/train/schedules';
import { endsInOne } from '../../bptt/network/topology';
import { pythonEscape, safeLiteral } from '../../core/safe';
import type { Optimizer } from '../../bptt/train/optimizers';
import { torchCells } from './cell';
import { headOf, moduleCall, oneDropout } from './module';
import { encoderDecoderLines } from './seq2seq';
import { torchOptimizerCall } from './optimizers';
import { PAIRS_OF, torchTemplate, WORDS_OF } from './template';
import type { Vocabulary } from '../vocabulary';

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
  /** Updates made before training on its text began; default 0. */
  begun?: number;
  /** Maximum global norm of gradient clipping. */
  clip?: number;
  /** T and B of the stored batch, and of the batches of a text; default 16 and 4. */
  T?: number;
  B?: number;
}

/** The name of the file with the byte pairs of a vocabulary. */
export const TOKENIZER = 'tokenizer.json';

/** How the script reads a text: characters are one literal, words a list, and byte pairs are in a file. */
function readingOf(
  vocabulary: Vocabulary | undefined,
): Record<'needs' | 'vocabulary' | 'words' | 'places' | 'codes', string> {
  const literal = (value: unknown): string => safeLiteral(JSON.stringify(value), pythonEscape);
  const needs = 'It needs PyTorch and nothing else.';
  const meaning = '  # symbols in the order of their classes, from 1 on; 0 is any other';
  const places = '    places = {symbol: k for k, symbol in enumerate(VOCABULARY or "", start=1)}\n';
  const codesOf = (symbols: string): string => `[places.get(symbol, 0) for symbol in ${symbols}]`;
  const symbols = vocabulary?.symbols.slice(1);
  switch (vocabulary?.tokens) {
    case 'byte pairs':
      return {
        needs: 'It needs PyTorch, and for --text the package tokenizers.',
        vocabulary: `"${TOKENIZER}"`,
        ...{ words: PAIRS_OF, places: '', codes: 'pairs_of(whole)' },
      };
    case 'words':
      return {
        vocabulary: `${literal(symbols)}${meaning}`,
        ...{ needs, words: WORDS_OF, places, codes: codesOf('words_of(whole)') },
      };
    default:
      return {
        vocabulary: `${symbols ? literal(symbols.join('')) : 'None'}${meaning}`,
        ...{ needs, words: '', places, codes: codesOf('whole') },
      };
  }
}

/** The text of `model.py` (see `project.ts`) for layers that nn.`module` computes, or modules of their own. */
export function torchScript(project: PytorchProject, module: string | undefined): string {
  const { network, optimizer, vocabulary, clip, schedule, begun = 0, T = 16, B = 4 } = project;
  const { loss, dtype, topology, trainInitial, encoder } = network.architecture;
  const parts = {
    ...(encoder ? encoderDecoderLines(network.architecture) : sequenceLines(network, module)),
    dtype,
    roundings: roundings(network, T),
    unused: trainInitial ? 'True' : 'False',
    loss: lossLines(loss, network.reduction, network.output),
    optimizer: optimizer ? torchOptimizerCall(optimizer.options) : 'torch.optim.Adam(parameters, lr=1e-3)',
    steps: optimizer?.steps ?? 0,
    clip: clip === undefined ? 'None' : String(clip),
    rate: rateLines(schedule),
    rows: endsInOne(topology) ? 0 : 1,
    ...readingOf(vocabulary),
    begun,
    T,
    B,
  };
  return torchTemplate(parts);
}

/** The parts of the script that run a network with an input at every step. */
function sequenceLines(
  { architecture, input }: Network,
  module: string | undefined,
): Record<'classes' | 'model' | 'given' | 'again' | 'states' | 'carried', string> {
  const { embedding } = architecture;
  const dropout = oneDropout(architecture);
  const { rnn, method, time, last, ...rest } = rnnLines(architecture, module);
  const { initial, first } = initialLines(architecture, module);
  const table = embedding
    ? `\n        self.embedding = nn.Embedding(${embedding.input}, ${embedding.width})`
    : '';
  const read = embedding ? 'self.embedding(x)' : `F.one_hot(x, ${input}).to(next(self.parameters()).dtype)`;
  const mix = embedding
    ? '\n        else:\n            x = x @ self.embedding.weight\n        x = self.dropout(x)'
    : '';
  const clock = time === '' ? '' : ' Cells with a clock use the time of the first step.';
  return {
    ...rest,
    given: '(batch["x"],)',
    again: `, None if time == 0 else state${time}`,
    model: `    def __init__(self):
        super().__init__()${table}${initial}${rnn}
        self.dropout = nn.Dropout(${dropout})
        self.head = ${headOf(architecture)}
${method}
    def forward(self, x, state=None${time === '' ? '' : ', time=0'}):
        """x [T, B, ${input}], or class numbers [T, B]; returns y and the states to go on from.${clock}"""
        if x.dtype == torch.int64:
            x = ${read}${mix}${first}
        y, state = self.rnn(x, state${time})${last}
        return self.head(self.dropout(y)), state
`,
  };
}

/** Number of roundings behind one output value: those of the sums, and a few in the gates of each step. */
function roundings({ architecture: { layers, encoder = [], output } }: Network, T: number): number {
  const each = [...encoder, ...layers].map(
    (layer) => inputOf(layer) + directionsOf(layer, 0)[0].cell.hidden + IN_GATES,
  );
  const head = output === undefined ? 0 : widthOf(layers[layers.length - 1]) + 1;
  return T * each.reduce((sum, n) => sum + n, 0) + head;
}
/** Biases, activations and products in the gates of one unit. */
const IN_GATES = 20;

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
