/** Evaluation of models of text: bits per symbol, beside a trigram that learns as it reads. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { network } from '../bptt/network/network';
import { gru } from '../cells/gru';
import { encodeCheckpoint } from '../io/checkpoint';
import { Vocabulary } from '../io/vocabulary';
import { judgeText } from '../learn/text/judge';
import { Trigram } from '../learn/text/trigram';
import { readText } from '../text/read';
import { newSettings } from '../text/settings';
import { Trainer } from '../text/trainer';
import { backstepIn } from './command';
import { tokenizer } from './tokenizers';

describe('the trigram', () => {
  it('by hand', () => {
    const rule = new Trigram(4);
    // nothing is known: 1/4
    expect(rule.bits(1)).toBeCloseTo(2, 12);
    // order 0: (1 + 1·1/4) / (1 + 1); after 1 nothing was seen
    expect(rule.bits(1)).toBeCloseTo(-Math.log2(5 / 8), 12);
    // order 0: (0 + 1·1/4) / (2 + 1) = 1/12; after 1: (0 + 1·1/12) / (1 + 1); after 1 1 nothing
    expect(rule.bits(2)).toBeCloseTo(Math.log2(24), 12);
  });

  it('gives probabilities: over all symbols they add up to 1', () => {
    const text = [1, 2, 1, 2, 3, 1, 2, 0, 1, 2, 3, 3, 1];
    const after = (next: number): number => {
      const rule = new Trigram(4);
      for (const symbol of text) rule.bits(symbol);
      return 2 ** -rule.bits(next);
    };
    const p = [0, 1, 2, 3].map(after);
    expect(p.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(Math.min(...p)).toBeGreaterThan(0);
  });
});

const vocabulary = Vocabulary.of('abc');
const net = network({
  layers: [gru({ input: 4, hidden: 5 })],
  ...{ output: 4, loss: 'softmax', dtype: 'float64', seed: 3 },
});
interface Figures {
  model: { bitsPerSymbol: number; perplexity: number };
  known?: { bitsPerSymbol: number };
  baseline: { bitsPerSymbol: number };
  interval: [number, number];
  symbols: number;
  of: number;
  unknown: number;
  places: number;
}
const figuresOf = (indices: Uint8Array, before?: Uint8Array): Figures =>
  judgeText(net, { indices, vocabulary, ...(before && { before }) }).figures as unknown as Figures;

describe('the figures', () => {
  it('are those of the loss of the network', () => {
    const text = Array.from({ length: 200 }, (_, k) => 1 + ((k * k + (k >> 3)) % 3));
    const figures = figuresOf(Uint8Array.from(text));
    const shape = [199, 1];
    const batch = { x: { shape, numbers: text.slice(0, -1) }, targets: { shape, numbers: text.slice(1) } };
    const bits = net.forward(batch).loss / Math.LN2;
    expect(figures.model.bitsPerSymbol).toBeCloseTo(bits, 10);
    expect(figures.model.perplexity).toBeCloseTo(2 ** bits, 10);
    expect(figures).toMatchObject({ symbols: 199, of: 199, unknown: 0, places: 1 });
    const [low, high] = figures.interval;
    expect(low).toBeLessThan(bits);
    expect(high).toBeGreaterThan(bits);
  });

  it('unknown symbols are counted, and the others also by themselves', () => {
    const figures = figuresOf(Uint8Array.from([1, 0, 2, 0, 3, 1]));
    expect(figures.unknown).toBe(2);
    const shape = [5, 1];
    const targets = [0, 2, 0, 3, 1];
    const x = { shape, numbers: [1, 0, 2, 0, 3] };
    const of = (weights: number[]): number =>
      net.forward({ x, targets: { shape, numbers: targets }, weights: { shape, numbers: weights } }).loss /
      Math.LN2;
    expect(figures.known!.bitsPerSymbol).toBeCloseTo(of(targets.map((k) => Math.sign(k))), 10);
    expect(figures.model.bitsPerSymbol).toBeCloseTo(of([1, 1, 1, 1, 1]), 10);
  });

  it('of byte pairs have a known class 0', () => {
    const pairs = Vocabulary.parse(tokenizer());
    const { size } = pairs;
    const of = network({ layers: [gru({ input: size, hidden: 2 })], output: size, loss: 'softmax' });
    const indices = Uint16Array.from([0, 1, 0, 2, 0]);
    const { figures, lines } = judgeText(of, { indices, vocabulary: pairs });
    expect(figures).toMatchObject({ symbols: 4, unknown: 0 });
    expect(lines[0]).toMatch(/^ {2}4 byte pairs +bits\/pair +perplexity$/);
  });

  it('a long text is read from several places, and the trigram also learns from what is before it', () => {
    const text = Uint8Array.from({ length: 5000 }, (_, k) => 1 + (k % 3));
    const figures = figuresOf(text);
    expect(figures).toMatchObject({ places: 4, symbols: 4996, of: 4999 });
    expect(figuresOf(text, text).baseline.bitsPerSymbol).toBeLessThan(figures.baseline.bitsPerSymbol);
    expect(() => figuresOf(Uint8Array.from([1]))).toThrow('the text must hold at least two symbols, got 1');
  });

  it('of a large vocabulary are computed in short passes, so that the outputs of one take little memory', () => {
    const size = 40_000;
    const outputs: number[] = [];
    const uniform = {
      forward({ x: { shape } }: { x: { shape: number[] } }) {
        outputs.push(shape[0] * shape[1] * size);
        return { output: { data: [0], offset: 0, shape: [...shape, size], stride: [0, 0, 0] } };
      },
    };
    const text = {
      indices: Uint16Array.from({ length: 2049 }, (_, k) => k),
      vocabulary: { size, tokens: 'words' },
    };
    const { figures } = judgeText(uniform as never, text as never);
    expect(figures).toMatchObject({ symbols: 2048, places: 2 });
    expect((figures as unknown as Figures).model.bitsPerSymbol).toBeCloseTo(Math.log2(size), 10);
    expect(Math.max(...outputs)).toBeLessThanOrEqual(2 ** 22);
  });
});

describe('on the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-textevaluate-'));
  beforeAll(() => {
    writeFileSync(join(folder, 'own.txt'), 'abcabcabcaab'.repeat(100));
    writeFileSync(join(folder, 'other.txt'), 'abcz'.repeat(30));
    writeFileSync(join(folder, 'empty.txt'), '');
    const text = readText(join(folder, 'own.txt'));
    const settings = newSettings({ steps: 1, batch: 2, seq: 4, hidden: 5 }, 'own.txt', text.sha256, 'wasm');
    writeFileSync(
      join(folder, 'run.safetensors'),
      encodeCheckpoint(Trainer.begin(settings, text).checkpoint()),
    );
    writeFileSync(join(folder, 'api.safetensors'), encodeCheckpoint({ network: net, vocabulary }));
    writeFileSync(join(folder, 'bare.safetensors'), encodeCheckpoint({ network: net }));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('of its own text only the validation part counts', async () => {
    const { stdout, status } = await backstepIn(folder, 'evaluate', 'run.safetensors', 'own.txt');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^own\.txt: the validation part of the text that it was trained on, the last 5 %\n {2}59 characters +bits\/char +perplexity\n/,
    );
    expect(stdout).toMatch(/ {2}this model +\d\.\d{3} +\d+\.\d\d {3}\(bits 95 %: \d\.\d{3} … \d\.\d{3}\)\n/);
    expect(stdout).toMatch(/ {2}worse than a trigram that learns as it reads by .*; use that one/);
    expect(stdout).toMatch(/ {2}every symbol is known to the model\n$/);
  });

  it('of another one all, also with a model that a program saved', async () => {
    for (const model of ['run.safetensors', 'api.safetensors']) {
      const { stdout } = await backstepIn(folder, 'evaluate', model, 'other.txt', '--json');
      expect(JSON.parse(stdout)).toMatchObject({
        ...{ event: 'evaluation', task: 'text', on: 'the whole text', symbols: 119, unknown: 30 },
      });
    }
    const { stdout } = await backstepIn(folder, 'evaluate', 'run.safetensors', 'other.txt');
    expect(stdout).toMatch(/ {2}this model, known symbols only +\d/);
    expect(stdout).toMatch(
      / {2}30 unknown to the model \(25\.2 %\): read and predicted as one symbol, "unknown"\n$/,
    );
  });

  it.each([
    [['run.safetensors', 'empty.txt'], 'evaluate: the file: empty.txt must hold text, got an empty file'],
    [['run.safetensors', 'own.txt', '--out', 'x'], '--out must be left out with a model of text, got x'],
    [
      ['run.safetensors', 'own.txt', '--header', 'no'],
      '--header must be left out with a model of text, got no',
    ],
    [
      ['bare.safetensors', 'own.txt'],
      'the checkpoint must be a character model, got bare.safetensors, without',
    ],
    [['run.safetensors', 'none.txt'], 'none.txt must be a readable file'],
  ])('%j is refused', async (words, message) => {
    const { status, stderr } = await backstepIn(folder, 'evaluate', ...words);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(status).toBe(2);
  });
});
