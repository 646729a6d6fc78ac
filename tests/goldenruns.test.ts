/**
 * Whole trainings, bit by bit: the weights of every cell, loss and optimizer after a few steps, as hashes.
 *
 * The hashes are those of version 0.1, or of the first version with the cell. A change of how equations are written,
 * recorded or grouped must leave them as they are; one that changes numbers on purpose says so, and why, in the commit
 * that changes a hash. The executor is the one whose bits are the same on every machine.
 */
import { createHash } from 'node:crypto';
import {
  bidirectional,
  clipGlobalNorm,
  clockwork,
  diagonal,
  elman,
  embedding,
  gru,
  jordan,
  lmu,
  lstm,
  lstm1997,
  mingru,
  minlstm,
  network,
  optimizer,
  Random,
  reservoir,
  type Batch,
  type Cell,
  type NetworkOptions,
  type OptimizerOptions,
} from '../index';

const [D, H, O, T, B] = [3, 7, 5, 6, 4];
const sizes = { input: D, hidden: H };

const cells: Record<string, () => Cell> = {
  'elman tanh': () => elman(sizes),
  'elman relu': () => elman({ ...sizes, activation: 'relu' }),
  'elman sigmoid without biases': () => elman({ ...sizes, activation: 'sigmoid', bias: false }),
  lstm: () => lstm(sizes),
  'lstm without biases': () => lstm({ ...sizes, bias: false }),
  'lstm with peepholes': () => lstm({ ...sizes, peepholes: true }),
  'lstm with a projection': () => lstm({ ...sizes, projection: 5 }),
  lstm1997: () => lstm1997(sizes),
  gru: () => gru(sizes),
  'gru without biases': () => gru({ ...sizes, bias: false }),
  'gru, reset before': () => gru({ ...sizes, reset: 'before' }),
  'jordan o': () => jordan({ ...sizes, output: O }),
  'jordan p': () => jordan({ ...sizes, output: O, feedback: 'p', activation: 'sigmoid' }),
  lmu: () => lmu({ ...sizes, order: 4, theta: 9 }),
  reservoir: () => reservoir({ ...sizes, leak: 0.5 }),
  mingru: () => mingru(sizes),
  minlstm: () => minlstm(sizes),
  diagonal: () => diagonal(sizes),
  'diagonal, signed': () => diagonal({ ...sizes, eigenvalues: 'signed' }),
  clockwork: () => clockwork({ input: D, hidden: 9, periods: [1, 2, 4] }),
  'clockwork relu': () =>
    clockwork({ input: D, hidden: 9, periods: [1, 3, 4], activation: 'relu', offset: 1 }),
};

const adam: OptimizerOptions = { name: 'adam', learningRate: 0.01 };
const optimizers: OptimizerOptions[] = [
  { name: 'sgd', learningRate: 0.1, weightDecay: 0.01 },
  { name: 'sgd', learningRate: 0.1, momentum: 0.9, dampening: 0.1 },
  { name: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true },
  { name: 'rmsprop' },
  { name: 'rmsprop', centered: true },
  { name: 'rmsprop', momentum: 0.5 },
  { name: 'rmsprop', momentum: 0.5, centered: true, weightDecay: 0.01 },
  { name: 'adagrad', lrDecay: 0.1 },
  adam,
  { name: 'adam', amsgrad: true, weightDecay: 0.01 },
  { name: 'adamw', weightDecay: 0.1 },
];

/** The weights and losses of six steps, as a hash. */
function run(options: NetworkOptions, more: Partial<Batch> = {}, update = adam): string {
  const net = network({ ...options, seed: 3, executor: 'reproducible' });
  const random = new Random(5);
  const step = optimizer(net, update);
  const hash = createHash('sha256');
  const { topology = 'many-to-many', loss } = options;
  const numbers = (n: number, width: number): number[][][] =>
    Array.from({ length: n }, () =>
      Array.from({ length: B }, () => Array.from({ length: width }, () => random.normal())),
    );
  for (let k = 0; k < 6; k++) {
    const steps = topology === 'one-to-many' ? 1 : T;
    const x = numbers(steps, net.input);
    const targets = Array.from({ length: topology === 'many-to-one' ? 1 : T }, () =>
      Array.from({ length: B }, () =>
        loss === 'softmax' ? random.below(O) : Array.from({ length: O }, () => random.below(2)),
      ),
    );
    const batch = {
      x: topology === 'one-to-many' || topology === 'one-to-one' ? x[0] : x,
      targets: topology === 'many-to-one' || topology === 'one-to-one' ? targets[0] : targets,
      ...more,
    } as Batch;
    net.parameters.zeroGradients();
    const pass = net.forward(batch, { training: true });
    hash.update(String(pass.loss));
    pass.backward();
    clipGlobalNorm(net.parameters, 1);
    step.step();
    hash.update(Float64Array.from(net.parameters.flat.data));
  }
  return hash.digest('hex').slice(0, 16);
}

const hashes: Record<string, string> = {
  'elman tanh float32': '219b934ae5ad1819',
  'elman relu float32': '4df306fcdda7367e',
  'elman sigmoid without biases float32': 'eb17b1b4d3964f28',
  'lstm float32': '01cae74de4eb45f0',
  'lstm without biases float32': '98f7d08d4ae67ac7',
  'lstm with peepholes float32': 'bd9b1dc8e0a58611',
  'lstm with a projection float32': 'a718ef7eea0af7fb',
  'lstm1997 float32': '6b62d35eea008e46',
  'gru float32': 'b2580fc808d8c814',
  'gru without biases float32': '7e0fedab64b444ed',
  'gru, reset before float32': '1c14444cda7c4cfc',
  'jordan o float32': 'f816e9f4ec68efe1',
  'jordan p float32': '5c0d173122a02975',
  'clockwork float32': '4cc3a0b7cdef4d41',
  'clockwork relu float32': '5c345aed643bf27e',
  'lmu float32': 'a1fec48af4365f0b',
  'reservoir float32': 'f42b1c8efa708f09',
  'mingru float32': '9e1701c9a981a503',
  'minlstm float32': '933929dba30f6fcd',
  'diagonal float32': '436d9d556eb6faa6',
  'diagonal, signed float32': 'fe289cae3d2bd51b',
  'softmax float32': 'b2580fc808d8c814',
  'bernoulli float32': '165c71fb0cf40e12',
  'squared float32': '40b7661729683355',
  '{"name":"sgd","learningRate":0.1,"weightDecay":0.01} float32': 'a797633fcb5e5f55',
  '{"name":"sgd","learningRate":0.1,"momentum":0.9,"dampening":0.1} float32': 'd1f113f71af4a62a',
  '{"name":"sgd","learningRate":0.1,"momentum":0.9,"nesterov":true} float32': 'c24068a9ca760e23',
  '{"name":"rmsprop"} float32': '6f2ce860e815ef99',
  '{"name":"rmsprop","centered":true} float32': '3b19cf78c824a389',
  '{"name":"rmsprop","momentum":0.5} float32': '53663f730be6527a',
  '{"name":"rmsprop","momentum":0.5,"centered":true,"weightDecay":0.01} float32': 'eda72d4e9d82a3ca',
  '{"name":"adagrad","lrDecay":0.1} float32': 'a6ecdc3dd56e3b32',
  '{"name":"adam","learningRate":0.01} float32': '01cae74de4eb45f0',
  '{"name":"adam","amsgrad":true,"weightDecay":0.01} float32': '1763e68a8f4af8a0',
  '{"name":"adamw","weightDecay":0.1} float32': '5de735a04a199e2c',
  'deep float32': 'd0ffe5fbb4946cc4',
  'many-to-one float32': '97a8041a7e3ca91f',
  'one-to-many float32': 'a2df631f0b286740',
  'one-to-one float32': 'd6893a84f6f56a59',
  'dot float32': '463210c09154e8de',
  'general float32': 'e09dfd19f96e7462',
  'additive float32': '04bbd4c04f42ab23',
  'embedding float32': 'c3dcb3a54204e2e1',
  'elman tanh float64': '034356e772a3e9d9',
  'elman relu float64': '18f8d128305addb3',
  'elman sigmoid without biases float64': '7588571d33d87da0',
  'lstm float64': '9e3ca0153fae8a7a',
  'lstm without biases float64': 'eae5b743c3221def',
  'lstm with peepholes float64': '1b71a076e97506b0',
  'lstm with a projection float64': '08a310505dd1e1bf',
  'lstm1997 float64': 'aff1479e4ed40584',
  'gru float64': 'c04fa3c04a129576',
  'gru without biases float64': '04e03ba2d42bd0e3',
  'gru, reset before float64': '6aa4188d0acbfd2b',
  'jordan o float64': '6087430fdfeafffa',
  'jordan p float64': '66c5878afe81723a',
  'clockwork float64': '276cf79280422f40',
  'clockwork relu float64': 'ba5aee3cf044dbc4',
  'lmu float64': '1cc39b645ff00640',
  'reservoir float64': '2c8eb14089106e2e',
  'mingru float64': '5b96ee25be28610f',
  'minlstm float64': 'cc81ecf44fdea89f',
  'diagonal float64': 'bf61618598d38992',
  'diagonal, signed float64': '6b844fa8de25a11f',
  'softmax float64': 'c04fa3c04a129576',
  'bernoulli float64': 'd08f9f509112cb77',
  'squared float64': 'a4998e220a044e71',
  '{"name":"sgd","learningRate":0.1,"weightDecay":0.01} float64': '423b585b4ccc8cb7',
  '{"name":"sgd","learningRate":0.1,"momentum":0.9,"dampening":0.1} float64': 'f94867491ccfe022',
  '{"name":"sgd","learningRate":0.1,"momentum":0.9,"nesterov":true} float64': 'ff6c449ad31a098a',
  '{"name":"rmsprop"} float64': '12c0a2db130fda8b',
  '{"name":"rmsprop","centered":true} float64': 'ab9359081aceb537',
  '{"name":"rmsprop","momentum":0.5} float64': '35b833dc7de437aa',
  '{"name":"rmsprop","momentum":0.5,"centered":true,"weightDecay":0.01} float64': 'f29c79b2722f1b31',
  '{"name":"adagrad","lrDecay":0.1} float64': '3569c3107cf06397',
  '{"name":"adam","learningRate":0.01} float64': '9e3ca0153fae8a7a',
  '{"name":"adam","amsgrad":true,"weightDecay":0.01} float64': '87f9d2afda20d288',
  '{"name":"adamw","weightDecay":0.1} float64': '8798bbc145589692',
  'deep float64': '05ae4597e2bf68d6',
  'many-to-one float64': '3e055d44be130e74',
  'one-to-many float64': '46878dde50afa16b',
  'one-to-one float64': '7e2e41dd1d9316d4',
  'dot float64': '2a14473c1b5c7f52',
  'general float64': 'e851cdd4e6e18d07',
  'additive float64': '25221a025da8ac1a',
  'embedding float64': '080f0189201cb024',
};

function check(name: string, hash: string): void {
  expect(`${name}: ${hash}`).toBe(`${name}: ${hashes[name]}`);
}

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  test.each(Object.keys(cells))('%s', (name) => {
    check(`${name} ${dtype}`, run({ layers: [cells[name]()], output: O, loss: 'softmax', dtype }));
  });

  test.each(['softmax', 'bernoulli', 'squared'] as const)('loss %s', (loss) => {
    check(`${loss} ${dtype}`, run({ layers: [gru(sizes)], output: O, loss, dtype }));
  });

  test.each(optimizers.map((o) => [JSON.stringify(o), o] as const))('%s', (text, options) => {
    check(`${text} ${dtype}`, run({ layers: [lstm(sizes)], output: O, loss: 'softmax', dtype }, {}, options));
  });

  test('a deep bidirectional network on rows of unequal lengths, with dropout and trained initial states', () => {
    const layers = [
      bidirectional(lstm(sizes), lstm(sizes)),
      bidirectional(gru({ input: 2 * H, hidden: 4 }), elman({ input: 2 * H, hidden: 4 })),
    ];
    const options = { layers, output: O, loss: 'softmax' as const, dropout: 0.2, trainInitial: true, dtype };
    check(`deep ${dtype}`, run(options, { lengths: [6, 2, 5, 1] }));
  });

  test.each(['many-to-one', 'one-to-many', 'one-to-one'] as const)('%s', (topology) => {
    const feed = topology === 'one-to-many' ? { feed: 'nothing' as const } : {};
    check(
      `${topology} ${dtype}`,
      run({ topology, layers: [gru(sizes)], output: O, loss: 'softmax', dtype, ...feed }),
    );
  });

  test.each(['dot', 'general', 'additive'] as const)('an encoder-decoder with %s attention', (attention) => {
    const options: NetworkOptions = {
      topology: 'encoder-decoder',
      encoder: [gru(sizes)],
      layers: [gru({ input: O, hidden: H })],
      ...{ attention, output: O, loss: 'softmax', dtype },
    };
    check(`${attention} ${dtype}`, run(options, { lengths: [6, 2, 5, 1], targetLengths: [2, 6, 3, 4] }));
  });

  test('an embedding', () => {
    const random = new Random(8);
    const x = Array.from({ length: T }, () => Array.from({ length: B }, () => random.below(D)));
    const layers = [embedding({ input: D, width: 4 }), lstm({ input: 4, hidden: H })];
    check(`embedding ${dtype}`, run({ layers, output: O, loss: 'softmax', dtype }, { x }));
  });
});
