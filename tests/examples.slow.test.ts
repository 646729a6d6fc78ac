/** Every example at a small size: it runs, shows a figure, and ends with the same number as before. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { backward, bptt, check, draw, forward, start } from '../examples/bptt';
import { captions, scene } from '../examples/captions';
import { readCsv } from '../examples/data';
import { dna, stretch } from '../examples/dna';
import type { Example, Options, Say } from '../examples/example';
import { bars, chart, confusion } from '../examples/figure';
import { hopfieldLetters } from '../examples/hopfield';
import { music } from '../examples/music';
import { names } from '../examples/names';
import { sentences } from '../examples/sentences';
import { stocks } from '../examples/stocks';
import { text } from '../examples/text';
import { clip, video } from '../examples/video';
import { weather } from '../examples/weather';
import { elman, network, Random, toFlat } from '../index';

const at =
  <O extends Options>({ run, defaults }: Example<O>, options: Partial<O>) =>
  (say: Say) =>
    run({ ...defaults, ...options }, say);

/** Results measured at these sizes; the last bits, and with them an answer or two, differ between machines. */
test.each([
  ['bptt', at(bptt, { steps: 2500, bits: 5 }), 1],
  ['text', at(text, { steps: 30, hidden: 16, characters: 5000, batch: 8, stretch: 20, write: 40 }), 5.031],
  ['names', at(names, { steps: 60, hidden: 12 }), 0.739],
  ['sentences', at(sentences, { steps: 30, hidden: 8, words: 300, characters: 100_000 }), 0.615],
  ['weather', at(weather, { steps: 60, hidden: 6, days: 20 }), 0.9855],
  ['stocks', at(stocks, { steps: 10, hidden: 4, days: 10 }), 1.002],
  ['dna', at(dna, { steps: 40, hidden: 8 }), 0.622],
  ['music', at(music, { steps: 10, hidden: 8 }), 49.455],
  ['captions', at(captions, { steps: 60, hidden: 16 }), 0.11],
  ['video', at(video, { steps: 80, hidden: 16, batch: 32 }), 0.173],
  ['hopfield', at(hopfieldLetters, { trials: 10 }), 1],
] as const)('%s', async (_name, run, expected) => {
  const printed: string[] = [];
  const measured = await run((lines) => printed.push(lines));
  expect(printed.length).toBeGreaterThanOrEqual(2);
  expect(printed.join('\n').split('\n').length).toBeGreaterThan(4);
  expect(Math.abs(measured - expected)).toBeLessThan(0.02 * Math.max(expected, 0.5));
});

describe('backpropagation through time on plain arrays', () => {
  const random = new Random(4);
  const weights = start(5, () => random.normal());
  const sum = draw(random, 6);

  test('the gradients are the slopes of the loss', () =>
    expect(check(weights, sum, backward(weights, sum, forward(weights, sum)))).toBeLessThan(1e-8));

  test('they are those of the engine', () => {
    const net = network({
      layers: [elman({ input: 2, hidden: 5 })],
      output: 1,
      loss: 'bernoulli',
      reduction: 'sum',
    });
    const named = { 'l0.Wx': 'Wx', 'l0.Wh': 'Wh', 'l0.b': 'b', 'head.Wy': 'Wy', 'head.by': 'by' } as const;
    for (const [name, own] of Object.entries(named)) net.parameters.set(name, weights[own].flat());
    const pass = net.forward({ x: sum.map(({ x }) => [x]), targets: sum.map(({ bit }) => [[bit]]) });
    pass.backward();
    expect(pass.loss).toBeCloseTo(forward(weights, sum).loss, 12);
    const gradients = backward(weights, sum, forward(weights, sum));
    for (const [name, own] of Object.entries(named))
      toFlat(net.parameters.gradients[name]).forEach((value, k) =>
        expect(value).toBeCloseTo(gradients[own].flat()[k], 12),
      );
  });

  test('a forgotten path shows', () => {
    const gradients = backward(weights, sum, forward(weights, sum));
    gradients.Wh[0][0] = 0;
    expect(check(weights, sum, gradients)).toBeGreaterThan(1e-3);
  });
});

describe('what the examples generate', () => {
  test('donors and acceptors hold their consensus, every stretch GT or AG where it is due', () => {
    const random = new Random(1);
    const spell = (kind: number): string =>
      stretch(kind, 30, random)
        .map((base) => 'ACGT'[base])
        .join('');
    for (let k = 0; k < 50; k++) {
      expect(spell(0)).toMatch('GT');
      expect(spell(1)).toMatch('AG');
      expect(spell(2).length).toBe(30);
    }
    const near = (kind: number, motif: RegExp): number =>
      Array.from({ length: 200 }, () => spell(kind)).filter((bases) => motif.test(bases)).length;
    const [donors, others] = [near(0, /[AC]AGGT[AG]AGT/), near(2, /[AC]AGGT[AG]AGT/)];
    expect(donors).toBeGreaterThan(80); // 0.9⁷ of 200 have no base wrong: 96
    expect(others).toBeLessThan(5);
  });

  test('a shape moves one dot a frame', () => {
    const random = new Random(2);
    // for all clips to the right, then upwards: shifted by one dot, it is the same frame, except for the wrong dots
    for (const [direction, step] of [
      [0, 1],
      [2, -10],
    ] as const) {
      // prettier-ignore
      const [first, second] = clip(direction, 2, random);
      const same = first.filter((dot, k) => dot === second[(k + step + 100) % 100]).length;
      expect(same).toBeGreaterThan(80);
    }
  });

  test('a caption says what is to be seen', () => {
    const random = new Random(3);
    for (let k = 0; k < 50; k++) {
      const { dots, caption } = scene(random);
      const corner = (row: number, column: number): number =>
        dots.filter((dot, at) => dot && +(at >= 72) === row && +(at % 12 >= 6) === column).length;
      const [row, column] = [caption[3] === 8 ? 1 : 0, caption[4] === 10 ? 1 : 0];
      const others = [0, 1].flatMap((r) => [0, 1].map((c) => (r === row && c === column ? 0 : corner(r, c))));
      expect(caption.length).toBe(5);
      expect(corner(row, column)).toBeGreaterThanOrEqual(Math.max(...others) - 1);
    }
  });
});

describe('figures', () => {
  test('a chart holds every curve between its least and its largest value', () => {
    const lines = chart({ 'o one': [0, 1, 2], '· two': [2, 2, 2] }, 3, 3).split('\n');
    expect(lines).toEqual(['   2.000 │···', '         │ o', '   0.000 │o', '          o one   · two']);
  });

  test('bars and counts', () => {
    expect(bars({ a: 0.5, bc: 1 }, 4)).toBe('a  ██   0.50\nbc ████ 1.00');
    const counts = confusion(['x', 'y'], [[0, 0], [0, 1], [1, 1], [1, 1]]).split('\n'); // prettier-ignore
    const title = 'confusion matrix: rows are true classes, columns predicted';
    expect(counts).toEqual([title, '         x    y', '    x    1    1', '    y    0    2']);
  });

  test('rows of a file by the names in its head', () =>
    expect(readCsv('a,b\n1,2\r\n3,\n')).toEqual([{ a: '1', b: '2' }, { a: '3', b: '' }])); // prettier-ignore
});

test('npm run example: a list, an example with options, and what it refuses', () => {
  const root = join(__dirname, '..');
  const example = (...args: string[]) =>
    spawnSync(
      process.execPath,
      ['-r', join(root, 'scripts/register.js'), join(root, 'examples/run.ts'), ...args],
      {
        encoding: 'utf8',
      },
    );
  expect(example().stdout).toMatch(/^hopfield +Hopfield network/m);
  // the dictionary is an ES module, which only a process of its own can import
  const small = ['--steps', '40', '--hidden', '16', '--tested', '20'];
  const pronounced = example('pronounce', ...small);
  expect(pronounced.stderr).toBe('');
  expect(pronounced.stdout).toMatch(
    /^20 words not seen: 0\.0 % right in every sound, 9[1-4]\.\d % of the sounds wrong$/m,
  );
  const run = example('hopfield', '--trials', '2', '--rule', 'hebbian');
  expect([run.status, run.stderr]).toEqual([0, '']);
  expect(run.stdout).toMatch(/^8 probes: .* \(hebbian\)$/m);
  const refused = example('hopfield', '--trails', '2');
  expect([refused.status, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toBe(
    'example: options must be among --rule, --flip, --trials, --seed, got --trails\n',
  );
  expect(example('hopfeld').stderr).toMatch(/^example: the example must be one of bptt, .*, got hopfeld\n$/);
});
