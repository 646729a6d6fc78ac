/**
 * Checkpoints: a training run in one safetensors file, from which it can be resumed with bit-identical results.
 *
 *   rnn.… enc.… dec.… embedding.… attention.… head.…
 *                          parameters under PyTorch's names (see `io/torch/parameters.ts`), in the dtype they are trained in
 *   optim.<memory>.<name>  the optimizer's state of a parameter: `optim.m.rnn.weight_ih_l0`
 *   best.<k> [1, n]        weights and optimizer state of the best validation so far, in the optimizer's order
 *   state.<name> [B, H]    states with which the next batch starts: `state.l0.h`
 *   curve.<name> [n, 2]    loss curves: step and loss, float64
 *
 * The metadata holds everything that is not a tensor, as JSON: the network, the optimizer, the generator, the
 * vocabulary, and `training`, whose form the writer chooses. It has no timestamps or paths: equal runs write equal
 * bytes.
 */
import type { Cell } from '../cells/cell';
import { builtInLosses, lossOf, statedAs } from '../losses';
import { kindOf, kinds } from '../cells/kinds';
import { makers, noteOfCell, type CellMaker } from '../cells/makers';
import { architectureOf, parameterShapes } from '../bptt/network/architecture';
import { directionsOf, type Layer } from '../bptt/network/layers/layer';
import { noteOf, optionsFrom } from '../bptt/network/note';
import { must, mustBe, mustBeBytes, mustKnowKeys } from '../core/check';
import type { ExecutorName } from '../core/programs/executor';
import { sizeOf, tensor, type Numbers, type Tensors } from '../core/tensor';
import { flatten } from '../bptt/network/batch/numbers';
import { blankNetwork, mustBeNetwork, Network } from '../bptt/network/network';
import { optimizer as optimizerOf, Optimizer, type OptimizerSnapshot } from '../bptt/train/optimizers';
import { withoutPrefix } from '../bptt/network/parameters';
import { cellsOf } from '../bptt/network/layers/stack';
import { parseJson } from './json';
import { adoptLoss, FORMAT, readMetadata, type Metadata } from './metadata';
import { fillFromPytorch, store, torchModule, toPytorch } from './torch/parameters';
import { decodeSafetensors, encodeSafetensors, type SafeTensor } from './safetensors';
import { Vocabulary } from './vocabulary';

/** JSON with sorted keys: equal contents give equal text, whatever the order of insertion. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** The writer's own entry as JSON; refused if it could not be read back. */
function readable(training: unknown): string {
  mustBe(typeof training !== 'function', 'checkpoint', 'training must be JSON', training);
  let text: string;
  try {
    text = canonical(training);
    parseJson(text);
  } catch (error) {
    must(false, 'checkpoint', 'training must be JSON of moderate depth', (error as Error).message);
  }
  return text;
}

/** The contents of a checkpoint. */
export interface Checkpoint {
  /** With its weights, and the state of the generator of its dropout masks. */
  network: Network;
  /** With its state and its number of steps. */
  optimizer?: Optimizer;
  /** Weights and optimizer state of the best validation so far, if training continues from later ones. */
  best?: OptimizerSnapshot;
  /** States to continue from by name, `l0.h` [B, H] row-major. */
  states?: Record<string, ArrayLike<number>>;
  /** Loss curves by name, as flat pairs of step and loss. */
  curves?: Record<string, ArrayLike<number>>;
  /** The symbols of a character model. */
  vocabulary?: Vocabulary;
  /** Additional JSON of the writer. */
  training?: unknown;
}

/** Input of `encodeCheckpoint`: states may also be those of a pass. */
export type CheckpointToSave = Omit<Checkpoint, 'states'> & { states?: Record<string, Numbers> };

/** Options for reading a checkpoint. */
export interface CheckpointOptions {
  /** The executor; default as for `network`. A checkpoint does not store it. */
  executor?: ExecutorName;
  /** Omits what only training needs: dropout, optimizer, and the loss unless it determines the output feedback. */
  inference?: boolean;
  /** Factories of the user's cells by name; each is called with the options of the stored cell. */
  cells?: Record<string, CellMaker>;
  /** File name for messages. */
  file?: string;
}
export type { CellMaker };

/**
 * The bytes of a checkpoint file.
 *
 * @throws RangeError when the length of a state is no multiple of its layer's width; TypeError for wrong types.
 * @example
 * const bytes = encodeCheckpoint({ network: net, optimizer: adam });
 * decodeCheckpoint(bytes).network.parameters.count === net.parameters.count // true
 */
export function encodeCheckpoint(checkpoint: CheckpointToSave): Uint8Array<ArrayBuffer> {
  const where = 'checkpoint';
  mustHoldNetwork(checkpoint, where, 'encodeCheckpoint({ network })');
  const names = ['network', 'optimizer', 'best', 'states', 'curves', 'vocabulary', 'training'];
  mustKnowKeys(checkpoint, names, where, 'it must be made of');
  const { network, optimizer, best, states = {}, curves = {}, vocabulary, training } = checkpoint;
  if (optimizer !== undefined) {
    const why = 'optimizer(network, options) makes it';
    mustBe(optimizer instanceof Optimizer, where, 'the optimizer must be an Optimizer', optimizer, why);
    const own = optimizer.parameters === network.parameters;
    mustBe(own, where, 'the optimizer must be for this network', 'another');
  }
  const known = vocabulary === undefined || vocabulary instanceof Vocabulary;
  const why = 'Vocabulary.of(text) makes it';
  mustBe(known, where, 'the vocabulary must be a Vocabulary', vocabulary, why);
  for (const { cell } of cellsOf(network.architecture)) mustHaveOwnName(cell, where);
  const { layers, dtype, loss } = network.architecture;
  const isOwn = loss !== undefined && !builtInLosses.includes(loss);
  const tensors = toPytorch(network.architecture, network.parameters.values);
  for (const [slot, memory] of Object.entries(memoryOf(optimizer))) {
    for (const [name, stored] of toPytorch(network.architecture, memory))
      tensors.set(`optim.${slot}.${name}`, stored);
  }
  best?.numbers.forEach((data, k) => tensors.set(`best.${k}`, store(tensor(data, [1, data.length], dtype))));
  for (const [name, values] of Object.entries(states)) {
    const width = widthOf(layers, name);
    const { numbers } = flatten(values, where, `state ${name}`);
    const whole = width > 0 && numbers.length % width === 0;
    must(whole, where, `state ${name} must hold rows of ${width} values`, numbers.length);
    tensors.set(`state.${name}`, store(tensor(numbers, [numbers.length / width, width], dtype)));
  }
  for (const [name, points] of Object.entries(curves)) {
    const data = Float64Array.from(flatten(points, where, `curve ${name}`).numbers);
    must(data.length % 2 === 0, where, `curve ${name} must hold pairs of step and loss`, data.length);
    tensors.set(`curve.${name}`, { dtype: 'F64', shape: [data.length / 2, 2], data });
  }

  const metadata: Record<string, string> = {
    format: 'pt',
    backstep: FORMAT,
    network: canonical(noteOf(network)),
    ...(isOwn && { loss: canonical(statedAs(lossOf(loss).definition)) }),
    random: canonical(network.random.state),
    ...(optimizer && {
      optimizer: canonical({ options: optimizer.options, steps: optimizer.steps }),
    }),
    ...(best && { best: canonical({ steps: best.steps }) }),
    ...(vocabulary && { vocabulary: String(vocabulary) }),
    ...(training !== undefined && { training: readable(training) }),
  };
  const module = moduleNote(layers);
  if (module !== undefined) metadata.module = module;
  return encodeSafetensors(tensors, metadata);
}

/** Refuses a user's cell with the name of a built-in one, as which it would be read. */
function mustHaveOwnName(cell: Cell, where: string): void {
  const { cell: name } = noteOfCell(cell);
  const own = !kinds.has(name) || kindOf(cell) !== undefined;
  mustBe(
    own,
    where,
    'a cell of your own must have a name of its own',
    name,
    'a built-in cell is called that',
  );
}

/** Checks that the argument is an object that contains a network, rather than the network itself. */
export function mustHoldNetwork(given: { network: Network }, where: string, call: string): void {
  const apart = !((given as unknown) instanceof Network);
  mustBe(apart, where, `the network must be passed by name, ${call}`, given);
  mustBe(typeof given === 'object' && given !== null, where, `it must be an object, as in ${call}`, given);
  mustBeNetwork(given.network, where);
}

/** A note on the PyTorch module that can hold the weights, if there is one. */
function moduleNote(layers: readonly Layer[]): string | undefined {
  const torch = torchModule(layers);
  return torch && `torch.nn.${torch}; ${torch === 'GRU' ? gruBiases : biases}`;
}
const biases = 'each layer has one bias: it is bias_ih, and bias_hh is zero';
const gruBiases = 'each layer has one bias, bias_ih, and b_hn, the last third of bias_hh, whose rest is zero';

/**
 * Reads the bytes of a checkpoint file, and rebuilds the network and its optimizer.
 *
 * @throws RangeError or TypeError when anything in it differs from the form that `encodeCheckpoint` writes.
 * @example
 * writeFileSync('checkpoint.safetensors', encodeCheckpoint({ network: net, optimizer: adam }));
 * const { network, optimizer } = decodeCheckpoint(readFileSync('checkpoint.safetensors'));
 * optimizer.options.name; // 'adam'
 * network.forward(batch).loss === net.forward(batch).loss; // true
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  options: CheckpointOptions = {},
): Required<Pick<Checkpoint, 'network' | 'states' | 'curves'>> & Checkpoint {
  mustKnowKeys(options, ['executor', 'inference', 'cells', 'file'], 'checkpoint');
  const { file = 'the file' } = options;
  mustBeBytes(bytes, 'checkpoint', file);
  try {
    return decode(bytes, options);
  } catch (error) {
    const { message } = error as Error;
    const Kind = error instanceof TypeError ? TypeError : RangeError;
    throw new Kind(`checkpoint: ${file} must be a whole checkpoint of backstep, got this: ${message}`, {
      cause: error,
    });
  }
}

function decode(bytes: Uint8Array, { executor, inference = false, cells }: CheckpointOptions) {
  const { tensors, metadata } = decodeSafetensors(bytes);
  mustBe(
    metadata.backstep !== undefined,
    'metadata',
    'it must hold the key backstep',
    'a safetensors file of another kind',
  );
  mustBe(
    metadata.backstep === FORMAT,
    'metadata',
    `the format must be ${FORMAT}`,
    `format ${metadata.backstep}`,
  );
  if (metadata.loss !== undefined) adoptLoss(metadata.loss);
  const notes = readMetadata(metadata);
  const asked = optionsFrom(notes.network, makers().with(cells ?? {}), 'metadata');
  const least = Object.values(parameterShapes(architectureOf(asked))).reduce(
    (n, { shape }) => n + sizeOf(shape),
    0,
  );
  must(
    least <= bytes.length,
    'metadata',
    `the network must fit the file's ${bytes.length} bytes`,
    `${least} weights`,
  );

  const { loss, dropout, variational } = notes.network;
  const network = blankNetwork({
    ...asked,
    // output feedback applies the loss's prediction function
    loss: inference && asked.feed !== 'output' ? undefined : loss,
    dropout: inference ? 0 : dropout,
    variational: inference ? false : variational,
    executor,
  });
  network.random.state = notes.random;
  const { layers, dtype } = network.architecture;
  const parts = byPrefix(tensors, ['optim.', 'best.', 'state.', 'curve.']);
  fill(network, parts[''], network.parameters.values, '');
  const written = {
    ...noteOf(network),
    ...(inference && { loss, dropout, ...(variational && { variational }) }),
  };
  mustComeBack(notes.network, written, 'network');
  mustComeBack(notes.module, moduleNote(layers), 'module');
  const made = inference || !notes.optimizer ? undefined : restore(network, notes.optimizer, parts['optim.']);
  return {
    network,
    optimizer: made,
    best: made && notes.best && readBest(made, notes.best.steps, parts['best.']),
    states: readStates(parts['state.'], layers, dtype),
    curves: readCurves(parts['curve.']),
    vocabulary: notes.vocabulary === undefined ? undefined : Vocabulary.parse(notes.vocabulary),
    training: notes.training,
  };
}

function restore(
  network: Network,
  { options, steps }: NonNullable<Metadata['optimizer']>,
  stored: Stored,
): Optimizer {
  const made = optimizerOf(network, options);
  const memory = memoryOf(made);
  const parts = byPrefix(
    stored,
    Object.keys(memory).map((slot) => `${slot}.`),
  );
  const stranger = [...parts[''].keys()].at(0);
  must(stranger === undefined, 'checkpoint', `tensors must be those of ${options.name}`, `optim.${stranger}`);
  for (const [slot, tensors] of Object.entries(memory))
    fill(network, parts[`${slot}.`], tensors, `optim.${slot}.`);
  mustComeBack(options, made.options, 'optimizer: options');
  made.load({ ...made.state(), steps: [steps] });
  return made;
}

function readBest(made: Optimizer, steps: number, stored: Stored): OptimizerSnapshot {
  const { numbers } = made.keep();
  must(stored.size === numbers.length, 'checkpoint', `best must hold ${numbers.length} tensors`, stored.size);
  numbers.forEach((into, k) => {
    const data = stored.get(`${k}`)?.data;
    const fits = data instanceof into.constructor && data.length === into.length;
    must(
      fits,
      'checkpoint',
      `best.${k} must hold ${into.length} numbers of the network's kind`,
      data?.length,
    );
    into.set(data as typeof into);
  });
  return { steps, numbers };
}

/** Fills tensors from stored ones, and checks that writing them again would give the same bits. */
function fill({ architecture }: Network, stored: Stored, tensors: Tensors, prefix: string): void {
  fillFromPytorch(architecture, stored, tensors);
  // in reverse order: a nonzero second bias has been added to the first, which then differs, too
  for (const [name, { dtype, data }] of [...toPytorch(architecture, tensors)].reverse()) {
    const found = stored.get(name) as SafeTensor;
    must(found.dtype === dtype, 'checkpoint', `${prefix}${name} must be ${dtype}`, found.dtype);
    const other = data.findIndex((value, k) => !Object.is(value, found.data[k]));
    const why = 'a bias that PyTorch has and this network has not';
    must(
      other < 0,
      'checkpoint',
      `${prefix}${name}[${other}] must be ${data[other]}`,
      found.data[other],
      why,
    );
  }
}

/**
 * Checks that every entry of a note equals the one that would be written for the object made from it; newer versions
 * may write more.
 */
function mustComeBack(given: unknown, written: unknown, where: string): void {
  if (typeof given === 'object' && given !== null && typeof written === 'object' && written !== null) {
    for (const [key, value] of Object.entries(given))
      mustComeBack(value, (written as Record<string, unknown>)[key], `${where}.${key}`);
    if (!Array.isArray(given) || given.length === (written as unknown[]).length) return;
  }
  mustBe(given === written, 'metadata', `${where} must be ${String(written)}`, given);
}

/** An optimizer's state by slot, then by parameter. */
export function memoryOf(optimizer: Optimizer | undefined): Record<string, Tensors> {
  if (!optimizer) return {};
  const all = optimizer.state();
  const slots = new Set(Object.keys(all).map((name) => name.split('.', 1)[0]));
  slots.delete('steps');
  return Object.fromEntries([...slots].map((slot) => [slot, withoutPrefix(all, `${slot}.`)]));
}

type Stored = ReadonlyMap<string, SafeTensor>;

/** Groups tensors by name prefix, which is removed; those without a known prefix are under ''. */
function byPrefix(tensors: Stored, prefixes: readonly string[]): Record<string, Map<string, SafeTensor>> {
  const parts = Object.fromEntries(
    ['', ...prefixes].map((prefix) => [prefix, new Map<string, SafeTensor>()]),
  );
  for (const [name, stored] of tensors) {
    const prefix = prefixes.find((start) => name.startsWith(start)) ?? '';
    parts[prefix].set(name.slice(prefix.length), stored);
  }
  return parts;
}

function readStates(stored: Stored, layers: readonly Layer[], dtype: string): Record<string, Float64Array> {
  const states: Record<string, Float64Array> = {};
  for (const [name, { dtype: got, shape, data }] of stored) {
    const width = widthOf(layers, name);
    const fits =
      width > 0 && got === (dtype === 'float32' ? 'F32' : 'F64') && shape.length === 2 && shape[1] === width;
    must(fits, 'checkpoint', `state.${name} must be a state of the network`, `${got} [${shape.join(', ')}]`);
    states[name] = Float64Array.from(data as Float64Array);
  }
  return states;
}

function readCurves(stored: Stored): Record<string, Float64Array> {
  const curves: Record<string, Float64Array> = {};
  for (const [name, { dtype, shape, data }] of stored) {
    const fits = dtype === 'F64' && shape.length === 2 && shape[1] === 2;
    must(fits, 'checkpoint', `curve.${name} must be F64 [n, 2]`, `${dtype} [${shape.join(', ')}]`);
    curves[name] = data;
  }
  return curves;
}

/** Width of the state `l0.h`, or 0 if the network has no such state. */
function widthOf(layers: readonly Layer[], name: string): number {
  const [, own, state] = /^(l\d+r?)\.(\w+)$/.exec(name) ?? [];
  return layers.flatMap(directionsOf).find((direction) => direction.name === own)?.cell.states[state] ?? 0;
}
