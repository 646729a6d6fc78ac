import type { Batch } from '../bptt/network/batch/batch';
import { clipGlobalNorm } from '../bptt/train/clip';
import { LossCurve } from '../bptt/train/curve';
import { fit, type FitOptions, type StepInfo, type FitResult } from '../bptt/train/fit';
import { network, type Network } from '../bptt/network/network';
import { optimizer } from '../bptt/train/optimizers';
import { elman } from '../cells/elman';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { distance } from './executors';
import type { States } from '../bptt/network/batch/states';
import type { StreamBatch } from '../bptt/train/source';
import { B, batchOf, D, endless, H, inputsOf, make, O, T, weightsOf } from './randombatches';

const sgd = { name: 'sgd', learningRate: 0.1 } as const;

describe('one step', () => {
  test('clips with the epsilon that it was given', async () => {
    const trained = async (clip?: FitOptions['clip']): Promise<number[]> => {
      const net = make();
      await fit(net, endless(), { optimizer: sgd, clip, steps: 1 });
      return weightsOf(net);
    };
    const byHand = make();
    const pass = byHand.forward(batchOf(0));
    pass.backward();
    const { norm, coefficient } = clipGlobalNorm(byHand.parameters, 0.2, { epsilon: 0.5 });
    expect(coefficient).toBeCloseTo(0.2 / (norm + 0.5), 12);
    optimizer(byHand, sgd).step();
    expect(await trained({ norm: 0.2, epsilon: 0.5 })).toEqual(weightsOf(byHand));
    expect(await trained({ norm: 0.2 })).not.toEqual(weightsOf(byHand));
  });

  test('is forward, backward, clip, schedule, update, in this order', async () => {
    const byHand = make({ dropout: 0.3 });
    const adam = optimizer(byHand, { name: 'adam', learningRate: 0.02 });
    const expected: Partial<StepInfo>[] = [];
    for (let step = 1; step <= 4; step++) {
      byHand.parameters.zeroGradients();
      const pass = byHand.forward(batchOf(step - 1), { training: true });
      const { loss } = pass;
      pass.backward();
      const { norm } = clipGlobalNorm(byHand.parameters, 0.2);
      expect(norm).toBeGreaterThan(0.2);
      adam.step(0.02 * 0.5 ** (step - 1));
      expected.push({
        step,
        loss,
        gradientNorm: norm,
        learningRate: 0.02 * 0.5 ** (step - 1),
        tokens: T * B,
      });
    }

    const net = make({ dropout: 0.3 });
    const infos: StepInfo[] = [];
    const summary = await fit(net, endless(), {
      optimizer: { name: 'adam', learningRate: 0.02 },
      schedule: { name: 'step', every: 1, factor: 0.5 },
      clip: { norm: 0.2 },
      steps: 4,
      onStep: (info) => void infos.push(info),
    });
    expect(weightsOf(net)).toEqual(weightsOf(byHand));
    infos.forEach((info, k) => expect(info).toMatchObject(expected[k]));
    expect(summary.stopped).toBe('steps');
    expect(summary.history.loss).toEqual(infos.map(({ step, loss }) => ({ step, loss })));
  });

  test('a huge loss moves the weights by no more than learning rate times limit', async () => {
    const net = make({ loss: 'squared' });
    const huge = { shape: [T, B, O], numbers: Array<number>(T * B * O).fill(1e9) };
    let before = weightsOf(net);
    await fit(net, endless({ targets: huge }), {
      optimizer: sgd,
      clip: { norm: 2 },
      steps: 3,
      onStep({ gradientNorm }) {
        const after = weightsOf(net);
        const moved = Math.hypot(...after.map((w, k) => w - before[k]));
        expect(gradientNorm).toBeGreaterThan(1e7);
        expect(moved).toBeLessThanOrEqual(0.2 * (1 + 1e-12));
        expect(moved).toBeGreaterThan(0.199);
        before = after;
      },
    });
  });

  test('clipping by value limits every entry', async () => {
    const net = make();
    await fit(net, endless(), { optimizer: sgd, clip: { value: 1e-3 }, steps: 1 });
    const largest = Math.max(...Array.from(net.parameters.flatGradients.data, Math.abs));
    expect(largest).toBe(1e-3);
  });

  test.each([
    [
      'a mean over rows of unequal length',
      {},
      {
        lengths: [
          [5, 2, 1],
          [3, 5, 4],
        ],
      },
    ],
    [
      'a sum',
      { reduction: 'sum' },
      {
        lengths: [
          [5, 2, 1],
          [3, 5, 4],
        ],
      },
    ],
    ['many to one', { topology: 'many-to-one' }, {}],
  ] as const)(
    'accumulated over two batches, it is the step of both as one: %s',
    async (_, options, { lengths }: { lengths?: readonly (readonly number[])[] }) => {
      const random = new Random(9);
      const numbers = Array.from({ length: T * 2 * B * D }, () => random.normal());
      const steps = 'topology' in options ? 1 : T;
      const classes = Array.from({ length: steps * 2 * B }, () => random.below(O));
      const rowsOf = (all: number[], width: number, times: number, from: number, to: number): number[] =>
        Array.from({ length: times }, (_, t) =>
          all.slice((t * 2 * B + from) * width, (t * 2 * B + to) * width),
        ).flat();
      const part = (from: number, to: number): Batch => ({
        x: { shape: [T, to - from, D], numbers: rowsOf(numbers, D, T, from, to) },
        targets: {
          shape: steps === 1 ? [to - from] : [T, to - from],
          numbers: rowsOf(classes, 1, steps, from, to),
        },
        ...(lengths && { lengths: lengths.flat().slice(from, to) }),
      });

      const infos: StepInfo[] = [];
      const run = async (batches: Batch[], accumulate: number): Promise<number[]> => {
        const net = make(options);
        await fit(net, batches, { optimizer: sgd, accumulate, onStep: (info) => void infos.push(info) });
        return weightsOf(net);
      };
      const together = await run([part(0, 2 * B)], 1);
      const apart = await run([part(0, B), part(B, 2 * B)], 2);
      const incomplete = await run([part(0, B), part(B, 2 * B)], 5); // the stream ends before the step is full
      expect(distance(apart, together)).toBeLessThan(1e-14);
      expect(incomplete).toEqual(apart);
      expect(infos).toHaveLength(3);
      expect(infos[1].loss).toBeCloseTo(infos[0].loss, 12);
      expect(infos[1].gradientNorm).toBeCloseTo(infos[0].gradientNorm, 12);
      expect(infos[1].tokens).toBe(infos[0].tokens);
    },
  );
});

describe('reproducible', () => {
  const options: FitOptions = {
    optimizer: { name: 'adam', learningRate: 0.01 },
    schedule: { name: 'cosine', steps: 12, warmUp: 3 },
    steps: 12,
  };

  test('two runs are equal to the bit', async () => {
    const run = async (): Promise<[FitResult, number[]]> => {
      const net = make({ dropout: 0.2 });
      return [await fit(net, endless(), options), weightsOf(net)];
    };
    expect(await run()).toEqual(await run());
  });

  test('stopped and resumed, it ends as if it had never stopped', async () => {
    const whole = make();
    await fit(whole, endless(), options);

    const net = make();
    const first = optimizer(net, { name: 'adam', learningRate: 0.01 });
    const half = await fit(net, endless(), { ...options, optimizer: first, steps: 5 });
    expect([half.steps, half.stopped]).toEqual([5, 'steps']);
    const second = optimizer(net, first.options);
    second.load(first.state());
    const steps: number[] = [];
    await fit(net, endless({}, 5), {
      ...options,
      optimizer: second,
      onStep: ({ step }) => void steps.push(step),
    });
    expect(steps).toEqual([6, 7, 8, 9, 10, 11, 12]);
    expect(weightsOf(net)).toEqual(weightsOf(whole));
    expect((await fit(net, endless(), { ...options, optimizer: second })).stopped).toBe('steps');
    expect(second.steps).toBe(12);
  });

  test('the state is carried over a long text, whatever runs in between', async () => {
    function* text(): Generator<StreamBatch> {
      for (let k = 0; k < 6; k++) yield { ...batchOf(k), initial: k === 0 ? 'zero' : 'carry' };
    }
    const byHand = make({ layers: [lstm({ input: D, hidden: H })] });
    const rule = optimizer(byHand, sgd);
    let from: States | undefined;
    for (let k = 0; k < 6; k++) {
      byHand.parameters.zeroGradients();
      const pass = byHand.forward(batchOf(k), { training: true, from });
      from = pass.states;
      pass.backward();
      rule.step();
    }
    const finals = toFlat(from!['l0.c']);

    const net = make({ layers: [lstm({ input: D, hidden: H })] });
    const summary = await fit(net, text(), {
      optimizer: sgd,
      validation: { batches: () => [batchOf(50), { ...batchOf(51), initial: 'carry' }], every: 1 },
      // the caller samples with another batch size
      onStep: () => void net.forward({ x: [[[1, 2, 3, 4]]], targets: [[0]] }),
    });
    expect(summary.stopped).toBe('batches');
    expect(weightsOf(net)).toEqual(weightsOf(byHand));
    expect(Array.from(summary.states['l0.c'])).toEqual(finals);

    const cut = make({ layers: [lstm({ input: D, hidden: H })] });
    await fit(cut, endless(), { optimizer: sgd, steps: 6 });
    expect(weightsOf(cut)).not.toEqual(weightsOf(byHand));
  });

  test('a batch of other rows is told that the states are those of the batch before', async () => {
    const numbers = Array<number>(T * D).fill(1);
    const smaller = {
      x: { shape: [T, 1, D], numbers },
      targets: { shape: [T, 1], numbers: numbers.slice(0, T) },
    };
    const net = make();
    const onStep = () => void net.forward(smaller);
    const batches: StreamBatch[] = [
      batchOf(0),
      { ...batchOf(1), initial: 'carry' },
      { ...smaller, initial: 'carry' },
    ];
    await expect(fit(net, batches, { optimizer: sgd, onStep })).rejects.toThrow(
      'fit: step 3: network.forward: from must be the states of 1 row, got 3 (each row continues from a row of its own; ' +
        'without from, all start from zero)',
    );
  });
});

describe('stopping', () => {
  const net = make();

  test('at the end of the batches', async () => {
    const summary = await fit(net, [batchOf(0), batchOf(1)], { optimizer: sgd });
    expect([summary.stopped, summary.steps]).toEqual(['batches', 2]);
    expect(await fit(net, [], { optimizer: sgd })).toEqual({
      steps: 0,
      stopped: 'batches',
      history: { loss: [], validationLoss: [] },
      states: {},
    });
  });

  test('after some time', async () => {
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    const onStep = (): void => void (now += 30);
    const { stopped, steps } = await fit(net, endless(), { optimizer: sgd, seconds: 0.1, onStep });
    clock.mockRestore();
    expect([stopped, steps]).toEqual(['seconds', 4]);
  });

  test('when a callback, which is awaited, says so', async () => {
    const summary = await fit(net, endless(), {
      optimizer: sgd,
      async onStep({ step }) {
        await new Promise((resolve) => setImmediate(resolve));
        return step < 3;
      },
    });
    expect([summary.stopped, summary.steps]).toEqual(['callback', 3]);
  });

  test('by a signal that a timer aborts: the event loop is never held up for long', async () => {
    const stop = new AbortController();
    let closed = false;
    function* batches(): Generator<Batch> {
      try {
        yield* endless();
      } finally {
        closed = true;
      }
    }
    const onStep = ({ step }: StepInfo): void => {
      if (step === 1) setTimeout(() => stop.abort());
    };
    const summary = await fit(net, batches(), { optimizer: sgd, signal: stop.signal, onStep });
    expect(summary.stopped).toBe('aborted');
    expect(summary.steps).toBeGreaterThan(0);
    expect(closed).toBe(true);
  });

  test('by a signal while it waits for a batch that never comes', async () => {
    const stop = new AbortController();
    async function* batches(): AsyncGenerator<Batch> {
      yield batchOf(0);
      setImmediate(() => stop.abort());
      await new Promise(() => undefined);
      yield batchOf(1);
    }
    const summary = await fit(net, batches(), { optimizer: sgd, signal: stop.signal });
    expect([summary.stopped, summary.steps]).toEqual(['aborted', 1]);
  });

  test('by a signal in the middle of a step: its gradients are dropped', async () => {
    const before = weightsOf(net);
    const stop = new AbortController();
    function* batches(): Generator<Batch> {
      yield batchOf(0);
      stop.abort();
      yield batchOf(1);
    }
    const summary = await fit(net, batches(), { optimizer: sgd, accumulate: 2, signal: stop.signal });
    expect([summary.stopped, summary.steps]).toEqual(['aborted', 0]);
    expect(weightsOf(net)).toEqual(before);
  });

  test('by a signal during validation', async () => {
    const stop = new AbortController();
    function* batches(): Generator<Batch> {
      yield batchOf(0);
      stop.abort();
      yield batchOf(1);
    }
    const infos: StepInfo[] = [];
    const summary = await fit(net, endless(), {
      optimizer: sgd,
      signal: stop.signal,
      validation: { batches, every: 2 },
      onStep: (info) => void infos.push(info),
    });
    expect([summary.stopped, summary.steps]).toEqual(['aborted', 2]);
    expect(infos[1]).not.toHaveProperty('validationLoss');
  });

  test('asynchronous batches are taken one at a time, and closed', async () => {
    const log: string[] = [];
    async function* batches(): AsyncGenerator<Batch> {
      try {
        for (let k = 0; ; k++) {
          log.push(`batch ${k}`);
          yield await Promise.resolve(batchOf(k));
        }
      } finally {
        log.push('closed');
      }
    }
    const signal = new AbortController().signal;
    await fit(net, batches(), {
      optimizer: sgd,
      steps: 2,
      signal,
      onStep: ({ step }) => void log.push(`step ${step}`),
    });
    expect(log).toEqual(['batch 0', 'step 1', 'batch 1', 'step 2', 'closed']);
  });

  test('an error of the stream comes out', async () => {
    async function* batches(): AsyncGenerator<Batch> {
      yield await Promise.resolve(batchOf(0));
      throw new Error('disk gone');
    }
    const signal = new AbortController().signal;
    await expect(fit(net, batches(), { optimizer: sgd, signal })).rejects.toThrow('disk gone');
  });
});

describe('validation', () => {
  test('every so many steps, every valid step weighing the same', async () => {
    const net = make({ dropout: 0.5 });
    const lengths = [
      [5, 5, 5],
      [1, 2, 1],
    ];
    const infos: StepInfo[] = [];
    const { history } = await fit(net, endless(), {
      optimizer: sgd,
      steps: 5,
      validation: { batches: () => lengths.map((l, k) => batchOf(90 + k, { lengths: l })), every: 2 },
      onStep: (info) => void infos.push(info),
    });
    expect(infos.map((info) => 'validationLoss' in info)).toEqual([false, true, false, true, false]);
    expect(history.validationLoss).toEqual([
      { step: 2, loss: infos[1].validationLoss },
      { step: 4, loss: infos[3].validationLoss },
    ]);
    const check = make();
    await fit(net, [], { optimizer: sgd });
    check.parameters.flat.data.set(net.parameters.flat.data);
    const [p, q] = lengths.map((l, k) => check.forward(batchOf(90 + k, { lengths: l })).loss);
    const { history: after } = await fit(net, [batchOf(0)], {
      optimizer: { name: 'sgd', learningRate: 0 },
      validation: { batches: () => lengths.map((l, k) => batchOf(90 + k, { lengths: l })), every: 1 },
    });
    expect(after.validationLoss[0].loss).toBeCloseTo((15 * p + 4 * q) / 19, 12);
  });

  test('a summed loss is summed', async () => {
    const net = make({ reduction: 'sum' });
    const { history } = await fit(net, [batchOf(0)], {
      optimizer: { name: 'sgd', learningRate: 0 },
      validation: { batches: () => [batchOf(1), batchOf(2)], every: 1 },
    });
    const sum = net.forward(batchOf(1)).loss + net.forward(batchOf(2)).loss;
    expect(history.validationLoss[0].loss).toBeCloseTo(sum, 12);
  });

  test('early stopping restores the best weights and their optimizer state', async () => {
    const net = make();
    const rule = optimizer(net, { name: 'sgd', learningRate: 3, momentum: 0.1 });
    const all = () => [weightsOf(net), rule.steps, Object.values(rule.state()).map((t) => toFlat(t))];
    const seen: unknown[] = [];
    const losses: number[] = [];
    const summary = await fit(net, endless(), {
      // far too large: it improves a little, then swings out
      optimizer: rule,
      validation: { batches: () => [batchOf(0)], every: 1 },
      earlyStopping: { patience: 4 },
      steps: 500,
      onStep(info) {
        losses.push(info.validationLoss as number);
        seen.push(all());
      },
    });
    expect(summary.stopped).toBe('patience');
    const lowest = Math.min(...losses);
    const best = losses.indexOf(lowest);
    expect(summary.best).toEqual({ step: best + 1, loss: lowest });
    expect(summary.steps).toBe(best + 1 + 4);
    expect(all()).toEqual(seen[best]);
    expect(all()).not.toEqual(seen[seen.length - 1]);
  });

  test('an improvement smaller than the minimum does not count', async () => {
    const net = make();
    const summary = await fit(net, endless(), {
      optimizer: { name: 'sgd', learningRate: 1e-6 },
      validation: { batches: () => [batchOf(0)], every: 1 },
      earlyStopping: { patience: 3, minimum: 0.01 },
      steps: 50,
    });
    expect([summary.stopped, summary.steps, summary.best?.step]).toEqual(['patience', 4, 1]);
  });

  test('after an abort the last weights stay, so that the run can go on', async () => {
    const net = make();
    const stop = new AbortController();
    let last: number[] = [];
    const summary = await fit(net, endless(), {
      optimizer: { name: 'sgd', learningRate: 3 },
      validation: { batches: () => [batchOf(0)], every: 1 },
      earlyStopping: { patience: 100 },
      signal: stop.signal,
      onStep({ step }) {
        last = weightsOf(net);
        if (step === 12) stop.abort();
      },
    });
    expect(summary.best?.step).not.toBe(12);
    expect(weightsOf(net)).toEqual(last);
  });
});

describe('what is not finite stops at that step and keeps the last good weights', () => {
  async function failure(net: Network, batches: Batch[], options: Partial<FitOptions> = {}): Promise<string> {
    let good = weightsOf(net);
    const onStep = (): void => void (good = weightsOf(net));
    const error = await fit(net, batches, { optimizer: sgd, onStep, ...options }).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toBeInstanceOf(RangeError);
    expect(weightsOf(net)).toEqual(good);
    return (error as Error).message;
  }
  const set = (net: Network, name: string, value: number): void => {
    const size = toFlat(net.parameters.values[name]).length;
    net.parameters.set(name, Array<number>(size).fill(value));
  };
  const ones = (steps: number, targets: Batch['targets']): Batch => ({
    x: { shape: [steps, 2, 1], numbers: Array<number>(steps * 2).fill(1) },
    targets,
  });
  const regression = (activation: 'tanh' | 'relu', steps = 6) => {
    const layers = [elman({ input: 1, hidden: 3, activation })];
    const net = network({ layers, output: 1, loss: 'squared', seed: 5 });
    const zeros = { shape: [steps, 2, 1], numbers: Array<number>(steps * 2).fill(0) };
    return { net, batch: ones(steps, zeros) };
  };

  test('data', async () => {
    const bad = batchOf(1, { x: inputsOf(1, (3 * B + 1) * D + 2, NaN) });
    expect(await failure(make(), [batchOf(0), bad])).toBe(
      'fit: step 2: network.forward: x must be finite, got NaN at t = 3, row 1, unit 2',
    );
  });

  test('a state', async () => {
    const { net, batch } = regression('relu');
    set(net, 'l0.Wx', 1);
    set(net, 'l0.Wh', 1e120);
    expect(await failure(net, [batch])).toBe(
      'fit: step 1: the loss must be finite, got NaN (first in l0.h at t = 3 (row 0, unit 0); the weights are those before step 1)',
    );
  });

  test('a weight', async () => {
    const { net, batch } = regression('tanh');
    net.parameters.values['head.Wy'].set(1, 0, NaN);
    expect(await failure(net, [batch])).toMatch('first in parameter head.Wy (row 1, unit 0)');
  });

  test('an output', async () => {
    const { net, batch } = regression('relu');
    set(net, 'l0.Wx', 1);
    set(net, 'l0.Wh', 10);
    set(net, 'head.Wy', 1e306);
    expect(await failure(net, [batch])).toMatch('got Infinity (first in the output at t = 2 (row 0, unit 0)');
  });

  test('the loss itself', async () => {
    const { net, batch } = regression('relu');
    set(net, 'l0.Wx', 1);
    set(net, 'l0.Wh', 10);
    set(net, 'head.Wy', 1e152);
    expect(await failure(net, [batch])).toMatch('got Infinity (first in the loss at t = 2 (row 0, unit 0)');
  });

  test('an initial state', async () => {
    const { net, batch } = regression('relu');
    const initial = { 'l0.h': [0, 0, Infinity, 0, 0, 0] };
    expect(await failure(net, [{ ...batch, initial }])).toMatch(
      'first in the initial state l0.h (row 0, unit 2)',
    );
  });

  test('a gradient', async () => {
    const { net, batch } = regression('tanh');
    set(net, 'l0.Wx', 0); // the states stay 0, where the slope of tanh is 1
    set(net, 'l0.Wh', 1e150);
    net.parameters.set('head.by', [1]);
    expect(await failure(net, [batch])).toBe(
      'fit: step 1: clip: gradients must be finite, got Infinity in l0.Wx (row 0, column 0) ' +
        '(first in the gradient of l0.h at t = 2 (row 0, unit 0); the weights are those before step 1)',
    );
  });

  test('a step that fails after its passes leaves the states and the generator of the one before', async () => {
    const layers = [elman({ input: 1, hidden: 3 })];
    const net = network({ layers, output: 1, loss: 'squared', seed: 5, dropout: 0.2 });
    const far = { shape: [6, 2, 1], numbers: Array<number>(12).fill(1e9) };
    let left: Record<string, Float64Array> = {};
    let before: unknown;
    const training = fit(net, [ones(6, far), { ...ones(6, far), initial: 'carry' }], {
      optimizer: { name: 'sgd', learningRate: 1e300 },
      schedule: (k) => k, // the first step changes nothing, the second one all
      onStep({ states }) {
        left = states;
        before = { states: Object.entries(states).map(([s, h]) => [s, [...h]]), random: net.random.state };
      },
    });
    await expect(training).rejects.toThrow('fit: step 2: the update must leave finite weights');
    const after = Object.entries(left).map(([s, h]) => [s, [...h]]);
    expect({ states: after, random: net.random.state }).toEqual(before);
  });

  test('an update', async () => {
    const { net, batch } = regression('tanh');
    const far = { shape: [6, 2, 1], numbers: Array<number>(12).fill(1e9) };
    const how = { optimizer: { name: 'sgd', learningRate: 1e300 }, schedule: (k: number) => k } as const;
    expect(await failure(net, [batch, { ...batch, targets: far }], how)).toMatch(
      /^fit: step 2: the update must leave finite weights, got -?Infinity in .*\(.*\) \(the weights are those of step 1\)$/,
    );
    expect(await failure(net, [batch], { ...how, schedule: () => NaN })).toBe(
      'fit: step 1: optimizer.step: the learning rate must be a finite number >= 0, got NaN',
    );
  });

  test('validation', async () => {
    const bad = batchOf(1, { x: inputsOf(1, 0, Infinity) });
    const validation = { batches: () => [bad], every: 2 };
    await expect(fit(make(), endless(), { optimizer: sgd, validation })).rejects.toThrow(
      'fit: validation after step 2: network.forward: x must be finite, got Infinity at t = 0, row 0, unit 0',
    );
    await expect(
      fit(make(), endless(), { optimizer: sgd, validation: { batches: () => [], every: 1 } }),
    ).rejects.toThrow('fit: validation after step 1: there must be a batch, got none');
  });
});

describe('memory', () => {
  test('a curve that is given goes on', async () => {
    const net = make();
    const adam = optimizer(net, { name: 'adam' });
    const curve = new LossCurve();
    await fit(net, endless(), { optimizer: adam, curve, steps: 3 });
    const { history } = await fit(net, endless(), { optimizer: adam, curve, steps: 5 });
    expect(history.loss.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(curve.points).toEqual(history.loss);
  });
});

describe('options', () => {
  const net = make();
  test.each<[Record<string, unknown>, string]>([
    [
      { epochs: 3 },
      'fit: options must be among optimizer, schedule, clip, steps, seconds, accumulate, chunk, loss, plateau, weightNoise, curve, onStep',
    ],
    [{ curve: [] }, 'fit: curve must be a LossCurve, got []'],
    [{ optimizer: { name: 'adams' } }, 'optimizer: the name must be one of sgd'],
    [{ steps: 0 }, 'fit: steps must be a whole number >= 1, got 0'],
    [{ seconds: -1 }, 'fit: seconds must be > 0, got -1'],
    [{ accumulate: 1.5 }, 'fit: accumulate must be a whole number >= 1, got 1.5'],
    [{ clip: { norm: 0 } }, 'fit: the limit of clip must be > 0, got 0'],
    [{ clip: { value: -1 } }, 'fit: the limit of clip must be > 0, got -1'],
    [{ clip: { max: 1 } }, 'fit: clip must be { norm } or { value }, got an object of max'],
    [{ schedule: { name: 'cosine' } }, 'schedule: steps must be a whole number >= 1, got undefined'],
    [{ validation: { batches: [], every: 1 } }, 'fit: validation.batches must be a function'],
    [
      { validation: { batches: () => [], every: 0 } },
      'fit: validation.every must be a whole number >= 1, got 0',
    ],
    [
      { earlyStopping: { patience: 1 } },
      'fit: validation must be given, got undefined (early stopping needs it)',
    ],
    [{ earlyStopping: { patience: 0 } }, 'fit: earlyStopping.patience must be a whole number >= 1, got 0'],
    [{ earlyStopping: { patience: 1, minimum: -1 } }, 'fit: earlyStopping.minimum must be >= 0, got -1'],
  ])('%j is refused', async (options, message) => {
    await expect(fit(net, [], { optimizer: sgd, ...options })).rejects.toThrow(message);
  });

  test('what cannot be trained is refused', async () => {
    await expect(fit(make({ loss: undefined }), [], { optimizer: sgd })).rejects.toThrow(
      'fit: the network must have a loss, got none',
    );
    for (const [more, message] of [
      [
        { optimizer: undefined },
        "optimizer must be an Optimizer, or its options, as in { name: 'adam' }, got undefined",
      ],
      [
        { optimizer: 'adam' },
        "optimizer must be an Optimizer, or its options, as in { name: 'adam' }, got adam",
      ],
      [{ clip: 1 }, 'clip must be { norm } or { value }, got 1'],
      [{ clip: {} }, 'clip must be { norm } or { value }, got an object'],
      [{ clip: { norm: '1' } }, "the limit of clip must be > 0, got the string '1'"],
      [{ seconds: '5' }, "seconds must be > 0, got the string '5'"],
    ] as const)
      await expect(fit(net, [], { optimizer: sgd, ...more } as never)).rejects.toThrow(`fit: ${message}`);
    await expect(fit(net, 3 as unknown as Batch[], { optimizer: sgd })).rejects.toThrow(
      'fit: batches must be an iterable of batches, got 3',
    );
    await expect(fit(net, [null as unknown as Batch], { optimizer: sgd })).rejects.toThrow(
      'fit: every batch must be an object, got null',
    );
    await expect(fit(net, [], { optimizer: optimizer(make(), sgd) })).rejects.toThrow(
      'fit: the optimizer must be for this network, got another',
    );
    await expect(fit(net, [], undefined as unknown as FitOptions)).rejects.toThrow(
      'fit: options must be an object, got undefined',
    );
  });
});

test.each(['sgd', 'rmsprop', 'adagrad', 'adam', 'adamw'] as const)(
  '%s learns to remember the first input',
  async (name) => {
    const learningRate = name === 'sgd' ? 1 : name === 'adagrad' ? 0.1 : 0.02;
    const net = network({
      layers: [lstm({ input: 2, hidden: 8 })],
      output: 2,
      loss: 'softmax',
      topology: 'many-to-one',
      seed: 1,
    });
    const random = new Random(0);
    function* batches(): Generator<Batch> {
      for (;;) {
        const bits = Array.from({ length: 6 * 10 }, () => random.below(2));
        yield { x: { shape: [6, 10], numbers: bits }, targets: bits.slice(0, 10) };
      }
    }
    let last = 0;
    await fit(net, batches(), {
      optimizer: { name, learningRate },
      clip: { norm: 1 },
      steps: 400,
      onStep: ({ loss }) => void (last = loss),
    });
    expect(last).toBeLessThan(0.1);
  },
);
