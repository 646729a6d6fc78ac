/** Arguments of public functions that are of another kind than they must be: each is named, with what it must be. */
import {
  clipGlobalNorm,
  copyNetwork,
  corrupt,
  ctcLabels,
  decode,
  elman,
  globalNorm,
  gradcheck,
  gru,
  hopfield,
  LossCurve,
  lstm,
  network,
  onlineGradients,
  optimizer,
  parallel,
  Parameters,
  problemOfCell,
  randomPatterns,
  scheduledSampling,
  suggestedThreads,
  type Network,
} from '../index';

const cell = elman({ input: 2, hidden: 3 });
const net = network({ layers: [cell], output: 4, loss: 'softmax', dtype: 'float64' });
const writer = network({ layers: [gru({ input: 4, hidden: 3 })], output: 4, loss: 'softmax' });
const translator = network({
  ...{ topology: 'encoder-decoder', encoder: [lstm({ input: 2, hidden: 3 })], loss: 'softmax' },
  ...{ layers: [lstm({ input: 4, hidden: 3 })], output: 4 },
} as const);
const online = (): Network => network({ layers: [cell], output: 1, dtype: 'float64' });
const batch = { x: [[[1, 0]], [[0, 1]]], targets: [[0], [1]] };
const adam = optimizer(net, { name: 'adam' });
const pair = { x: [[0], [1]], targets: [[0], [1]] };

/** Anything, as a program without types may pass it. */
const any = (value: unknown): never => value as never;

test.each<[act: () => unknown, message: string]>([
  // lists
  [
    () => net.forward(batch, { steps: any(1) }),
    'network.forward: steps must be a list of two numbers, [from, to], got 1',
  ],
  [
    () => net.forward(batch, { rows: any({}) }),
    'network.forward: rows must be a list of two numbers, [from, to], got an object',
  ],
  [() => gradcheck(cell, { oracles: any(true) }), 'gradcheck: oracles must be a list of oracles, got true'],
  [
    () => onlineGradients(online(), { parameters: any(3) }),
    'onlineGradients: parameters must be a list of names, got 3',
  ],
  [
    () => onlineGradients(online()).step(any(null)),
    'onlineGradients.step: x must be a list of numbers, got null',
  ],
  [
    () => LossCurve.from(any(undefined), { interval: 1, sum: 0, count: 0 }),
    'LossCurve.from: the pairs must be a list of numbers, got undefined',
  ],
  // generators
  [
    () => decode(writer, { x: [[0]] }, { steps: 1, random: any(1) }),
    'decode: random must be a generator, got 1 (new Random(seed))',
  ],
  [
    () => scheduledSampling(translator, pair, { probability: 0.5, random: any(null) }),
    'scheduled: random must be a generator, got null',
  ],
  [
    () => onlineGradients(online(), { random: any({}) }),
    'onlineGradients: random must be a generator, got an object',
  ],
  [() => new Parameters(cell.parameters, 'float64', any(1)), 'parameters: random must be a generator, got 1'],
  [() => corrupt([1, -1], 0.5, any(undefined)), 'corrupt: random must be a generator, got undefined'],
  [() => randomPatterns(1, 2, any('x')), 'randomPatterns: random must be a generator, got x'],
  [
    () => hopfield({ patterns: [[1, -1]] }).recall([1, 1], { random: any(1) }),
    'recall: random must be a generator, got 1',
  ],
  // functions
  [
    () => onlineGradients(online()).step([1, 2], any(1)),
    'onlineGradients.step: gradientOf must be a function, got 1',
  ],
  // objects
  [() => copyNetwork(net, any(null)), 'copyNetwork: changes must be an object, got null'],
  [() => network({ layers: [cell], loss: any(null) }), 'network: loss must be one of softmax, '],
  [() => new Parameters(any(null), 'float64'), 'parameters: shapes must be an object, got null'],
  [
    () => new Parameters(any({ Wx: 1 }), 'float64'),
    'parameters: Wx must have a shape and an initializer, got 1',
  ],
  [() => clipGlobalNorm(net.parameters, 1, any(null)), 'clip: options must be an object, got null'],
  [() => globalNorm(any(net)), 'clip: the first argument must be the parameters of a network'],
  [() => decode(writer, any(null), { steps: 1 }), 'decode: the batch must be an object, got null'],
  [
    () => scheduledSampling(translator, any([]), { probability: 0 }),
    'scheduled: the batch must be an object, got []',
  ],
  [() => ctcLabels(any([[[1]]])), 'ctcLabels: the output must be a tensor, got'],
  [() => adam.load(any(null)), 'optimizer.load: the state must be an object, got null'],
  [
    () => adam.load({ ...adam.state(), steps: any(undefined) }),
    'optimizer.load: steps must be a list of numbers, got undefined',
  ],
  [() => adam.restore(any(null)), 'optimizer.restore: the snapshot must be an object, got null'],
  [
    () => adam.restore({ steps: 1, numbers: [] }),
    'optimizer.restore: the snapshot must be one that keep() of this optimizer returned, got []',
  ],
  // counts
  [() => problemOfCell(cell, { T: Infinity }), 'gradcheck: T must be a whole number >= 1, got Infinity'],
  [() => gradcheck(cell, { B: 0 }), 'gradcheck: B must be a whole number >= 1, got 0'],
  [() => gradcheck(cell, { directions: 0.5 }), 'gradcheck: directions must be a whole number >= 0, got 0.5'],
])('number %# is refused in words', (act, message) => expect(act).toThrow(message));

test.each<[act: () => Promise<unknown>, message: string]>([
  [
    () => suggestedThreads(net, any(undefined)),
    'suggestedThreads: the shape must be an object, got undefined',
  ],
  [() => suggestedThreads(net, { T: 0, B: 1 }), 'suggestedThreads: T must be a whole number >= 1, got 0'],
  [
    () => parallel(net, { threads: 2, execArgv: any(1) }),
    'parallel: execArgv must be a list of options of Node, got 1',
  ],
])('number %# is refused in words', (act, message) => expect(act()).rejects.toThrow(message));

test('an optimizer takes back what keep() returned', () => {
  const kept = adam.keep();
  net.forward(batch).backward();
  adam.step();
  adam.restore(kept);
  expect(adam.steps).toBe(0);
});
