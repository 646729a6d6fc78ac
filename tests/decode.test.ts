/** Decoding: greedy, sampled, beam search; and scheduled sampling. */
import type { Batch } from '../bptt/network/batch/batch';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { beamSearch, decode, oneByOne } from '../bptt/decode/decode';
import { likeliest } from '../bptt/decode/draw';
import { fit } from '../bptt/train/fit';
import { gradcheck } from '../bptt/check/gradcheck';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network } from '../bptt/network/network';
import { scheduledSampling } from '../bptt/train/scheduled';
import type { DecodeInput, Steps } from '../bptt/decode/writer';
import { clockwork } from '../cells/clockwork';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { testErrors } from './errors';
import { clockOf } from '../bptt/network/batch/states';
import { B, D, END, H, logProbability, numbers, O, source, translator } from './translators';

describe('beam search', () => {
  test('of width 1 it is greedy decoding', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const options = { steps: 6, end: END };
      const greedy = decode(translator(seed), source, options);
      expect(decode(translator(seed), source, { ...options, method: 'beam', width: 1 })).toEqual(greedy);
    }
  });

  test('a wider beam finds nothing worse, and somewhere something better', () => {
    let better = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const [narrow, wide] = [1, 16].map((width) =>
        decode(translator(seed), source, { method: 'beam', width, steps: 4, end: END }).map(
          ([{ score }]) => score,
        ),
      );
      wide.forEach((score, b) => {
        expect(score).toBeGreaterThanOrEqual(narrow[b] - 1e-12);
        if (score > narrow[b] + 1e-9) better++;
      });
    }
    expect(better).toBeGreaterThan(0);
  });

  test('greedy falls into a trap that a beam of two sees', () => {
    // after the start 0.6 to class 0 and 0.4 to class 1; after 0 all is even, after 1 the end is certain
    const table: Record<number, number[]> = {
      3: [0.6, 0.4, 0, 0],
      0: [0.25, 0.25, 0.25, 0.25],
      1: [0, 0, 1, 0],
    };
    const toy = (rows: number): Steps => ({
      rows,
      classes: 4,
      step: (read) =>
        Float64Array.from(
          Array.from(read).flatMap((c) => table[c] ?? [1, 0, 0, 0]),
          Math.log,
        ),
      reorder: () => undefined, // it has no state besides its inputs
    });
    const [[greedy]] = oneByOne(toy(1), [[3]], { steps: 2, end: 2, choose: likeliest });
    const options = { steps: 2, end: 2, lengthPenalty: 0 };
    const [[best]] = beamSearch(toy(2), [[3]], { ...options, width: 2 });
    expect(greedy.classes[0]).toBe(0);
    expect(Math.exp(greedy.score)).toBeCloseTo(0.15, 12);
    expect(best).toMatchObject({ classes: [1], ended: true });
    expect(best.score).toBeCloseTo(Math.log(0.4), 12);
  });
});

describe('greedy and sampled', () => {
  test('every class is the likeliest after those before it, in one pass with teacher forcing', () => {
    const net = translator();
    const written = decode(net, source, { steps: 5 });
    written.forEach(([{ classes, ended, logProbability: log }], b) => {
      expect([classes.length, ended]).toEqual([5, false]);
      expect(log).toBeCloseTo(logProbability(net, b, classes), 10);
      for (let t = 0; t < 5; t++) {
        const others = Array.from({ length: O }, (_, c) =>
          logProbability(net, b, [...classes.slice(0, t), c]),
        );
        expect(likeliest(others)).toBe(classes[t]);
      }
    });
  });

  test('classes are drawn with the probabilities of the network; temperature 0 is greedy', () => {
    const net = translator(3);
    const random = new Random(4);
    const counts = Array<number>(O).fill(0);
    for (let k = 0; k < 2000; k++)
      counts[decode(net, source, { method: 'sample', steps: 1, random })[0][0].classes[0]]++;
    const expected = Array.from({ length: O }, (_, c) => Math.exp(logProbability(net, 0, [c])));
    counts.forEach((n, c) => {
      // five standard deviations
      const spread = 5 * Math.sqrt((expected[c] * (1 - expected[c])) / 2000) + 1e-3;
      expect(Math.abs(n / 2000 - expected[c])).toBeLessThan(spread);
    });
    const cold = decode(net, source, { method: 'sample', temperature: 0, steps: 5, end: END });
    expect(cold).toEqual(decode(net, source, { steps: 5, end: END }));
    const one = decode(net, source, { method: 'sample', topK: 1, steps: 5, end: END });
    expect(one).toEqual(cold);
  });

  test('what is never to be written is not written', () => {
    for (const method of ['greedy', 'sample', 'beam'] as const) {
      const found = decode(translator(), source, { method, steps: 6, never: [0, 2] });
      expect(
        found
          .flat()
          .flatMap(({ classes }) => classes)
          .filter((c) => c === 0 || c === 2),
      ).toEqual([]);
    }
  });

  test('rows do not see each other, and the last forward pass stays the last', () => {
    const net = translator();
    const { numbers: x } = source.x as FlatNumbers;
    const batch = { ...source, targets: { shape: [2, B], numbers: Array<number>(2 * B).fill(1) } };
    const pass = net.forward(batch);
    const together = decode(net, source, { method: 'beam', width: 3, steps: 4, end: END });
    expect(() => pass.backward()).not.toThrow();
    source.lengths?.forEach((length, b) => {
      const own = Array.from({ length }, (_, t) =>
        Array.from(x).slice((t * B + b) * D, (t * B + b + 1) * D),
      ).flat();
      const [alone] = decode(
        net,
        { x: { shape: [length, 1, D], numbers: own } },
        { method: 'beam', width: 3, steps: 4, end: END },
      );
      expect(alone.map(({ classes }) => classes)).toEqual(together[b].map(({ classes }) => classes));
    });
  });

  describe('what runs beside a pass leaves it whole', () => {
    const next = { layers: [gru({ input: O, hidden: 3 })], output: O, loss: 'softmax', seed: 2 } as const;
    const first: Batch = { x: [[0]], targets: [[1]] };
    const { numbers: x } = source.x as FlatNumbers;
    /** Sources of more lengths than a network keeps plans for. */
    const many = Array.from({ length: 12 }, (_, k) => {
      const T = k + 1;
      const numbers = Array.from({ length: T * B * D }, (_, i) => x[i % x.length]);
      return { x: { shape: [T, B, D], numbers } };
    });
    const beside: Record<string, (net: Network) => void> = {
      'decoding in the shape of the pass': (net) => decode(net, { x: [[3]] }, { steps: 2 }),
      'a gradient check': (net) => {
        const gradientsBefore = net.parameters.flatGradients.data.slice();
        gradcheck(net, { batch: { x: [[3]], targets: [[2]] }, oracles: ['statement'] });
        net.parameters.flatGradients.data.set(gradientsBefore); // which it overwrites, as it says
      },
    };

    test.each(Object.keys(beside))('%s: states are carried, and gradients are those of the pass', (name) => {
      const [disturbed, alone] = [beside[name], () => undefined].map((act) => {
        const net = network(next);
        const begun = net.forward(first);
        act(net);
        begun.backward();
        const pass = net.forward({ x: [[1]], targets: [[0]] }, { from: begun.states });
        act(net);
        pass.backward();
        return {
          loss: pass.loss,
          output: toFlat(pass.output),
          gradients: toFlat(net.parameters.flatGradients),
        };
      });
      expect(disturbed).toEqual(alone);
    });

    test('an encoder-decoder that decodes, or samples for training, more shapes than there are plans', () => {
      const targets = { shape: [1, B], numbers: [0, 2, 1] };
      const [disturbed, alone] = [many, []].map((sources) => {
        const net = translator();
        const pass = net.forward({ ...source, targets });
        for (const other of sources) {
          decode(net, other, { method: 'beam', width: 1, steps: 2 });
          scheduledSampling(net, { ...other, targets }, { probability: 1 });
        }
        pass.backward();
        return toFlat(net.parameters.flatGradients);
      });
      expect(disturbed).toEqual(alone);
    });

    test('a clockwork network keeps its time', () => {
      const layers = [clockwork({ input: O, hidden: 4, periods: [1, 3] })];
      const [disturbed, alone] = [2, 0].map((steps) => {
        const net = network({ ...next, layers });
        const pass = net.forward(first);
        if (steps > 0) decode(net, { x: [[3]] }, { steps });
        const { output } = net.forward({ x: [[1]], targets: [[0]] }, { from: pass.states });
        return [clockOf(pass.states, 'test'), ...toFlat(output)];
      });
      expect(disturbed).toEqual(alone);
    });
  });

  test('what cannot be decoded is refused by name', () => {
    const net = network({ layers: [lstm({ input: O, hidden: H })], output: O, loss: 'softmax' });
    const begin = { x: [[1, 2]] };
    expect(() => decode(net, { ...begin, lengths: [1, 1] }, { steps: 2 })).toThrow(
      'lengths must be left out, got [1, 1] (without an encoder',
    );
    expect(() => decode(net, { x: [1, 2] }, { steps: 2 })).toThrow('x must have an axis of time');
    expect(() => decode(net, begin, { steps: 2, lengthPenalty: Infinity })).toThrow(
      'lengthPenalty must be a finite number >= 0, got Infinity',
    );
    expect(() => decode(net, begin, { steps: 2, never: 1 as never })).toThrow('never must be a list');
    expect(() => decode(net, begin, undefined as never)).toThrow('options must be an object');
  });

  test('a network that predicts the next class goes on from the first ones', () => {
    const net = network({ layers: [lstm({ input: O, hidden: H })], output: O, loss: 'softmax', seed: 7 });
    for (const [name, t] of Object.entries(net.parameters.values))
      net.parameters.set(
        name,
        toFlat(t).map((v) => 3 * v),
      );
    const prime = { shape: [3, 2], numbers: [0, 1, 2, 3, 1, 1] };
    const [[first], [second]] = decode(net, { x: prime }, { steps: 4 });
    // by hand: read all again, one class longer each time
    for (const [b, { classes }] of [first, second].entries()) {
      const read = [0, 1, 2].map((t) => prime.numbers[t * 2 + b]);
      for (const next of classes) {
        const { output } = net.forward({ x: { shape: [read.length, 1], numbers: read } }, { predict: true });
        expect(likeliest(toFlat(output).slice(-O))).toBe(next);
        read.push(next);
      }
    }
  });

  test('a clockwork decoder keeps its time', () => {
    const clock = { hidden: 4, periods: [1, 2] };
    const net = network({
      topology: 'encoder-decoder',
      encoder: [clockwork({ input: D, ...clock })],
      layers: [clockwork({ input: O, ...clock })],
      output: O,
      seed: 3,
    });
    for (const [name, t] of Object.entries(net.parameters.values))
      net.parameters.set(
        name,
        toFlat(t).map((v) => 4 * v),
      );
    decode(net, source, { steps: 5 }).forEach(([{ classes, logProbability: log }], b) =>
      expect(log).toBeCloseTo(logProbability(withLoss(net), b, classes), 10),
    );
  });
});

/** The same network with a softmax loss. */
function withLoss(net: Network): Network {
  const copy = network({ ...net.architecture, loss: 'softmax' });
  for (const [name, t] of Object.entries(net.parameters.values)) copy.parameters.set(name, toFlat(t));
  return copy;
}

const readBy = ({ inputs }: Batch): number[] => Array.from((inputs as FlatNumbers).numbers);

describe('scheduled sampling', () => {
  const T = 5;
  const random = () => new Random(9);
  const batch = () => ({
    ...source,
    targets: { shape: [T, B], numbers: Array.from({ length: T * B }, (_, k) => (k * 7) % O) },
    targetLengths: [5, 2, 4],
  });

  test('p = 0 is teacher forcing', () => {
    const net = translator();
    const { inputs } = scheduledSampling(net, batch(), { probability: 0, random: random() });
    const { targets } = batch();
    const counts = (k: number): boolean => Math.floor(k / B) < [5, 2, 4][k % B];
    const late = [...Array<number>(B).fill(0), ...targets.numbers.slice(0, -B)].map((c, k) =>
      counts(k) ? c : 0,
    );
    expect(inputs).toEqual({ shape: [T, B], numbers: late });
    expect(net.forward({ ...batch(), inputs }).loss).toBe(net.forward(batch()).loss);
  });

  test('p = 1 reads what greedy decoding writes', () => {
    const net = translator();
    const inputs = readBy(scheduledSampling(net, batch(), { probability: 1 }));
    const written = decode(net, source, { steps: T });
    for (let t = 1; t < T; t++)
      written.forEach(([{ classes }], b) => {
        if (t < [5, 2, 4][b]) expect(inputs[t * B + b]).toBe(classes[t - 1]);
      });
  });

  test('in between it takes the one or the other, as often as p says', () => {
    const net = translator();
    const wide = {
      x: { shape: [2, 400, D], numbers: numbers(800 * D, 3) },
      targets: { shape: [3, 400], numbers: Array<number>(1200).fill(3) },
    };
    const own = readBy(scheduledSampling(net, wide, { probability: 1 }));
    const mixed = readBy(scheduledSampling(net, wide, { probability: 0.3, random: random() }));
    // at t = 1 nothing has been mixed yet
    const differ = own.slice(400, 800).map((c, b) => ({ c, got: mixed[400 + b] }));
    const decided = differ.filter(({ c }) => c !== 3);
    const fraction = decided.filter(({ c, got }) => got === c).length / decided.length;
    expect(decided.length).toBeGreaterThan(100);
    expect(Math.abs(fraction - 0.3)).toBeLessThan(5 * Math.sqrt(0.21 / decided.length));
  });

  describe('a batch with inputs of its own', () => {
    // none of them is the target of the step before
    const own = { shape: [T, B], numbers: Array.from({ length: T * B }, (_, k) => (k * 7 + 2) % O) };
    const valid = (read: ArrayLike<number>): number[] =>
      Array.from(read).filter((_, k) => Math.floor(k / B) < [5, 2, 4][k % B]);

    test('keeps them where nothing is predicted', () => {
      const read = readBy(scheduledSampling(translator(), { ...batch(), inputs: own }, { probability: 0 }));
      expect(valid(read)).toEqual(valid(own.numbers));
    });

    test('keeps the first, and goes on from it where everything is predicted', () => {
      const net = translator();
      const read = readBy(scheduledSampling(net, { ...batch(), inputs: own }, { probability: 1 }));
      expect(read.slice(0, B)).toEqual(own.numbers.slice(0, B));
      const y = toFlat(net.forward({ ...batch(), inputs: { shape: [T, B], numbers: read } }).output);
      for (let t = 1; t < T; t++)
        for (let b = 0; b < B; b++)
          if (t < [5, 2, 4][b]) {
            const k = ((t - 1) * B + b) * O;
            expect(read[t * B + b]).toBe(likeliest(Float64Array.from(y.slice(k, k + O))));
          }
    });

    test('is left as it is', () => {
      const given = { ...batch(), inputs: structuredClone(own) };
      scheduledSampling(translator(), given, { probability: 1 });
      expect(given.inputs).toStrictEqual(own);
    });
  });

  test('works with fit, and a run can be repeated to the bit', async () => {
    const run = async (): Promise<number[]> => {
      const net = translator(2);
      function* batches() {
        for (;;) yield scheduledSampling(net, batch(), { probability: 0.5, choose: 'drawn' });
      }
      const { history } = await fit(net, batches(), {
        optimizer: { name: 'adam', learningRate: 0.02 },
        steps: 60,
        threads: 1,
      });
      return history.loss.map(({ loss }) => loss);
    };
    const [one, two] = [await run(), await run()];
    expect(one).toEqual(two);
    expect(one[one.length - 1]).toBeLessThan(one[0] / 2);
  });
});

describe('errors', () => {
  const net = translator();
  const run =
    (more: object, of = net, begin: DecodeInput = source) =>
    () =>
      decode(of, begin, { steps: 3, ...more });
  const layers = [gru({ input: O, hidden: H })];
  testErrors(RangeError, [
    [run({ method: 'beam', width: 0 }), 'decode: width must be a whole number >= 1, got 0'],
    [run({ method: 'beam', width: -2 }), 'decode: width must be a whole number >= 1, got -2'],
    [run({ steps: 0 }), 'decode: steps must be a whole number >= 1, got 0'],
    [run({ end: O }), 'decode: end must be a class number in 0…3, got 4'],
    [run({ never: [0, 1, 2, 3] }), 'decode: never must leave a class, got all of them'],
    [
      run({ method: 'beam', lengthPenalty: -1 }),
      'decode: lengthPenalty must be a finite number >= 0, got -1',
    ],
    [run({ method: 'sample', temperature: NaN }), 'decode: temperature must be finite and >= 0, got NaN'],
    [run({ method: 'sample', topK: 0 }), 'decode: topK must be a whole number >= 1, got 0'],
    [
      run({}, network({ layers: [bidirectional(gru({ input: O, hidden: 2 }))], output: O }), {
        x: { shape: [1, 1], numbers: [0] },
      }),
      'decode: layers must read forward, got a bidirectional one (layer 0 is bidirectional gru: it reads from the end',
    ],
    [
      run({}, network({ layers: [gru({ input: 2, hidden: H })], output: O }), {
        x: { shape: [1, 1], numbers: [0] },
      }),
      'decode: the layers must read at least 4 classes, got 2 (O = 4: each output is the next input)',
    ],
    [
      run({}, network({ layers, output: O }), { x: { shape: [1, 1, O], numbers: [0, 0, 0, 1] } }),
      'decode: x must be class numbers [T, B], got [1, 1, 4]',
    ],
    [
      () => scheduledSampling(net, { ...source, targets: [[1, 2, 3]] }, { probability: 1.5 }),
      'scheduled: probability must be in 0…1, got 1.5',
    ],
    [
      () => scheduledSampling(net, { ...source, targets: [[1, 2]] }, { probability: 1 }),
      'scheduled: targets must be of 3 rows, got 2 (those of x)',
    ],
    [
      () =>
        scheduledSampling(
          net,
          { ...source, targets: [[1, 2, 3]], inputs: [[1], [2], [3]] },
          { probability: 1 },
        ),
      'scheduled: inputs must be [1, 3], got [3, 1] (T and B are those of the targets)',
    ],
    [
      () => {
        const broken = translator();
        broken.parameters.values['head.Wy'].set(0, 0, NaN);
        decode(broken, source, { steps: 2 });
      },
      'decode: the output must be finite, got NaN (row 0)',
    ],
  ]);
  testErrors(TypeError, [
    [run({ method: 'best' }), 'decode: method must be one of greedy, sample, beam, got best'],
    [run({ beam: 3 }), 'decode: options must be among method, steps, end, never'],
    [
      run({}, network({ layers, output: O, topology: 'many-to-one' })),
      'decode: the topology must be encoder-decoder or many-to-many, got many-to-one',
    ],
    [
      run({}, network({ layers, output: O, loss: 'squared' })),
      'decode: the loss must be one over classes, as softmax, got squared',
    ],
    [
      run(
        {},
        network({
          topology: 'encoder-decoder',
          feed: 'output',
          encoder: [gru({ input: D, hidden: H })],
          layers,
          output: O,
        }),
      ),
      'decode: feed must be given, got output (fed otherwise, a network writes in one forward pass)',
    ],
    [
      run({}, net, { ...source, initial: 'carry' as 'zero' }),
      "decode: initial must not be 'carry', got carry",
    ],
    [
      () =>
        scheduledSampling(
          net,
          { ...source, targets: [[1, 2, 3]], inputs: { shape: [1, 3, 4], numbers: numbers(12, 1) } },
          { probability: 1 },
        ),
      'scheduled: inputs must be class numbers [T, B], got [1, 3, 4] (predictions are class numbers and are mixed with them)',
    ],
    [
      () =>
        scheduledSampling(network({ layers, output: O }), { x: [[0]], targets: [[1]] }, { probability: 1 }),
      'scheduled: the topology must be one of encoder-decoder, got many-to-many',
    ],
    [
      () => {
        net.forward(source, { predict: true });
      },
      'network.forward: T must be given',
    ],
  ]);

  test('there is no backward pass after a prediction', () => {
    const pass = net.forward({ ...source, inputs: { shape: [1, B], numbers: [0, 0, 0] } }, { predict: true });
    expect(() => pass.backward()).toThrow(
      'pass.backward: the forward pass must have had targets, got a prediction',
    );
  });
});
