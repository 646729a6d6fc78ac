/** Parts of the command line that need no separate process. */
import fc from 'fast-check';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';
import { fillFrom } from '../core/tensor';
import { network } from '../bptt/network/network';
import { quote, real, whole } from '../terminal/arguments';
import { nearest } from '../core/nearest';
import { barText } from '../terminal/bar';
import { LossCurve } from '../bptt/train/curve';
import { factsOf, linesOfEvent, type Step, type Validation } from '../text/events';
import { count, time } from '../core/format';
import { generateText } from '../text/generate';
import { onInterrupt } from '../terminal/interrupt';
import { asJson } from '../terminal/output';
import { mustBe } from '../core/check';
import { safe } from '../core/safe';
import { newSettings, resumedSettings } from '../text/settings';
import { readSchedule } from '../run/settings';
import { UNKNOWN, Vocabulary } from '../io/vocabulary';

describe('arguments', () => {
  it('whole numbers and reals, in any decimal notation', () => {
    expect(whole('train: --steps')('1e4')).toBe(10000);
    expect(real('train: --lr', { above: 0 })('.5e-3')).toBe(0.0005);
    for (const text of ['', '0x10', '1.5', 'Infinity', '9e99', '-1', '1 000'])
      expect(() => whole('train: --steps')(text)).toThrow(
        `train: --steps must be a whole number >= 1, got ${text || "''"}`,
      );
  });

  it('the nearest word is found over a few wrong letters, never over many', () => {
    const names = ['elman', 'lstm', 'gru'];
    expect(['lstn', 'LSTM', 'ltsm', 'elmann', 'gur'].map((word) => nearest(word, names))).toEqual([
      'lstm',
      'lstm',
      'lstm',
      'elman',
      'gru',
    ]);
    expect(['transformer', 'xyz', ''].map((word) => nearest(word, names))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('words are quoted as a shell needs it', () => {
    expect(quote('runs/moby-dick')).toBe('runs/moby-dick');
    expect(quote("it's here")).toBe(String.raw`'it'\''s here'`);
  });
});

describe('schedules', () => {
  it.each([
    ['constant', { name: 'constant' }],
    ['warmup:10', { name: 'constant', warmUp: 10 }],
    ['step:100', { name: 'step', every: 100 }],
    ['warmup:5,step:100:0.5', { name: 'step', every: 100, factor: 0.5, warmUp: 5 }],
    ['cosine', { name: 'cosine', steps: 70 }],
    ['cosine:30', { name: 'cosine', steps: 30 }],
    ['cosine:30:0.1', { name: 'cosine', steps: 30, minimum: 0.1 }],
  ])('%s', (text, schedule) => expect(readSchedule(text, 70)).toEqual(schedule));

  it.each([
    '',
    'linear',
    'step',
    'step:0',
    'step:10:2',
    'step:10:0',
    'cosine:0',
    'warmup:5,',
    'constant:3',
    'cosine:5:0.1:1',
  ])('refuses %j', (text) =>
    expect(() => readSchedule(text, 70)).toThrow('train: --schedule must be constant, step:EVERY:FACTOR'),
  );

  it.each([
    ['step:99999999999999999999', 'every must be a whole number >= 1, got 100000000000000000000'],
    ['step:0', 'every must be a whole number >= 1, got 0'],
    ['step:10:2', 'factor must be in 0 < factor ≤ 1, got 2'],
    ['cosine:9007199254740992', 'steps must be a whole number >= 1, got 9007199254740992'],
    ['warmup:99999999999999999999,cosine:5', 'warmUp must be a whole number >= 0, got 100000000000000000000'],
  ])('%s is out of range: it is refused before the training', (text, why) =>
    expect(() => readSchedule(text, null)).toThrow(
      `train: --schedule must be constant, step:EVERY:FACTOR, cosine:STEPS:MINIMUM, exponential:EVERY:FACTOR or one-cycle:STEPS:PEAK, got ${text} (${why})`,
    ),
  );

  it('a cosine needs to know its end', () =>
    expect(() => readSchedule('cosine', null)).toThrow('--schedule'));
});

describe('settings', () => {
  const sha256 = 'a'.repeat(64);

  it('a minute is the limit where none is given', () => {
    const limits = (given: object) => {
      const { steps, seconds } = newSettings(given, 'text', sha256, 'plain');
      return [steps, seconds];
    };
    expect(limits({})).toEqual([null, 60]);
    expect(limits({ steps: 5 })).toEqual([5, null]);
    expect(limits({ seconds: 7 })).toEqual([null, 7]);
    expect(limits({ steps: 5, seconds: 7 })).toEqual([5, 7]);
  });

  it('a resumed run keeps what it is not told otherwise; new limits replace the old ones', () => {
    const before = newSettings(
      { batch: 16, steps: 50, schedule: 'cosine', clip: 'off' },
      'text',
      sha256,
      'plain',
    );
    expect(resumedSettings({}, before)).toEqual(before);
    const after = resumedSettings({ seconds: 9, lr: 0.1, clip: 2 }, before);
    expect(after).toEqual({ ...before, steps: null, seconds: 9, lr: 0.1, clip: 2 });
    expect(after.schedule).toEqual({ name: 'cosine', steps: 50 });
    expect(() => resumedSettings({ batch: 3 }, before)).toThrow(
      'train: --batch must stay 16 with --resume, got 3',
    );
  });
});

describe('loss curves', () => {
  const loss = (step: number): number => 5 / step + Math.sin(step) / 10;

  it('stay short; each point is the mean of the losses since the one before', () => {
    const curve = new LossCurve();
    for (let step = 1; step <= 10_000; step++) curve.add(step, loss(step));
    const { pairs: points } = curve;
    expect(points.length / 2).toBeLessThan(2000);
    const interval = points[2] - points[0];
    expect(interval).toBe(8);
    for (let k = 0; k < points.length; k += 200) {
      let sum = 0;
      for (let step = points[k] - interval + 1; step <= points[k]; step++) sum += loss(step);
      expect(points[k + 1]).toBeCloseTo(sum / interval, 12);
    }
  });

  it('take no loss that is not finite: no checkpoint could hold it', () => {
    const curve = new LossCurve();
    for (let step = 1; step <= 5001; step++) curve.add(step, step === 5001 ? NaN : 1);
    expect(LossCurve.from(curve.pairs, curve.rest).pairs.every(Number.isFinite)).toBe(true);
    expect(JSON.parse(JSON.stringify(curve.rest))).toEqual(curve.rest);
  });

  it('go on from any step as if they had never stopped', () => {
    const whole = new LossCurve();
    let parts = new LossCurve();
    for (let step = 1; step <= 5000; step++) {
      whole.add(step, loss(step));
      parts.add(step, loss(step));
      if (step % 777 === 0) parts = LossCurve.from(parts.pairs, parts.rest);
    }
    expect(parts.pairs).toEqual(whole.pairs);
    expect(parts.rest).toEqual(whole.rest);
  });
});

describe('what is shown', () => {
  const step: Step = {
    event: 'step',
    step: 1234,
    loss: 1.5,
    bits: 2.164,
    charsPerSecond: 56789,
    gradientNorm: 0.123,
    learningRate: 0.01,
    seconds: 20,
    secondsLeft: 40,
    done: 1 / 3,
  };

  const validation: Validation = { event: 'validation', step: 1200, loss: 1.6, bits: 2.308 };
  const barLine = (one: Step, columns: number): string =>
    barText(one.done, factsOf(one, validation), columns);

  it('a progress bar fits every terminal, and tells the most important things first', () => {
    for (let columns = 1; columns < 200; columns++)
      expect(barLine(step, columns).length).toBeLessThan(Math.max(2, columns));
    expect(barLine(step, 40)).toContain('33 %  2.164 bits/char  0:40 left');
    expect(barLine(step, 150)).toContain('56,789 chars/s  gradient 0.123');
    expect(barLine(step, 100)).toMatch(/^█+░+ /);
  });

  it('a step is told in one unit, the last validation beside it; the loss in nats is for machines alone', () => {
    expect(linesOfEvent(step)).toEqual([
      'step 1,234  2.164 bits/char  0:40 left  56,789 chars/s  gradient 0.123',
    ]);
    expect(linesOfEvent(step, validation)).toEqual([
      'step 1,234  2.164 bits/char  validation 2.308  0:40 left  56,789 chars/s  gradient 0.123',
    ]);
  });

  it('numbers and times', () => {
    expect([count(1234567.2), time(7), time(3723), time(Infinity)]).toEqual([
      '1,234,567',
      '0:07',
      '1:02:03',
      '?',
    ]);
  });

  it('control characters, and those that turn or hide text, do not reach the terminal', () => {
    expect(safe('a\x1b[31m\tb\n\x07')).toBe('a·[31m\tb\n·');
    // C1 controls, text direction, invisible characters, half a surrogate pair, tags outside the first plane
    const hidden = [
      '\x9b',
      '\r',
      '\u202e',
      '\u2066',
      '\u200f',
      '\u2028',
      '\ufeff',
      '\u00ad',
      '\ud800',
      '\u{e0041}',
    ];
    for (const sign of hidden) expect(safe(`a${sign}b`)).toBe('a·b');
    for (const text of ['Grüße, 𝄞', 'می\u200cخواهم', '👩\u200d🚀']) expect(safe(text)).toBe(text);
  });

  it('in JSON they are escaped, so that nothing is lost', () => {
    const text = 'a\x1b\x9b\u202e\u{e0041}é';
    expect(asJson({ text })).toBe(String.raw`{"text":"a\u001b\u009b\u202e\udb40\udc41é"}`);
    expect(JSON.parse(asJson({ text }))).toEqual({ text });
  });

  it('messages of the library are shown in the same way', () =>
    expect(() => mustBe(false, 'x', 'y', '\x1b]0;title\x07')).toThrow('x: y, got ·]0;title·'));
});

describe('generated text', () => {
  const vocabulary = Vocabulary.of('abcd');
  const net = network({ layers: [gru({ input: 5, hidden: 3 })], output: 5, loss: 'softmax', seed: 3 });
  // the output hardly depends on the state: UNKNOWN likeliest, then b, d, c, a
  fillFrom(net.parameters.values['head.by'], [9, 1, 4, 2, 3]);
  const draw = (options: { temperature: number; topK?: number }, n = 300): string[] => {
    const symbols = generateText(net, vocabulary, { ...options, prime: [1], random: new Random(1) });
    return Array.from({ length: n }, () => symbols.next().value);
  };

  it('never holds the unknown symbol, however likely', () => {
    const drawn = draw({ temperature: 2 });
    expect(drawn).not.toContain(UNKNOWN);
    expect(new Set(drawn).size).toBe(4);
  });

  it('at temperature 0, or from the likeliest alone, is the likeliest', () => {
    expect(new Set(draw({ temperature: 0 }))).toEqual(new Set('b'));
    expect(new Set(draw({ temperature: 1, topK: 1 }))).toEqual(new Set('b'));
  });

  it('comes from the k likeliest', () => {
    expect(new Set(draw({ temperature: 5, topK: 2 }))).toEqual(new Set('bd'));
  });

  it('ends in words where the network runs away', () => {
    const layers = [elman({ input: 5, hidden: 3, activation: 'relu' })];
    const wild = network({ layers, output: 5, loss: 'softmax', seed: 3 });
    fillFrom(wild.parameters.values['l0.Wh'], Array<number>(9).fill(1e30));
    fillFrom(wild.parameters.values['l0.b'], [1, 1, 1]);
    const symbols = generateText(wild, vocabulary, { temperature: 1, prime: [1], random: new Random(1) });
    const all = (): string[] => Array.from({ length: 100 }, () => symbols.next().value);
    expect(all).toThrow(
      /^generate: the output must be finite, got (NaN|-?Infinity) after \d+ symbols \(the state of the network grows without bound\)$/,
    );
  });

  it('is drawn with the probabilities of the softmax', () => {
    const { output } = net.forward({ x: [[1]], targets: [[0]] });
    const weights = [1, 2, 3, 4].map((k) => Math.exp(output.get(0, 0, k)));
    const b = weights[1] / weights.reduce((sum, w) => sum + w, 0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const random = new Random(seed);
        const count = 400;
        let hits = 0;
        for (let k = 0; k < count; k++) {
          const first = generateText(net, vocabulary, { temperature: 1, prime: [1], random }).next().value;
          if (first === 'b') hits++;
        }
        // five deviations of a binomial
        expect(Math.abs(hits / count - b)).toBeLessThan(5 * Math.sqrt((b * (1 - b)) / count));
      }),
      { numRuns: 5 },
    );
  });
});

describe('--embedding', () => {
  const settings = (embedding?: number) =>
    newSettings({ ...(embedding !== undefined && { embedding }) }, 'poem.txt', 'f'.repeat(64), 'plain');

  it('is a setting of the run, left out where there is none', () => {
    expect(settings(16)).toMatchObject({ embedding: 16 });
    expect('embedding' in settings()).toBe(false);
  });

  it('cannot be changed, or put in, when a run goes on', () => {
    expect(resumedSettings({ embedding: 16 }, settings(16))).toMatchObject({ embedding: 16 });
    expect(() => resumedSettings({ embedding: 8 }, settings(16))).toThrow(
      'train: --embedding must stay 16 with --resume, got 8 (it is fixed by the checkpoint)',
    );
    expect(() => resumedSettings({ embedding: 8 }, settings())).toThrow(
      'train: --embedding must stay off with --resume, got 8',
    );
  });
});

describe('Ctrl-C', () => {
  let now = 0;
  const printed: string[] = [];
  beforeEach(() => {
    [now] = [0];
    printed.length = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    jest.spyOn(process, 'exit').mockImplementation((code) => printed.push(`exit ${String(code)}`) as never);
  });
  afterEach(() => jest.restoreAllMocks());
  const listening = () =>
    onInterrupt(
      () => void printed.push('stop'),
      () => void printed.push('leave'),
    );

  it('the first one asks for an orderly end; one half a second later ends at once', () => {
    const interrupt = listening();
    process.emit('SIGINT', 'SIGINT');
    // npm forwards the signal that the terminal has sent to the whole process group
    now = 500;
    process.emit('SIGINT', 'SIGINT');
    expect(printed).toEqual(['stop']);
    now = 501;
    process.emit('SIGINT', 'SIGINT');
    expect(printed).toEqual(['stop', 'leave', 'exit 130']);
    expect(interrupt.code).toBe(130);
    interrupt.done();
  });

  it('a terminal that closes twice is in no hurry, and nothing is heard after the end', () => {
    const interrupt = listening();
    process.emit('SIGHUP', 'SIGHUP');
    now = 1000;
    process.emit('SIGHUP', 'SIGHUP');
    interrupt.done();
    expect([printed, interrupt.code, process.listenerCount('SIGINT')]).toEqual([['stop'], 129, 0]);
  });
});
