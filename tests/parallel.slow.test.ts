import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Batch } from '../bptt/network/batch/batch';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { fit, type FitOptions, type StepInfo } from '../bptt/train/fit';
import { blueprintOf, buildFrom } from '../bptt/network/blueprint';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { parallel, type Parallel, type ParallelOptions, type ParallelPass } from '../bptt/parallel/parallel';
import { inputAxes, outputAxes, topologies } from '../bptt/network/topology';
import { suggestedThreads, trainingFlops } from '../bptt/parallel/threads';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { optimizer } from '../bptt/train/optimizers';
import { distance } from './executors';
import { fragile, mine } from './parallelcells';
import { until } from './running';
import { States } from '../bptt/network/batch/states';
import type { StreamBatch } from '../bptt/train/source';

const [T, D, H, O] = [6, 3, 5, 4];
const register = join(__dirname, '..', 'scripts', 'register.js');
const execArgv = ['-r', register];
const cells = join(__dirname, 'parallelcells.ts');

const randomArray = (shape: number[], seed: number): FlatNumbers => {
  const random = new Random(seed);
  return { shape, numbers: Array.from({ length: shape.reduce((n, k) => n * k, 1) }, () => random.normal()) };
};
const classes = (shape: number[], seed: number): FlatNumbers => {
  const { numbers } = randomArray(shape, seed);
  return { shape, numbers: Array.from(numbers, (x) => Math.floor(Math.abs(x) * 10) % O) };
};
/** A batch of B rows; with lengths, the longest rows come last, so that one part is not masked. */
function batchOf({ architecture }: Network, B: number, unequal = false, seed = 1): Batch {
  const { loss, topology, encoder } = architecture;
  const steps = outputAxes(topology, T, B);
  const targets =
    loss === 'softmax'
      ? classes(steps, seed + 100)
      : {
          shape: [...steps, O],
          numbers: Array.from(randomArray([...steps, O], seed).numbers, (x) => (x > 0 ? 1 : 0)),
        };
  const lengths = Array.from({ length: B }, (_, b) => Math.min(T, 1 + ((2 * b) % T) + (b > B / 2 ? T : 0)));
  return {
    x: randomArray([...inputAxes(topology, T, B), D], seed),
    targets,
    ...(unequal && { lengths, ...(encoder && { targetLengths: [...lengths].reverse() }) }),
  };
}
const make = (options: Partial<NetworkOptions> = {}): Network =>
  network({ layers: [gru({ input: D, hidden: H })], output: O, loss: 'softmax', seed: 3, ...options });

const teams: Parallel[] = [];
async function start(net: Network, more: Partial<ParallelOptions> = {}): Promise<Parallel> {
  const team = await parallel(net, { threads: 2, execArgv, ...more });
  teams.push(team);
  return team;
}
afterEach(() => teams.splice(0).forEach((team) => team.close()));

const gradientsOf = (net: Network): Float64Array => Float64Array.from(net.parameters.flatGradients.data);
const stateOf = ({ random }: Network): number[] => [...random.state];

/** Loss, gradients, final states and the generator after one pass. */
async function passOf(team: Parallel, batch: Batch) {
  const { network: net } = team;
  net.parameters.zeroGradients();
  const { loss, rows, tokens, states } = await team.forwardBackward(batch, { training: true });
  const finals = Object.entries(states).map(([name, values]) => [name, Array.from(values)] as const);
  return { loss, rows, tokens, gradients: gradientsOf(net), finals: Object.fromEntries(finals) };
}

describe('a batch shared by threads gives what one thread gives, to 1e-12', () => {
  const variants: [string, number, Partial<NetworkOptions>][] = [
    ['elman, softmax', 3, { layers: [elman({ input: D, hidden: H })] }],
    [
      'lstm, dropout, trainable start',
      2,
      {
        dropout: 0.4,
        trainInitial: true,
        layers: [lstm({ input: D, hidden: H }), gru({ input: H, hidden: 3 })],
      },
    ],
    ['gru, squared, a sum', 2, { loss: 'squared', reduction: 'sum' }],
    [
      'peepholes, bernoulli, the last step',
      3,
      {
        loss: 'bernoulli',
        topology: 'many-to-one',
        dropout: 0.3,
        layers: [lstm({ input: D, hidden: H, peepholes: true })],
      },
    ],
    [
      'bidirectional, the last step',
      2,
      {
        topology: 'many-to-one',
        layers: [bidirectional(gru({ input: D, hidden: H }), elman({ input: D, hidden: 2 }))],
      },
    ],
    [
      'jordan, squared',
      2,
      {
        loss: 'squared',
        output: undefined,
        layers: [jordan({ input: D, hidden: H, output: O, feedback: 'p' })],
      },
    ],
    [
      'encoder-decoder, dropout',
      2,
      {
        ...{ topology: 'encoder-decoder', dropout: 0.3 },
        encoder: [bidirectional(lstm({ input: D, hidden: 3 }))],
        layers: [lstm({ input: O, hidden: 6 })],
      },
    ],
    [
      'clockwork, plain executor',
      2,
      { executor: 'plain', layers: [clockwork({ input: D, hidden: 6, periods: [1, 2, 4] })] },
    ],
  ];

  test.each(variants)('%s, %i threads', async (_, threads, options) => {
    const net = make(options);
    const [one, team] = await Promise.all([start(net, { threads: 1 }), start(net, { threads })]);
    const { state } = net.random;
    for (const unequal of [false, true]) {
      const batch = batchOf(net, 7, unequal);
      net.random.state = state;
      const expected = await passOf(one, batch);
      const after = stateOf(net);
      net.random.state = state;
      const actual = await passOf(team, batch);
      expect(stateOf(net)).toEqual(after);
      expect(Math.abs(actual.loss - expected.loss)).toBeLessThanOrEqual(1e-12 * Math.abs(expected.loss));
      expect(distance(actual.gradients, expected.gradients)).toBeLessThanOrEqual(1e-12);
      expect(actual).toMatchObject({ rows: expected.rows, tokens: expected.tokens });
      for (const name of Object.keys(expected.finals))
        expect(distance(actual.finals[name], expected.finals[name])).toBeLessThanOrEqual(1e-12);
      // again, to the bit
      net.random.state = state;
      expect(await passOf(team, batch)).toEqual(actual);
    }
  });

  test('forward gives the output of all rows, and leaves gradients and the generator alone', async () => {
    for (const topology of topologies) {
      const encoder = [gru({ input: D, hidden: H })];
      const layers = [gru({ input: O, hidden: H })];
      const net = make({
        ...{ dropout: 0.5, topology },
        ...(topology === 'encoder-decoder' && { encoder, layers }),
      });
      const team = await start(net);
      const batch = batchOf(net, 3);
      const { state } = net.random;
      const expected = net.forward(batch);
      const output = toFlat(expected.output);
      const result = await team.forward(batch);
      expect(result.output.shape).toEqual(expected.output.shape);
      expect(distance(toFlat(result.output), output)).toBeLessThanOrEqual(1e-12);
      expect(result.loss).toBeCloseTo(expected.loss, 12);
      expect(net.random.state).toEqual(state);
      expect(gradientsOf(net).every((g) => g === 0)).toBe(true);
    }
  });

  test('states and the clock are carried from pass to pass', async () => {
    const net = make({ layers: [clockwork({ input: D, hidden: 6, periods: [1, 2, 5] })] });
    const team = await start(net);
    const parts = [1, 2, 3].map((seed): Batch => batchOf(net, 4, false, seed));
    let before: States | undefined;
    const expected = parts.map((batch) => {
      const { loss, states } = net.forward(batch, { from: before });
      before = states;
      return loss;
    });
    let from: ParallelPass['states'] | undefined;
    for (const [k, batch] of parts.entries()) {
      const { loss, states } = await team.evaluate(batch, { from });
      from = states;
      expect(loss).toBeCloseTo(expected[k], 12);
      // passes in between have no influence
      net.forward(parts[0]);
    }
    const wrong = team.evaluate(batchOf(net, 3), { from });
    await expect(wrong).rejects.toThrow('network.forward: from must be the states of 3 rows, got 4');
  });

  test('one pass is carried over into the next, whichever threads ran them', async () => {
    // rows of each pass; those that begin anew are marked by a minus
    const sizes = [-1, 1, -3, 3, -1, 1, -2, 2, -1, -2, 2];
    const losses = [1, 2, 3].map(async (threads) => {
      const net = make({ layers: [clockwork({ input: D, hidden: 6, periods: [1, 2, 5] })] });
      const team = await start(net, { threads });
      const all: number[] = [];
      let from: ParallelPass['states'] | undefined;
      for (const [seed, rows] of sizes.entries()) {
        const batch = batchOf(net, Math.abs(rows), false, seed);
        const { loss, states } = await team.evaluate(batch, { from: rows < 0 ? undefined : from });
        from = states;
        all.push(loss);
      }
      return all;
    });
    const [one, ...more] = await Promise.all(losses);
    for (const other of more) expect(distance(other, one)).toBeLessThan(1e-12);
  });

  test.each([1, 2, 3])('threads: %d; states of other rows are not carried over', async (threads) => {
    const net = make();
    const team = await start(net, { threads });
    const run = (rows: number, from?: ParallelPass['states']) =>
      team.evaluate(batchOf(net, rows, false, rows), { from });
    for (const [before, rows] of [
      [2, 1],
      [1, 2],
      [3, 2],
    ]) {
      const { states } = await run(before);
      await expect(run(rows, states)).rejects.toThrow(
        `network.forward: from must be the states of ${rows === 1 ? '1 row' : `${rows} rows`}, got ${before} (each row continues from a row of its own`,
      );
      // a refused pass, or another one, leaves the states unchanged
      const { loss } = await run(before, states);
      await run(before);
      expect((await run(before, states)).loss).toBe(loss);
    }
  });

  test.each([1, 2])('threads: %d; a pass is what another can go on from', async (threads) => {
    const net = make({ layers: [clockwork({ input: D, hidden: 6, periods: [1, 2, 5] })] });
    const team = await start(net, { threads });
    const [first, second, other] = [1, 2, 3].map((seed) => batchOf(net, 2, false, seed));
    const { states: from } = await team.evaluate(first);
    const { loss } = await team.evaluate(second, { from });
    await team.evaluate(other);
    expect((await team.evaluate(second, { from })).loss).toBe(loss);
    expect(net.forward(second, { from }).loss).toBeCloseTo(loss, 12);
    expect((await team.evaluate(second, { from: net.forward(first).states })).loss).toBeCloseTo(loss, 12);
  });

  test('float32 as well, and fewer rows than threads', async () => {
    const net = make({ dtype: 'float32' });
    const [one, team] = await Promise.all([start(net, { threads: 1 }), start(net, { threads: 3 })]);
    // smaller batches after larger ones: a thread without rows still holds the gradients of its last pass
    for (const B of [2, 1, 4, 3, 6, 2, 1, 5]) {
      const expected = await passOf(one, batchOf(net, B));
      const actual = await passOf(team, batchOf(net, B));
      expect(distance(actual.gradients, expected.gradients)).toBeLessThanOrEqual(1e-5);
      expect(Math.abs(actual.loss - expected.loss)).toBeLessThanOrEqual(1e-6 * Math.abs(expected.loss));
      expect(actual).toMatchObject({ rows: expected.rows, tokens: expected.tokens });
    }
  });
});

describe('fit', () => {
  const adam = { name: 'adam', learningRate: 0.02 } as const;
  function* stream(net: Network, from = 0): Generator<StreamBatch> {
    for (let k = from; ; k++) yield { ...batchOf(net, 4, false, k), initial: k % 3 === 0 ? 'zero' : 'carry' };
  }
  async function run(threads: number, steps = 5): Promise<{ net: Network; infos: StepInfo[] }> {
    const net = make({ dropout: 0.2 });
    const infos: StepInfo[] = [];
    await fit(net, stream(net), {
      optimizer: adam,
      clip: { norm: 0.5 },
      accumulate: 2,
      steps,
      threads: await start(net, { threads }),
      validation: { batches: () => [batchOf(net, 4, true, 99)], every: 2 },
      onStep: (info) => void infos.push({ ...info, states: new States(0, {}) }),
    });
    return { net, infos };
  }

  test('carries states from batch to batch, validates, and gives the same bits every time', async () => {
    const [one, two, again] = await Promise.all([run(1), run(2), run(2)]);
    expect(distance(two.net.parameters.flat.data, one.net.parameters.flat.data)).toBeLessThan(1e-9);
    two.infos.forEach(({ loss, validationLoss = 0, tokens }, k) => {
      expect(loss).toBeCloseTo(one.infos[k].loss, 10);
      expect(validationLoss).toBeCloseTo(one.infos[k].validationLoss ?? 0, 10);
      expect(tokens).toBe(one.infos[k].tokens);
    });
    expect(again).toMatchObject({ infos: two.infos });
    expect(again.net.parameters.flat.data).toEqual(two.net.parameters.flat.data);
  });

  test('a resumed run continues bit-identically', async () => {
    const whole = make({ dropout: 0.3 });
    const stopped = make({ dropout: 0.3 });
    const [teamOfWhole, teamOfStopped] = await Promise.all([start(whole), start(stopped)]);
    const made = optimizer(stopped, adam);
    const [, { states }] = await Promise.all([
      fit(whole, stream(whole), { optimizer: adam, steps: 5, threads: teamOfWhole }),
      fit(stopped, stream(stopped), { optimizer: made, steps: 2, threads: teamOfStopped }),
    ]);
    const bytes = encodeCheckpoint({ network: stopped, optimizer: made, states });
    const from = decodeCheckpoint(bytes);
    const batches = function* (): Generator<StreamBatch> {
      for (const batch of stream(from.network, 2))
        yield batch.initial === 'carry' ? { ...batch, initial: { ...from.states } } : batch;
    };
    const [first] = batches();
    const rest = stream(from.network, 3);
    await fit(
      from.network,
      (function* () {
        yield first;
        yield* rest;
      })(),
      {
        optimizer: from.optimizer as NonNullable<typeof from.optimizer>,
        steps: 5,
        threads: await start(from.network),
      },
    );
    expect(from.network.parameters.flat.data).toEqual(whole.parameters.flat.data);
  });

  test('trainings at once, on threads and without, each end to the bit as alone', async () => {
    interface Training {
      options: Partial<NetworkOptions>;
      threads: number;
      B: number;
      carries: boolean;
      more?: Partial<FitOptions>;
    }
    const trainings: Training[] = [
      { options: { dropout: 0.3 }, threads: 1, B: 4, carries: true },
      { options: { dropout: 0.3, seed: 4 }, threads: 2, B: 4, carries: true, more: { accumulate: 2 } },
      // the same shapes in another dtype, and the same layer with other shapes
      {
        options: { dropout: 0.3, dtype: 'float32' },
        threads: 1,
        B: 4,
        carries: true,
        more: { weightNoise: 0.01 },
      },
      { options: { layers: [gru({ input: D, hidden: 2 * H })] }, threads: 2, B: 3, carries: true },
      {
        options: { layers: [bidirectional(lstm({ input: D, hidden: H }))] },
        threads: 1,
        B: 2,
        carries: false,
      },
    ];
    const order: number[] = [];
    const train = async ({ options, threads, B, carries, more }: Training, k: number) => {
      const net = make(options);
      function* batches(): Generator<StreamBatch> {
        for (let n = 0; ; n++)
          yield { ...batchOf(net, B, false, n), initial: carries && n % 3 > 0 ? 'carry' : 'zero' };
      }
      const losses: number[] = [];
      await fit(net, batches(), {
        optimizer: adam,
        steps: 8,
        threads: await start(net, { threads }),
        validation: { batches: () => [batchOf(net, B, true, 99)], every: 3 },
        ...more,
        async onStep({ loss, validationLoss = 0 }) {
          losses.push(loss, validationLoss);
          order.push(k);
          await new Promise(setImmediate); // lets the others have their turn
        },
      });
      return { losses, weights: Array.from(net.parameters.flat.data), random: stateOf(net) };
    };
    const together = await Promise.all(trainings.map(train));
    // they took turns: the first was not done when the last began
    expect(order.indexOf(4)).toBeLessThan(order.lastIndexOf(0));
    for (const [k, training] of trainings.entries()) expect(await train(training, k)).toEqual(together[k]);
  });

  test('takes one thread for what is too small to gain', async () => {
    const net = make();
    expect(trainingFlops(net, { T: 2, B: 3 })).toBe(36 * (3 * H * (D + H) + H * O));
    expect(await suggestedThreads(net, { T, B: 4 })).toBe(1);
    const most = await suggestedThreads(net, { T: 1000, B: 64 });
    expect(most).toBeGreaterThanOrEqual(1);
    expect(most).toBeLessThanOrEqual(4);
    expect(await suggestedThreads(net, { T: 100000, B: 1 })).toBe(1);
  });

  test('refuses a team of another network, and numbers of threads that are none', async () => {
    const net = make();
    const options = { optimizer: adam, steps: 1 };
    const threads = await start(make(), { threads: 1 });
    await expect(fit(net, stream(net), { ...options, threads })).rejects.toThrow('fit: the threads must be');
    await expect(fit(net, stream(net), { ...options, threads: 0 })).rejects.toThrow(
      'fit: threads must be a whole',
    );
    await expect(parallel(net, 65)).rejects.toThrow('parallel: threads must be at most 64, got 65');
  });
});

describe('what goes wrong', () => {
  test('a batch is refused as by one thread, and the threads go on', async () => {
    const net = make({ dropout: 0.2 });
    const team = await start(net, { threads: 3 });
    const { state } = net.random;
    const good = batchOf(net, 5);
    const spoil = (name: 'x' | 'targets', at: number, value: number): Batch => {
      const { shape, numbers } = good[name] as FlatNumbers;
      return { ...good, [name]: { shape, numbers: Array.from(numbers, (x, k) => (k === at ? value : x)) } };
    };
    const bad: Batch[] = [
      spoil('x', (2 * 5 + 4) * D + 1, NaN),
      spoil('targets', 2 * 5 + 3, O),
      { ...good, lengths: [1, 2, 3, 4, T + 1] },
      { ...good, initial: { 'l0.h': new Float64Array(4 * H) } },
      { ...good, x: randomArray([T, 5, D + 1], 1) },
    ];
    for (const batch of bad) {
      let message = '';
      try {
        net.forward(batch);
      } catch (error) {
        ({ message } = error as Error);
      }
      net.random.state = state;
      const shared = team.forwardBackward(batch, { training: true });
      await expect(shared).rejects.toBeInstanceOf(RangeError);
      await expect(shared).rejects.toHaveProperty('message', message);
      expect(net.random.state).toEqual(state);
    }
    await expect(team.forward({ ...good, initial: 'carry' as 'zero' })).rejects.toThrow(
      "network.forward: initial must not be 'carry', got carry (continue a pass with { from: pass.states }",
    );
    expect((await team.forward(good)).loss).toBeCloseTo(net.forward(good).loss, 12);
  });

  test('a pass may not begin before the one before has ended', async () => {
    const net = make();
    const team = await start(net);
    const first = team.forward(batchOf(net, 2));
    await expect(team.forward(batchOf(net, 2))).rejects.toThrow('parallel: the pass before must have ended');
    await first;
  });

  test('numbers that are not finite are told as by one thread', async () => {
    const messages: string[] = [];
    for (const threads of [1, 2]) {
      const net = make({ loss: 'squared', dropout: 0.1 });
      const huge = {
        shape: [T, 4, O],
        numbers: Array.from({ length: T * 4 * O }, (_, k) => (k > 70 ? 1e200 : 0)),
      };
      const batch = { ...batchOf(net, 4), targets: huge };
      const training = fit(net, [batch], {
        optimizer: { name: 'sgd' },
        threads: await start(net, { threads }),
      });
      await training.catch(({ message }: Error) => messages.push(message));
    }
    expect(messages[0]).toMatch(
      /^fit: step 1: the loss must be finite, got Infinity \(first in the loss at t = 4 \(row/,
    );
    expect(messages[1]).toBe(messages[0]);
  });

  test.each([1, 2, 3])('threads: %d; looking for such a number changes nothing', async (threads) => {
    const net = make({ dropout: 0.4 });
    const team = await start(net, { threads });
    const { states } = await team.forwardBackward(batchOf(net, 4), { training: true });
    const seen = () => ({
      gradients: gradientsOf(net),
      random: stateOf(net),
      weights: toFlat(net.parameters.flat),
      states: Object.values(states).map((values) => Array.from(values)),
    });
    net.random.word(); // random numbers drawn after the pass stay drawn
    const before = seen();
    expect(before.gradients.some((g) => g !== 0)).toBe(true);
    expect([team.firstBad('value'), team.firstBad('gradient')]).toEqual([undefined, undefined]);
    expect(seen()).toEqual(before);
  });

  test('a blueprint gives the same network, and notices what it does not hold', () => {
    const layers = [bidirectional(mine({ input: D, hidden: H }), gru({ input: D, hidden: 2 }))];
    const net = make({ layers, dropout: 0.2, trainInitial: true, topology: 'many-to-one', dtype: 'float32' });
    const built = buildFrom(blueprintOf(net, true), { mine });
    const { layers: _, ...rest } = net.architecture;
    expect(built.architecture).toMatchObject(rest);
    expect(toFlat(built.parameters.values['l0.Wh']).every((value) => value === 0)).toBe(true);
    expect(Object.keys(built.parameters.values)).toEqual(Object.keys(net.parameters.values));
    const other: typeof mine = (options) => mine({ ...options, activation: 'sigmoid' });
    expect(() => buildFrom(blueprintOf(net, true), { mine: other })).toThrow(
      'parallel: the network of bidirectional mine and gru must compute the same when built from names and options',
    );
  });

  test('a cell that threads cannot build is refused, unless its module is named', async () => {
    const net = make({ layers: [mine({ input: D, hidden: H })] });
    await expect(start(net)).rejects.toThrow(
      /^parallel: l0 must be a cell that other threads can build, one of elman, .*, got mine \(for a cell of your own/,
    );
    const batch = batchOf(net, 4);
    const [one, team] = await Promise.all([start(net, { threads: 1 }), start(net, { cells })]);
    const expected = await passOf(one, batch);
    expect(distance((await passOf(team, batch)).gradients, expected.gradients)).toBeLessThan(1e-12);

    const other = { ...elman({ input: D, hidden: H, activation: 'relu' }), options: {} };
    await expect(start(make({ layers: [other] }))).rejects.toThrow(
      'parallel: the network of elman must compute the same when built from names and options, got other operations',
    );
    await expect(start(net, { cells: 'nowhere.js' })).rejects.toThrow(/Cannot find module .*nowhere.js/);
    const none = make({ loss: undefined });
    await expect((await start(none, { threads: 1 })).forwardBackward(batch)).rejects.toThrow(
      'must have a loss',
    );
  });

  test('a worker that stops is named, and the weights are those of the step before', async () => {
    const hung = join(mkdtempSync(join(tmpdir(), 'backstep-hung-')), 'hung');
    const net = make({ layers: [fragile({ input: D, hidden: H, hung })] });
    const fresh = (threads: number): Promise<Parallel> => start(net, { threads, cells });
    const [exits, throws, hangs, late] = await Promise.all([fresh(3), fresh(2), fresh(2), fresh(2)]);

    const batches = [batchOf(net, 3), batchOf(net, 15)];
    let weights: unknown;
    const training = fit(net, batches, {
      optimizer: { name: 'sgd' },
      threads: exits,
      onStep: () => void (weights = net.parameters.flat.data.slice()),
    });
    await expect(training).rejects.toThrow(
      'parallel: worker 1 of 2 stopped (exit code 3) (fit: step 2; the weights are those of step 1)',
    );
    expect(net.parameters.flat.data).toEqual(weights);
    await expect(exits.forward(batches[0])).rejects.toThrow('parallel: worker 1 of 2 stopped (exit code 3)');

    await expect(throws.forward(batchOf(net, 12))).rejects.toThrow('broken on purpose');
    await throws.forward(batches[0]);

    const hanging = hangs.forward(batchOf(net, 14));
    void until(() => existsSync(hung)).then(() => hangs.close());
    await expect(hanging).rejects.toThrow('parallel: worker 1 of 1 was closed');
    await expect(hangs.forward(batches[0])).rejects.toThrow('closed');

    rmSync(dirname(hung), { recursive: true });

    const passes = late.forward(batchOf(net, 16)).then(() => late.forward(batches[0]));
    await expect(passes).rejects.toThrow('parallel: worker 1 of 1 stopped (exit code 1): too late');
  });

  test.each([
    ['ends by itself with threads still there', 'end', 0, /^3 0\.\d{12} $/],
    ['may exit in the middle of a pass', 'midway', 7, /^3 0\.\d{12} $/],
    [
      'has one thread where there is no shared memory, and says so',
      'alone',
      0,
      /^1 0\.\d{12} parallel: shared memory is missing here: one thread$/,
    ],
  ])('a process %s', async (_, what, code, message) => {
    const file = join(__dirname, 'parallelprocess.ts');
    const env = { ...process.env, BACKSTEP_MEMORY_MB: '4096' }; // no array of it can be sent to another thread
    const child = spawn(process.execPath, ['-r', register, file, what], { env });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += String(text)));
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(code);
    expect(printed.trimEnd() + (what === 'alone' ? '' : ' ')).toMatch(message);
  });
});
